// Waiting: quick, without holding a message, fair to a list with many waiters, and ended at once when told.
import { describe, expect, it } from 'vitest'
import { until } from '../support/until.js'
import { end, raws, useRoom } from './room.js'

const room = await useRoom()
const { client, keys } = room

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number

describe('a waiting consumer', () => {
  it.each([
    ['its plain list', ['q'], 'q'],
    ['a list of lower priority', ['q'], 'q\x06\x169'],
    ['redeliveries', ['q'], 'lovage:redo:q'],
    ['the second of two queues', ['q', 'p'], 'p'],
    ['a lower priority of two queues', ['q', 'p'], 'p\x06\x163'],
  ])('takes from %s as soon as something lies there', async (_, queues, list) => {
    const consumer = await room.consume(room.open(), { queues })
    const times: number[] = []
    for (let i = 0; i < 15; i++) {
      const waiting = consumer.wait(1)
      await new Promise((resolve) => setTimeout(resolve, 20))
      const start = performance.now()
      await client.lpush(list, list.startsWith('lovage') ? '0 - 0 w\nm' : 'm')
      let deliveries = await waiting
      while (deliveries.length === 0) deliveries = await consumer.wait(1)
      times.push(performance.now() - start)
      await consumer.step(0, [end(deliveries[0]!)], 0)
    }
    // It takes a millisecond; whoever only looked now and then would take a second.
    expect(median(times)).toBeLessThan(300)
  })

  it('leaves the message in its list until it is claimed: a killed waiter loses nothing', async () => {
    const consumer = await room.consume(room.open())
    const waiting = consumer.wait(1)
    await until(async () => /cmd=blmove/.test(String(await client.client('LIST'))))
    await room.cut()
    await client.lpush('q', 'a')
    let got = raws(await waiting)
    await until(async () => got.length > 0 || (got = raws(await consumer.wait(1))).length > 0)
    expect(got).toEqual(['a'])
  })

  it('takes no more than its slots', async () => {
    const consumer = await room.consume(room.open())
    await client.lpush('q', 'a', 'b', 'c')
    let got: string[] = []
    await until(async () => (got = raws(await consumer.wait(2))).length > 0)
    expect(got).toEqual(['a', 'b'])
    expect(await consumer.wait(0)).toEqual([])
  })

  it.each([1, 2])('ends at once when it is interrupted (%i queues), at any moment', async (count) => {
    const consumer = await room.consume(room.open(), { queues: ['q', 'p'].slice(0, count) })
    for (const pauseMs of [0, 0, 1, 2, 5, 50, 50]) {
      const waiting = consumer.wait(1)
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const start = performance.now()
      consumer.interrupt()
      expect(await waiting).toEqual([])
      // One that nobody interrupts ends after four seconds.
      expect(performance.now() - start).toBeLessThan(3500)
    }
  })

  it('is one of four on a list; the others poll, and take over', async () => {
    const consumers = await Promise.all(Array.from({ length: 6 }, () => room.consume(room.open())))
    const waits = consumers.map((consumer) => consumer.wait(1))
    await until(async () => (await client.zcard(keys.waiters('q'))) === 4)
    expect(await client.pttl(keys.waiters('q'))).toBeLessThanOrEqual(9000)
    await client.lpush('q', ...Array.from({ length: 6 }, (_, i) => `m${i}`))
    const got = new Set<string>()
    await until(async () => {
      for (const deliveries of await Promise.all(waits.splice(0)))
        for (const raw of raws(deliveries)) got.add(raw)
      if (got.size === 6) return true
      waits.push(...consumers.map((consumer) => consumer.wait(1)))
      return false
    })
    expect(got.size).toBe(6)
  })
})
