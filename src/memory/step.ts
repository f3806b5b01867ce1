// The step: completions of one worker and the claim of its next messages, in one transition, answered in the
// same way however often it is sent.
import type { Delivery, Join } from '../runtime/consumer.js'
import { unpublished } from './chords.js'
import { complete } from './completion.js'
import type { Draft } from './draft.js'
import { enter, gateOf } from './gates.js'
import type { OperationOf, ReplyTo } from './operations.js'
import { take } from './queues.js'
import { listKey, parkedKey, priorityLists } from './keys.js'
import type { ConsumerRecord, LaneMemory, Message } from './records.js'

/** The order in which lists are looked at: redeliveries, then each priority of all queues. */
const lists = (queues: readonly string[]): readonly string[] => [
  ...queues.map((queue) => listKey(queue, 'redo')),
  ...priorityLists.flatMap((step) => queues.map((queue) => listKey(queue, step))),
]

const delivery = (tag: string, message: Message, gated: boolean): Delivery => ({
  tag,
  queue: message.queue,
  raw: message.raw,
  attempts: message.attempts,
  redelivered: message.worker !== null,
  uncertain: message.standing === 'uncertain',
  lost: message.standing === 'lost',
  lastWorker: message.worker,
  ...(gated && { gated }),
})

const arrived = ({ gate: _onTheWay, ...message }: Message): Message => message

const claim = (draft: Draft, operation: OperationOf<'step'>): Delivery[] => {
  const { consumer, lane, request, slots, queues, parkedFor } = operation
  const deliveries: Delivery[] = []
  if (slots <= 0) return deliveries
  const gated = draft.get('consumers', consumer)?.gated === true
  const keys = parkedFor === undefined ? lists(queues) : queues.map((queue) => parkedKey(queue, parkedFor))
  for (const key of keys)
    while (deliveries.length < slots) {
      const next = take(draft, key)
      if (next === null) break
      const gate = gated ? gateOf(next) : undefined
      const message = next.gate === undefined ? next : arrived(next)
      if (gate !== undefined && !enter(draft, gate, consumer, message)) continue
      const index = deliveries.length
      const tag = `${lane}:${request}:${index}`
      const held = { message, lane, request, index, noted: false, released: false, joining: false }
      draft.setIn('held', consumer, tag, gate === undefined ? held : { ...held, gate })
      deliveries.push(delivery(tag, message, gate !== undefined))
    }
  return deliveries
}

const remember = (consumer: ConsumerRecord, lane: number, memory: ConsumerRecord['lanes'][number]) => {
  const lanes = [...consumer.lanes]
  lanes[lane] = memory
  return { ...consumer, lanes }
}

/** A body that went out meanwhile is owed no more; the message is still held for it. */
const asItIs = (draft: Draft, reply: LaneMemory['reply']): LaneMemory['reply'] =>
  reply.joins.length === 0
    ? reply
    : {
        ...reply,
        joins: reply.joins.map((join) =>
          unpublished(draft, [join]).length > 0 ? join : { ...join, members: [] },
        ),
      }

export const step = (draft: Draft, operation: OperationOf<'step'>): ReplyTo<'step'> => {
  const { consumer: id, lane, request, completions } = operation
  const consumer = draft.get('consumers', id)
  if (consumer === undefined) return { kind: 'lost' }
  const last = consumer.lanes[lane]
  if (last !== undefined && last.request > request) return { kind: 'stale' }
  if (last?.request === request) return { kind: 'done', ...asItIs(draft, last.reply) }

  const refused: number[] = []
  const joins: Join[] = []
  for (const [index, completion] of completions.entries()) {
    const joined = complete(draft, id, consumer, completion)
    if (joined === null) refused.push(index)
    else for (const join of joined) joins.push({ completion: index, ...join })
  }
  const reply = { refused, joins, deliveries: claim(draft, operation) }
  draft.set('consumers', id, remember(consumer, lane, { request, reply }))
  return { kind: 'done', ...reply }
}
