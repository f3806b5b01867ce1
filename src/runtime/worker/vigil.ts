// Staying awake for a moment. A process that sleeps in the kernel takes some 0.05 ms to wake, a third of the whole way
// of a short task; so whoever expects an answer within less than that pays keeps its loop turning instead. Each wait in
// vain makes the next tries rarer, so that a worker whose tasks come now and then sleeps as soundly as ever.
import { availableParallelism } from 'node:os'

/** Longer waits are slept through. */
const windowMs = 0.5
/** After waits in vain only each 2nd, 4th … 16th is kept. */
const rarest = 4

export class Vigil {
  private untilMs = 0
  private turning = false
  private inVain = 0
  private skip = 0

  /** With a single core, Redis could not work on the answer while we wait for it. */
  constructor(private readonly isWorthwhile = availableParallelism() > 1) {}

  /** Something is expected. */
  begin(): void {
    if (!this.isWorthwhile) return
    if (this.skip > 0) {
      this.skip -= 1
      return
    }
    this.untilMs = performance.now() + windowMs
    if (this.turning) return
    this.turning = true
    setImmediate(this.turn)
  }

  /** It came. */
  end(): void {
    if (!this.turning) return
    this.inVain = 0
    this.untilMs = 0
  }

  private readonly turn = (): void => {
    if (this.untilMs > performance.now()) {
      setImmediate(this.turn)
      return
    }
    this.turning = false
    if (this.untilMs === 0) return
    this.inVain = Math.min(this.inVain + 1, rarest)
    this.skip = 2 ** this.inVain - 1
  }
}
