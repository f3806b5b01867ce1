// A set in which equal signatures (equal.ts) are one. Each is written once, as a text that only its equals have, so that
// none is compared with every other.
import { isPlain } from './equal.js'
import type { Node } from './node.js'

export class DistinctNodes {
  readonly #nodes = new Map<string, Node>()
  /** What is no plain data equals only itself: here it has a number. */
  readonly #numbers = new Map<unknown, number>()

  add(node: Node): void {
    const text = this.#write(node)
    if (!this.#nodes.has(text)) this.#nodes.set(text, node)
  }

  has(node: Node): boolean {
    return this.#nodes.has(this.#write(node))
  }

  [Symbol.iterator](): Iterator<Node> {
    return this.#nodes.values()
  }

  /** A loop, for a callback may stand in a callback a thousand deep; each list is led by its length, so that no end need be written. */
  #write(node: Node): string {
    let text = ''
    const todo: (readonly [string, unknown])[] = [['', node]]
    for (let named = todo.pop(); named !== undefined; named = todo.pop()) {
      const [name, value] = named
      text += name
      if (!isPlain(value)) text += this.#writeLeaf(value)
      else {
        const names = Object.keys(value).sort()
        text += `${Array.isArray(value) ? '[' : '{'}${names.length} `
        for (const each of names) todo.push([`${JSON.stringify(each)}:`, value[each]])
      }
    }
    return text
  }

  #writeLeaf(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value)
    if (typeof value === 'number') return Object.is(value, -0) ? '-0,' : `${value},`
    if (typeof value === 'bigint') return `${value}n`
    if (value === null || typeof value === 'boolean' || value === undefined) return `${String(value)},`
    const number = this.#numbers.get(value) ?? this.#numbers.size
    this.#numbers.set(value, number)
    return `#${number},`
  }
}
