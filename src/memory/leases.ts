// Consumers come, renew their leases, leave, or are found dead; then others get what they held.
import type { Binding } from '../runtime/binding.js'
import { isPurged } from '../runtime/purged.js'
import type { Draft } from './draft.js'
import { sweep } from './expiry.js'
import { goBack } from './gates.js'
import type { OperationOf, ReplyTo } from './operations.js'
import { giveBack } from './queues.js'
import type { ConsumerRecord, Held, Message } from './records.js'

/** Keys that one reap takes away at most, so that no single call is long. */
const sweepAtMost = 1000

const bind = (draft: Draft, binding: Binding): void => {
  const known = draft.get('bindings', binding.exchange) ?? []
  if (!known.some(({ queue, routingKey }) => queue === binding.queue && routingKey === binding.routingKey))
    draft.set('bindings', binding.exchange, [...known, binding])
}

export const register = (draft: Draft, operation: OperationOf<'register'>): null => {
  const {
    consumer,
    hostname,
    queues,
    leaseMs,
    deadLetterMax,
    deadLetterExpires,
    gated = false,
    bindings = [],
  } = operation
  const before = draft.get('consumers', consumer)
  const fresh = { hostname, queues, lanes: [], deadLetterMax, deadLetterExpires, gated }
  draft.set('consumers', consumer, { ...(before ?? fresh), leaseEndMs: draft.nowMs + leaseMs })
  const own = queues
    .filter((queue) => !isPurged(queue))
    .map((queue): Binding => ({ queue, exchange: queue, exchangeType: 'direct', routingKey: queue }))
  for (const binding of [...own, ...bindings]) bind(draft, binding)
  return null
}

export const renew = (draft: Draft, { consumer, leaseMs }: OperationOf<'renew'>): boolean => {
  const record = draft.get('consumers', consumer)
  if (record === undefined) return false
  draft.set('consumers', consumer, { ...record, leaseEndMs: draft.nowMs + leaseMs })
  return true
}

/**
 * What the next worker has to know. A lane asks again only when the answer before has arrived, so what came
 * with an earlier request had started; what came with the last one may have. One that is uncertain, or was
 * started before, is started by nobody before a note: it counts with the note, and without it nothing has changed.
 */
const afterwards = (consumer: ConsumerRecord, held: Held, leaving: boolean): Message => {
  const { message, noted, released, joining, lane, request } = held
  const worker = consumer.hostname
  if (joining) return { ...message, standing: 'uncertain', worker }
  if (released || message.standing === 'lost') return { ...message, standing: 'lost', worker }
  if (noted) return { ...message, standing: 'clear', attempts: message.attempts + (leaving ? 0 : 1), worker }
  if (message.standing === 'uncertain' || message.attempts > 0) return message
  if (leaving) return { ...message, worker: message.worker ?? worker }
  const arrived = (consumer.lanes[lane]?.request ?? request) > request
  return arrived
    ? { ...message, attempts: message.attempts + 1, worker }
    : { ...message, standing: 'uncertain', worker }
}

const remove = (draft: Draft, id: string, consumer: ConsumerRecord, leaving: boolean): number => {
  // The newest first, so that the oldest is the next to be popped.
  const held = draft.allIn('held', id).sort(([, a], [, b]) => b.request - a.request || b.index - a.index)
  for (const [tag, each] of held) {
    if (each.gate !== undefined) goBack(draft, each.gate, each.message)
    giveBack(draft, afterwards(consumer, each, leaving))
    draft.setIn('held', id, tag, undefined)
  }
  draft.set('consumers', id, undefined)
  return held.length
}

export const unregister = (
  draft: Draft,
  { consumer: id }: OperationOf<'unregister'>,
): ReplyTo<'unregister'> => {
  const consumer = draft.get('consumers', id)
  return { moved: consumer === undefined ? 0 : remove(draft, id, consumer, true) }
}

export const reap = (draft: Draft): ReplyTo<'reap'> => {
  sweep(draft, sweepAtMost)
  let first: readonly [string, ConsumerRecord] | null = null
  for (const entry of draft.state.consumers)
    if (entry[1].leaseEndMs <= draft.nowMs && (first === null || entry[1].leaseEndMs < first[1].leaseEndMs))
      first = entry
  if (first === null) return { consumer: null, hostname: null, moved: 0 }
  const [id, consumer] = first
  return { consumer: id, hostname: consumer.hostname, moved: remove(draft, id, consumer, false) }
}
