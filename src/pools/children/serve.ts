// The child's side: loads what it is told, then runs one job after the other and says how each ended. The soft
// limit is its own business; the hard one is its parent's, who ends it from outside.
import { LeaseLost, SoftTimeLimitExceeded, TaskRevokedError, WorkerShutdown } from '../../errors.js'
import { LazyAbort } from '../lazy-abort.js'
import type { ChildLine, Json, LazySignal } from '../pool.js'
import type { AbortReason, FromChild, Line, ToChild } from './messages.js'
import { Outbox } from './outbox.js'

/** Asks the parent for something, on behalf of a run or of none. */
export type Ask = (what: Json) => Promise<Json>

/** What the app does in a child. */
export interface ChildHandler {
  /** Resolves with the facts for `ready`. */
  load(cargo: Json, log: (line: ChildLine) => void, ask: Ask): Promise<Json>
  /** Before it ends as it was asked to. Never rejects. */
  leave(): Promise<void>
  /** Never rejects. */
  run(parcel: Json, signal: LazySignal, ask: Ask): Promise<Json>
}

interface Run {
  readonly number: number
  readonly stop: LazyAbort
}

interface Question {
  readonly resolve: (value: Json) => void
  readonly reject: (error: Error) => void
}

/** How often a child that has a limit looks at its memory while it waits. */
const lookEveryMs = 1000

const errorOf = ([name, message]: AbortReason): Error => {
  if (name === 'LeaseLost') return new LeaseLost(message)
  return name === 'TaskRevokedError' ? new TaskRevokedError(message) : new WorkerShutdown(message)
}

const rssKib = (): number => Math.round(process.memoryUsage.rss() / 1024)

export const serve = (line: Line, handler: ChildHandler): { readonly outbox: Outbox<FromChild> } => {
  const outbox = new Outbox<FromChild>((frame) => line.send(frame))
  const questions = new Map<number, Question>()
  let asked = 0
  let current: Run | undefined
  let maxMemory = Number.POSITIVE_INFINITY
  let isFull = false
  /** One that has run nothing has no more memory than whoever took its place would have. */
  let hasRun = false

  const askFor =
    (run: number | null): Ask =>
    (what) =>
      new Promise((resolve, reject) => {
        asked += 1
        questions.set(asked, { resolve, reject })
        outbox.say(['ask', asked, run, what])
      })

  const look = (): void => {
    if (isFull || !hasRun || maxMemory === Number.POSITIVE_INFINITY) return
    const rss = rssKib()
    if (rss <= maxMemory) return
    isFull = true
    outbox.say(['full', rss])
  }

  const load = (cargo: Json, most: number | null): void => {
    if (most !== null) {
      maxMemory = most
      setInterval(look, lookEveryMs).unref()
    }
    handler
      .load(cargo, (text) => outbox.say(['log', text]), askFor(null))
      .then(
        (facts) => outbox.say(['ready', facts]),
        (error: unknown) => {
          outbox.say(['broken', error instanceof Error ? error.message : String(error)])
          outbox.flush()
          line.end(1)
        },
      )
  }

  const run = (number: number, soft: number | null, parcel: Json): void => {
    const stop = new LazyAbort()
    const stopSoft = soft === null ? undefined : stop.abortAfter(soft, () => new SoftTimeLimitExceeded(soft))
    current = { number, stop }
    hasRun = true
    void handler.run(parcel, stop, askFor(number)).then((outcome) => {
      stopSoft?.()
      stop.over = true
      current = undefined
      // Before the end: the parent must not think that it may send more.
      look()
      outbox.say(['ended', number, outcome])
    })
  }

  const hear = (message: ToChild): void => {
    switch (message[0]) {
      case 'load':
        return load(message[1], message[2].maxMemory)
      case 'run':
        return run(message[1], message[4], message[5])
      case 'abort':
        if (current?.number !== message[1]) return
        current.stop.over = true
        return current.stop.abort(errorOf(message[2]))
      case 'answer':
      case 'refusal': {
        const question = questions.get(message[1])
        questions.delete(message[1])
        return message[0] === 'answer'
          ? question?.resolve(message[2])
          : question?.reject(new Error(message[2]))
      }
      default:
        return void handler.leave().then(() => {
          outbox.flush()
          line.end(0)
        })
    }
  }
  line.onFrame((frame) => {
    for (const message of frame) hear(message)
  })
  return { outbox }
}
