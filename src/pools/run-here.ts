// Runs a job in this process: limits by timers, an abort that frees the slot at once. A function that
// never looks at its signal goes on in the background, but its end counts for nothing.
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../errors.js'
import { after } from '../timer.js'
import { LazyAbort } from './lazy-abort.js'
import { softClock } from './soft-clock.js'
import type { Execute, Job, Outcome, Running } from './pool.js'

/** `onEnd` is called once, when the outcome is known. */
export const runHere = <J extends Job>(job: J, execute: Execute<J>, onEnd: () => void): Running => {
  const stop = new LazyAbort()
  let stopSoft: (() => void) | undefined
  let stopClock: (() => void) | undefined
  let stopHard: (() => void) | undefined
  let settle: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve
  })
  const end = (result: Outcome): void => {
    if (stop.over) return
    stop.over = true
    stopSoft?.()
    stopClock?.()
    stopHard?.()
    onEnd()
    settle(result)
  }
  const { softTimeLimit, timeLimit, onSoftLimit } = job
  if (softTimeLimit !== undefined) {
    stopSoft = stop.abortAfter(softTimeLimit, () => new SoftTimeLimitExceeded(softTimeLimit))
    if (onSoftLimit !== undefined) stopClock = softClock(softTimeLimit, onSoftLimit)
  }
  if (timeLimit !== undefined)
    stopHard = after(timeLimit, () => {
      const error = new TimeLimitExceeded(timeLimit)
      end({ kind: 'failure', error })
      stop.abort(error)
    })
  execute(job, stop).then(end, (error: unknown) => end({ kind: 'failure', error }))
  return {
    outcome,
    abort: (reason) => {
      end({ kind: 'aborted', error: reason })
      stop.abort(reason)
    },
  }
}
