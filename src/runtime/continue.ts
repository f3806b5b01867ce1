// What a worker sends on, after the message in hand: with its root, as its child.
import type { GroupNode, Node, SignatureOptions } from '../canvas/node.js'
import type { Addition } from './addition.js'
import { type CanvasLimits, checkLimits, usualLimits } from './check-canvas.js'
import { decompose } from './decompose.js'
import type { Ignores } from './ignored.js'
import type { Message } from './message.js'
import type { ResultTuple } from './meta.js'
import type { IsOurs, Origin } from './outgoing.js'
import { type Step, childrenOf } from './plan.js'

/** What the deciders may know besides the message. */
export interface FollowContext {
  readonly mint: () => string
  readonly nowMs: number
  /** Neither the result nor the failure is stored. */
  readonly ignoreResult: boolean
  /** Whether nobody stores the result of a step that waits behind. */
  readonly ignores: Ignores
  readonly storeErrorsEvenIfIgnored: boolean
  /** What the task itself sent while it ran. */
  readonly children: readonly ResultTuple[]
  /** What the task wants to be sent with its end. */
  readonly added: readonly Addition[]
  /** Children get this message's priority unless they have their own. */
  readonly inheritPriority: boolean
  /** Whether an errback is called; absent: all are. */
  readonly calls?: (errback: Node) => boolean
  /** A chord's errbacks are those of its header tasks as well. */
  readonly headerErrbacks?: boolean
  /** How deep and large a canvas may be that came with a message. */
  readonly limits?: CanvasLimits
  /** What never ran has its place among the results, too (`resultExtended`). */
  readonly placesUnrun?: boolean
  /** Nobody has looked yet at what is sent: see Origin. */
  readonly looksAhead?: boolean
  /** Where the message came from: a retry goes there again. */
  readonly queue: string
  /** Whether a task is run by our workers; absent: nobody is known to be. */
  readonly isOurs?: IsOurs | undefined
}

export const originOf = (
  message: Message,
  { mint, nowMs, inheritPriority, headerErrbacks = false, isOurs, limits, looksAhead = false }: FollowContext,
): Origin => ({
  mint,
  nowMs,
  isOurs,
  mostLevels: limits?.canvasMaxLevels,
  looksAhead,
  headerErrbacks,
  rootId: message.rootId,
  parentId: message.id,
  priority: inheritPriority ? message.priority : undefined,
})

export interface Continuation {
  readonly steps: readonly Step[]
  readonly children: readonly ResultTuple[]
}

/** As in Celery, a callback and the next step have the task's priority whatever they say; others, if they say nothing. */
export const priorityOf = (message: Message, { inheritPriority }: FollowContext): SignatureOptions =>
  inheritPriority ? { priority: message.priority } : {}

/** `node` with `args` in front, sent after the message. */
export const continueWith = (
  node: Node,
  args: readonly unknown[],
  options: SignatureOptions,
  message: Message,
  context: FollowContext,
): Continuation => {
  const handed: SignatureOptions = {
    rootId: message.rootId,
    parentId: message.id,
    ...options,
  }
  if (node.kind !== 'task') checkLimits(node, context.limits ?? usualLimits)
  const { steps, result } = decompose(node, args, handed, originOf(message, context))
  return { steps, children: childrenOf(result) }
}

export const groupOf = (tasks: readonly Node[]): GroupNode => ({
  kind: 'group',
  args: [],
  kwargs: {},
  options: {},
  immutable: false,
  tasks,
})
