// The states that were seen: 64 bits of each one's text, in typed arrays, with the way that led there. Two states
// of a million share their 64 bits with a chance of one in ten millions; then one of them is not looked at.

const first = (capacity: number) => ({
  table: new Int32Array(capacity * 2).fill(-1),
  low: new Int32Array(capacity),
  high: new Int32Array(capacity),
  parent: new Int32Array(capacity),
  action: new Uint16Array(capacity),
})

export class Visited {
  #arrays = first(1 << 12)
  #capacity = 1 << 12
  size = 0

  /** The number of a state. Of one that was not seen before it is the next; `action` is the index of what led there. */
  add(text: string, parent: number, action: number): number {
    let low = 0x811c9dc5
    let high = 0x9747b28c
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      low = Math.imul(low ^ code, 0x01000193)
      high = Math.imul(high ^ code, 0x85ebca6b)
      high = (high << 13) | (high >>> 19)
    }
    low ^= low >>> 15
    high ^= high >>> 16
    if (this.size === this.#capacity) this.#grow()
    const arrays = this.#arrays
    const mask = arrays.table.length - 1
    let place = (low ^ Math.imul(high, 0x9e3779b1)) & mask
    for (;;) {
      const found = arrays.table[place] as number
      if (found === -1) break
      if (arrays.low[found] === (low | 0) && arrays.high[found] === (high | 0)) return found
      place = (place + 1) & mask
    }
    const number = this.size++
    arrays.table[place] = number
    arrays.low[number] = low
    arrays.high[number] = high
    arrays.parent[number] = parent
    arrays.action[number] = action
    return number
  }

  /** The indexes of the actions that led from the first state to this one. */
  way(to: number): readonly number[] {
    const actions: number[] = []
    for (let at = to; at > 0; at = this.#arrays.parent[at] as number)
      actions.push(this.#arrays.action[at] as number)
    return actions.reverse()
  }

  #grow(): void {
    const before = this.#arrays
    this.#capacity *= 2
    const after = first(this.#capacity)
    for (const name of ['low', 'high', 'parent', 'action'] as const) after[name].set(before[name])
    const mask = after.table.length - 1
    for (let number = 0; number < this.size; number++) {
      let place = ((after.low[number] as number) ^ Math.imul(after.high[number] as number, 0x9e3779b1)) & mask
      while (after.table[place] !== -1) place = (place + 1) & mask
      after.table[place] = number
    }
    this.#arrays = after
  }
}
