// Dead letters in Redis: what only a Redis can do to them.
import { afterAll, expect, it } from 'vitest'
import type { Revival } from '../../src/runtime/dead-letter.js'
import { scripts } from '../../src/redis/scripts.js'
import type { Carrier } from '../../src/runtime/carrier.js'
import { end, messages, part, push, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room
const results = client.duplicate({ db: 5 })
afterAll(() => results.disconnect())

const chord = { groupId: 'g', bodyId: 'b' }
const nothing: Revival = { fences: [], taskIds: [], parts: [] }

const bury = async (carrier: Carrier) => {
  const { broker } = carrier
  const consumer = await room.consume(carrier)
  await broker.publish(messages('a'))
  const [held] = (await consumer.step(0, [], 1)).deliveries
  await consumer.step(0, [end(held!, { ending: { kind: 'dead', reason: 'r', taskId: 'a' } })], 0)
  const [letter] = await broker.dead.list(1)
  return { consumer, letter: letter! }
}

it('a call whose answer was lost is told what it did, another one that it came too late', async () => {
  const carrier = room.open()
  const { letter } = await bury(carrier)
  const bare = await room.bare()
  const ask = async (who: string) => {
    const args = [3, keys.dead, keys.deadLetter(letter.id), keys.list('q', 0), letter.id, who, '0', '', 0, 0]
    return String(await bare.link.run(scripts.revive, args))
  }
  expect([await ask('me'), await ask('me'), await ask('you'), await ask('me')]).toEqual([
    'sent',
    'sent',
    'gone',
    'sent',
  ])
  expect(await client.lrange('q', 0, -1)).toEqual(['a'])
  expect(await client.ttl(keys.deadLetter(letter.id))).toBeGreaterThan(3500)
  expect(await carrier.broker.dead.read(letter.id)).toBeNull()
})

it('connections that break in between lose and double nothing', async () => {
  const carrier = room.open()
  const { broker } = carrier
  const consumer = await room.consume(carrier)
  await broker.publish(messages(...Array.from({ length: 60 }, (_, i) => `m${i}`)))
  const held = (await consumer.step(0, [], 60)).deliveries
  await consumer.step(
    0,
    held.map((each) => end(each, { ending: { kind: 'dead', reason: 'r' } })),
    0,
  )
  const outcomes = (await broker.dead.list(100)).map(async (letter, i) => {
    if (i % 15 === 7) await room.cut()
    return broker.dead.revive(letter, nothing)
  })
  expect(new Set(await Promise.all(outcomes))).toEqual(new Set(['sent']))
  expect((await client.lrange('q', 0, -1)).sort()).toEqual(held.map(({ raw }) => String(raw)).sort())
})

it('a queue whose name holds something else blocks it: the letter stays', async () => {
  const carrier = room.open()
  const { letter } = await bury(carrier)
  await client.set('q', 'no list')
  expect(await carrier.broker.dead.revive(letter, nothing)).toBe('blocked')
  expect(await carrier.broker.dead.read(letter.id)).toEqual(letter)
  expect(await client.get('q')).toBe('no list')
})

it('a full Redis lets it through: what it takes away comes first', async () => {
  const carrier = room.open()
  const { letter } = await bury(carrier)
  await client.config('SET', 'maxmemory', '1')
  try {
    expect(await carrier.broker.dead.revive(letter, nothing)).toBe('sent')
  } finally {
    await client.config('SET', 'maxmemory', '0')
  }
  expect(await client.lrange('q', 0, -1)).toEqual(['a'])
})

it('results in another database: its FAILURE and its part are taken back there', async () => {
  const url = { brokerUrl: server.database(2), backendUrl: server.database(5) }
  const carrier = room.open(url)
  const { broker, backend } = carrier
  const consumer = await room.consume(carrier)
  await broker.publish({ pushes: [push('a'), push('b')], chords: [{ ...chord, size: 2 }] })
  const [a, b] = (await consumer.step(0, [], 2)).deliveries
  const failed = end(a!, {
    fence: 'a:0:0:',
    ending: { kind: 'dead', reason: 'r', taskId: 'a' },
    results: [stored('a', 'FAILURE')],
    parts: [part('a', 0)],
  })
  await consumer.step(0, [failed], 0)
  const [letter] = await broker.dead.list(1)
  const revival = { fences: ['a:0:0:'], taskIds: ['a'], parts: [{ ...chord, taskId: 'a' }] }
  expect(await broker.dead.revive(letter!, revival)).toBe('sent')
  expect(await backend.read(['a'])).toEqual([null])
  expect(await results.exists(keys.chord(chord.groupId, 'j'))).toBe(0)
  const [again] = (await consumer.step(0, [end(b!, { parts: [part('b', 1)] })], 1)).deliveries
  const ended = end(again!, { results: [success('a')], parts: [part('a', 0)] })
  expect((await consumer.step(0, [ended], 0)).joins).toHaveLength(1)
})

it('a part that Python reported in its own spelling is known by its task id, in a list as well', async () => {
  const carrier = room.open()
  const { letter } = await bury(carrier)
  const [j, s] = [keys.chord('group', 'j'), keys.chord('group', 's')]
  await client.set(s, 3)
  await client.rpush(j, '[1,"other","SUCCESS",1]', '[1,"a","FAILURE",{}]')
  await client.sadd(keys.seen({ groupId: 'group', bodyId: 'body' }), 'other', 'a')
  const place = { groupId: 'group', bodyId: 'body', taskId: 'a' }
  expect(await carrier.broker.dead.revive(letter, { ...nothing, parts: [place] })).toBe('sent')
  expect(await client.lrange(j, 0, -1)).toEqual(['[1,"other","SUCCESS",1]'])
})

it('each is there for so long, and so many are: nothing is left of those before', async () => {
  const carrier = room.open()
  const { letter, consumer } = await bury(carrier)
  const seconds = await client.ttl(keys.deadLetter(letter.id))
  expect(seconds > 3500 && seconds <= 3600, `${seconds} s`).toBe(true)
  // Its time was over before anybody died again.
  const diedAt = letter.diedAt.getTime()
  await client.zadd(keys.dead, diedAt - 3_700_000, 'of before', diedAt - 1000, letter.id)
  const few = await room.consume(carrier, { deadLetterMax: 2 })
  await carrier.broker.publish(messages('b', 'c'))
  for (const each of [consumer, few]) {
    const [held] = (await each.step(0, [], 1)).deliveries
    await each.step(0, [end(held!, { ending: { kind: 'dead', reason: 'r' } })], 0)
    expect(await client.zcard(keys.dead)).toBe(2)
  }
  expect(await client.exists(keys.deadLetter(letter.id))).toBe(0)
})

it('more than one call throws away: all go, and each is counted', async () => {
  const carrier = room.open()
  const { broker } = carrier
  const consumer = await room.consume(carrier, { deadLetterMax: 1000 })
  await broker.publish(messages(...Array.from({ length: 250 }, (_, i) => `m${i}`)))
  const held = (await consumer.step(0, [], 250)).deliveries
  await consumer.step(
    0,
    held.map((each) => end(each, { ending: { kind: 'dead', reason: 'r' } })),
    0,
  )
  expect(await broker.dead.list(1000)).toHaveLength(250)
  expect(await broker.dead.purge()).toBe(250)
  expect(await client.keys('lovage:dead*')).toEqual([])
})
