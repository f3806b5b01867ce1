// One run of a task's code, wherever that is: here in the worker, or in a child of its pool. Makes the context,
// and calls `execute`.
import { LeaseLost } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { LazySignal, Outcome } from '../../pools/pool.js'
import { type Around, executeAround } from '../around.js'
import type { Delivery } from '../consumer.js'
import { type CanvasLimits, checkCanvas } from '../check-canvas.js'
import { type ContextTools, type StoreState, TaskContext } from '../context.js'
import { errbackArguments } from '../errback.js'
import type { SendEvent } from '../events.js'
import { execute, type RunnableTask } from '../execute.js'
import type { Message } from '../message.js'
import type { Registry } from '../registry.js'
import type { ResultSource } from '../result-source.js'

/** What does not change from run to run. */
export interface RunMeans {
  readonly app: object
  readonly results: ResultSource
  readonly hostname: string
  readonly log: Logger
  readonly tools: ContextTools
  /** A user's listeners and middleware; undefined when there are none. */
  readonly around: () => Around | undefined
}

/** What the contexts of one worker share. */
export const contextTools = (
  parts: () => {
    readonly mint: () => string
    readonly registry: Registry
    readonly results: ResultSource
    readonly limits: CanvasLimits
  },
): ContextTools => ({
  mint: () => parts().mint(),
  check: (node) => checkCanvas(node, 0, parts().registry, parts().limits),
  handle: (tuple) => parts().results.handle(tuple),
})

export interface OneRun {
  readonly message: Message
  readonly delivery: Pick<Delivery, 'attempts' | 'redelivered'>
  readonly definition: RunnableTask
  readonly ignoreResult: boolean
  readonly abort: LazySignal
  readonly store: StoreState
  readonly event: SendEvent
}

/** A lease that is lost says that the run counts no more, and not more than that. */
export const onlyLost = (error: unknown): false => {
  if (error instanceof LeaseLost) return false
  throw error
}

export const contextOf = (means: RunMeans, run: OneRun): TaskContext => {
  const { message, delivery, definition, ignoreResult, abort } = run
  return new TaskContext({
    message,
    delivery,
    definition,
    hostname: means.hostname,
    ignoreResult,
    abort,
    app: means.app,
    log: means.log,
    random: Math.random,
    tools: means.tools,
    event: run.event,
    store: (state, meta) =>
      ignoreResult
        ? Promise.resolve(true)
        : // Nobody has to await it: a lease that is lost meanwhile says that the run counts no more, and not more.
          run.store(state, meta).catch(onlyLost),
  })
}

/** Never rejects. */
export const runTask = (
  { results, around }: Pick<RunMeans, 'results' | 'around'>,
  { message, definition }: Pick<OneRun, 'message' | 'definition'>,
  context: TaskContext,
): Promise<Outcome> => {
  const all = around()
  const run = (args: readonly unknown[]): Promise<Outcome> =>
    all === undefined
      ? execute(definition, message, context, args)
      : executeAround(all, definition, message, context, args)
  if (definition.options.errback !== 'full') return run(message.args)
  return errbackArguments(message, results).then(
    run,
    (error: unknown): Outcome => ({ kind: 'failure', error }),
  )
}
