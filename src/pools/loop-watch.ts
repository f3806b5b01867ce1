// A task that computes for long without waiting stops all others on its event loop. Who it was is known when it
// blocked as it was called; later on, it is one of those that were running.
import { Seats } from '../seats.js'
import type { Job } from './pool.js'

export interface LoopWatchOptions {
  /** Longer than this is told. */
  readonly seconds: number
  readonly tell: (sentence: string) => void
}

/** So many tasks are named. */
const mostNames = 3

const nameOf = ({ task, id }: Job): string => `${task}[${id}]`

export class LoopWatch {
  private readonly running = new Seats<Job>()
  /** Begun and ended between two looks, it may be the one: nothing but its end has come between. */
  private ended: Job | undefined
  private readonly limitMs: number
  private timer: NodeJS.Timeout | undefined
  private lookedAt = 0
  /** A block that was told already is not told by its lateness again. */
  private toldAt = 0

  constructor(private readonly options: LoopWatchOptions) {
    this.limitMs = options.seconds * 1000
  }

  /** Calls what begins a job, and later `end` with what it is called with. */
  begin<R>(job: Job, call: (seat: number) => R): R {
    this.timer ??= this.look()
    const seat = this.running.take(job)
    const startedAt = performance.now()
    const result = call(seat)
    const endedAt = performance.now()
    if (endedAt - startedAt > this.limitMs) {
      this.toldAt = endedAt
      this.tell(`Task ${nameOf(job)} blocked`, endedAt - startedAt)
    }
    return result
  }

  end(job: Job, seat: number): void {
    this.running.leave(seat)
    this.ended = job
  }

  stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
  }

  private look(): NodeJS.Timeout {
    const everyMs = this.limitMs / 2
    this.lookedAt = performance.now()
    // Who ran while it was blocked may have ended since, before this timer's turn.
    let before: readonly Job[] = [...this.running]
    const timer = setInterval(() => {
      const now = performance.now()
      const lateMs = now - this.lookedAt - everyMs
      if (lateMs > this.limitMs && this.toldAt < this.lookedAt)
        this.tell(
          suspects(new Set([...before, ...(this.ended ? [this.ended] : []), ...this.running])),
          lateMs,
        )
      this.ended = undefined
      before = [...this.running].slice(0, mostNames + 1)
      this.lookedAt = now
    }, everyMs)
    return timer.unref()
  }

  private tell(who: string, ms: number): void {
    this.options.tell(
      `${who} the event loop for ${(ms / 1000).toFixed(2)}s (workerLoopBlockedWarning: ${this.options.seconds}). ` +
        'All other tasks of this worker stood still meanwhile: for work that computes there is the pool prefork.',
    )
  }
}

const suspects = (jobs: ReadonlySet<Job>): string => {
  const names = [...jobs].slice(0, mostNames).map(nameOf)
  if (jobs.size === 1) return `Task ${names[0]} blocked`
  if (jobs.size === 0) return 'Something that is no task blocked'
  return `One of the tasks ${names.join(', ')}${jobs.size > mostNames ? ' …' : ''} blocked`
}
