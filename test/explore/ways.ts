// Which states lead to which without a fault: from each of them an end must be in reach.

export class Ways {
  #from = new Int32Array(1 << 12)
  #to = new Int32Array(1 << 12)
  size = 0

  add(from: number, to: number): void {
    if (this.size === this.#from.length) {
      const [before, beforeTo] = [this.#from, this.#to]
      this.#from = new Int32Array(2 * this.size)
      this.#to = new Int32Array(2 * this.size)
      this.#from.set(before)
      this.#to.set(beforeTo)
    }
    this.#from[this.size] = from
    this.#to[this.size++] = to
  }

  /** The first of so many states from which no end is in reach; -1: there is none. */
  firstLost(states: number, ends: readonly number[]): number {
    /** State → the last way to it; way → the one before it to the same state. */
    const last = new Int32Array(states).fill(-1)
    const before = new Int32Array(this.size)
    for (let way = 0; way < this.size; way++) {
      const to = this.#to[way] as number
      before[way] = last[to] as number
      last[to] = way
    }
    const isSafe = new Uint8Array(states)
    const open = [...ends]
    for (const end of ends) isSafe[end] = 1
    for (let at = open.pop(); at !== undefined; at = open.pop())
      for (let way = last[at] as number; way !== -1; way = before[way] as number) {
        const from = this.#from[way] as number
        if (isSafe[from] === 1) continue
        isSafe[from] = 1
        open.push(from)
      }
    return isSafe.indexOf(0)
  }
}
