// The sweep: what no message leads to any more is taken away after days of it, and nothing that any message leads to,
// wherever that lies, and however it is packed.
import { randomUUID } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { beforeEach, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import type { signature } from '../../src/canvas/signature.js'
import { scripts } from '../../src/redis/scripts.js'
import { Link } from '../../src/redis/link.js'
import { parseAddress } from '../../src/redis/url.js'
import type { SweepTerms } from '../../src/runtime/broker.js'
import { gateFor, gateHeader, gateText } from '../../src/runtime/gate.js'
import { purgedQueue } from '../../src/runtime/purged.js'
import { until } from '../support/until.js'
import { end, push, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room
let { broker } = room.open()
beforeEach(() => {
  broker = room.open().broker
})

const terms = { silentSeconds: 0, afterSeconds: 0, everySeconds: 0, settleSeconds: 0 }
const sweep = async (changes: Partial<SweepTerms> = {}) => {
  const taken = await broker.sweep?.({ ...terms, ...changes })
  return taken == null ? taken : [...taken].sort()
}
/** Suspected by the first look, taken by the second. */
const sweepTwice = async () => {
  expect(await sweep()).toEqual([])
  return sweep()
}

const pageOf = async (text = 'steps'): Promise<string> => {
  const graph = randomUUID()
  await client.hset(keys.graph(graph), '0', text)
  return graph
}
const packed = (text: string): string => Buffer.from(text).toString('base64')
const message = (name: string, headers = ''): string =>
  `{"body": "${packed(`[[], {}, {"chain": [{"kwargs": {"$lv": {"g": "${name}"}}}]}]`)}", "headers": {${headers}}}`

it('takes what is behind no message, when it was so before, and all that belongs to it', async () => {
  const app = createApp('proj', { broker: room.server.url })
  const add = app.task('add', (x: number, y: number) => x + y)
  const sum = app.task('sum', (numbers: number[]) => numbers.length)
  const long = (chain as unknown as (steps: readonly unknown[]) => ReturnType<typeof signature>)([
    add.s(1, 1),
    ...Array.from({ length: 300 }, () => add.s(1)),
  ])
  await long.delay()
  await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay()
  const consumer = await room.consume(room.open(), { queues: ['celery'] })
  const deliveries = (await consumer.step(0, [], 5)).deliveries
  const part = deliveries.find(({ raw }) => String(raw).includes('"group": "'))!
  const [, groupId = ''] = /"group": "([^"]*)"/.exec(String(part.raw)) ?? []
  const parts = [{ groupId, bodyId: 'b', taskId: 't', index: 0, member: '[1, "t", "SUCCESS", 2]' }]
  await consumer.step(0, [end(part, { parts })], 0)
  expect(await sweepTwice()).toEqual([])

  await client.del(keys.consumer(consumer.id))
  expect(await sweep()).toEqual([])
  expect(await client.zcard(keys.orphans)).toBe(2)
  expect(await sweep()).toHaveLength(2)
  expect(await client.keys('lovage:[gc][rh]*')).toEqual([])
  expect(await client.keys('celery-taskset-meta-*')).toEqual([])
  expect(await client.exists(keys.orphans)).toBe(0)
  await app.close()
})

it('takes nothing that a message leads to, wherever it lies', async () => {
  const consumer = await room.consume(room.open(), { gated: true })
  const gated = (name: string) =>
    message(name, `"${gateHeader}": "${gateText(gateFor('task', 'k', 1, name))}"`)
  const publish = (...raws: string[]) => broker.publish({ pushes: raws.map((raw) => push(raw)), chords: [] })
  const kept: string[] = []
  const keep = async (text?: string): Promise<string> => {
    const name = await pageOf(text)
    kept.push(name)
    return name
  }
  await publish(gated(await keep()), gated(await keep()), message(await keep()), message(await keep()))
  const held = (await consumer.step(0, [], 10)).deliveries
  expect(held).toHaveLength(3)
  const [, parked, back] = held
  const endings = [
    end(parked!, { ending: { kind: 'park', task: 't' } }),
    end(back!, { ending: { kind: 'back' } }),
  ]
  await consumer.step(0, endings, 0)
  await broker.publish({ pushes: [push(message(await keep()), { dueMs: broker.now() + 9e6 })], chords: [] })
  await broker.publish({
    pushes: [{ ...push(message(await keep())), queue: 'low', priority: 9 }],
    chords: [],
  })
  await client.sadd(keys.binding('low'), '\x06\x16\x06\x16low')
  await broker.stage?.({ stage: 's', list: 0, offset: 0, raws: [message(await keep())] })
  await client.hset(keys.unacked, 'tag', JSON.stringify([message(await keep()), '', 'python']))
  await client.lpush(keys.list(purgedQueue('low'), 0), message(await keep()))
  await client.hset(keys.deadLetter('d'), 'raw', message(await keep()))
  // Behind pages: of a graph that a message leads to, and of that.
  const last = await keep()
  const next = await keep(`["${last}"]`)
  await publish(message(await keep(`["${next}"]`)))
  const [zipped, signed] = [await keep(), await keep()]
  await publish(`{"body": "${deflateSync(`["${zipped}"]`.padEnd(99)).toString('base64')}"}`)
  await publish(`{"body": "${packed(`${packed(`["${signed}", 1, 2, 3]`)}:signature`)}"}`)
  const lost = await pageOf()
  expect(await sweepTwice()).toEqual([lost])
  expect((await client.keys('lovage:graph:*')).sort()).toEqual(kept.map(keys.graph).sort())
})

it('reads lists of any length', async () => {
  const names = await Promise.all(Array.from({ length: 350 }, () => pageOf()))
  await client.sadd(keys.binding('q'), '\x06\x16\x06\x16q')
  await client.lpush('q', ...names.map((name) => message(name)))
  expect(await sweepTwice()).toEqual([])
  await client.del('q')
  expect(await sweepTwice()).toEqual(names.sort())
})

it('is never sure of what a worker gets meanwhile', async () => {
  const name = await pageOf()
  expect(await sweep()).toEqual([])
  const consumer = await room.consume(room.open())
  await broker.publish({ pushes: [push(message(name))], chords: [] })
  const [got] = (await consumer.step(0, [], 1)).deliveries
  await consumer.step(0, [end(got!)], 0)
  await until(async () => (await client.exists(keys.orphans)) === 0)
  // It is suspected anew: for as long as all others.
  expect(await sweep()).toEqual([])
})

it('what was needed after all when it was to be taken stays', async () => {
  const link = new Link({ address: parseAddress('broker', room.server.url), name: 'sweeper' })
  link.hold()
  await link.whenUp()
  const [one, other] = [await pageOf(), await pageOf()]
  expect(await sweep()).toEqual([])
  await client.zrem(keys.orphans, one)
  const words = [one, other].flatMap((name) => [name, '1', '1', keys.graph(name)])
  expect(String(await link.run(scripts.forsake, [1, keys.orphans, '0', '', ...words]))).toBe(other)
  expect(await client.keys('lovage:graph:*')).toEqual([keys.graph(one)])
  link.close()
})

it('takes what has been silent for long, suspected for long, and without an end of its own', async () => {
  const name = await pageOf()
  await client.set(keys.chord(randomUUID(), 's'), 2, 'EX', 600)
  await client.set(keys.savedGroup(randomUUID()), '[]')
  await pageOf().then((other) => client.rename(keys.graph(other), keys.graph('by hand')))
  expect(await sweep({ silentSeconds: 60 })).toEqual([])
  expect(await client.exists(keys.orphans)).toBe(0)
  expect(await sweep()).toEqual([])
  expect(await sweep({ afterSeconds: 60 })).toEqual([])
  expect(await client.zrange(keys.orphans, 0, '-1')).toEqual([name])
  expect(await sweep()).toEqual([name])
  expect(await client.keys('*')).toHaveLength(3)
})

it('one looks in each while, and none takes anything where somebody else may read more than we', async () => {
  const name = await pageOf()
  expect(await sweep({ everySeconds: 60 })).toEqual([])
  expect(await sweep({ everySeconds: 60 })).toBeNull()
  await client.sadd(keys.binding('q'), '\x06\x16\x06\x16q')
  await client.lpush('q', '{"body": "?", "headers": {"compression": "application/zstd"}}')
  expect(await sweep()).toBeNull()
  await client.del('q')
  expect(await sweep()).toEqual([name])
})

it('chords of results in another database go from there', async () => {
  const url = new URL(room.server.url)
  url.pathname = '/3'
  const [there, here] = [room.open({ backendUrl: String(url) }), await pageOf()]
  broker = there.broker
  const groupId = randomUUID()
  await broker.publish({
    pushes: [push(message(groupId)), push('m')],
    chords: [{ groupId, bodyId: 'b', size: 2 }],
  })
  await client.sadd(keys.binding('q'), '\x06\x16\x06\x16q')
  expect(await sweepTwice()).toEqual([here])
  await client.del('q')
  expect(await sweepTwice()).toEqual([groupId])
  await client.select(3)
  expect(await client.keys('*')).toEqual([])
  await client.select(0)
})
