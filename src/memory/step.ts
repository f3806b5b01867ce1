// The step: completions of one worker and the claim of its next messages, in one transition, answered in the
// same way however often it is sent.
import type { Delivery, Join } from '../runtime/broker.js'
import { complete } from './completion.js'
import type { Draft } from './draft.js'
import type { OperationOf, ReplyTo } from './operations.js'
import { take } from './queues.js'
import { type ConsumerRecord, listKey, type Message, parkedKey, priorityLists } from './state.js'

/** The order in which lists are looked at: redeliveries, then each priority of all queues. */
const lists = (queues: readonly string[]): { readonly key: string; readonly redelivered: boolean }[] => [
  ...queues.map((queue) => ({ key: listKey(queue, 'redo'), redelivered: true })),
  ...priorityLists.flatMap((step) =>
    queues.map((queue) => ({ key: listKey(queue, step), redelivered: false })),
  ),
]

/** Who waited for a rate need not have been delivered to anybody before. */
const parkedLists = (queues: readonly string[], task: string) =>
  queues.map((queue) => ({ key: parkedKey(queue, task), redelivered: undefined }))

const delivery = (tag: string, message: Message, redelivered: boolean): Delivery => ({
  tag,
  queue: message.queue,
  raw: message.raw,
  attempts: message.attempts,
  redelivered,
  uncertain: message.standing === 'uncertain',
  lost: message.standing === 'lost',
  lastWorker: message.worker,
})

const claim = (draft: Draft, operation: OperationOf<'step'>): Delivery[] => {
  const { consumer, lane, request, slots, queues, parkedFor } = operation
  const deliveries: Delivery[] = []
  if (slots <= 0) return deliveries
  for (const { key, redelivered } of parkedFor === undefined ? lists(queues) : parkedLists(queues, parkedFor))
    while (deliveries.length < slots) {
      const message = take(draft, key)
      if (message === null) break
      const index = deliveries.length
      const tag = `${lane}:${request}:${index}`
      const held = { message, lane, request, index, noted: false, released: false, joining: false }
      draft.setIn('held', consumer, tag, held)
      deliveries.push(delivery(tag, message, redelivered ?? message.worker !== null))
    }
  return deliveries
}

const remember = (consumer: ConsumerRecord, lane: number, memory: ConsumerRecord['lanes'][number]) => {
  const lanes = [...consumer.lanes]
  lanes[lane] = memory
  return { ...consumer, lanes }
}

export const step = (draft: Draft, operation: OperationOf<'step'>): ReplyTo<'step'> => {
  const { consumer: id, lane, request, completions } = operation
  const consumer = draft.get('consumers', id)
  if (consumer === undefined) return { kind: 'lost' }
  const last = consumer.lanes[lane]
  if (last !== undefined && last.request > request) return { kind: 'stale' }
  if (last?.request === request) return { kind: 'done', ...last.reply }

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
