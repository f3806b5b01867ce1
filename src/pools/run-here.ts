// Runs a job in this process: limits by timers, an abort that frees the slot at once. A function that
// never looks at its signal goes on in the background, but its end counts for nothing.
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../errors.js'
import type { Execute, Job, LazySignal, Outcome, Running } from './pool.js'

/** An AbortController that is made when somebody first asks for the signal: most tasks never do. */
class LazyAbort implements LazySignal {
  private controller: AbortController | undefined
  reason: unknown

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.reason !== undefined) this.controller.abort(this.reason)
    }
    return this.controller.signal
  }

  abort(reason: Error): void {
    this.reason ??= reason
    this.controller?.abort(reason)
  }
}

export const runHere = <J extends Job>(job: J, execute: Execute<J>): Running => {
  const stop = new LazyAbort()
  let soft: NodeJS.Timeout | undefined
  let hard: NodeJS.Timeout | undefined
  let settle: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve
  })
  const end = (result: Outcome): void => {
    if (soft !== undefined) clearTimeout(soft)
    if (hard !== undefined) clearTimeout(hard)
    settle(result)
  }
  const { softTimeLimit, timeLimit } = job
  if (softTimeLimit !== undefined)
    soft = setTimeout(() => stop.abort(new SoftTimeLimitExceeded(softTimeLimit)), softTimeLimit * 1000)
  if (timeLimit !== undefined)
    hard = setTimeout(() => {
      const error = new TimeLimitExceeded(timeLimit)
      stop.abort(error)
      end({ kind: 'failure', error })
    }, timeLimit * 1000)
  execute(job, stop).then(end, (error: unknown) => end({ kind: 'failure', error }))
  return {
    outcome,
    abort: (reason) => {
      stop.abort(reason)
      end({ kind: 'aborted', error: reason })
    },
  }
}
