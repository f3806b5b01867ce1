// What to do with a claimed message before anything runs: decode it, and look at its time, its task and its
// past. A pure answer for each; the loop (slots) acts on it.
import * as Either from '../../either.js'
import { WorkerLostError } from '../../errors.js'
import { noAdditions } from '../addition.js'
import type { Completion, Delivery } from '../consumer.js'
import { encodeException, toExceptionInfo } from '../failure.js'
import { decodeMessage, type Message } from '../message.js'
import { metaText } from '../meta.js'
import { newsTask } from '../news.js'
import { unreadableFence } from '../perform.js'
import { resumeTask } from '../reference.js'
import type { Registry } from '../registry.js'
import type { Revoked } from '../revoked.js'
import { releaseTask } from '../stage.js'
import type { Guards } from '../security/guard.js'
import type { TaskDefinition } from '../task.js'
import type { Foresight } from './foresight.js'
import type { Held } from './held.js'

export type Intake =
  /** Run it. */
  | { readonly kind: 'run'; readonly held: Held }
  /** It is a reference: send what it stands for. Or it releases what is staged, or brings news of an errand. */
  | { readonly kind: 'resume' | 'release' | 'news'; readonly held: Held }
  /** Not before then (ms, the server's clock). */
  | { readonly kind: 'defer'; readonly dueMs: number }
  | { readonly kind: 'expired' | 'revoked'; readonly held: Held }
  /** It cannot or must not run: a failure. `dead` sends the message to the dead letters as well. */
  | { readonly kind: 'fail'; readonly held: Held; readonly error: Error; readonly dead: string | undefined }
  /** Nothing of it can be read that anybody could be told. */
  | { readonly kind: 'unreadable'; readonly reason: string; readonly completion: Completion }

export interface IntakeRules {
  readonly registry: Registry
  readonly maxDeliveries: number
  readonly rejectOnWorkerLost: boolean
  readonly resultExpires: number
  /** Levels of JSON that are read of a message. */
  readonly mostLevels?: number
  /** Absent where no message has to be signed. */
  readonly guards?: Pick<Guards, 'guard'> | undefined
  /** Has read some messages already; absent where they have to be signed. */
  readonly foresight?: Pick<Foresight, 'read'> | undefined
  readonly revoked?: Pick<Revoked, 'isEmpty' | 'has'>
}

/** What the worker does itself. */
const ownTasks: ReadonlyMap<string, 'resume' | 'release' | 'news'> = new Map([
  [resumeTask, 'resume'],
  [releaseTask, 'release'],
  [newsTask, 'news'],
])

/** One with a message in it. */
export type Readable = Extract<Intake, { readonly held: Held }>

export const takeIn = (delivery: Delivery, rules: IntakeRules, nowMs: number): Intake => {
  const { queue, redelivered, raw } = delivery
  const decoded =
    rules.foresight?.read(raw) ??
    decodeMessage(raw, rules.guards?.guard(queue, redelivered, nowMs), rules.mostLevels)
  if (Either.isLeft(decoded)) {
    const { error, message, isForged } = decoded.left
    if (isForged) return untrusted(delivery, error)
    if (message !== undefined)
      return { kind: 'fail', held: hold(delivery, message, rules), error, dead: reasonOf(error) }
    return {
      kind: 'unreadable',
      reason: reasonOf(error),
      completion: deadLetter(delivery, error, rules, nowMs),
    }
  }
  const message = decoded.right
  const held = hold(delivery, message, rules)
  const { definition } = held
  if (definition?.run === undefined && !ownTasks.has(message.task)) {
    try {
      rules.registry.runnable(message.task)
    } catch (error) {
      return { kind: 'fail', held, error: error as Error, dead: undefined }
    }
  }
  if (rules.revoked !== undefined && !rules.revoked.isEmpty && rules.revoked.has(message))
    return { kind: 'revoked', held }
  return refusal(held, message, definition, delivery, rules) ?? timing(held, message, nowMs)
}

/** Nobody knows who sent it: its words, the id above all, are not believed, and nobody is told a result. */
const untrusted = ({ tag }: Delivery, error: Error): Intake => ({
  kind: 'unreadable',
  reason: reasonOf(error),
  completion: {
    tag,
    ending: { kind: 'dead', reason: reasonOf(error) },
    results: [],
    pushes: [],
    chords: [],
    parts: [],
  },
})

const hold = ({ tag, queue }: Delivery, message: Message, { registry }: IntakeRules): Held => ({
  tag,
  queue,
  message,
  definition: registry.get(message.task),
  sent: [],
  added: noAdditions,
})

const reasonOf = (error: Error): string => `${toExceptionInfo(error).exc_type}: ${error.message}`

const refusal = (
  held: Held,
  message: Message,
  definition: TaskDefinition | undefined,
  { lost, attempts, uncertain, lastWorker }: Delivery,
  rules: IntakeRules,
): Intake | undefined => {
  const worker = lastWorker ?? 'its worker'
  if (lost)
    return failed(
      held,
      `${worker} ended while it ran this task, which was acknowledged early (acksLate: false)`,
    )
  if (attempts === 0 && !uncertain) return undefined
  // What must not run twice is not run either where nobody knows whether it had begun.
  if (!(definition?.options.rejectOnWorkerLost ?? rules.rejectOnWorkerLost))
    return failed(
      held,
      `${worker} ended ${attempts > 0 ? 'while it ran' : 'and may have run'} this task, ` +
        'which must not run twice (rejectOnWorkerLost: false)',
    )
  const most = definition?.options.maxDeliveries ?? rules.maxDeliveries
  if (attempts < most) return undefined
  const reason = `${message.task} was started ${attempts} times and never ended; the last time on ${worker}`
  return { kind: 'fail', held, error: new WorkerLostError(reason), dead: reason }
}

const failed = (held: Held, reason: string): Intake => ({
  kind: 'fail',
  held,
  error: new WorkerLostError(`Worker exited prematurely: ${reason}.`),
  dead: undefined,
})

const timing = (held: Held, { eta, expires }: Message, nowMs: number): Intake => {
  if (expires !== null && nowMs > expires.ms) return { kind: 'expired', held }
  if (eta !== null && eta.ms > nowMs) return { kind: 'defer', dueMs: eta.ms }
  return { kind: ownTasks.get(held.message.task) ?? 'run', held }
}

/** To the dead letters, as it is; who waits for its id, if one can be read, is told. */
export const deadLetter = (
  { tag, raw }: Delivery,
  error: Error,
  { resultExpires }: IntakeRules,
  nowMs: number,
): Completion => {
  const decoded = decodeMessage(raw)
  const { id, task } = Either.isLeft(decoded) ? decoded.left : decoded.right
  const text =
    id === undefined
      ? undefined
      : metaText({ taskId: id, state: 'FAILURE', result: encodeException(toExceptionInfo(error)), nowMs })
  return {
    tag,
    ending: {
      kind: 'dead',
      reason: reasonOf(error),
      ...(id !== undefined && { taskId: id }),
      ...(task !== undefined && { task }),
    },
    ...(id !== undefined && { fence: unreadableFence(id) }),
    results:
      id === undefined || text === undefined
        ? []
        : [{ taskId: id, state: 'FAILURE', expires: resultExpires, text }],
    pushes: [],
    chords: [],
    parts: [],
  }
}
