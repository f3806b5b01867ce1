// A task that blocks its worker's loop holds up nobody else: what that worker had claimed ahead is given back by the thread
// that keeps its lease, while the loop is still blocked.
import { expect, it } from 'vitest'
import type { Completion, Delivery } from '../../src/runtime/consumer.js'
import { messages, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room

/** Nothing of this process runs meanwhile. */
const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const back = ({ tag }: Delivery): Completion => ({
  tag,
  ending: { kind: 'back' },
  results: [],
  pushes: [],
  chords: [],
  parts: [],
})

/** Longer than it takes to connect, to find that the loop is blocked, and to say so. */
const longMs = 1500

it('goes back in its order, uncounted, while the loop is blocked; what runs stays', async () => {
  const carrier = room.open()
  await carrier.broker.publish(messages('a', 'b', 'c', 'd'))
  const consumer = await room.consume(carrier, { blocks: true })
  const { deliveries } = await consumer.step(0, [], 3)
  expect(deliveries.map(({ raw }) => String(raw))).toEqual(['a', 'b', 'c'])
  const [a, b, c] = deliveries as [Delivery, Delivery, Delivery]
  expect(consumer.begins?.(a.tag)).toBe(true)
  block(longMs)
  // Asked in the same turn, before this process has said anything to Redis.
  const [redo, held] = await Promise.all([
    client.lrange(keys.redo('q'), 0, -1),
    client.hkeys(keys.consumer(consumer.id)),
  ])
  expect(redo).toEqual(['0 - 0 w@host\nc', '0 - 0 w@host\nb'])
  expect(held).toContain(a.tag)
  expect(held).not.toContain(b.tag)

  expect([b, c].map(({ tag }) => consumer.begins?.(tag))).toEqual([false, false])
  // As the worker does then; it is second, and changes nothing.
  const second = await consumer.step(0, [b, c].map(back), 4)
  expect(second.refused).toEqual([0, 1])
  expect(
    second.deliveries.map(({ raw, attempts, lastWorker }) => [String(raw), attempts, lastWorker]),
  ).toEqual([
    ['b', 0, 'w@host'],
    ['c', 0, 'w@host'],
    ['d', 0, null],
  ])
  expect(second.deliveries.map(({ tag }) => consumer.begins?.(tag))).toEqual([true, true, true])
})

it('keeps what it may not take: a list of the wrong type', async () => {
  const carrier = room.open()
  await carrier.broker.publish(messages('a', 'b'))
  const consumer = await room.consume(carrier, { blocks: true })
  const [a, b] = (await consumer.step(0, [], 2)).deliveries as [Delivery, Delivery]
  await client.set(keys.redo('q'), 'text')
  consumer.begins?.(a.tag)
  block(longMs)
  expect(consumer.begins?.(b.tag)).toBe(false)
  expect(await client.hkeys(keys.consumer(consumer.id))).toContain(b.tag)
  await consumer.step(0, [back(b)], 0)
  expect(await client.lrange('q', 0, -1)).toEqual(['b'])
  await client.del(keys.redo('q'))
})
