// The hot script's rules: what is written, what is refused, and what a call that is sent again finds.
import { describe, expect, it } from 'vitest'
import type { StepReply } from '../../src/runtime/consumer.js'
import { gateFor, gateText } from '../../src/runtime/gate.js'
import { emptyHash, end, messages, push, raws, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room
const done = (reply: StepReply | string): StepReply => {
  if (typeof reply === 'string') throw new Error(`the step was ${reply}`)
  return reply
}

describe('a claim', () => {
  it('records what it pops in the same call, by the number of its request', async () => {
    await client.lpush('q', 'a', 'b')
    const worker = await room.bare()
    expect(await worker.claim('l0', 5, 3)).toMatchObject([{ tag: '5' }, { tag: '6' }])
    expect(await client.hgetall(keys.consumer(worker.id))).toMatchObject({ '5': 'a', '6': 'b', l0: '5 3' })
    expect(await client.exists('q')).toBe(0)
  })

  it('takes redeliveries first when it looks, else last; then priorities in order, queue by queue', async () => {
    await client.lpush(keys.redo('q'), '2 - 1 old@host\nagain')
    await client.lpush('q\x06\x166', 'six')
    await client.lpush('p\x06\x163', 'three')
    await client.lpush('q', 'zero')
    const worker = await room.bare(['q', 'p'])
    const got = await worker.claim('l0', 1, 9)
    expect(raws(got)).toEqual(['zero', 'three', 'six', 'again'])
    expect(got.map(({ queue }) => queue)).toEqual(['q', 'p', 'q', 'q'])
    expect(got[3]).toMatchObject({ attempts: 2, redelivered: true, lastWorker: 'old@host', tag: '4:1r' })
  })

  it('carries bytes as they are', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0x0a, 0xfe])
    await client.lpush('q', bytes)
    const worker = await room.bare()
    expect((await worker.claim('l0', 1, 1))[0]?.raw.equals(bytes)).toBe(true)
  })

  it('takes what somebody else has put among redeliveries or into a line, and loses nothing of what came with it', async () => {
    const carrier = room.open()
    const consumer = await room.consume(carrier, { gated: true })
    const gate = gateFor('task', 'k', 1, 'one')
    const [first, second] = ['one', 'two'].map(
      (who) => `{"headers": {"lovage_gate": "${gateText({ ...gate, who })}"}, "who": "${who}"}`,
    ) as [string, string]
    await client.rpush('q', second, first)
    const [inside] = (await consumer.step(0, [], 2)).deliveries
    expect(await client.lpop(`lovage:line:${gate.name}`)).toContain('"two"')
    await client.rpush(
      `lovage:line:${gate.name}`,
      `${gateText({ ...gate, who: 'two' })}\nq\n0 - 0 -\n${second}`,
      'odd',
    )
    await client.rpush(keys.redo('q'), 'odd', '1 - 0 other@host\nours', '1 - 7 x\nodd', '{"no": "note"}')
    await client.rpush('q', 'plain')
    const { deliveries } = await consumer.step(0, [end(inside!)], 10)
    expect(Object.fromEntries(deliveries.map(({ raw, attempts }) => [String(raw), attempts]))).toEqual({
      ours: 1,
      odd: 0,
      '1 - 7 x\nodd': 0,
      '{"no": "note"}': 0,
      plain: 0,
      [second]: 0,
    })
  })

  it('passes by a key of another type that has a queue’s name', async () => {
    await client.set('q', 'no list')
    await client.lpush('q\x06\x163', 'x')
    const worker = await room.bare()
    expect(raws(await worker.claim('l0', 1, 5))).toEqual(['x'])
  })
})

describe('a completion', () => {
  it('stores, announces and acknowledges in one call', async () => {
    const listener = client.duplicate()
    await listener.subscribe(keys.result('t'))
    const heard = new Promise((resolve) => listener.once('message', (_, text) => resolve(text)))
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    done(await worker.step('l0', 3, [end(a!, { results: [success('t')] })]))
    expect(await client.get(keys.result('t'))).toBe(success('t').text)
    expect(await client.ttl(keys.result('t'))).toBe(3600)
    expect(await heard).toBe(success('t').text)
    expect(await client.hexists(keys.consumer(worker.id), a!.tag)).toBe(0)
    listener.disconnect()
  })

  it('of a tag that is not held is refused, and only that one', async () => {
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    const reply = await worker.step('l0', 3, [
      end('99', { results: [success('x')] }),
      end(a!, { results: [success('t')] }),
    ])
    expect(done(reply).refused).toEqual([0])
    expect(await client.exists(keys.result('x'))).toBe(0)
    expect(await client.exists(keys.result('t'))).toBe(1)
  })

  it.each(['STARTED', 'RETRY', 'PROGRESS', 'FAILURE'])('overwrites %s with a SUCCESS', async (state) => {
    await client.set(keys.result('t'), stored('t', state).text)
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    done(await worker.step('l0', 3, [end(a!, { results: [success('t')] })]))
    expect(await client.get(keys.result('t'))).toBe(success('t').text)
  })

  it('never overwrites a SUCCESS, whatever the text says behind its start', async () => {
    const first = '{"status": "SUCCESS", "result": "\\"status\\": \\"STARTED\\""}'
    await client.set(keys.result('t'), first)
    await client.lpush('q', 'a', 'b')
    const worker = await room.bare()
    const [a, b] = await worker.claim('l0', 1, 2)
    const failed = {
      fence: 't:0:0:',
      results: [stored('t', 'FAILURE')],
      pushes: [push('errback', { queue: 'out' })],
    }
    const reply = await worker.step('l0', 4, [end(a!, { results: [success('t', 2)] }), end(b!, failed)])
    expect(done(reply).refused).toEqual([0, 1])
    expect(await client.get(keys.result('t'))).toBe(first)
    expect(await client.exists('out')).toBe(0)
  })

  it('with a marker counts once for two messages of one generation', async () => {
    await client.lpush('q', 'a', 'b')
    const worker = await room.bare()
    const [a, b] = await worker.claim('l0', 1, 2)
    const ends = {
      fence: 't:0:0:p',
      results: [stored('t', 'RETRY')],
      pushes: [push('next', { queue: 'out' })],
    }
    const reply = await worker.step('l0', 4, [end(a!, ends), end(b!, ends)])
    expect(done(reply).refused).toEqual([1])
    expect(await client.llen('out')).toBe(1)
    expect(await client.ttl(keys.done('t:0:0:p'))).toBe(3600)
    expect(await client.hlen(keys.consumer(worker.id))).toBe(emptyHash)
  })

  it('keeps a result for ever when it expires after 0 seconds', async () => {
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    done(await worker.step('l0', 3, [end(a!, { results: [stored('t', 'SUCCESS', 1, 0)] })]))
    expect(await client.ttl(keys.result('t'))).toBe(-1)
  })

  it('finds its own next message with the slot that it frees', async () => {
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    const step = { fence: 't:0:0:', results: [success('t')], pushes: [push('b')] }
    expect(raws(done(await worker.step('l0', 3, [end(a!, step)], 1)).deliveries)).toEqual(['b'])
  })

  it('pushes thousands at once, in order', async () => {
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    const pushes = Array.from({ length: 9000 }, (_, i) => push(`m${i}`, { queue: 'out' }))
    done(await worker.step('l0', 3, [end(a!, { fence: 't:0:0:', pushes })]))
    expect(await client.llen('out')).toBe(9000)
    expect(await client.lindex('out', -1)).toBe('m0')
  })

  it('loses no push to a queue whose name another type of key has', async () => {
    await client.set('out', 'no list')
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    done(await worker.step('l0', 3, [end(a!, { fence: 't:0:0:', pushes: [push('b', { queue: 'out' })] })]))
    const other = await room.bare(['out'])
    expect(await other.claim('l0', 1, 1)).toMatchObject([{ attempts: 0, redelivered: false }])
  })
})

describe('a call that is sent again', () => {
  it('gives the same messages and writes nothing', async () => {
    await client.lpush('q', 'a', 'b', 'c')
    const worker = await room.bare()
    const first = await worker.claim('l0', 1, 2)
    expect(await worker.claim('l0', 1, 2)).toEqual(first)
    expect(await client.llen('q')).toBe(1)
  })

  it('gives the same refusals, does not push twice, and finds what it claimed', async () => {
    await client.lpush('q', 'a', 'b')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    const again = [
      end('77', { fence: 'x:0:0:' }),
      end(a!, { fence: 't:0:0:', results: [success('t')], pushes: [push('next', { queue: 'out' })] }),
    ]
    const first = await worker.step('l0', 3, again, 1)
    expect(first).toMatchObject({ refused: [0] })
    expect(await worker.step('l0', 3, again, 1)).toEqual(first)
    expect(await client.llen('out')).toBe(1)
  })

  it('does not count what other lanes claimed meanwhile', async () => {
    await client.lpush('q', 'a', 'b', 'c')
    const worker = await room.bare()
    const first = await worker.claim('l0', 1, 1)
    await worker.claim('l1', 3, 2)
    expect(await worker.claim('l0', 1, 1)).toEqual(first)
  })

  it('is stale when its lane went on, as bytes of an old socket are', async () => {
    await client.lpush('q', 'a', 'b', 'c')
    const worker = await room.bare()
    await worker.claim('l0', 1, 1)
    await worker.claim('l0', 3, 1)
    expect(await worker.step('l0', 1, [], 1)).toBe('stale')
    expect(await client.llen('q')).toBe(1)
  })

  it('is lost when the consumer was reaped, and recreates nothing', async () => {
    await client.lpush('q', 'a')
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    await client.rename(keys.consumer(worker.id), keys.consumer(`!${worker.id}`))
    expect(await worker.step('l0', 3, [end(a!, { results: [success('t')] })], 1)).toBe('lost')
    expect(await worker.step('l1', 5, [], 1)).toBe('lost')
    expect(await client.exists(keys.consumer(worker.id), keys.result('t'))).toBe(0)
  })
})

describe('what does not end well', () => {
  it('goes back, on, or to the end of its own list', async () => {
    await client.lpush('q\x06\x163', 'a', 'b')
    const worker = await room.bare()
    const [a, b] = await worker.claim('l0', 1, 2)
    done(
      await worker.step('l0', 4, [
        end(a!, { ending: { kind: 'requeue' } }),
        end(b!, { ending: { kind: 'back' } }),
      ]),
    )
    expect(await client.lrange('q\x06\x163', 0, -1)).toEqual(['a'])
    expect(await client.lrange(keys.redo('q'), 0, -1)).toEqual(['0 - 1 bare@host\nb'])
  })

  it('becomes one of a bounded number of dead letters, the oldest going first', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    await client.lpush('q', ...names)
    const worker = await room.bare()
    const got = await worker.claim('l0', 1, 5)
    for (const [i, delivery] of got.entries())
      done(
        await worker.step('l0', 10 + i, [
          end(delivery, { ending: { kind: 'dead', reason: `r${i}`, taskId: 'id' } }),
        ]),
      )
    const letters = await room.open().broker.dead.list(9)
    expect(letters.map(({ raw }) => String(raw)).sort()).toEqual(['c', 'd', 'e'])
    expect(letters[0]).toMatchObject({
      queue: 'q',
      taskId: 'id',
      task: null,
      attempts: 0,
      lastWorker: 'bare@host',
    })
    const kept = await client.keys('lovage:dead:*')
    expect(kept).toHaveLength(3)
    for (const key of kept) expect(await client.ttl(key)).toBe(60)
    expect(await client.ttl(keys.dead)).toBe(60)
    const { broker } = room.open()
    expect(await broker.dead.purge()).toBe(3)
    expect(await client.keys('lovage:dead*')).toEqual([])
  })
})

it('messages go from one lane to the other and back without a loss', async () => {
  const { broker } = room.open()
  const names = Array.from({ length: 300 }, (_, i) => `m${i}`)
  await broker.publish(messages(...names))
  const consumer = await room.consume(room.open())
  const seen: string[] = []
  const run = async (lane: number): Promise<void> => {
    let { deliveries } = await consumer.step(lane, [], 7)
    while (deliveries.length > 0) {
      seen.push(...raws(deliveries))
      const ends = deliveries.map((delivery) => end(delivery, { results: [success(String(delivery.raw))] }))
      deliveries = (await consumer.step(lane, ends, 7)).deliveries
    }
  }
  await Promise.all([run(0), run(1)])
  expect(seen.sort()).toEqual(names.sort())
  expect(await client.hlen(keys.consumer(consumer.id))).toBe(emptyHash)
})
