// What the sweep (orphans.ts) cannot see is a message that moves while it reads: it may leave a place that is yet to be read
// for one that has been. So whoever of ours gets a message says of what is suspected that it is needed.
import type { Delivery } from '../runtime/consumer.js'
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import { namesIn } from './names.js'

/** The oldest; no sweep takes others. */
const mostKnown = 10_000
const readEveryMs = 30_000

export class OrphanWatch {
  readonly #keys: Keys
  readonly #link: Link
  #known: ReadonlySet<string> = new Set()
  readonly #needed = new Set<string>()
  #readAt = Number.NEGATIVE_INFINITY

  constructor(keys: Keys, link: Link) {
    this.#keys = keys
    this.#link = link
  }

  /** Nothing is looked at as long as nothing is suspected. */
  saw(deliveries: readonly Pick<Delivery, 'raw'>[]): void {
    if (this.#known.size === 0) return
    for (const { raw } of deliveries)
      for (const name of namesIn(raw.toString('latin1'))) if (this.#known.has(name)) this.#needed.add(name)
  }

  /** Each second. */
  async look(): Promise<void> {
    const key = this.#keys.orphans
    if (this.#needed.size > 0) {
      const names = [...this.#needed]
      await this.#link.send('zrem', [key, ...names])
      for (const name of names) this.#needed.delete(name)
    }
    if (performance.now() - this.#readAt < readEveryMs) return
    const names = (await this.#link.send('zrange', [key, 0, mostKnown - 1])) as readonly Buffer[]
    this.#known = new Set(names.map(String))
    this.#readAt = performance.now()
  }
}
