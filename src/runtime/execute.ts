// Runs one task's code: binds its arguments, sets its context, turns what it did into an Outcome. Hooks
// are called here too; a hook that throws is logged and changes nothing.
import type { Node } from '../canvas/node.js'
import { isIgnore, isReject, isReplace, isRetry, type Replace } from '../errors.js'
import type { Outcome } from '../pools/pool.js'
import { bindArguments } from './bind.js'
import { contextStorage, type TaskContext } from './context.js'
import type { Message } from './message.js'
import { isOfKind, type TaskDefinition, type TaskOptions } from './task.js'

/** A definition that has code. */
export type RunnableTask = TaskDefinition & { readonly run: (...args: any[]) => unknown }

/** Runs the task; never rejects. */
export const execute = async (
  definition: RunnableTask,
  message: Message,
  context: TaskContext,
  args: readonly unknown[],
): Promise<Outcome> => {
  try {
    const bound = bindArguments(definition, args, message.kwargs)
    const value = await contextStorage.run(context, () => definition.run.apply(context, bound as unknown[]))
    if (value instanceof Error && (isReplace(value) || value === context.toThrow))
      return afterThrow(definition, value, context, bound)
    if (context.toThrow !== undefined)
      context.log.warning(
        'this.retry(…) was called and not thrown, so nothing is tried again: throw this.retry(…).',
      )
    if (context.gaveHeir)
      context.log.warning(
        'this.replace(…) was called and not returned, so nothing takes the place of this task: return this.replace(…).',
      )
    if (hasHooks(definition.options)) await afterSuccess(definition.options, value, context, bound)
    return { kind: 'success', value }
  } catch (thrown) {
    return afterThrow(definition, thrown, context, args)
  }
}

const afterThrow = async (
  definition: RunnableTask,
  thrown: unknown,
  context: TaskContext,
  args: readonly unknown[],
): Promise<Outcome> => {
  if (isReplace(thrown)) return replaced(definition, thrown, context, args)
  if (isIgnore(thrown)) return { kind: 'ignore', error: thrown }
  if (isReject(thrown)) return { kind: 'reject', error: thrown }
  const { options } = definition
  const error = isRetry(thrown) ? thrown : automaticRetry(options, thrown, context)
  const state = isRetry(error) ? 'RETRY' : 'FAILURE'
  if (hasHooks(options)) {
    const hook = state === 'RETRY' ? options.onRetry : options.onFailure
    await callHooks(context, [
      () => hook?.(error, { context, args }),
      () => options.afterReturn?.({ state, error }, { context, args }),
    ])
  }
  return { kind: state === 'RETRY' ? 'retry' : 'failure', error }
}

/** The task's own hook may have the last word on what takes its place. */
const replaced = async (
  { options }: RunnableTask,
  { signature }: Replace,
  context: TaskContext,
  args: readonly unknown[],
): Promise<Outcome> => {
  let heir: unknown = signature
  if (options.onReplace !== undefined)
    await callHooks(context, [
      async () => {
        const other: unknown = await options.onReplace?.(signature as Node, { context, args })
        if (other !== undefined && other !== null)
          heir = (context.replace(other as never) as Replace).signature
      },
    ])
  return { kind: 'replace', signature: heir }
}

/** `autoretryFor`: the error becomes a retry, or stays what it is when there are none left. */
const automaticRetry = (options: TaskOptions, error: unknown, context: TaskContext): unknown => {
  if (!isOfKind(error, options.autoretryFor) || isOfKind(error, options.dontAutoretryFor)) return error
  const { countdown, ...more } = options.retryKwargs ?? {}
  // As in Celery: where there is a backoff, it says how long to wait.
  const fixed = countdown === undefined || backsOff(options) ? {} : { countdown }
  return context.retry({ error, ...more, ...fixed })
}

const backsOff = ({ retryBackoff = false }: TaskOptions): boolean => Number(retryBackoff) > 0

const hasHooks = ({ onSuccess, onFailure, onRetry, afterReturn }: TaskOptions): boolean =>
  onSuccess !== undefined || onFailure !== undefined || onRetry !== undefined || afterReturn !== undefined

const afterSuccess = (
  options: TaskOptions,
  value: unknown,
  context: TaskContext,
  args: readonly unknown[],
): Promise<void> =>
  callHooks(context, [
    () => options.onSuccess?.(value, { context, args }),
    () => options.afterReturn?.({ state: 'SUCCESS', value }, { context, args }),
  ])

const callHooks = async (context: TaskContext, hooks: readonly (() => unknown)[]): Promise<void> => {
  // A hard limit or an abort was quicker: another end counts, and its story is told elsewhere.
  if (context.isOver) return
  for (const hook of hooks)
    try {
      await contextStorage.run(context, hook)
    } catch (error) {
      context.log.error(`a hook of the task threw: ${error instanceof Error ? error.stack : String(error)}`)
    }
}
