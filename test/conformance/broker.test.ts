// The rest of the broker: publishing whole, lengths, purges, routes, dead letters, endings of the connection.
import { expect, test } from 'vitest'
import { OperationalError } from '../../src/errors.js'
import type { Delivery } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, push, raws } from './words.js'

onEveryEngine('publishing', (bench) => {
  test('all of a publication arrives, in its queues', async () => {
    const { broker } = bench()
    const pushes = ['a', 'b', 'a'].map((queue, i) => push(String(i), { queue }))
    await broker.publish({ pushes, chords: [] })
    expect([await broker.length('a'), await broker.length('b'), await broker.length('c')]).toEqual([2, 1, 0])
  })

  test('an empty publication is nothing', async () => {
    await bench().broker.publish({ pushes: [], chords: [] })
  })

  test('many at once keep their order', async () => {
    const { broker, consume } = bench()
    const ids = Array.from({ length: 500 }, (_, i) => `m${i}`)
    await Promise.all(ids.map((id) => broker.publish(messages(id))))
    expect(raws(await claim(await consume(), 1000))).toEqual(ids)
  })

  test('a publication of five thousand', async () => {
    const { broker } = bench()
    await broker.publish(messages(...Array.from({ length: 5000 }, (_, i) => `m${i}`)))
    expect(await broker.length('q')).toBe(5000)
  })

  test('any text is carried as it is', async () => {
    const { broker, consume } = bench()
    const texts = ['', '{"a": "ü€😀"}', 'a\nb', '\u0000', 'x'.repeat(1_000_000)]
    await broker.publish(messages(...texts))
    expect(raws(await claim(await consume(), 9))).toEqual(texts)
  })

  test('connections that break lose and double nothing', async () => {
    const { broker, cut } = bench()
    const sent: Promise<void>[] = []
    for (let i = 0; i < 200; i += 1) {
      sent.push(broker.publish(messages(`m${i}`)))
      if (i % 40 === 20) await cut()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(sent)
    expect(await broker.length('q')).toBe(200)
  })

  test('one attempt is enough where all is well, and patience without limit is not used up', async () => {
    const { broker, consume } = bench()
    await broker.publish(messages('once'), { patience: 0 })
    await broker.publish(messages('endless'), { patience: Number.POSITIVE_INFINITY })
    expect(raws(await claim(await consume(), 9))).toEqual(['once', 'endless'])
  })

  test('a durability that asks for nothing is had everywhere', async () => {
    const { broker } = bench()
    await broker.publish(messages('a'), { durability: {} })
    await broker.publish(messages('b'), { durability: { replicas: 0, aof: 0, timeout: 1 } })
    expect(await broker.length('q')).toBe(2)
  })

  test('replicas that are not there are an error in bounded time, which says what became of the message', async () => {
    const { broker } = bench()
    const error: unknown = await broker
      .publish(messages('a'), { durability: { replicas: 1, timeout: 0.2 } })
      .catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(OperationalError)
    const isThere = (await broker.length('q')) === 1
    expect(String(error)).toMatch(
      isThere ? /The message is in the broker .* only 0 of 1 replicas/ : /Not published\./,
    )
  })

  test('a closed broker refuses', async () => {
    const { broker } = bench()
    await broker.publish(messages('a'))
    await broker.close()
    await expect(broker.publish(messages('b'))).rejects.toBeInstanceOf(OperationalError)
  })
})

onEveryEngine('queues', (bench) => {
  test('a length counts what waits: all priorities and redeliveries, not what is held or put off', async () => {
    const { broker, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('redelivered', 'held'))
    await claimOne(consumer)
    await lapse(consumer)
    await consumer.step(0, [], 0).catch(() => undefined)
    await broker.publish({
      pushes: [
        push('low', { priority: 9 }),
        push('low', { priority: 3 }),
        push('later', { dueMs: Date.now() + 60_000 }),
      ],
      chords: [],
    })
    expect(await broker.length('q')).toBe(4)
    await claim(consumer, 1)
    expect(await broker.length('q')).toBe(3)
  })

  test('a purge drops what waits, tells how many, and leaves what is held', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('redelivered', 'held', 'waits'))
    await claimOne(first)
    await lapse(first)
    await broker.publish({ pushes: [push('low', { priority: 6 })], chords: [] })
    const redelivered = await claimOne(second)
    const held = await claimOne(second)
    await complete(second, end(redelivered, { ending: { kind: 'back' } }))
    expect(await broker.purge('q')).toBe(3)
    expect(await broker.length('q')).toBe(0)
    expect(await broker.purge('q')).toBe(0)
    expect((await complete(second, end(held))).refused).toEqual([])
  })

  test('a queue that is consumed is bound to the exchange of its name', async () => {
    const { broker, consume } = bench()
    await consume({ queues: ['a', 'b'] })
    expect(await broker.route('a', 'a')).toEqual(['a'])
    expect(await broker.route('a', 'b')).toEqual([])
    expect(await broker.route('nowhere', 'a')).toEqual([])
  })

  test('the server says what it is, and has no reason here not to start', async () => {
    const report = await bench().broker.inspect()
    expect(report.server).toMatch(/^(memory|Redis \d+\.\d+\.\d+)$/)
    expect(report.refusals).toEqual([])
  })
})

onEveryEngine('dead letters', (bench) => {
  const bury = async (...raw: readonly string[]) => {
    const { broker, consume } = bench()
    const consumer = await consume({ hostname: 'w@host', deadLetterMax: 3 })
    for (const each of raw) {
      await broker.publish(messages(each))
      const ending = { kind: 'dead', reason: `no ${each}`, taskId: each, task: 'proj.task' } as const
      await complete(consumer, end(await claimOne(consumer), { ending }))
      // Letters are ordered by the millisecond.
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }

  test('a letter says what it was, why, when and who', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume({ hostname: 'killed@host' }), await consume()]
    await broker.publish(messages('poison'))
    await claimOne(first)
    await claim(first, 0)
    await lapse(first)
    const ending = { kind: 'dead', reason: 'killed its worker', taskId: 'id', task: 'proj.kill' } as const
    await complete(second, end(await claimOne(second), { ending }))
    const [letter, ...others] = await broker.dead.list(10)
    expect(others).toEqual([])
    expect(letter).toEqual({
      id: expect.any(String),
      queue: 'q',
      reason: 'killed its worker',
      attempts: 1,
      lastWorker: 'killed@host',
      diedAt: expect.any(Date),
      taskId: 'id',
      task: 'proj.kill',
      raw: Buffer.from('poison'),
    })
    expect(Math.abs((letter?.diedAt.getTime() ?? 0) - broker.now())).toBeLessThan(2000)
  })

  test('a letter that could not be read has no task', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ hostname: 'w@host' })
    await broker.publish(messages('{'))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'dead', reason: 'no JSON' } }))
    expect(await broker.dead.list(1)).toMatchObject([
      { taskId: null, task: null, attempts: 0, lastWorker: 'w@host' },
    ])
  })

  test('the newest are listed first, as many as asked', async () => {
    await bury('a', 'b', 'c')
    const letters = await bench().broker.dead.list(2)
    expect(letters.map(({ raw }) => raw.toString())).toEqual(['c', 'b'])
    expect(await bench().broker.dead.list(0)).toEqual([])
  })

  test('no more are kept than the limit: the oldest go', async () => {
    await bury('a', 'b', 'c', 'd', 'e')
    const letters = await bench().broker.dead.list(10)
    expect(letters.map(({ raw }) => raw.toString())).toEqual(['e', 'd', 'c'])
  })

  test('a letter ends after its time', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ deadLetterExpires: 1 })
    await broker.publish(messages('a'))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'dead', reason: 'r' } }))
    expect(await broker.dead.list(1)).toHaveLength(1)
    await until(async () => (await broker.dead.list(1)).length === 0)
  })

  test('a purge drops them all and tells how many', async () => {
    await bury('a', 'b')
    const { broker } = bench()
    expect(await broker.dead.purge()).toBe(2)
    expect(await broker.dead.list(10)).toEqual([])
    expect(await broker.dead.purge()).toBe(0)
  })

  test('what is dead is not delivered again', async () => {
    await bury('a')
    const { broker, consume } = bench()
    expect(await claim(await consume(), 1)).toEqual([] satisfies Delivery[])
    expect(await broker.length('q')).toBe(0)
  })
})
