// Runs a job in this process: limits by timers, an abort that frees the slot at once. A function that
// never looks at its signal goes on in the background, but its end counts for nothing.
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../errors.js'
import type { Execute, Job, LazySignal, Outcome, Running } from './pool.js'

/** An AbortController that is made when somebody first asks for the signal: most tasks never do. */
class LazyAbort implements LazySignal {
  private controller: AbortController | undefined
  reason: unknown
  over = false

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

/** The longest time that a timer of Node's takes; a longer one would fire at once. */
const longestMs = 2 ** 31 - 1

/** Calls `act` after so many seconds, however many; returns what stops it. */
const after = (seconds: number, act: () => void): (() => void) => {
  let timer: NodeJS.Timeout
  const set = (ms: number): void => {
    timer = setTimeout(() => (ms > longestMs ? set(ms - longestMs) : act()), Math.min(ms, longestMs))
  }
  set(seconds * 1000)
  return () => clearTimeout(timer)
}

/** `onEnd` is called once, when the outcome is known. */
export const runHere = <J extends Job>(job: J, execute: Execute<J>, onEnd: () => void): Running => {
  const stop = new LazyAbort()
  let stopSoft: (() => void) | undefined
  let stopHard: (() => void) | undefined
  let settle: (outcome: Outcome) => void = () => undefined
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve
  })
  const end = (result: Outcome): void => {
    if (stop.over) return
    stop.over = true
    stopSoft?.()
    stopHard?.()
    onEnd()
    settle(result)
  }
  const { softTimeLimit, timeLimit } = job
  if (softTimeLimit !== undefined)
    stopSoft = after(softTimeLimit, () => stop.abort(new SoftTimeLimitExceeded(softTimeLimit)))
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
