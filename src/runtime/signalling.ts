// Listeners by name, and what is told to them. Who listens harms nobody: what a listener throws is a line in the
// log. Nothing is built for a signal that nobody listens to.
import { ImproperlyConfigured } from '../errors.js'
import type { Logger } from '../log.js'

export type Listener<S, N extends keyof S> = (event: S[N]) => unknown

export class Signalling<S extends object> {
  readonly #listeners = new Map<keyof S, Set<Listener<S, never>>>()
  readonly #names: readonly (keyof S & string)[]
  readonly #log: () => Logger

  constructor(names: readonly (keyof S & string)[], log: () => Logger) {
    this.#names = names
    this.#log = log
  }

  /** The answer takes the listener off again. @throws ImproperlyConfigured for a name that nobody sends. */
  on<N extends keyof S & string>(name: N, listener: Listener<S, N>): () => void {
    if (!this.#names.includes(name) || typeof listener !== 'function')
      throw new ImproperlyConfigured(
        `app.on: expected one of ${this.#names.join(', ')} and a function, got ${JSON.stringify(name)} and ${typeof listener}.`,
      )
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#listeners.get(name) === listeners) this.#listeners.delete(name)
    }
  }

  /** Whether anybody listens to anything. */
  get isQuiet(): boolean {
    return this.#listeners.size === 0
  }

  has(name: keyof S): boolean {
    return this.#listeners.has(name)
  }

  /** Resolves when every listener has ended. Never rejects. */
  async send<N extends keyof S & string>(name: N, event: S[N]): Promise<void> {
    const listeners = [...(this.#listeners.get(name) ?? [])] as unknown as Listener<S, N>[]
    await Promise.all(
      listeners.map(async (listener) => {
        try {
          await listener(event)
        } catch (error) {
          this.#log().error(
            `${name}: a listener failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          )
        }
      }),
    )
  }
}
