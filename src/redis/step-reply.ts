// What the script of a step says back (lua/step.lua): which completions were refused, which chords they completed, and
// what was delivered. Pure.
import type { Delivery, Join, StepReply } from '../runtime/consumer.js'
import type { Reply } from './link.js'
import { pastOf } from './shared.js'
import type { StepCall } from './step.js'
import { isGated, listOf } from './tag.js'

const newline = 0x0a

/** As nearly all are: delivered for the first time. One shape, and nothing asked. */
const firstDelivery = (queue: string, tag: string, raw: Buffer): Delivery => ({
  tag,
  queue,
  raw,
  attempts: 0,
  redelivered: false,
  uncertain: false,
  lost: false,
  lastWorker: null,
})

const toDelivery = (queues: readonly string[], tag: string, value: Buffer): Delivery => {
  const queue = queues[listOf(tag) >> 2] as string
  const past = tag.endsWith('s') ? pastOf(value.toString('utf8')) : null
  if (past !== null)
    return {
      tag,
      queue,
      raw: value,
      attempts: past.attempts,
      redelivered: true,
      uncertain: past.flag === 'm',
      lost: false,
      lastWorker: past.worker === '-' ? null : past.worker,
    }
  const gated = isGated(tag)
  const held = gated ? value.subarray(value.indexOf(newline) + 1) : value
  if (!tag.includes('r'))
    return gated ? { ...firstDelivery(queue, tag, held), gated } : firstDelivery(queue, tag, held)
  const cut = held.indexOf(newline)
  const [attempts, flag, , ...worker] = held.toString('utf8', 0, cut).split(' ')
  const lastWorker = worker.join(' ')
  return {
    tag,
    queue,
    ...(gated && { gated }),
    raw: held.subarray(cut + 1),
    attempts: Number(attempts),
    redelivered: lastWorker !== '-',
    // (Behind it may stand a gate, which speaks to others: lua/gate.lua.)
    uncertain: flag?.[0] === 'm',
    lost: flag?.[0] === 'e',
    lastWorker: lastWorker === '-' ? null : lastWorker,
  }
}

const text = (reply: Reply | undefined): string => String(reply)

/** The reply of a step that was neither lost nor stale. */
export const readStep = (queues: readonly string[], call: StepCall, reply: readonly Reply[]): StepReply => {
  const [head, ...values] = reply as [Reply, ...Buffer[]]
  const deliveries: Delivery[] = []
  if (!Array.isArray(head)) {
    for (let i = 0; i < values.length; i++)
      deliveries.push(firstDelivery(queues[0] as string, String(call.request + i), values[i] as Buffer))
    return { refused: [], joins: [], deliveries }
  }
  const [fields, refused, joins] = head as [Buffer[], number[], [number, Buffer, Buffer, Buffer[]][]]
  const original = (index: number): number => call.order?.[index] ?? index
  for (let i = 0; i < values.length; i++)
    deliveries.push(toDelivery(queues, text(fields[i]), values[i] as Buffer))
  return {
    refused: refused.map(original),
    joins: joins.map(
      ([completion, groupId, bodyId, members]): Join => ({
        completion: original(completion),
        groupId: text(groupId),
        bodyId: text(bodyId),
        members: members.map(text),
      }),
    ),
    deliveries,
  }
}
