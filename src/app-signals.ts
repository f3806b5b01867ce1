// app.on(name, listener): what happens in this process, told to whoever listens. Celery's signals that there are
// so far. A listener that throws is a line in the log, and stops nothing.
import type { Beat } from './beat/beat.js'
import { ImproperlyConfigured } from './errors.js'
import type { Logger } from './log.js'

/** Name → what a listener is given. */
export interface Signals {
  /** A beat has started here, as a process of its own or inside a worker. */
  readonly beatInit: { readonly beat: Beat }
  /** Also, when it is inside a worker. */
  readonly beatEmbeddedInit: { readonly beat: Beat }
}

export type SignalName = keyof Signals

export type Listener<N extends SignalName> = (event: Signals[N]) => unknown

const names: readonly SignalName[] = ['beatInit', 'beatEmbeddedInit']

export class Signalling {
  readonly #listeners = new Map<SignalName, Set<Listener<never>>>()

  /** The answer takes the listener off again. @throws ImproperlyConfigured for a name that nobody sends. */
  on<N extends SignalName>(name: N, listener: Listener<N>): () => void {
    if (!names.includes(name) || typeof listener !== 'function')
      throw new ImproperlyConfigured(
        `app.on: expected one of ${names.join(', ')} and a function, got ${JSON.stringify(name)} and ${typeof listener}.`,
      )
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  send<N extends SignalName>(name: N, event: Signals[N], log: Logger): void {
    for (const listener of (this.#listeners.get(name) ?? []) as Iterable<Listener<N>>)
      void (async () => listener(event))().catch((error: unknown) =>
        log.error(`${name}: a listener failed: ${error instanceof Error ? error.message : String(error)}`),
      )
  }
}
