// What becomes of a dead worker's messages: which attempts count, which starts are uncertain, who is lost.
import { describe, expect, it } from 'vitest'
import type { StepReply } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { emptyHash, end, messages, part, push, raws, success, type Bare, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room

/** A living worker takes over what the dead ones held. */
const heir = async (slots: number) => {
  const { broker } = room.open()
  const consumer = await room.consume({ broker } as never, { hostname: 'heir@host' })
  await until(async () => (await client.zcard(keys.consumers)) === 1)
  return { consumer, deliveries: (await consumer.step(0, [], slots)).deliveries }
}

const dead = async (...names: string[]): Promise<Bare> => {
  await room.open().broker.publish(messages(...names))
  return room.bare()
}

it('a moment that comes for what somebody else put there takes nothing along', async () => {
  const due = Date.now() - 1000
  const ours = ['a', 'b'].map((name, index) => [String(due + index), `x:${name} 0 - 0 -\n${name}`]).flat()
  await client.zadd(keys.eta('q'), ...ours, String(due), 'odd', String(due), 'x 1\nodder')
  const consumer = await room.consume(room.open())
  await until(async () => (await client.exists(keys.eta('q'))) === 0)
  const found = raws((await consumer.step(0, [], 10)).deliveries)
  expect([...found].sort()).toEqual(['a', 'b', 'odd', 'x 1\nodder'])
})

describe('what a dead worker held', () => {
  it('counts as an attempt if a later request of its lane proves that it arrived', async () => {
    const worker = await dead('a', 'b')
    await worker.claim('l0', 1, 2)
    await worker.step('l0', 4)
    const { deliveries } = await heir(9)
    expect(raws(deliveries)).toEqual(['a', 'b'])
    expect(deliveries[0]).toMatchObject({
      attempts: 1,
      uncertain: false,
      redelivered: true,
      lastWorker: 'bare@host',
    })
  })

  it('is uncertain, and not counted, if it came with the last request of its lane', async () => {
    const worker = await dead('a', 'b')
    await worker.claim('l0', 1, 1)
    await worker.claim('l1', 3, 1)
    await worker.step('l1', 5)
    const { deliveries } = await heir(9)
    expect(deliveries.map(({ attempts, uncertain }) => [attempts, uncertain])).toEqual([
      [0, true],
      [1, false],
    ])
  })

  it('is told by the size of the request, not by numbers that other lanes took between', async () => {
    const worker = await dead('a', 'b')
    await worker.claim('l0', 1, 1)
    await worker.claim('l1', 3, 0)
    await worker.step('l0', 4, [], 1)
    await worker.step('l0', 6)
    const { deliveries } = await heir(9)
    expect(deliveries.map(({ attempts }) => attempts)).toEqual([1, 1])
  })

  it('comes in its old order, however much it is', async () => {
    const names = Array.from({ length: 450 }, (_, i) => `m${i}`)
    const worker = await dead(...names)
    await worker.claim('l0', 1, 450)
    const { deliveries } = await heir(450)
    expect(raws(deliveries)).toEqual(names)
    expect(await client.exists(keys.consumer(worker.id), keys.consumer(`!${worker.id}`))).toBe(0)
  })

  it('finds its queue and its priority again', async () => {
    await room.open().broker.publish({ pushes: [push('x', { queue: 'p', priority: 9 })], chords: [] })
    const worker = await room.bare(['q', 'p'])
    await worker.claim('l0', 1, 5)
    await room.consume(room.open())
    await until(async () => (await client.llen(keys.redo('p'))) === 1)
    expect(await client.lindex(keys.redo('p'), 0)).toBe('0 m 3 bare@host\nx')
  })
})

describe('an uncertain delivery', () => {
  it('counts when its start was noted, and not when nobody started it', async () => {
    const worker = await dead('a', 'b')
    await worker.claim('l0', 1, 2)
    const { consumer, deliveries } = await heir(2)
    expect(await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    await client.zadd(keys.consumers, 'XX', 0, consumer.id)
    const next = await heir(2)
    expect(next.deliveries.map(({ attempts, uncertain }) => [attempts, uncertain])).toEqual([
      [1, false],
      [0, true],
    ])
  })

  it('is told that it ended: its marker is there', async () => {
    const worker = await dead('a', 'a')
    const [first] = await worker.claim('l0', 1, 1)
    await worker.step('l0', 3, [end(first!, { fence: 'a:0:0:', results: [success('a')] })], 1)
    const { consumer, deliveries } = await heir(1)
    expect(await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'done', joins: [] })
    expect((await consumer.step(0, [end(deliveries[0]!)], 0)).refused).toEqual([])
    expect(await client.hlen(keys.consumer(consumer.id))).toBe(emptyHash)
  })

  it('may be noted twice, as a resent call is', async () => {
    const worker = await dead('a')
    await worker.claim('l0', 1, 1)
    const { consumer, deliveries } = await heir(1)
    await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])
    expect(await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    await consumer.step(0, [end(deliveries[0]!)], 0)
    expect(await client.hlen(keys.consumer(consumer.id))).toBe(emptyHash)
  })

  it('is nobody’s when the lease is gone', async () => {
    const worker = await dead('a')
    await worker.claim('l0', 1, 1)
    const { consumer, deliveries } = await heir(1)
    await client.rename(keys.consumer(consumer.id), 'elsewhere')
    expect(await consumer.note(deliveries[0]!.tag, 'a:0:0:', [])).toEqual({ kind: 'lost' })
    expect(await consumer.release(deliveries[0]!.tag)).toBe(false)
    expect(await consumer.store(deliveries[0]!.tag, success('t'))).toBe(false)
    expect(await client.exists(keys.consumer(consumer.id), keys.result('t'))).toBe(0)
  })
})

describe('a worker that dies between the last part of a chord and its body', () => {
  const lastPart = { fence: 'a:0:0:', results: [success('a')], parts: [part('a', 0)] }
  const body = { joined: [{ groupId: 'g', bodyId: 'b' }], pushes: [push('body', { queue: 'out' })] }

  it.each([1, 0])(
    'leaves it to the next one, who runs nothing again (parts in a later request: %i)',
    async (later) => {
      await room
        .open()
        .broker.publish({ pushes: [push('a')], chords: [{ groupId: 'g', bodyId: 'b', size: 1 }] })
      const worker = await room.bare()
      const [a] = await worker.claim('l0', 1, 1)
      const reply = (await worker.step('l0', 3, [end(a!, lastPart)])) as StepReply
      expect(reply.joins).toMatchObject([
        { completion: 0, groupId: 'g', bodyId: 'b', members: [part('a', 0).member] },
      ])
      expect(await worker.step('l0', 3, [end(a!, lastPart)])).toEqual(reply)
      if (later === 1) await worker.step('l0', 4)

      const { consumer, deliveries } = await heir(1)
      expect(deliveries).toMatchObject([{ attempts: 0, uncertain: true }])
      const tag = deliveries[0]!.tag
      const note = await consumer.note(tag, 'a:0:0:', [part('a', 0)])
      expect(note).toMatchObject({ kind: 'done', joins: [{ members: [part('a', 0).member] }] })
      expect((await consumer.step(0, [end(tag, body)], 0)).refused).toEqual([])
      expect(await client.llen('out')).toBe(1)
      expect(await client.exists(keys.taken({ groupId: 'g', bodyId: 'b' }))).toBe(0)
      expect(await client.ttl(keys.seen({ groupId: 'g', bodyId: 'b' }))).toBe(3600)
    },
  )

  it('even if the next one dies after asking', async () => {
    await room
      .open()
      .broker.publish({ pushes: [push('a')], chords: [{ groupId: 'g', bodyId: 'b', size: 1 }] })
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    await worker.step('l0', 3, [end(a!, lastPart)])
    const second = await heir(1)
    await second.consumer.note(second.deliveries[0]!.tag, 'a:0:0:', [part('a', 0)])
    await second.consumer.step(0, [], 0)
    await client.zadd(keys.consumers, 'XX', 0, second.consumer.id)
    const third = await heir(1)
    expect(third.deliveries).toMatchObject([{ attempts: 0, uncertain: true }])
    const note = await third.consumer.note(third.deliveries[0]!.tag, 'a:0:0:', [part('a', 0)])
    expect(note).toMatchObject({ kind: 'done', joins: [{ groupId: 'g' }] })
  })

  it('and the body goes out once, whoever of two publishes it', async () => {
    await room
      .open()
      .broker.publish({ pushes: [push('a')], chords: [{ groupId: 'g', bodyId: 'b', size: 1 }] })
    const worker = await room.bare()
    const [a] = await worker.claim('l0', 1, 1)
    await worker.step('l0', 3, [end(a!, lastPart)])
    expect(await worker.step('l0', 4, [end(`${a!.tag}j`, body)])).toMatchObject({ refused: [] })
    await client.lpush('q', 'a')
    const [copy] = await worker.claim('l0', 5, 1)
    expect(await worker.step('l0', 7, [end(copy!, body)])).toMatchObject({ refused: [0] })
    expect(await client.llen('out')).toBe(1)
  })
})

describe('a message that was acknowledged early', () => {
  it('is lost with its worker, and said so to one other', async () => {
    const { broker } = room.open()
    await broker.publish(messages('a'))
    const consumer = await room.consume(room.open())
    const { deliveries } = await consumer.step(0, [], 1)
    expect(await consumer.release(deliveries[0]!.tag)).toBe(true)
    expect(await consumer.release(deliveries[0]!.tag)).toBe(true)
    await client.zadd(keys.consumers, 'XX', 0, consumer.id)
    const next = await heir(1)
    expect(next.deliveries).toMatchObject([{ lost: true, uncertain: false, lastWorker: 'w@host' }])
    await next.consumer.step(0, [end(next.deliveries[0]!, { fence: 'a:0:0:' })], 0)
    expect(await client.exists(keys.redo('q'), 'q')).toBe(0)
  })

  it('ends like any other', async () => {
    await room.open().broker.publish(messages('a'))
    const consumer = await room.consume(room.open())
    const { deliveries } = await consumer.step(0, [], 1)
    await consumer.release(deliveries[0]!.tag)
    expect((await consumer.step(0, [end(deliveries[0]!, { results: [success('a')] })], 0)).refused).toEqual(
      [],
    )
    expect(await client.hlen(keys.consumer(consumer.id))).toBe(emptyHash)
  })
})
