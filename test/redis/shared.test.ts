// Queues that Python workers consume as well: what Celery's recovery finds of what we hold, who has a message when
// two want it, and what becomes of a dead peer's, on either side.
import { describe, expect, it } from 'vitest'
import { Keys } from '../../src/redis/keys.js'
import { isOurTag } from '../../src/redis/shared.js'
import { gateFor } from '../../src/runtime/gate.js'
import type { Consumer, StepReply } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { end, push, raws, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room

const sharing = { queues: new Set(['q']), visibilityTimeout: 5 }
const now = (): number => Date.now() / 1000

const envelope = (id: string, more: Record<string, unknown> = {}, properties: Record<string, unknown> = {}) =>
  JSON.stringify({
    body: 'W1tdLCB7fSwge31d',
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers: { id, task: 't', big: 0, ...more },
    properties: {
      delivery_tag: `py-${id}`,
      delivery_info: { exchange: '', routing_key: 'q' },
      ...properties,
    },
  }).replace('"big":0', '"big":123456789012345678901234567890')

const open = () => room.open({ sharing })
const publish = (...raws: string[]) =>
  open().broker.publish({ pushes: raws.map((raw) => push(raw)), chords: [] })
const consume = (leaseMs = 60_000): Promise<Consumer> => room.consume(open(), { leaseMs })

/** What lies in `unacked`: our tag → entry. */
const entries = () => client.hgetall('unacked')

/** What kombu does when its visibility timeout is over. */
const sweep = async (tag: string): Promise<void> => {
  const value = await client.hget('unacked', tag)
  await client.multi().zrem('unacked_index', tag).hdel('unacked', tag).exec()
  const [message] = JSON.parse(value!)
  message.headers.redelivered = true
  message.properties.delivery_info.redelivered = true
  await client.rpush('q', JSON.stringify(message))
}

describe('a message of a shared queue that we hold', () => {
  it('lies where Celery’s recovery finds it, spliced from its own text, under our tag', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    expect(raws(deliveries)).toEqual([envelope('a')])
    const [[tag, value]] = Object.entries(await entries()) as [[string, string]]
    expect(isOurTag(tag)).toBe(true)
    expect(tag).toContain(consumer.id)
    expect(value).toBe(`[${envelope('a')},"","q"]`)
    expect(Number(await client.zscore('unacked_index', tag))).toBeCloseTo(now(), 0)
  })

  it('is gone from there when it ends', async () => {
    await publish(envelope('a'), envelope('b'), envelope('c'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 3)
    expect(await client.hlen('unacked')).toBe(3)
    const [a, b, c] = deliveries
    const reply = await consumer.step(
      0,
      [
        end(a!, { results: [success('a')] }),
        end(b!, { fence: 'b:0:0:', results: [stored('b', 'FAILURE')] }),
        end(c!, { ending: { kind: 'dead', reason: 'r' } }),
      ],
      0,
    )
    expect(reply.refused).toEqual([])
    expect(await client.exists('unacked', 'unacked_index')).toBe(0)
    expect(await client.get(keys.result('a'))).toContain('SUCCESS')
  })

  it('is somebody else’s when Python has recovered it: the late end is refused', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    await sweep(Object.keys(await entries())[0]!)
    const late = await consumer.step(0, [end(deliveries[0]!, { results: [success('a')] })], 1)
    expect(late.refused).toEqual([0])
    expect(await client.exists(keys.result('a'))).toBe(0)
    expect(late.deliveries).toMatchObject([{ redelivered: true, uncertain: true, attempts: 0 }])
    expect(
      (await consumer.step(0, [end(late.deliveries[0]!, { results: [success('a')] })], 0)).refused,
    ).toEqual([])
    expect(await client.exists('unacked', 'q')).toBe(0)
  })

  it('is looked after as long as we live: its score is as fresh as our lease', async () => {
    await publish(envelope('a'))
    const carrier = open()
    await room.consume(carrier, { leaseMs: 60_000 })
    // What keeps leases has started: on a busy machine that may take longer than a short one lasts.
    await until(async () => String(await client.client('LIST')).includes('name=lovage-lease'))
    const consumer = await room.consume(carrier, { leaseMs: 4000 })
    await consumer.step(0, [], 1)
    const tag = Object.keys(await entries())[0]!
    const first = Number(await client.zscore('unacked_index', tag))
    await until(async () => Number(await client.zscore('unacked_index', tag)) > first + 0.5)
  })

  it.each([
    ['no JSON', 'nothing'],
    ['an unknown type in a header', envelope('a', { when: { __type__: 'mine', __value__: 1 } })],
    ['the same, escaped', envelope('a', { when: 'X' }).replace('"X"', '{"\\u005f_type__": "mine"}')],
    ['bytes that are no UTF-8', Buffer.from(envelope('a', { x: 'Ü' }), 'latin1')],
    [
      'a number that Python refuses',
      envelope('a').replace('123456789012345678901234567890', '1'.repeat(4400)),
    ],
    ['a number that only Lua takes for one', envelope('a').replace('"big":1', '"big":01')],
    ['another', envelope('a').replace('123456789012345678901234567890', '1.')],
    ['headers that are null', envelope('a').replace(/"headers":\{[^}]*\}/, '"headers":null')],
    ['a list', '[1]'],
    ['too many brackets', envelope('a', { deep: JSON.parse('['.repeat(600) + ']'.repeat(600)) })],
  ])('is not put there if it would stop Python’s recovery: %s', async (_, raw) => {
    await client.lpush('q', raw as string)
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    expect(deliveries).toHaveLength(1)
    expect(await client.exists('unacked', 'unacked_index')).toBe(0)
    expect(
      (await consumer.step(0, [end(deliveries[0]!, { ending: { kind: 'dead', reason: 'r' } })], 0)).refused,
    ).toEqual([])
  })

  it('comes with all that was claimed with it, whatever stands where its mark would be', async () => {
    const odd = envelope('a', { redelivered: 0 }).replace('"redelivered":0', '"redelivered":01')
    await publish(odd, envelope('b'), envelope('c', { redelivered: true }))
    const { deliveries } = await (await consume()).step(0, [], 3)
    expect(deliveries).toMatchObject([{ redelivered: false }, { redelivered: false }, { redelivered: true }])
  })

  it('of any size goes back from a worker that died, and keeps nobody else’s from it', async () => {
    const body = 'a'.repeat(12 * 2 ** 20)
    await publish(envelope('large', { body }), envelope('small'))
    const worker = await room.bare(['q'], new Keys('', '', sharing))
    await worker.claim('l0', 1, 2)
    await consume()
    await until(async () => (await client.exists(keys.consumer(`!${worker.id}`), keys.consumers)) === 1)
    await until(async () => (await client.llen('q')) === 2)
  })

  it('is put there with text of every script, brackets in strings and typed values', async () => {
    const raw = envelope('a', {
      argsrepr: `[[[[{{{"${'['.repeat(900)}`,
      name: 'Grüße, 世界, 🙂',
      at: { __type__: 'datetime', __value__: '2026-01-02T03:04:05+00:00' },
    })
    await publish(raw)
    await (await consume()).step(0, [], 1)
    expect(Object.values(await entries())).toEqual([`[${raw},"","q"]`])
  })

  it('goes back marked as Celery does it, big integers and all', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    await consumer.step(0, [end(deliveries[0]!, { ending: { kind: 'back' } })], 0)
    const raw = (await client.lindex('q', 0))!
    expect(raw).toContain('123456789012345678901234567890')
    expect(JSON.parse(raw)).toMatchObject({
      headers: { redelivered: true },
      properties: { delivery_info: { redelivered: true } },
    })
    expect(await client.exists('unacked', keys.redo('q'))).toBe(0)
    const again = await consumer.step(0, [], 1)
    expect(again.deliveries).toMatchObject([
      { redelivered: true, attempts: 0, uncertain: false, lastWorker: 'w@host' },
    ])
    await consumer.step(0, [end(again.deliveries[0]!, { ending: { kind: 'back', starts: 2 } })], 0)
    expect((await consumer.step(0, [], 1)).deliveries).toMatchObject([{ attempts: 2, uncertain: false }])
  })

  it('is acknowledged early on both sides', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    expect(await consumer.release(deliveries[0]!.tag)).toBe(true)
    expect(await consumer.release(deliveries[0]!.tag)).toBe(true)
    expect(await client.exists('unacked', 'unacked_index')).toBe(0)
    expect((await consumer.step(0, [end(deliveries[0]!, { results: [success('a')] })], 0)).refused).toEqual(
      [],
    )
  })

  it('is nobody’s business here when Python has recovered it before its start is noted', async () => {
    await publish(envelope('a', { redelivered: true }))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    await sweep(Object.keys(await entries())[0]!)
    expect(await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'lost' })
  })
})

describe('an eta on a shared queue', () => {
  it('is the score in unacked_index; when it is due the message comes to any worker of ours', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    const dueMs = Date.now() + 1500
    await consumer.step(0, [end(deliveries[0]!, { ending: { kind: 'defer', dueMs } })], 0)
    const tag = Object.keys(await entries())[0]!
    expect(Number(await client.zscore('unacked_index', tag))).toBeCloseTo(dueMs / 1000, 1)
    await consumer.close()
    expect(await client.hlen('unacked')).toBe(1)
    const other = await consume()
    await until(async () => (await client.llen('q')) === 1)
    expect(Date.now()).toBeGreaterThanOrEqual(dueMs)
    expect(await client.exists('unacked', 'unacked_index', keys.eta('q'))).toBe(0)
    const { deliveries: due } = await other.step(0, [], 1)
    expect(due).toMatchObject([{ redelivered: false }])
    expect(raws(due)).toEqual([envelope('a')])
  })

  it('is not promoted here if Python has recovered it', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const { deliveries } = await consumer.step(0, [], 1)
    await consumer.step(0, [end(deliveries[0]!, { ending: { kind: 'defer', dueMs: Date.now() + 1200 } })], 0)
    await sweep(Object.keys(await entries())[0]!)
    await until(async () => (await client.exists(keys.eta('q'))) === 0)
    expect(await client.llen('q')).toBe(1)
  })

  it('of a message that we send lies in the queue, where Python workers find it', async () => {
    await open().broker.publish({ pushes: [push(envelope('a'), { dueMs: Date.now() + 60_000 })], chords: [] })
    expect(await client.llen('q')).toBe(1)
    expect(await client.exists(keys.eta('q'))).toBe(0)
  })

  it('of a message that a Python worker holds keeps others from running it too', async () => {
    const eta = new Date(Date.now() + 60_000).toISOString()
    for (const queue of ['q', 'theirs']) {
      await client.hset('unacked', `py-${queue}`, `[${envelope(queue, { eta })}, "", "${queue}"]`)
      await client.zadd('unacked_index', String(now()), `py-${queue}`)
    }
    await consume()
    await until(async () => Number(await client.zscore('unacked_index', 'py-q')) > now() + 50)
    expect(Number(await client.zscore('unacked_index', 'py-q'))).toBeCloseTo(Date.parse(eta) / 1000, 1)
    expect(Number(await client.zscore('unacked_index', 'py-theirs'))).toBeLessThan(now())
  })
})

describe('a worker of ours that dies', () => {
  const shared = new Keys('', '', sharing)

  it('leaves its messages where Python finds them too: marked, in their order, with their past', async () => {
    await publish(envelope('a'), envelope('b'))
    const worker = await room.bare(['q'], shared)
    await worker.claim('l0', 1, 1)
    await worker.step('l0', 3)
    await worker.claim('l0', 4, 1)
    const heir = await consume()
    await until(async () => (await client.llen('q')) === 2)
    expect(await client.exists('unacked', 'unacked_index', keys.redo('q'))).toBe(0)
    await until(async () => (await client.exists(keys.consumer(`!${worker.id}`))) === 0)
    const { deliveries } = await heir.step(0, [], 2)
    expect(deliveries.map(({ raw }) => JSON.parse(String(raw)).headers)).toMatchObject([
      { id: 'a', redelivered: true },
      { id: 'b', redelivered: true },
    ])
    expect(deliveries).toMatchObject([
      { attempts: 1, uncertain: false, redelivered: true, lastWorker: 'bare@host' },
      { attempts: 0, uncertain: true, redelivered: true, lastWorker: 'bare@host' },
    ])
  })

  it('is counted each time: a start that was noted is an attempt', async () => {
    await publish(envelope('a', {}, { delivery_info: { redelivered: true, lovage_past: '3 - x@host' } }))
    const worker = await consume()
    const { deliveries } = await worker.step(0, [], 1)
    expect(deliveries).toMatchObject([{ attempts: 3, lastWorker: 'x@host' }])
    expect(await worker.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    await client.zadd(keys.consumers, 'XX', 0, worker.id)
    const heir = await consume()
    await until(async () => (await client.llen('q')) === 1)
    expect((await heir.step(0, [], 1)).deliveries).toMatchObject([{ attempts: 4 }])
  })

  it('has nothing left of what Python has recovered meanwhile', async () => {
    await publish(envelope('a'))
    const worker = await room.bare(['q'], shared)
    await worker.claim('l0', 1, 1)
    await sweep(Object.keys(await entries())[0]!)
    await consume()
    await until(
      async () => (await client.exists(keys.consumer(worker.id), keys.consumer(`!${worker.id}`))) === 0,
    )
    expect(await client.llen('q')).toBe(1)
    expect(await client.exists(keys.redo('q'))).toBe(0)
  })

  it('gets the same answer to the same claim', async () => {
    await publish(envelope('a'))
    const worker = await room.bare(['q'], shared)
    const first = (await worker.step('l0', 1, [], 1)) as StepReply
    expect(await worker.step('l0', 1, [], 1)).toEqual(first)
    expect(await client.hlen('unacked')).toBe(1)
  })
})

describe('a Python worker that died', () => {
  const held = async (id: string, age: number, value: string): Promise<void> => {
    await client.hset('unacked', id, value)
    await client.zadd('unacked_index', String(now() - age), id)
  }

  it('loses what it holds after the visibility timeout, and not before', async () => {
    await held('old', 6, `[${envelope('old', {}, { priority: 9 })}, "", "q"]`)
    await held('new', 1, `[${envelope('new')}, "", "q"]`)
    await consume()
    await until(async () => (await client.exists('unacked')) === 1 && (await client.hlen('unacked')) === 1)
    expect(await client.llen('q')).toBe(0)
    const raw = (await client.lindex(keys.list('q', 3), 0))!
    expect(JSON.parse(raw).headers).toMatchObject({ id: 'old', redelivered: true })
    expect(raw).toContain('123456789012345678901234567890')
    expect([await client.zcard('unacked_index'), await client.zrank('unacked_index', 'new')]).toEqual([1, 0])
  })

  it('keeps what it holds of queues that are not shared with us', async () => {
    await held('theirs', 6, `[${envelope('theirs')}, "", "theirs"]`)
    await held('ours', 6, `[${envelope('ours')}, "", "q"]`)
    await consume()
    await until(async () => (await client.llen('q')) === 1)
    expect(Object.keys(await entries())).toEqual(['theirs'])
  })

  it('finds the queues of an exchange', async () => {
    await client.sadd('_kombu.binding.media', 'x.image\x06\x16\x06\x16q')
    await held('bound', 6, `[${envelope('bound')}, "media", "x.image"]`)
    await consume()
    await until(async () => (await client.llen('q')) === 1)
  })

  it.each([
    ['no route', `[${envelope('lost')}, "nowhere", "x"]`, /No queue is bound to exchange "nowhere"/],
    ['no JSON', 'broken', /no worker can read/],
    ['two elements', `[${envelope('two')}, ""]`, /no worker can read/],
    ['no message', '["text", "", "q"]', /no worker can read/],
  ])('leaves a dead letter where Celery would lose it, or stop: %s', async (_, value, reason) => {
    await held('bad', 6, value)
    await consume()
    const { broker } = open()
    await until(async () => (await broker.dead.list(1)).length === 1)
    const [letter] = await broker.dead.list(1)
    expect(letter!.reason).toMatch(reason)
    expect(String(letter!.raw)).toBe(value)
    expect(await client.exists('unacked', 'unacked_index')).toBe(0)
  })
})

it('costs nothing and writes nothing where no queue is shared', async () => {
  await client.lpush('q', envelope('a'))
  const consumer = await room.consume(room.open())
  await consumer.step(0, [], 1)
  expect(await client.exists('unacked', 'unacked_index')).toBe(0)
})

describe('a message of a shared queue with a concurrency key', () => {
  const gate = (who: string) => gateFor('t', 'k', 1, who)

  it('is ours alone from the moment when it is inside or in the line, and the next one follows its end', async () => {
    await publish(envelope('a'), envelope('b'))
    const consumer = await consume()
    const [a, b] = (await consumer.step(0, [], 2)).deliveries
    expect(await client.hlen('unacked')).toBe(2)
    expect(await consumer.admit(a!, gate('a'))).toBe('run')
    expect(await consumer.admit(b!, gate('b'))).toBe('wait')
    expect([await client.hlen('unacked'), await client.zcard('unacked_index')]).toEqual([0, 0])
    const { refused, deliveries } = await consumer.step(0, [end(a!, { results: [success('a')] })], 1)
    expect([refused, raws(deliveries)]).toEqual([[], [envelope('b')]])
  })

  it('is lost where Python’s recovery was faster', async () => {
    await publish(envelope('a'))
    const consumer = await consume()
    const [a] = (await consumer.step(0, [], 1)).deliveries
    await sweep(Object.keys(await entries())[0]!)
    expect(await consumer.admit(a!, gate('a'))).toBe('lost')
    expect(await client.exists(`${keys.base}gate:${gate('a').name}`)).toBe(0)
  })
})
