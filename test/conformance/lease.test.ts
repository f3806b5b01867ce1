// Leases: who is gone loses what it held, and the next one knows what may have happened.
import { expect, test, vi } from 'vitest'
import { LeaseLost } from '../../src/errors.js'
import type { Delivery } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, part, push, raws, result, success } from './words.js'

onEveryEngine('leases', (bench) => {
  test('who has lost its lease completes nothing', async () => {
    const { broker, backend, consume, lapse } = bench()
    const onLost = vi.fn()
    const [late, rival] = [await consume({ onLost }), await consume()]
    await broker.publish(messages('a'))
    const delivery = await claimOne(late)
    const before = late.id
    await lapse(late)
    const edges = { fence: 'a:0:0:', results: [success('a')], pushes: [push('next', { queue: 'next' })] }
    await expect(complete(late, end(delivery, edges))).rejects.toBeInstanceOf(LeaseLost)
    expect(await backend.read(['a'])).toEqual([null])
    expect(await broker.length('next')).toBe(0)
    await until(() => onLost.mock.calls.length > 0)
    expect(onLost).toHaveBeenCalledTimes(1)
    expect(late.id).not.toBe(before)

    const again = await claimOne(rival)
    expect((await complete(rival, end(again, edges))).refused).toEqual([])
    expect(await broker.length('next')).toBe(1)
  })

  test('who has lost its lease hears of it without asking, and goes on under a new id', async () => {
    const { broker, consume, lapse } = bench()
    const ids: string[] = []
    const consumer = await consume({ leaseMs: 4000, onLost: () => ids.push(consumer.id) })
    const before = consumer.id
    await lapse(consumer)
    await until(() => ids.length > 0)
    expect(ids).toEqual([consumer.id])
    expect(consumer.id).not.toBe(before)
    await broker.publish(messages('a'))
    expect((await complete(consumer, end(await claimOne(consumer)))).refused).toEqual([])
  })

  test('a tag of the time before the loss never names a message of the time after', async () => {
    const { broker, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b', 'c'))
    const before = await claim(consumer, 3)
    await lapse(consumer)
    await consumer.step(0, [], 0).catch(() => undefined)
    const after = await claim(consumer, 3)
    expect(raws(after).sort()).toEqual(['a', 'b', 'c'])
    const { refused } = await complete(consumer, ...before.map((delivery) => end(delivery)))
    expect(refused).toEqual([0, 1, 2])
    expect((await complete(consumer, ...after.map((delivery) => end(delivery)))).refused).toEqual([])
  })

  test('what came with the last request may have started: nobody knows, nothing is counted', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume({ hostname: 'dead@host' }), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    await claim(first, 0, 1) // another lane proves nothing
    await lapse(first)
    expect(await claimOne(second)).toMatchObject({
      attempts: 0,
      redelivered: true,
      uncertain: true,
      lost: false,
      lastWorker: 'dead@host',
    })
  })

  test('a later request of the lane proves that it arrived: its start is counted', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume({ hostname: 'dead@host' }), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    await claim(first, 0)
    await lapse(first)
    expect(await claimOne(second)).toMatchObject({
      attempts: 1,
      redelivered: true,
      uncertain: false,
      lastWorker: 'dead@host',
    })
  })

  test('one that was started before is counted by its notes: whoever waits beside a killer is no suspect', async () => {
    const { broker, consume, lapse } = bench()
    await broker.publish(messages('a'))
    const first = await consume()
    await claimOne(first)
    await claim(first, 0)
    await lapse(first)
    for (const attempts of [1, 2, 3]) {
      const waits = await consume()
      await claimOne(waits)
      await claim(waits, 0) // it arrived, but nobody starts it without a note
      await lapse(waits)
      const starts = await consume({ hostname: `w${attempts + 1}@host` })
      const delivery = await claimOne(starts)
      expect(delivery).toMatchObject({ attempts, uncertain: false })
      expect(await starts.note(delivery.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
      await lapse(starts)
      const next = await consume()
      const counted = await claimOne(next)
      expect(counted).toMatchObject({ attempts: attempts + 1, lastWorker: `w${attempts + 1}@host` })
      await complete(next, end(counted, { ending: { kind: 'back' } }))
    }
  })

  test('an uncertain one is counted by its note, not by requests', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second, third, fourth] = [
      await consume(),
      await consume(),
      await consume(),
      await consume(),
    ]
    await broker.publish(messages('a'))
    await claimOne(first)
    await lapse(first)

    await claimOne(second)
    await claim(second, 0) // it arrived, but nobody starts it without a note
    await lapse(second)

    const uncertain = await claimOne(third)
    expect(uncertain).toMatchObject({ attempts: 0, uncertain: true })
    expect(await third.note(uncertain.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    await lapse(third)
    expect(await claimOne(fourth)).toMatchObject({ attempts: 1, uncertain: false })
  })

  test('a note tells that another run has ended', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a', 'a'))
    const [one] = (await claim(first, 2)) as [Delivery, Delivery]
    await complete(first, end(one, { fence: 'a:0:0:', results: [success('a')] }))
    await lapse(first)
    const twin = await claimOne(second)
    expect(await second.note(twin.tag, 'a:0:0:', [])).toEqual({ kind: 'done', joins: [] })
    expect((await complete(second, end(twin))).refused).toEqual([])
  })

  test('a noted run ends like any other', async () => {
    const { broker, backend, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    await lapse(first)
    const delivery = await claimOne(second)
    expect(await second.note(delivery.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    expect(await second.note(delivery.tag, 'a:0:0:', [])).toEqual({ kind: 'run' })
    const { refused } = await complete(second, end(delivery, { results: [success('a')] }))
    expect(refused).toEqual([])
    expect(await backend.read(['a'])).toEqual([success('a').text])
  })

  test('note, release and store say when it is not ours any more', async () => {
    const { broker, backend, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const { tag } = await claimOne(consumer)
    await lapse(consumer)
    expect(await consumer.note(tag, 'a:0:0:', [part('a')])).toEqual({ kind: 'lost' })
    expect(await consumer.release(tag)).toBe(false)
    expect(await consumer.store(tag, result('a', 'STARTED'))).toBe(false)
    expect(await backend.read(['a'])).toEqual([null])
  })

  test('acknowledged early, then the worker dies: it comes back as lost', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second, third] = [
      await consume({ hostname: 'dead@host' }),
      await consume(),
      await consume(),
    ]
    await broker.publish(messages('a'))
    const { tag } = await claimOne(first)
    expect(await first.release(tag)).toBe(true)
    await lapse(first)
    expect(await claimOne(second)).toMatchObject({ lost: true, lastWorker: 'dead@host' })
    // Whoever was to say so may die as well.
    await lapse(second)
    expect(await claimOne(third)).toMatchObject({ lost: true })
  })

  test('acknowledged early, it ends as usual', async () => {
    const { broker, backend, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const delivery = await claimOne(consumer)
    expect(await consumer.release(delivery.tag)).toBe(true)
    expect(await consumer.release(delivery.tag)).toBe(true)
    expect(await consumer.store(delivery.tag, result('a', 'STARTED'))).toBe(true)
    const edges = { fence: 'a:0:0:', results: [success('a')], pushes: [push('next', { queue: 'next' })] }
    expect((await complete(consumer, end(delivery, edges))).refused).toEqual([])
    await lapse(consumer)
    expect(await broker.length('q')).toBe(0)
    expect(await broker.length('next')).toBe(1)
    expect(await backend.read(['a'])).toEqual([success('a').text])
  })

  test('who leaves gives everything back, uncounted', async () => {
    const { broker, consume } = bench()
    const [first, second] = [await consume({ hostname: 'leaving@host' }), await consume()]
    await broker.publish(messages('a', 'b'))
    await claimOne(first)
    await claimOne(first) // proves the first one
    await first.close()
    await first.close()
    const back = await claim(second, 3)
    expect(raws(back)).toEqual(['a', 'b'])
    for (const delivery of back)
      expect(delivery).toMatchObject({
        attempts: 0,
        redelivered: true,
        uncertain: false,
        lastWorker: 'leaving@host',
      })
  })

  test('a consumer that lives keeps what it holds, however long it is silent', async () => {
    const { broker, consume, kept } = bench()
    const [silent, other] = [await consume({ leaseMs: 3000 }), await consume()]
    await kept(silent)
    await broker.publish(messages('a'))
    const delivery = await claimOne(silent)
    await new Promise((resolve) => setTimeout(resolve, 3500))
    expect(await claim(other, 1)).toEqual([])
    expect((await complete(silent, end(delivery, { results: [success('a')] }))).refused).toEqual([])
  })
})
