// The table of keys against what a real Redis holds after everything has happened once.
import { Redis } from 'ioredis'
import { expect, it } from 'vitest'
import { separator } from '../../src/redis/keys.js'
import { scripts } from '../../src/redis/scripts.js'
import { RedisScheduleStore } from '../../src/redis/schedule-store.js'
import { gateFor } from '../../src/runtime/gate.js'
import { parseAddress } from '../../src/redis/url.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { keyTable } from './key-table.js'
import { end, part, push, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room

/** How many parts of a name are variable: the more is fixed, the earlier it is tried. */
const variables = (name: string): number => (name.startsWith('<') ? 9 : name.split('<').length)

/** `<queue>\x06\x16<3|6|9>` → a pattern. Longer names first, so that each key finds its own line. */
const patterns = keyTable
  .map((fact) => {
    const escaped = fact.name.replace(/[.*+?^${}()[\]\\]/g, '\\$&')
    const pattern = escaped.replace(/<3\|6\|9>/g, '[369]').replace(/<[^>]+>/g, '[^:\\x06]+')
    return { fact, pattern: new RegExp(`^${pattern}$`) }
  })
  .sort((a, b) => variables(a.fact.name) - variables(b.fact.name) || b.fact.name.length - a.fact.name.length)

it('a rate is remembered for as long as a delay may be made up for', async () => {
  const consumer = await room.consume(room.open())
  await consumer.permit('task', { intervalMs: 100, slackMs: 60_000 }, 1)
  expect(await client.pttl(keys.rate('task'))).toBeGreaterThan(50_000)
})

/** What is there only when results lie on another server: that has the courier's place. */
const checkFar = async (look: () => Promise<void>): Promise<Set<string>> => {
  const far = await startRedis({ own: true })
  const there = new Redis(far.url)
  // One that nobody carries yet: those that we leave are on their way at once.
  const { text } = stored('before', 'REVOKED')
  await client.rpush(keys.outbox, `60 ${keys.result('before').length} ${keys.result('before')}${text}`)
  await look()
  const { broker } = room.open({ backendUrl: far.url })
  // The far server writes nothing for a while, so that what is on its way lies in the outbox.
  await there.client('PAUSE', 60_000, 'WRITE')
  const revoked = broker.revoke({
    ids: [],
    stamps: [],
    results: [stored('far', 'REVOKED')],
    most: 9,
    seconds: 60,
  })
  await until(async () => (await client.exists(keys.outbox)) === 1)
  await look()
  await there.client('UNPAUSE')
  await revoked
  const consumer = await room.consume({ broker } as never)
  await until(async () => (await client.exists(keys.outbox)) === 0)
  await look()
  // A chord of Python's whose last part was ours, between the two servers.
  await there.set(keys.chord('theirs', 's'), '1')
  await there.set(keys.courier('some'), 'me', 'PX', 5000)
  const head = JSON.stringify(['', 'theirs', 'body', '0', 'p', 'q', 4])
  const words = ['me', 5000, 0, head, 'part', '[1, "p", "SUCCESS", 1]']
  await there.eval(scripts.deliver.text, 2, keys.courier('some'), keys.counted('some'), ...words)
  const seen = await check(there)
  await consumer.close()
  there.disconnect()
  return seen
}

const check = async (client: Redis = room.client): Promise<Set<string>> => {
  const seen = new Set<string>()
  for (const key of await client.keys('*')) {
    const line = patterns.find(
      ({ fact, pattern }) => pattern.test(key) && !(fact.name === '<queue>' && key.includes('-')),
    )
    expect(line, `the table knows ${JSON.stringify(key)}`).toBeDefined()
    const { name, type, ttl, live } = line!.fact
    seen.add(name)
    const left = await client.pttl(key)
    // A key of a second's life may have ended since it was listed.
    if (left === -2 && ttl !== null) continue
    expect([name, await client.type(key)]).toEqual([name, type])
    if (ttl === null || (live && left === -1)) expect([name, left]).toEqual([name, -1])
    else {
      expect(left, name).toBeGreaterThan(0)
      if (ttl !== 'expires') expect(left, name).toBeLessThanOrEqual(ttl * 1000)
    }
  }
  return seen
}

it('each key that is written stands in the table, with its type and its lifetime', async () => {
  const { broker, mailbox } = room.open()
  const seen = new Set<string>()
  const look = async (): Promise<void> => {
    for (const name of await check()) seen.add(name)
  }
  const chord = { groupId: 'g', bodyId: 'b' }
  await broker.publish({
    pushes: [
      push('m1'),
      push('m2'),
      push('m3'),
      push('m4'),
      push('m5', { priority: 9 }),
      push('later', { dueMs: broker.now() + 60_000 }),
    ],
    chords: [{ ...chord, size: 2 }],
    pages: [{ graph: 'canvas', page: 0, text: '[]' }],
    errands: [{ ...chord, id: 'abroad', part: 'abroad', index: 2, sentMs: broker.now(), text: '{}' }],
  })
  await broker.stage?.({ stage: 'big', list: 0, offset: 0, raws: ['m6'] })
  await client.set(keys.chord('g', 't'), '0')
  await room.open().backend.saveGroup('saved', '{}', 60)
  await client.hset('unacked', 'tag', '[]')
  await client.zadd('unacked_index', 1, 'tag')
  await look()
  const consumer = await room.consume({ broker } as never)
  const waiting = consumer.wait(1)
  await until(async () => (await client.exists(keys.waiters('q'))) === 1)
  await look()
  const held = [...(await waiting), ...(await consumer.step(0, [], 9)).deliveries]
  while (held.length < 5) held.push(...(await consumer.step(0, [], 9)).deliveries)
  const [a, b, c, d, e] = held
  await consumer.step(0, [end(a!, { results: [success('a')], parts: [part('a', 0)] })], 0)
  await look()
  await consumer.step(0, [end(b!, { results: [success('b')], parts: [part('b', 1)] })], 0)
  await look()
  await consumer.step(
    0,
    [
      end(b!, {
        joined: [chord],
        pushes: [push('body', { queue: 'out' })],
        frees: [{ graph: 'canvas', page: 0 }],
      }),
    ],
    0,
  )
  await consumer.step(
    0,
    [end(c!, { fence: 'c:0:0:p', results: [stored('c', 'FAILURE')], ending: { kind: 'dead', reason: 'r' } })],
    0,
  )
  await consumer.step(0, [end(d!, { ending: { kind: 'back' } }), end(e!)], 0)
  await look()

  await broker.publish({ pushes: [push('limited')], chords: [] })
  const [limited] = (await consumer.step(0, [], 1)).deliveries
  await consumer.step(0, [end(limited!, { ending: { kind: 'park', task: 'task' } })], 0)
  const gate = gateFor('task', 'key', 1, 'first')
  await broker.publish({ pushes: [push('first'), push('second')], chords: [] })
  const [first, second] = (await consumer.step(0, [], 2)).deliveries
  await consumer.admit(first!, gate)
  await consumer.admit(second!, { ...gate, who: 'second' })
  await consumer.permit('task', { intervalMs: 1000, slackMs: 0 }, 1)
  await look()

  const store = new RedisScheduleStore({
    address: parseAddress('broker', server.url),
    keys,
    scope: 'app',
    timeoutSeconds: 4,
  })
  await store.put('report', '{}', { state: '{}' })
  await broker.lead('app', 'beat', 6000)
  const firing = {
    scope: 'app',
    entry: 'report',
    tickMs: 1,
    by: 'beat',
    publication: { pushes: [], chords: [] },
  }
  await broker.fire([firing, { ...firing, state: { revision: 1, text: '{}', line: 'once' } }])
  await broker.revoke({ ids: ['a'], stamps: [['customer', '"acme"']], results: [], most: 9, seconds: 60 })
  const replies = 'reply.celery.pidbox'
  const waits = `someone${separator}${separator}someone.${replies}`
  await client.sadd(keys.binding(replies), waits)
  await mailbox.reply(replies, 'someone', '{}')
  await look()
  await client.srem(keys.binding(replies), waits)
  await client.del(keys.list(`someone.${replies}`, 0), keys.revoked, keys.revokedStamps)
  await mailbox.close()
  await store.remove('report')
  await store.close()
  await broker.publish({ pushes: [{ ...push('aside'), queue: 'away' }], chords: [] })
  expect(await broker.setAside('away')).toBe(1)
  expect(await broker.setAside('away')).toBeNull()
  const orphan = keys.graph('5f1c0a3e-6d9b-4c53-9e11-0a4c7c2b9d10')
  await client.hset(orphan, '0', '[]')
  await broker.sweep?.({ silentSeconds: 0, afterSeconds: 60, everySeconds: 3600, settleSeconds: 0 })
  await look()
  for (const name of await checkFar(look)) seen.add(name)
  expect([...seen].sort()).toEqual(keyTable.map(({ name }) => name).sort())

  // What nobody needs any more is gone with its owner, or will be.
  await consumer.close()
  await client.del(orphan)
  await client.del(keys.stage({ stage: 'big', list: 0 }))
  await broker.purge('q')
  await client.del(keys.eta('q'))
  expect(await leaks(server.url)).toEqual([])
})
