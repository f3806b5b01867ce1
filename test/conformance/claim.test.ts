// Claiming: what comes, in which order, and to whom.
import { expect, test } from 'vitest'
import type { Consumer, Delivery } from '../../src/runtime/consumer.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, push, raws, success, waited } from './words.js'

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

onEveryEngine('claiming', (bench) => {
  test('a queue is first in, first out', async () => {
    const { broker, consume } = bench()
    await broker.publish(messages('a', 'b'))
    await broker.publish(messages('c'))
    expect(raws(await claim(await consume(), 3))).toEqual(['a', 'b', 'c'])
  })

  test('a first delivery knows nothing of earlier ones', async () => {
    const { broker, consume } = bench()
    await broker.publish(messages('a'))
    const { tag, raw, ...rest } = await claimOne(await consume())
    expect(tag).toEqual(expect.any(String))
    expect(raw).toBeInstanceOf(Buffer)
    expect(rest).toEqual({
      queue: 'q',
      attempts: 0,
      redelivered: false,
      uncertain: false,
      lost: false,
      lastWorker: null,
    })
  })

  test('fewer deliveries than slots means empty; no slots claim nothing', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b'))
    expect(await claim(consumer, 0)).toEqual([])
    expect(raws(await claim(consumer, 5))).toEqual(['a', 'b'])
    expect(await claim(consumer, 5)).toEqual([])
  })

  test('0 is the most urgent; priorities are rounded down to 0, 3, 6 and 9', async () => {
    const { broker, consume } = bench()
    const priorities = [9, 6, 5, 3, 8, 2, 0]
    await broker.publish({
      pushes: priorities.map((priority) => push(`p${priority}`, { priority })),
      chords: [],
    })
    expect(raws(await claim(await consume(), 9))).toEqual(['p2', 'p0', 'p5', 'p3', 'p6', 'p8', 'p9'])
  })

  test('a priority counts over all queues, then the order of the queues', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a', 'b'], strategy: 'priority' })
    await broker.publish({
      pushes: [
        push('a3', { queue: 'a', priority: 3 }),
        push('b0', { queue: 'b' }),
        push('a0', { queue: 'a' }),
        push('b3', { queue: 'b', priority: 3 }),
      ],
      chords: [],
    })
    expect(raws(await claim(consumer, 9))).toEqual(['a0', 'b0', 'a3', 'b3'])
  })

  test.each([
    ['round_robin', ['b', 'a', 'b', 'a']],
    ['sorted', ['a', 'a', 'b', 'b']],
    ['priority', ['b', 'b', 'a', 'a']],
  ] as const)('the strategy %s over the queues b, a', async (strategy, order) => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['b', 'a'], strategy })
    await broker.publish({
      pushes: ['a', 'a', 'b', 'b'].map((queue) => push(queue, { queue })),
      chords: [],
    })
    const got: string[] = []
    for (let i = 0; i < 4; i += 1) got.push((await claimOne(consumer)).queue)
    expect(got).toEqual(order)
  })

  test('a redelivery comes before everything in the queue', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('old'))
    await claimOne(first)
    await broker.publish({ pushes: ['x', 'y', 'z'].map((raw) => push(raw)), chords: [] })
    await lapse(first)
    // A busy worker looks for redeliveries only now and then.
    await sleep(100)
    expect(raws(await claim(second, 2))).toEqual(['old', 'x'])
  })

  test('redeliveries of one worker keep their order', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a', 'b', 'c'))
    await claim(first, 2)
    await claim(first, 1, 1)
    await lapse(first)
    expect(raws(await claim(second, 3))).toEqual(['a', 'b', 'c'])
  })

  test('a message goes to one consumer, also when many claim at once', async () => {
    const { broker, consume } = bench()
    const consumers = await Promise.all(Array.from({ length: 4 }, () => consume()))
    const all = Array.from({ length: 200 }, (_, i) => `m${i}`)
    await broker.publish(messages(...all))
    const claims = consumers.flatMap((consumer) => [0, 1].map((lane) => claim(consumer, 40, lane)))
    const got = (await Promise.all(claims)).flat()
    expect(raws(got).sort()).toEqual([...all].sort())
  })

  test('tags are unique within a consumer', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages(...Array.from({ length: 40 }, (_, i) => `m${i}`)))
    const tags: string[] = []
    for (let i = 0; i < 5; i += 1)
      for (const lane of [0, 1]) tags.push(...(await claim(consumer, 4, lane)).map(({ tag }) => tag))
    expect(new Set(tags).size).toBe(40)
  })

  test('a claim of a thousand, completed in one step', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    const ids = Array.from({ length: 1000 }, (_, i) => `id${i}`)
    await broker.publish(messages(...ids))
    const got = await claim(consumer, 1000)
    expect(raws(got)).toEqual(ids)
    const ends = got.map((delivery) => end(delivery, { results: [success(delivery.raw.toString())] }))
    expect(await complete(consumer, ...ends)).toEqual({ refused: [], joins: [], deliveries: [] })
    expect((await backend.read(ids)).filter((text) => text !== null)).toHaveLength(1000)
  })

  test('10 000 messages come once each, in order', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const all = Array.from({ length: 10_000 }, (_, i) => String(i))
    for (let from = 0; from < all.length; from += 500)
      await broker.publish(messages(...all.slice(from, from + 500)))
    const got: Delivery[] = []
    let held: readonly Delivery[] = []
    do {
      const reply = await consumer.step(
        0,
        held.map((delivery) => end(delivery)),
        100,
      )
      held = reply.deliveries
      got.push(...held)
    } while (held.length > 0)
    expect(raws(got)).toEqual(all)
    expect(await broker.length('q')).toBe(0)
  })

  test.each([
    ['no UTF-8', Buffer.from([0xff, 0x00, 0xfe, 0x0a, 0xc3, 0x28, 0x0d])],
    ['lines and spaces', Buffer.from('0 - 0 w\n\n x \r\n')],
    ['one byte', Buffer.from([0x80])],
  ])('bytes stay as they are: %s', async (_, raw) => {
    const { broker, consume, lapse, seed } = bench()
    const [first, second, third] = [await consume(), await consume(), await consume()]
    await seed('q', raw)
    expect((await claimOne(first)).raw).toEqual(raw)
    await lapse(first)
    expect((await claimOne(second)).raw).toEqual(raw)
    await lapse(second)
    const last = await claimOne(third)
    expect(last.raw).toEqual(raw)
    await complete(third, end(last, { ending: { kind: 'dead', reason: 'not a message' } }))
    expect((await broker.dead.list(1))[0]?.raw).toEqual(raw)
  })
})

/** What a wait brings that began before; one that nobody wakes ends by itself after four seconds. */
const wokenBy = async (consumer: Consumer, act: () => Promise<unknown>): Promise<string[]> => {
  const waiting = waited(consumer)
  await sleep(50)
  const since = performance.now()
  await act()
  const got = raws(await waiting)
  expect(performance.now() - since).toBeLessThan(3500)
  return got
}

onEveryEngine('waiting', (bench) => {
  test('a wait takes what is there, at most so many', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b', 'c'))
    expect(raws(await waited(consumer, 2))).toEqual(['a', 'b'])
  })

  test('a wait for no slots takes nothing and ends at once', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    expect(await consumer.wait(0)).toEqual([])
    expect(await broker.length('q')).toBe(1)
  })

  test('a wait is woken by a publish', async () => {
    const { broker, consume } = bench()
    expect(await wokenBy(await consume(), () => broker.publish(messages('a')))).toEqual(['a'])
  })

  test.each([3, 9])('a wait is woken by a message of priority %d', async (priority) => {
    const { broker, consume } = bench()
    const low = { pushes: [push('low', { priority })], chords: [] }
    expect(await wokenBy(await consume(), () => broker.publish(low))).toEqual(['low'])
  })

  test('a wait is woken by any of its queues', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['a', 'b', 'c'] })
    for (const queue of ['c', 'a', 'b']) {
      const message = { pushes: [push(queue, { queue })], chords: [] }
      expect(await wokenBy(consumer, () => broker.publish(message))).toEqual([queue])
    }
  })

  test('a wait is woken by a redelivery', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    const waiting = waited(second)
    await lapse(first)
    expect(raws(await waiting)).toEqual(['a'])
  })

  test('an interrupt ends the wait, empty', async () => {
    const { consume, broker } = bench()
    const consumer = await consume()
    const waiting = consumer.wait(1)
    await sleep(100)
    consumer.interrupt()
    expect(await waiting).toEqual([])
    await broker.publish(messages('a'))
    expect(raws(await waited(consumer))).toEqual(['a'])
  })

  test('an interrupt loses nothing that arrives in the same instant', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const got: string[] = []
    for (let i = 0; i < 20; i += 1) {
      const waiting = consumer.wait(1)
      await sleep(i % 3)
      const sent = broker.publish(messages(`m${i}`))
      consumer.interrupt()
      got.push(...raws(await waiting))
      await sent
    }
    got.push(...raws(await claim(consumer, 100)))
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => `m${i}`))
  })

  test('what a wait took is completed on any lane', async () => {
    const { broker, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const [delivery] = await waited(consumer)
    expect((await consumer.step(1, [end(delivery as Delivery)], 1)).refused).toEqual([])
    await lapse(consumer)
    expect(await broker.length('q')).toBe(0)
  })

  test('ten who wait share ten messages', async () => {
    const { broker, consume } = bench()
    const consumers = await Promise.all(Array.from({ length: 10 }, () => consume()))
    const ids = Array.from({ length: 10 }, (_, i) => `m${i}`)
    const waits = consumers.map(async (consumer) => raws(await waited(consumer)))
    await sleep(100)
    for (const id of ids) await broker.publish(messages(id))
    expect((await Promise.all(waits)).flat().sort()).toEqual(ids)
  })
})
