// Messages that wait for the rate of their task: set aside without being held, pulled in their order by whoever
// may start them; and the rate that all consumers keep together.
import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, push, raws } from './words.js'

onEveryEngine('limits', (bench) => {
  const parkAll = async (...names: string[]) => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages(...names))
    const deliveries = await claim(consumer, names.length)
    await complete(consumer, ...deliveries.map((got) => end(got, { ending: { kind: 'park', task: 't' } })))
    return { broker, consumer, consume }
  }

  test('parked messages wait in their order, are counted, and are no redeliveries', async () => {
    const { broker, consumer } = await parkAll('a', 'b', 'c')
    expect(await broker.length('q')).toBe(3)
    expect(await claim(consumer, 10)).toEqual([])
    const [first] = await consumer.pull('q', 't', 1)
    expect(first).toMatchObject({ attempts: 0, redelivered: false, uncertain: false, lastWorker: null })
    expect(raws(await consumer.pull('q', 't', 10))).toEqual(['b', 'c'])
    expect(await consumer.pull('q', 't', 10)).toEqual([])
    expect(String(first?.raw)).toBe('a')
  })

  test('what was pulled is held: it ends like anything else', async () => {
    const { broker, consumer } = await parkAll('a')
    const [got] = await consumer.pull('q', 't', 1)
    expect(await complete(consumer, end(got!))).toMatchObject({ refused: [] })
    expect(await complete(consumer, end(got!))).toMatchObject({ refused: [0] })
    expect(await broker.length('q')).toBe(0)
  })

  test('what was pulled and is given back is known as redelivered', async () => {
    const { consumer } = await parkAll('a')
    await complete(consumer, end((await consumer.pull('q', 't', 1))[0]!, { ending: { kind: 'back' } }))
    expect(await claimOne(consumer)).toMatchObject({
      redelivered: true,
      attempts: 0,
      uncertain: false,
      lastWorker: 'w@host',
    })
  })

  test('whoever pulls: another consumer than the one that parked', async () => {
    const { consume } = await parkAll('a', 'b')
    const other = await consume({ hostname: 'other@host' })
    expect(raws(await other.pull('q', 't', 2))).toEqual(['a', 'b'])
  })

  test('a consumer that dies leaves what it parked, and gives back what it pulled', async () => {
    const { consumer, consume } = await parkAll('a', 'b')
    await consumer.pull('q', 't', 1)
    const other = await consume({ hostname: 'other@host' })
    await bench().lapse(consumer)
    await until(async () => (await bench().broker.length('q')) === 2)
    expect(raws(await other.pull('q', 't', 5))).toEqual(['b'])
    expect(await claimOne(other)).toMatchObject({ redelivered: true, uncertain: true })
  })

  test('a redelivery that is parked stays one', async () => {
    const { broker, consume } = bench()
    const first = await consume()
    await broker.publish(messages('a'))
    const held = await claimOne(first)
    await first.note(held.tag, '', [])
    await bench().lapse(first)
    const second = await consume({ hostname: 'second@host' })
    await until(async () => (await broker.length('q')) === 1)
    const got = await claimOne(second)
    await complete(second, end(got, { ending: { kind: 'park', task: 't' } }))
    const [again] = await second.pull('q', 't', 1)
    expect(again).toMatchObject({ attempts: 1, redelivered: true })
  })

  test('consumers are told which tasks wait, and no more when none does', async () => {
    const told: (readonly [string, readonly string[]])[] = []
    const { consumer, consume } = await parkAll('a')
    await consume({ onParked: (queue, tasks) => void told.push([queue, tasks]) })
    await until(() => told.length > 0)
    expect(told[0]).toEqual(['q', ['t']])
    await complete(consumer, end((await consumer.pull('q', 't', 1))[0]!))
    const before = told.length
    const { broker } = bench()
    await broker.publish({ pushes: [push('later', { dueMs: broker.now() + 2200 })], chords: [] })
    await until(async () => (await broker.length('q')) === 1)
    // One of them may have been on its way.
    expect(told.length).toBeLessThanOrEqual(before + 1)
  })

  test('purge drops them too', async () => {
    const { broker, consumer } = await parkAll('a', 'b')
    expect(await broker.purge('q')).toBe(2)
    expect(await broker.length('q')).toBe(0)
    expect(await consumer.pull('q', 't', 5)).toEqual([])
  })

  test('a rate of all consumers: one start in an interval, whoever asks', async () => {
    const { consume } = bench()
    const [one, other] = [await consume(), await consume({ hostname: 'other@host' })]
    const pace = { intervalMs: 60_000, slackMs: 0 }
    expect((await one.permit('slow', pace, 1)).granted).toBe(1)
    const { granted, nextInMs } = await other.permit('slow', pace, 5)
    expect(granted).toBe(0)
    expect(nextInMs).toBeGreaterThan(50_000)
    expect(nextInMs).toBeLessThanOrEqual(60_000)
    expect((await other.permit('another', pace, 1)).granted).toBe(1)
  })

  test('a fast rate makes up for a late timer, and not for more', async () => {
    const { consume } = bench()
    const consumer = await consume()
    const pace = { intervalMs: 1, slackMs: 20 }
    const { granted } = await consumer.permit('fast', pace, 1000)
    expect(granted).toBe(21)
  })
})
