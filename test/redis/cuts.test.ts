// A consumer whose connections are cut, whose scripts are flushed, whose server is full or restarted: it goes
// on, each message ends once, and its operator hears of it once.
import { describe, expect, it } from 'vitest'
import type { Carrier } from '../../src/runtime/carrier.js'
import type { Consumer } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { emptyHash, end, messages, push, raws, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room

/** Runs everything there is: each message stores a result and pushes its edge, on two lanes and by waiting. */
const work = (consumer: Consumer) => {
  const ran = new Map<string, number>()
  let running = true
  const endings = (deliveries: Awaited<ReturnType<Consumer['wait']>>) =>
    deliveries.map((delivery) => {
      const id = String(delivery.raw)
      ran.set(id, (ran.get(id) ?? 0) + 1)
      return end(delivery, {
        fence: `${id}:0:0:`,
        results: [success(id)],
        pushes: [push(id, { queue: 'out' })],
      })
    })
  const loop = async (lane: number): Promise<void> => {
    let { deliveries } = await consumer.step(lane, [], 5)
    while (running || deliveries.length > 0) {
      if (deliveries.length === 0) {
        if (lane === 0) deliveries = await consumer.wait(5)
        else await new Promise((resolve) => setTimeout(resolve, 5))
      }
      deliveries = (await consumer.step(lane, endings(deliveries), running ? 5 : 0)).deliveries
    }
  }
  const done = Promise.all([loop(0), loop(1)])
  return {
    ran,
    stop: async () => {
      running = false
      consumer.interrupt()
      await done
    },
  }
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`)

const publishSlowly = async ({ broker }: Carrier, all: readonly string[]): Promise<void> => {
  for (let i = 0; i < all.length; i += 5) {
    await broker.publish(messages(...all.slice(i, i + 5)))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('a consumer', () => {
  it('loses nothing and doubles nothing while every connection is cut each 50 ms', async () => {
    const carrier = room.open({ timeout: 20 })
    const consumer = await room.consume(carrier)
    const worker = work(consumer)
    let cutting = true
    const cuts = (async () => {
      while (cutting) {
        await room.cut()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    })()
    await publishSlowly(carrier, names(1000))
    await until(async () => (await client.llen('out')) >= 1000, { timeout: 25_000 })
    cutting = false
    await cuts
    await worker.stop()
    expect((await client.lrange('out', 0, -1)).sort()).toEqual(names(1000).sort())
    // One run each: no attempt is spent on a cut, since every answer is asked for again.
    expect([...worker.ran.values()].filter((count) => count > 1)).toEqual([])
    expect(await client.hlen(keys.consumer(consumer.id))).toBe(emptyHash)
  })

  it('goes on when the scripts are flushed again and again', async () => {
    const carrier = room.open()
    const consumer = await room.consume(carrier)
    const worker = work(consumer)
    let flushing = true
    const flushes = (async () => {
      while (flushing) {
        await client.script('FLUSH')
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })()
    await publishSlowly(carrier, names(300))
    await until(async () => (await client.llen('out')) >= 300)
    flushing = false
    await flushes
    await worker.stop()
    expect((await client.lrange('out', 0, -1)).sort()).toEqual(names(300).sort())
  })

  it('says once that it is cut off, and once that it is back', async () => {
    const said: { ok: boolean; message: string }[] = []
    const consumer = await room.consume(room.open(), { onTrouble: (trouble) => said.push(trouble) })
    await server.stop()
    await until(() => said.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 400))
    await server.restart()
    await until(() => said.length === 2)
    await consumer.step(0, [], 1).catch(() => undefined)
    expect(said.map(({ ok }) => ok)).toEqual([false, true])
    expect(said[0]?.message).toMatch(/^Cannot reach Redis at redis:\/\/default:\*\*@127/)
  })

  it('comes back under a new id when the server forgot everything', async () => {
    let lost = 0
    const consumer = await room.consume(room.open(), { onLost: () => (lost += 1) })
    await client.lpush('q', 'a')
    const before = consumer.id
    const { deliveries } = await consumer.step(0, [], 1)
    await client.flushall()
    await expect(consumer.step(0, [end(deliveries[0]!, { results: [success('a')] })], 1)).rejects.toThrow(
      /lease/,
    )
    expect(lost).toBe(1)
    expect(consumer.id).not.toBe(before)
    expect(await client.exists(keys.result('a'))).toBe(0)
    await client.lpush('q', 'b')
    expect(raws((await consumer.step(0, [], 1)).deliveries)).toEqual(['b'])
    expect((await consumer.step(0, [end(deliveries[0]!)], 0)).refused).toEqual([0])
  })

  it('gives back what stands in its name and nobody here runs', async () => {
    const consumer = await room.consume(room.open())
    await client.lpush('q', 'a', 'b')
    const { deliveries } = await consumer.step(0, [], 1)
    await client.hset(keys.consumer(consumer.id), '0', 'nobody’s')
    await consumer.step(0, [], 1)
    await room.cut()
    await until(async () => (await client.llen(keys.redo('q'))) === 1)
    expect(await client.lindex(keys.redo('q'), 0)).toBe('0 - 0 w@host\nnobody’s')
    expect(
      (
        await consumer.step(
          0,
          deliveries.map((each) => end(each)),
          0,
        )
      ).refused,
    ).toEqual([])
  })
})

describe('a full server', () => {
  it('still lets workers end, note, store and keep their leases; publishers are told', async () => {
    const carrier = room.open()
    await carrier.broker.publish(messages('a', 'b', 'c'))
    const consumer = await room.consume(carrier, { leaseMs: 4000 })
    const leaseEnd = async () => Number(await client.zscore(keys.consumers, consumer.id))
    const { deliveries } = await consumer.step(0, [], 2)
    const [a, b] = deliveries
    await client.config('SET', 'maxmemory', '1')
    try {
      await expect(carrier.broker.publish(messages('x'))).rejects.toThrow(/full/)
      expect(await consumer.store(a!.tag, stored('a', 'STARTED'))).toBe(true)
      expect(await consumer.release(b!.tag)).toBe(true)
      const first = await leaseEnd()
      await until(async () => (await leaseEnd()) > first)
      const follows = { fence: 'a:0:0:', results: [success('a')], pushes: [push('next', { queue: 'out' })] }
      const reply = await consumer.step(0, [end(a!, follows), end(b!, { results: [success('b')] })], 1)
      expect(reply.refused).toEqual([])
      expect(raws(reply.deliveries)).toEqual(['c'])
      // BLMOVE is refused: the first wait ends at once, the next one polls.
      expect(await consumer.wait(1)).toEqual([])
      const waiting = consumer.wait(1)
      await new Promise((resolve) => setTimeout(resolve, 200))
      const again = reply.deliveries.map((each) => end(each, { ending: { kind: 'requeue' } }))
      await consumer.step(0, again, 0)
      expect(raws(await waiting)).toEqual(['c'])
    } finally {
      await client.config('SET', 'maxmemory', '0')
    }
    expect(await client.llen('out')).toBe(1)
  })
})
