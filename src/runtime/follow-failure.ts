// What follows a failure: it is stored here and for everything that waits behind, told to the chords, and
// the errbacks are called. Nobody who waits for a part of the work is left waiting.
import type { Node } from '../canvas/node.js'
import { fromJSON, type SignatureJson, toJSON } from '../canvas/wire.js'
import { TaskRevokedError } from '../errors.js'
import type { Ending } from './consumer.js'
import { type Continuation, continueWith, type FollowContext, groupOf } from './continue.js'
import { encodeException, type ExceptionInfo, toExceptionInfo, tracebackOf } from './failure.js'
import { unflatten } from './flat.js'
import type { Message } from './message.js'
import { ack, storeOwn } from './own-end.js'
import { ownPlace, partOf, seatsOf } from './parts.js'
import type { Plan, Step } from './plan.js'
import { flatIn } from './reference.js'
import { legible } from './remains.js'
import { inPlace } from './unrun.js'

/** A failure as it is told to everybody. */
export interface Failure {
  readonly state: 'FAILURE' | 'REVOKED'
  readonly info: ExceptionInfo
  readonly traceback: string | null
  /** Errbacks are called (not for revoked and expired tasks). */
  readonly errbacks: boolean
  readonly ending: Ending
  /** Stored even where nobody wants the result: as in Celery, that of a task which nobody here knows. */
  readonly always?: boolean
}

export const failureOf = (error: unknown, ending: Ending = ack): Failure => ({
  state: 'FAILURE',
  info: toExceptionInfo(error),
  traceback: tracebackOf(error),
  errbacks: true,
  ending,
})

/** `reason` is Celery's word, `purged` is ours. */
export const revokedBy = (reason: 'revoked' | 'expired' | 'terminated' | 'purged'): Failure => ({
  state: 'REVOKED',
  info: toExceptionInfo(new TaskRevokedError(reason)),
  traceback: null,
  errbacks: false,
  ending: ack,
})

export const followFailure = (message: Message, failure: Failure, context: FollowContext): Plan => {
  const { state, info, traceback } = failure
  const result = encodeException(info)
  const steps: Step[] = []
  const store = failure.always === true || !context.ignoreResult || context.storeErrorsEvenIfIgnored
  const errbacks = failure.errbacks ? (message.embed.errbacks ?? []) : []
  if (errbacks.length > 0) {
    const nodes =
      context.calls === undefined ? errbacks.map((json) => fromJSON(json)) : errbacks.flatMap(readable)
    steps.push(...callErrbacks(nodes, message.id, failure, message.rootId, message, context).steps)
  }
  // Its own result stands first: it tells the store whether this run counts.
  if (store) steps.push(storeOwn(message, state, result, traceback, context.children))
  const place = ownPlace(message)
  if (place !== undefined) steps.push({ do: 'report', part: partOf(place, state, result) })
  const waiting = (message.embed.chain ?? []).map((json) => legible(json).node)
  // This task's result may be nobody's business, and that of a step behind it somebody's: who waits is told.
  const isAwaited = (step: Node) => context.storeErrorsEvenIfIgnored || !context.ignores(toJSON(step))
  steps.push(...abandon(waiting, state, result, traceback, isAwaited), { do: 'end', ending: failure.ending })
  return { steps: context.placesUnrun === true ? inPlace(steps, waiting.reverse(), message.id) : steps }
}

/** What cannot be read is not called. */
const readable = (json: SignatureJson): readonly Node[] => {
  try {
    return [fromJSON(json)]
  } catch {
    return []
  }
}

/** Always messages, never calls in place: the first argument is the failed id; the header tells the rest. */
export const callErrbacks = (
  errbacks: readonly Node[],
  failedId: string,
  { info, traceback }: Pick<Failure, 'info' | 'traceback'>,
  rootId: string,
  message: Message,
  context: FollowContext,
): Continuation => {
  const { calls } = context
  const called = calls === undefined ? errbacks : errbacks.filter((errback) => calls(errback))
  if (called.length === 0) return { steps: [], children: [] }
  const task = failedId === message.id ? { task: message.task } : {}
  const headers = { lovage_error: { id: failedId, ...task, ...info, traceback } }
  return continueWith(
    groupOf(called.map(opened)),
    [failedId],
    { rootId, parentId: failedId, headers },
    message,
    // As in Celery: who is told of a failure has a priority of its own.
    { ...context, inheritPriority: false },
  )
}

/** A deep errback is written flat. */
const opened = (errback: Node): Node => {
  const flat = errback.kind === 'task' ? flatIn(errback) : undefined
  return flat === undefined ? errback : fromJSON(unflatten(flat.list))
}

/** What will never run: the end is stored for each of its tasks, and told to the chords at its ends. */
export const abandon = (
  nodes: readonly Node[],
  state: Failure['state'],
  result: string,
  traceback: string | null,
  isAwaited: (step: Node) => boolean = () => true,
): readonly Step[] => {
  const steps: Step[] = []
  const stored = new Set<string>()
  for (const { taskId, groupId, node } of nodes.flatMap(namedIn)) {
    if (stored.has(taskId) || !isAwaited(node)) continue
    stored.add(taskId)
    steps.push({
      do: 'store',
      taskId,
      state,
      result,
      traceback,
      children: [],
      groupId,
      parentId: null,
      unrun: node,
    })
  }
  for (const seat of nodes.flatMap((node) => seatsOf(node)))
    steps.push({ do: 'report', part: partOf(seat, state, result) })
  return steps
}

interface Named {
  readonly taskId: string
  readonly groupId: string | null
  readonly node: Node
}

/** The tasks in this for whose ids somebody may wait. */
export const namedIn = (node: Node): readonly Named[] => {
  const behind = (node.options.chain ?? []).flatMap(namedIn)
  const { taskId, groupId = null } = node.options
  switch (node.kind) {
    case 'chain':
    case 'group':
      return [...node.tasks.flatMap(namedIn), ...behind]
    case 'chord':
      return [...node.header.flatMap(namedIn), ...namedIn(node.body), ...behind]
    default:
      return taskId === undefined ? behind : [{ taskId, groupId, node }, ...behind]
  }
}
