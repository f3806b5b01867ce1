// Messages that wait for a moment, by the server's clock.
import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, push, raws, waited } from './words.js'

/** Later than its moment by at most this: reapers look each second, and a busy machine has its own pace. */
const toleranceMs = 10_000
/** Long enough that what is looked at before the moment is looked at before it, on a busy machine too. */
const soonMs = 1200

onEveryEngine('moments', (bench) => {
  test('the clock is the server’s, near ours on one machine', async () => {
    const { broker, consume } = bench()
    await consume()
    expect(Math.abs(broker.now() - Date.now())).toBeLessThan(1000)
  })

  test('published for later: not before, and soon after', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const dueMs = broker.now() + 300
    const muchLater = push('much later', { dueMs: dueMs + 600_000 })
    await broker.publish({ pushes: [push('later', { dueMs }), muchLater], chords: [] })
    const [got] = await waited(consumer, 2)
    expect(broker.now()).toBeGreaterThanOrEqual(dueMs - 2)
    expect(broker.now()).toBeLessThan(dueMs + toleranceMs)
    expect(got).toMatchObject({ attempts: 0, redelivered: false, uncertain: false })
    expect(got?.raw.toString()).toBe('later')
    expect(await claim(consumer, 1)).toEqual([])
    expect(await broker.length('q')).toBe(0)
  })

  test('published for a moment that is over: now', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: [push('late', { dueMs: broker.now() - 60_000 })], chords: [] })
    expect(raws(await waited(consumer))).toEqual(['late'])
  })

  test('published for later before anybody consumes', async () => {
    const { broker, consume } = bench()
    await broker.publish({ pushes: [push('early', { dueMs: Date.now() + 50 })], chords: [] })
    await new Promise((resolve) => setTimeout(resolve, 100))
    const consumer = await consume()
    expect(raws(await waited(consumer))).toEqual(['early'])
  })

  test('what is due together comes in the order of the moments, with its priority', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const at = broker.now() - 1000
    const moments = { third: at + 20, first: at, second: at + 10 }
    const pushes = Object.entries(moments).map(([raw, dueMs]) => push(raw, { dueMs }))
    await broker.publish({ pushes: [push('last', { dueMs: at, priority: 9 }), ...pushes], chords: [] })
    await until(async () => (await broker.length('q')) === 4)
    expect(raws(await claim(consumer, 4))).toEqual(['first', 'second', 'third', 'last'])
  })

  test('a held message can be put off; it gives its slot back and loses no place', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b'))
    const a = await claimOne(consumer)
    const dueMs = broker.now() + soonMs
    const reply = await complete(consumer, end(a, { ending: { kind: 'defer', dueMs } }))
    expect(reply.refused).toEqual([])
    expect(await broker.length('q')).toBe(1)
    await until(async () => (await broker.length('q')) === 2)
    expect(broker.now()).toBeGreaterThanOrEqual(dueMs - 2)
    const [next] = await claim(consumer, 1)
    expect(next?.raw.toString()).toBe('a')
    expect(next).toMatchObject({ attempts: 0, uncertain: false })
  })

  test('what is put off outlives its worker', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a'))
    const ending = { kind: 'defer', dueMs: broker.now() + 300 } as const
    await complete(first, end(await claimOne(first), { ending }))
    await lapse(first)
    const [a] = await waited(second)
    expect(a).toMatchObject({ attempts: 0, uncertain: false, lost: false })
  })

  test('putting off forgets no attempt', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    await claim(first, 0)
    await lapse(first)
    const again = await claimOne(second)
    await complete(second, end(again, { ending: { kind: 'defer', dueMs: broker.now() + 100 } }))
    const [last] = await waited(second)
    expect(last).toMatchObject({ attempts: 1, redelivered: true })
  })

  test('a completion may push for later (a retry with a countdown)', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const a = await claimOne(consumer)
    const dueMs = broker.now() + soonMs
    const retry = { fence: 'a:0:0:', pushes: [push('a again', { dueMs, priority: 3 })] }
    await complete(consumer, end(a, retry))
    expect(await broker.length('q')).toBe(0)
    expect(raws(await waited(consumer))).toEqual(['a again'])
    expect(broker.now()).toBeGreaterThanOrEqual(dueMs - 2)
  })
})
