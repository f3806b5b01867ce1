// Celery's captured states: ours are the same where we write, and theirs are read where we read. A table by
// the names of the claims: the compiler insists that each has its test.
import type { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import type { Keys } from '../../src/redis/keys.js'
import { until } from '../support/until.js'
import { claims } from '../vectors/broker.claims.js'
import { caseOf, type VectorCase, type VectorKey } from '../vectors/read.js'
import { end, push, raws, stored, useRoom } from './room.js'

const room = await useRoom()
const { client } = room

const keyOf = (item: VectorCase, key: string): VectorKey => {
  const found = item.redis?.find((each) => each.key === key)
  if (found === undefined) throw new Error(`${item.name} has no key ${key}`)
  return found
}

const listOf = (item: VectorCase, key: string): readonly string[] => keyOf(item, key).value as string[]

/** The keys as they were captured. */
const seed = async (item: VectorCase): Promise<void> => {
  for (const { key, type, value } of item.redis ?? []) {
    if (type === 'set') await client.sadd(key, ...(value as string[]))
    else if (type === 'list') await client.rpush(key, ...(value as string[]))
    else if (type === 'hash') await client.hset(key, value as Record<string, string>)
    else if (type === 'zset')
      for (const [member, score] of value as [string, number][]) await client.zadd(key, score, member)
    else await client.set(key, value as string)
  }
}

/** What Redis holds now, in the form of the vectors; without our own keys and with TTLs of a day rounded. */
const captured = async (redis: Redis, ours = /lovage:/) => {
  const names = (await redis.keys('*')).filter((key) => !ours.test(key)).sort()
  return Promise.all(
    names.map(async (key) => {
      const type = await redis.type(key)
      const ttl = await redis.ttl(key)
      const value =
        type === 'set'
          ? (await redis.smembers(key)).sort()
          : type === 'list'
            ? await redis.lrange(key, 0, -1)
            : await redis.get(key)
      return { key, type, ttl: ttl > 86_000 ? 86_400 : ttl, value }
    }),
  )
}

const plainly = ({ redis = [] }: VectorCase, drop = /pidbox/) =>
  redis
    .filter(({ key }) => !drop.test(key))
    .map(({ key, type, ttl, value }) => ({ key, type, ttl: ttl > 86_000 ? 86_400 : ttl, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))

/** A worker of ours takes what lies there, byte for byte. */
const takes = async (item: VectorCase, queue: string): Promise<void> => {
  await seed(item)
  const consumer = await room.consume(room.open(), { queues: [queue] })
  const { deliveries } = await consumer.step(0, [], 10)
  expect(raws(deliveries)).toEqual([...listOf(item, queue)].reverse())
}

/** Python's record of what its workers hold: its shape is read, and nothing of ours touches it. */
const leavesUnacked = async (item: VectorCase): Promise<void> => {
  await seed(item)
  const unacked = await client.hgetall('unacked')
  const [[tag, entry]] = Object.entries(unacked) as [[string, string]]
  const [envelope, exchange, routingKey, ...more] = JSON.parse(entry)
  expect({ exchange, routingKey, more }).toEqual({ exchange: '', routingKey: 'celery', more: [] })
  expect(envelope.properties.delivery_tag).toBe(tag)
  expect(Number(await client.zscore('unacked_index', tag))).toBeGreaterThan(1.7e9)
  const { broker } = room.open()
  const consumer = await room.consume({ broker } as never, { queues: ['celery'] })
  expect(await broker.length('celery')).toBe(0)
  await broker.purge('celery')
  await new Promise((resolve) => setTimeout(resolve, 1300))
  expect((await consumer.step(0, [], 1)).deliveries).toEqual([])
  expect(await client.hgetall('unacked')).toEqual(unacked)
}

type Case = (typeof claims.broker)[number]

const tests: { readonly [name in Case]: (item: VectorCase, keys: Keys) => Promise<void> } = {
  'publish-commands': async (item) => {
    const [raw] = listOf(item, 'celery\x06\x166')
    await room.open().broker.publish({ pushes: [push(raw!, { queue: 'celery', priority: 6 })], chords: [] })
    expect(await captured(client)).toEqual(plainly(item))
  },
  'explicit-direct-exchange': async (item) => {
    await client.sadd('_kombu.binding.celery', ...(keyOf(item, '_kombu.binding.celery').value as string[]))
    const { broker } = room.open()
    const queues = await broker.route('celery', 'celery')
    expect(queues).toEqual(['celery'])
    const [raw] = listOf(item, 'celery')
    await broker.publish({ pushes: queues.map((queue) => push(raw!, { queue })), chords: [] })
    expect(await captured(client)).toEqual(plainly(item))
  },
  'unroutable-is-dropped': async () => {
    await client.sadd('_kombu.binding.celery', 'celery\x06\x16\x06\x16celery')
    const { broker } = room.open()
    expect(await broker.route('celery', 'no-such-key')).toEqual([])
    expect(await broker.route('no-such-exchange', 'celery')).toEqual([])
  },
  'topic-exchange': async (item) => {
    await seed(item)
    const { broker } = room.open()
    expect(await broker.route('media', 'x.image')).toEqual(['images'])
    expect(await broker.route('media', 'feed.image')).toEqual(['feeds', 'images'])
    expect(await broker.route('media', 'feed.x.y')).toEqual(['feeds'])
  },
  fanout: async ({ published = [] }) => {
    const listener = client.duplicate()
    const heard: unknown[] = []
    listener.on('pmessage', (_, channel, message) => void heard.push({ channel, message }))
    await listener.psubscribe('/0.bcast', '/0.bcast/a.*')
    const { broker } = room.open()
    for (const { channel, message } of published)
      await broker.publish({
        pushes: [
          {
            queue: '',
            priority: 0,
            raw: message,
            fanout: { exchange: 'bcast', routingKey: channel.split('/')[2] ?? '' },
          },
        ],
        chords: [],
      })
    await until(() => heard.length === published.length)
    expect(heard).toEqual(published)
    listener.disconnect()
  },
  'worker-bindings': async (item) => {
    await room.consume(room.open(), { queues: ['celery', 'videos'] })
    expect(await captured(client)).toEqual(plainly(item))
  },
  'brpop-commands': async ({ commands = [] }) => {
    const order = commands[0]!.replaceAll('\\x06\\x16', '\x06\x16').split(' ').slice(1, -1)
    for (const list of order) await client.lpush(list, `${list}:1`, `${list}:2`)
    const consumer = await room.consume(room.open(), { queues: ['celery', 'videos'] })
    const got: string[] = []
    for (const _ of [...order, ...order]) got.push(...raws((await consumer.step(0, [], 1)).deliveries))
    // Round robin rotates the queues after each message; within a step they take turns.
    const turns = [0, 2, 4, 6].flatMap((i) =>
      [1, 2].flatMap((n) => [`${order[i]}:${n}`, `${order[i + 1]}:${n}`]),
    )
    expect(got).toEqual(turns)
  },
  'consume-and-ack-commands': async ({ commands = [] }, keys) => {
    const setex = commands.find((command) => command.startsWith('SETEX'))!
    const [, key, seconds] = setex.split(' ')
    const taskId = key!.replace('celery-task-meta-', '')
    expect(keys.result(taskId)).toBe(key)
    const listener = client.duplicate()
    await listener.subscribe(key!)
    const heard = new Promise((resolve) =>
      listener.once('message', (channel, text) => resolve([channel, text])),
    )
    const { broker } = room.open()
    await broker.publish({ pushes: [push('m', { queue: 'celery' })], chords: [] })
    const consumer = await room.consume({ broker } as never, { queues: ['celery'] })
    const { deliveries } = await consumer.step(0, [], 1)
    const result = stored(taskId, 'SUCCESS', 3, Number(seconds))
    await consumer.step(0, [end(deliveries[0]!, { results: [result] })], 0)
    expect(await captured(client)).toEqual([
      { key: '_kombu.binding.celery', type: 'set', ttl: -1, value: ['celery\x06\x16\x06\x16celery'] },
      { key, type: 'string', ttl: 86_400, value: result.text },
    ])
    expect(await heard).toEqual([key, result.text])
    listener.disconnect()
  },
  'eta-reserved-unacked': leavesUnacked,
  'killed-worker-unacked': leavesUnacked,
  'warm-shutdown-restored': (item) => takes(item, 'celery'),
  'visibility-timeout-restored': (item) => takes(item, 'celery'),
  'requeued-by-consumer': (item) => takes(item, 'celery'),
  'global-keyprefix': async (item) => {
    const { broker } = room.open({ globalKeyPrefix: 'app1:', resultKeyPrefix: 'app1:' })
    const first = 'app1:celery-task-meta-'
    const meta = item.redis!.find(({ key }) => key.startsWith(first))!
    const size = item.redis!.find(({ key }) => key.endsWith('.s'))!
    const groupId = size.key.replace(/^.*meta-|\.s$/g, '')
    const consumer = await room.consume({ broker } as never, { queues: ['celery'] })
    await broker.publish({ pushes: [push('m', { queue: 'celery' })], chords: [] })
    const { deliveries } = await consumer.step(0, [], 1)
    const result = {
      taskId: meta.key.slice(first.length),
      state: 'SUCCESS',
      text: String(meta.value),
      expires: 86_400,
    }
    await consumer.step(0, [end(deliveries[0]!, { results: [result] })], 0)
    const pushes = [...listOf(item, 'app1:held')].reverse().map((raw) => push(raw, { queue: 'held' }))
    await broker.publish({ pushes, chords: [{ groupId, bodyId: 'b', size: Number(size.value) }] })
    // One difference, on purpose: while a chord lives, its size carries no TTL.
    const expected = plainly(item).map((each) => (each.key === size.key ? { ...each, ttl: -1 } : each))
    expect(await captured(client)).toEqual(expected)
    expect((await client.keys('*')).filter((key) => !key.startsWith('app1:'))).toEqual([])
  },
}

it.each(claims.broker)('%s', (name) => tests[name](caseOf('broker', name), room.keys))
