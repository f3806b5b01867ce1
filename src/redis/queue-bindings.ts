// A queue is bound to its own name, as kombu does it: before its first message, once for each connection and on the
// same one; a full server refuses both.
import { isPurged } from '../runtime/purged.js'
import { directBinding, type Keys } from './keys.js'
import type { Link } from './link.js'

export class QueueBindings {
  readonly #link: Link
  readonly #keys: Keys
  readonly #bound = new Set<string>()

  constructor(link: Link, keys: Keys) {
    this.#link = link
    this.#keys = keys
  }

  /** Nobody waits for it: what is in trouble is told by the push behind it. '' is no queue. */
  ensure(queue: string): void {
    if (queue === '' || isPurged(queue) || this.#bound.has(queue)) return
    this.#bound.add(queue)
    this.#link
      .send('sadd', [this.#keys.binding(queue), directBinding(queue)])
      .catch(() => this.#bound.delete(queue))
  }

  /** A new connection may be a new server: bindings are written again. */
  forget(): void {
    this.#bound.clear()
  }
}
