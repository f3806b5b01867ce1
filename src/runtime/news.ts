// News of an errand: a task of somebody else's has ended, and nobody told its chord. The message that brings them
// stands where the task stood, and fails as the task did: all that its failure means for others follows from that.
import type { Silent } from './publication.js'
import { embedOf } from './embed.js'
import { encodeMessage } from './envelope.js'
import { errandsFrom, type Sent } from './errand.js'
import { type ExceptionInfo, readExceptionInfo } from './failure.js'
import { isDict, none } from './fields.js'
import type { Failure } from './follow-failure.js'
import { decodeJson } from './json.js'
import type { Message } from './message.js'
import { readMeta } from './meta.js'
import { ack } from './own-end.js'
import type { Outgoing } from './plan.js'

/** The task of that message; it is run by the worker itself. */
export const newsTask = 'lovage.news'

export const newsOf = ({ id, groupId, index, text, meta }: Silent): Outgoing => {
  const noted = decodeJson(text)
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

/** Its text, for a queue of ours. Nobody signs it: whoever could write a note would have us sign anything. */
export const writeNews = (silent: Silent, queue: string, nowMs: number): string =>
  encodeMessage(newsOf(silent), { exchange: '', routingKey: queue, priority: 0 }, nowMs)

/** What a message brings: the task that ended, and how. */
export const newsIn = ({ kwargs }: Message): { readonly task: string; readonly failure: Failure } => {
  const said = kwargs['$lv']
  const { task, state, result, traceback } = isDict(said) ? said : none
  const info = readExceptionInfo(result)
  return {
    task: String(task),
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
