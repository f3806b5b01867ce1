// One timer for many who wait: it rings at the earliest of the moments that it was asked for, and then asks nobody.
import { longestTimerMs } from '../timer.js'

export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #atMs = Number.POSITIVE_INFINITY

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings then, or before. Keeps no process alive. */
  by(ms: number): void {
    if (ms >= this.#atMs) return
    clearTimeout(this.#timer)
    this.#atMs = ms
    this.#timer = setTimeout(
      () => {
        this.#atMs = Number.POSITIVE_INFINITY
        this.#ring()
      },
      Math.min(longestTimerMs, Math.max(1, ms - Date.now())),
    ).unref()
  }
}
