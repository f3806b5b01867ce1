// What is too big for one call is sent ahead in pieces, and released by one: never a half of it is seen.
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { group } from '../../src/canvas/group.js'
import { end, push, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room

const stage = 'big'
const key = keys.stage({ stage, list: 0 })
const piece = (offset: number, ...raws: string[]) => ({ stage, list: 0, offset, raws })
const releases = [{ stage, list: 0, count: 3 }]
const target = { stage, list: 0, queue: 'far', priority: 0 }

it('a piece that is sent again counts once, and one without those before it is refused', async () => {
  const { broker } = room.open()
  await broker.stage?.(piece(0, 'a', 'b'))
  await broker.stage?.(piece(0, 'a', 'b'))
  await broker.stage?.(piece(2, 'c'))
  await broker.stage?.(piece(0, 'a', 'b'))
  expect(await client.lrange(key, 0, -1)).toEqual(['a', 'b', 'c'])
  await expect(broker.stage?.(piece(7, 'h'))).rejects.toThrow('what was sent ahead to redis://')
})

it('what is never released ends after a day', async () => {
  const { broker } = room.open()
  await broker.stage?.(piece(0, 'a'))
  expect(await client.ttl(key)).toBeGreaterThan(86_000)
})

it('a publication releases it: from then on it lives until it is in its queue', async () => {
  const { broker } = room.open()
  await broker.stage?.(piece(0, 'a', 'b', 'c'))
  await broker.publish({ pushes: [push('release')], chords: [], releases })
  expect(await client.ttl(key)).toBe(-1)
})

it('a publication whose messages are gone is refused whole', async () => {
  const { broker } = room.open()
  await broker.stage?.(piece(0, 'a', 'b'))
  const publication = {
    pushes: [push('release')],
    chords: [{ groupId: 'g', bodyId: 'b', size: 3 }],
    releases,
  }
  await expect(broker.publish(publication)).rejects.toThrow('what was sent ahead of it is gone')
  expect(await client.exists('q', keys.chord('g', 's'))).toBe(0)
})

it('a completion releases it likewise', async () => {
  const { broker, ...carrier } = room.open()
  const consumer = await room.consume({ broker, ...carrier })
  await broker.publish({ pushes: [push('m')], chords: [] })
  const [held] = (await consumer.step(0, [], 1)).deliveries
  await consumer.stage?.(piece(0, 'a', 'b', 'c'))
  await consumer.step(0, [end(held!, { fence: 'm:0:0:', pushes: [push('release')], releases })], 0)
  expect(await client.ttl(key)).toBe(-1)
})

it('is moved to its queue in its order, however often it is asked for', async () => {
  const carrier = room.open()
  const consumer = await room.consume(carrier)
  const raws = Array.from({ length: 1100 }, (_, i) => String(i))
  await consumer.stage?.(piece(0, ...raws))
  const moved: number[] = []
  do moved.push((await consumer.unstage?.(target)) ?? 0)
  while (moved.at(-1) !== 0)
  expect(moved).toEqual([500, 500, 100, 0])
  expect((await client.lrange('far', 0, -1)).reverse()).toEqual(raws)
  expect(await client.exists(key)).toBe(0)
})

it('a queue that is none is told, and nothing is lost', async () => {
  const consumer = await room.consume(room.open())
  await client.set('far', 'no list')
  await consumer.stage?.(piece(0, 'a'))
  await expect(consumer.unstage?.(target)).rejects.toThrow('far is no queue')
  expect(await client.llen(key)).toBe(1)
})

it('a client that only declares its tasks stages them where workers of ours consume their queue', async () => {
  const app = createApp('declaring', { broker: room.server.url, taskDefaultQueue: 'q' })
  const elsewhere = app.declare<(index: number) => number>('elsewhere')
  const members = Array.from({ length: 1001 }, (_, index) => elsewhere.s(index))
  await group(members).delay()
  expect(await client.llen('q')).toBe(1001)
  await client.del('q')

  const consumer = await room.consume(room.open(), { queues: ['q'] })
  await group(members).delay()
  await app.close()
  expect(await client.llen('q')).toBe(1)
  const [staged] = await client.keys('lovage:stage:*')
  expect(await client.llen(staged as string)).toBe(1001)
  const [release] = (await consumer.step(0, [], 1)).deliveries
  expect(String(release?.raw)).toContain('"task": "lovage.release"')
})
