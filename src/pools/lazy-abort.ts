// The signal of one run, and the clock that pulls it.
import { after } from '../timer.js'
import type { LazySignal } from './pool.js'

/** An AbortController that is made when somebody first asks for the signal: most tasks never do. */
export class LazyAbort implements LazySignal {
  private controller: AbortController | undefined
  reason: unknown
  over = false

  /** Set where there is a soft limit: how late it is can be asked without the event loop. */
  private dueAt = Number.POSITIVE_INFINITY
  private whenDue: () => Error = () => new Error('aborted')

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.reason !== undefined) this.controller.abort(this.reason)
      else if (this.dueAt !== Number.POSITIVE_INFINITY) this.watchClock(this.controller.signal)
    }
    return this.controller.signal
  }

  /** Aborts after so many seconds with what `reason` makes; returns what stops it. */
  abortAfter(seconds: number, reason: () => Error): () => void {
    this.dueAt = performance.now() + seconds * 1000
    this.whenDue = reason
    return after(seconds, () => this.abort(reason()))
  }

  abort(reason: Error): void {
    this.reason ??= reason
    this.controller?.abort(this.reason)
  }

  /** A loop that never waits lets no timer fire. If it looks at `aborted` or calls `throwIfAborted`, it learns all the same. */
  private watchClock(signal: AbortSignal): void {
    const look = (): boolean => {
      if (this.reason === undefined && performance.now() >= this.dueAt) this.abort(this.whenDue())
      return this.reason !== undefined
    }
    Object.defineProperties(signal, {
      aborted: { get: look, configurable: true },
      throwIfAborted: {
        value: () => {
          if (look()) throw this.reason
        },
        configurable: true,
      },
    })
  }
}
