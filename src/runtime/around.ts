// A run with a user's listeners and middleware around it, in the process where it runs. A run without any of
// them never comes here.
import type { Logger } from '../log.js'
import type { Outcome } from '../pools/pool.js'
import type { TaskContext } from './context.js'
import { execute, type RunnableTask } from './execute.js'
import type { Message } from './message.js'
import { executeThrough, type Middleware } from './middleware.js'
import type { TaskSignalling } from './task-signals.js'

export interface Around {
  readonly signals: TaskSignalling
  readonly layers: readonly Middleware[]
  readonly log: Logger
}

/** Never rejects. */
export const executeAround = async (
  { signals, layers, log }: Around,
  definition: RunnableTask,
  message: Message,
  context: TaskContext,
  args: readonly unknown[],
): Promise<Outcome> => {
  const { request } = context
  const facts = { taskId: message.id, task: message.task, args, kwargs: message.kwargs, request }
  const layered: RunnableTask = layers.some((layer) => layer.execute !== undefined)
    ? {
        ...definition,
        run: (...bound: unknown[]) =>
          executeThrough(layers, request, () => definition.run.apply(context, bound), log),
      }
    : definition
  if (signals.has('taskPrerun')) await signals.send('taskPrerun', facts)
  const outcome = await execute(layered, message, context, args)
  // A hard limit or an abort was quicker: another end counts, and is told elsewhere.
  if (context.isOver) return outcome
  if (outcome.kind === 'success' && signals.has('taskSuccess'))
    await signals.send('taskSuccess', { ...facts, result: outcome.value })
  if (outcome.kind === 'retry' && signals.has('taskRetry'))
    await signals.send('taskRetry', { ...facts, reason: outcome.error })
  if (outcome.kind === 'failure' && signals.has('taskFailure'))
    await signals.send('taskFailure', { ...facts, error: outcome.error })
  if (signals.has('taskPostrun'))
    await signals.send('taskPostrun', { ...facts, state: states[outcome.kind], value: valueOf(outcome) })
  return outcome
}

const states: Readonly<Record<Outcome['kind'], string>> = {
  success: 'SUCCESS',
  failure: 'FAILURE',
  retry: 'RETRY',
  ignore: 'IGNORED',
  reject: 'REJECTED',
  replace: 'REPLACED',
  aborted: 'ABORTED',
  lost: 'LOST',
}

const valueOf = (outcome: Outcome): unknown => {
  if (outcome.kind === 'success') return outcome.value
  return 'error' in outcome ? outcome.error : null
}
