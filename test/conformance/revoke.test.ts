// Revocations in the broker: remembered for those who come later, the newest only, for a while.
import { expect, test } from 'vitest'
import type { Revocation } from '../../src/runtime/broker.js'
import { onEveryEngine } from './engines.js'
import { claimOne, complete, end, messages, result, success } from './words.js'

const revocation = (ids: readonly string[], more: Partial<Revocation> = {}): Revocation => ({
  ids,
  stamps: [],
  results: ids.map((id) => result(id, 'REVOKED')),
  most: 100,
  seconds: 60,
  ...more,
})

onEveryEngine('revocations', (bench) => {
  test('are remembered in their order, each once', async () => {
    const { broker } = bench()
    await broker.revoke(revocation(['a']))
    await broker.revoke(revocation(['b'], { stamps: [['customer', '"acme"']] }))
    await broker.revoke(revocation(['b']))
    const { ids, stamps } = await broker.revoked()
    expect([...ids].sort()).toEqual(['a', 'b'])
    expect(stamps).toEqual([['customer', '"acme"']])
  })

  test('can be asked for from a moment on', async () => {
    const { broker } = bench()
    await broker.revoke(revocation(['a']))
    const { nowMs } = await broker.revoked()
    await new Promise((resolve) => setTimeout(resolve, 5))
    await broker.revoke(revocation(['b']))
    expect((await broker.revoked(nowMs + 1)).ids).toEqual(['b'])
    expect((await broker.revoked()).ids).toEqual(['a', 'b'])
  })

  test('the oldest are forgotten when there are too many', async () => {
    const { broker } = bench()
    for (const id of ['a', 'b', 'c']) {
      await broker.revoke(revocation([id], { most: 2 }))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await broker.revoked()).ids).toEqual(['b', 'c'])
  })

  test('ids and stamps have each their own number of those that are remembered', async () => {
    const { broker } = bench()
    await broker.revoke(revocation(['a'], { most: 1 }))
    await broker.revoke(revocation([], { stamps: [['customer', '"acme"']], most: 1 }))
    expect(await broker.revoked()).toMatchObject({ ids: ['a'], stamps: [['customer', '"acme"']] })
  })

  test('end tasks of which nothing is stored, and those that are to be tried again', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('retried'))
    const delivery = await claimOne(consumer)
    await consumer.store(delivery.tag, result('retried', 'RETRY'))
    await broker.revoke(revocation(['unknown', 'retried']))
    const texts = await backend.read(['unknown', 'retried'])
    expect(texts).toEqual([result('unknown', 'REVOKED').text, result('retried', 'REVOKED').text])
  })

  test('leave alone what has ended or runs', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('done', 'busy', 'failed'))
    const [done, busy, failed] = [
      await claimOne(consumer),
      await claimOne(consumer),
      await claimOne(consumer),
    ]
    await complete(consumer, end(done, { results: [success('done')] }))
    await complete(consumer, end(failed, { fence: 'f', results: [result('failed', 'FAILURE')] }))
    await consumer.store(busy.tag, result('busy', 'STARTED'))
    await broker.revoke(revocation(['done', 'busy', 'failed']))
    expect(await backend.read(['done', 'busy', 'failed'])).toEqual([
      success('done').text,
      result('busy', 'STARTED').text,
      result('failed', 'FAILURE').text,
    ])
  })

  test('an end that comes later stands over a revocation', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const delivery = await claimOne(consumer)
    await broker.revoke(revocation(['a']))
    await complete(consumer, end(delivery, { results: [success('a')] }))
    expect(await backend.read(['a'])).toEqual([success('a').text])
  })

  test('what is held back can be looked at, the earliest first', async () => {
    const { broker, consume } = bench()
    await consume()
    const dueMs = broker.now() + 60_000
    await broker.publish({
      pushes: [
        { queue: 'q', priority: 0, raw: 'late', dueMs: dueMs + 1000 },
        { queue: 'q', priority: 0, raw: 'early', dueMs },
      ],
      chords: [],
    })
    const held = await broker.deferred('q', 10)
    expect(held.map(({ raw }) => String(raw))).toEqual(['early', 'late'])
    expect(Math.abs((held[0]?.dueMs ?? 0) - dueMs)).toBeLessThan(2)
    expect(await broker.deferred('q', 1)).toHaveLength(1)
  })
})
