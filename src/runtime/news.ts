// News of an errand: a task of somebody else's has failed, and nobody told its chord. The message that brings them
// stands where the task stood, and fails as the task did: all that its failure means for others follows from that.
import { toJSON } from '../canvas/wire.js'
import type { Silent } from './publication.js'
import { embedOf } from './embed.js'
import { encodeMessage } from './envelope.js'
import { errandsFrom, type Sent } from './errand.js'
import { type ExceptionInfo, readExceptionInfo } from './failure.js'
import { isDict, none } from './fields.js'
import type { Failure } from './follow-failure.js'
import { decodeJson } from './json.js'
import { mostCanvasLevels, textDepthOf } from './json-limits.js'
import type { Message } from './message.js'
import { readMeta } from './meta.js'
import { ack } from './own-end.js'
import type { Seat } from './parts.js'
import type { Outgoing } from './plan.js'
import type { Guards } from './security/guard.js'

/** The task of that message; it is run by the worker itself. */
export const newsTask = 'lovage.news'

export const newsOf = ({ id, groupId, index, text, meta }: Silent): Outgoing => {
  const noted = decodeJson(text, textDepthOf(mostCanvasLevels))
  const { task, embed } = isDict(noted) ? noted : none
  const root: Sent = { task: String(task), id, groupId, groupIndex: index, embed: embedOf(embed) }
  const [, ...behind] = errandsFrom(root, () => false)
  const sent = behind.find((each) => each.id === id) ?? root
  const { state, result, traceback } = readMeta(meta)
  return {
    task: newsTask,
    id,
    args: [],
    kwargs: { $lv: { task: sent.task, state, result, traceback } },
    embed: sent.embed,
    rootId: id,
    parentId: null,
    groupId: sent.groupId,
    groupIndex: sent.groupIndex,
  }
}

/** A chord that is told of a body's end by a message of its own: whoever gets that can name what lies further out. */
export const newsFor = (
  { groupId, taskId, index, body }: Seat,
  { state, result }: { readonly state: string; readonly result: unknown },
  /** What has ended, for the log. */
  task: string,
  queue: string,
): Outgoing => ({
  task: newsTask,
  id: taskId,
  args: [],
  kwargs: { $lv: { task, state, result, told: true } },
  embed: { callbacks: null, errbacks: null, chain: null, chord: toJSON(body) },
  rootId: taskId,
  parentId: null,
  groupId,
  groupIndex: index,
  queue,
})

/**
 * Its text, for a queue of ours. Where messages are signed a note must be: else whoever could write one would have us sign
 * anything. One that is not for us to read is left to others: undefined.
 */
export const writeNews = (
  silent: Silent,
  queue: string,
  nowMs: number,
  guards: Guards | undefined,
): string | undefined => {
  const text = guards === undefined ? unsigned(silent.text) : guards.notes.open(silent.text, silent)
  if (text === undefined) return undefined
  const address = { exchange: '', routingKey: queue, priority: 0 }
  return encodeMessage(newsOf({ ...silent, text }), address, nowMs, guards?.seal([queue], undefined))
}

const unsigned = (text: string): string | undefined => (text.startsWith('{') ? text : undefined)

/** What a message brings: the task that ended, and how. */
export type News = { readonly task: string } & (
  | { readonly failure: Failure }
  /** Stored, and followed by what follows it, where it ran: only its chord is to be told. */
  | { readonly told: Told }
)

export interface Told {
  readonly state: 'SUCCESS' | 'FAILURE'
  readonly value: unknown
}

export const newsIn = ({ kwargs }: Message): News => {
  const said = kwargs['$lv']
  const { task, state, result, traceback, told } = isDict(said) ? said : none
  const name = String(task)
  if (told === true)
    return { task: name, told: { state: state === 'SUCCESS' ? state : 'FAILURE', value: result } }
  const info = readExceptionInfo(result)
  return {
    task: name,
    failure: {
      state: state === 'REVOKED' ? 'REVOKED' : 'FAILURE',
      info,
      traceback: typeof traceback === 'string' ? traceback : null,
      // Whoever knew the task has called them.
      errbacks: isUnknown(info),
      ending: ack,
    },
  }
}

const isUnknown = ({ exc_type }: ExceptionInfo): boolean => exc_type === 'NotRegistered'
