// The end of a delivery: written whole or refused whole, once.
import { expect, test } from 'vitest'
import type { Completion, Delivery } from '../../src/runtime/consumer.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import {
  chord,
  claim,
  claimOne,
  complete,
  end,
  messages,
  part,
  push,
  raws,
  result,
  success,
} from './words.js'

const nothing = { refused: [], joins: [], deliveries: [] }

onEveryEngine('completing', (bench) => {
  test('results, next messages and the ack arrive together', async () => {
    const { broker, backend, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const delivery = await claimOne(consumer)
    const more = { fence: 'a:0:0:', results: [success('a', 1)], pushes: [push('next', { queue: 'next' })] }
    expect(await complete(consumer, end(delivery, more))).toEqual(nothing)
    expect(await backend.read(['a'])).toEqual([success('a', 1).text])
    expect(await broker.length('next')).toBe(1)
    await lapse(consumer)
    expect(await broker.length('q')).toBe(0)
  })

  test('a chain is one step each: what a completion pushes, the same step claims', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const first = await claimOne(consumer)
    const next = { fence: 'a:0:0:', results: [success('a')], pushes: [push('b')] }
    const reply = await consumer.step(0, [end(first, next)], 1)
    expect(raws(reply.deliveries)).toEqual(['b'])
  })

  test('next messages have their own queues and priorities, and keep their order', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ queues: ['q', 'other'] })
    await broker.publish(messages('a'))
    const pushes = [push('1'), push('low', { priority: 9 }), push('2'), push('far', { queue: 'other' })]
    await complete(consumer, end(await claimOne(consumer), { fence: 'a:0:0:', pushes }))
    expect(await broker.length('other')).toBe(1)
    expect(raws(await claim(consumer, 9)).sort()).toEqual(['1', '2', 'far', 'low'])
  })

  test('a tag is good for one completion', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    const delivery = await claimOne(consumer)
    await complete(consumer, end(delivery))
    const again = end(delivery, { results: [success('a')], pushes: [push('b')] })
    expect(await complete(consumer, again)).toEqual({ ...nothing, refused: [0] })
    expect(await backend.read(['a'])).toEqual([null])
    expect(await broker.length('q')).toBe(0)
  })

  test('a tag of somebody else is refused', async () => {
    const { broker, consume } = bench()
    const [mine, other] = [await consume(), await consume()]
    await broker.publish(messages('a', 'b'))
    const delivery = await claimOne(mine)
    await claimOne(other)
    const reply = await complete(other, { ...end(delivery), tag: `${delivery.tag}999` })
    expect(reply.refused).toEqual([0])
    expect((await complete(mine, end(delivery))).refused).toEqual([])
  })

  test('of a second message with the same marker nothing is written', async () => {
    const { broker, backend, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(messages('a', 'a'))
    const [one, two] = [await claimOne(first), await claimOne(second)]
    const edges = {
      fence: 'a:0:0:',
      results: [success('a', 'one')],
      pushes: [push('next', { queue: 'next' })],
    }
    await complete(first, end(one, edges))
    const late = {
      ...edges,
      ending: { kind: 'dead', reason: 'late' },
      results: [result('a', 'FAILURE'), success('b')],
      chords: [chord(1)],
      parts: [part('a')],
    } satisfies Partial<Completion>
    expect(await complete(second, end(two, late))).toEqual({ ...nothing, refused: [0] })
    expect(await backend.read(['a', 'b'])).toEqual([success('a', 'one').text, null])
    expect(await broker.length('next')).toBe(1)
    expect(await broker.dead.list(9)).toEqual([])
    await Promise.all([lapse(first), lapse(second)])
    expect(await broker.length('q')).toBe(0) // both messages are gone
  })

  test.each([
    ['another generation (a retry)', 'a:1:0:'],
    ['another nesting (a replacement)', 'a:0:1:'],
    ['another parent (an errback of several)', 'a:0:0:p'],
  ])('another marker is another message: %s', async (_, fence) => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'a'))
    const [one, two] = await claim(consumer, 2)
    const pushes = [push('next', { queue: 'next' })]
    await complete(consumer, end(one as Delivery, { fence: 'a:0:0:', pushes }))
    expect((await complete(consumer, end(two as Delivery, { fence, pushes }))).refused).toEqual([])
    expect(await broker.length('next')).toBe(2)
  })

  test('of two plain successes of one id the first stands', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'a'))
    const [one, two] = await claim(consumer, 2)
    const reply = await complete(
      consumer,
      end(one as Delivery, { results: [success('a', 1)] }),
      end(two as Delivery, { results: [success('a', 2)] }),
    )
    expect(reply.refused).toEqual([1])
    expect(await backend.read(['a'])).toEqual([success('a', 1).text])
  })

  test('after a plain success a retry of its twin is refused, edges and all', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'a'))
    const [one, two] = await claim(consumer, 2)
    await complete(consumer, end(one as Delivery, { results: [success('a')] }))
    const retry = {
      fence: 'a:0:0:',
      results: [result('a', 'RETRY')],
      pushes: [push('a again')],
    }
    expect((await complete(consumer, end(two as Delivery, retry))).refused).toEqual([0])
    expect(await backend.read(['a'])).toEqual([success('a').text])
    expect(await broker.length('q')).toBe(0)
  })

  test('of a message whose end was refused it is known that it has ended', async () => {
    const { broker, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'a', 'a'))
    const [one, two] = await claim(consumer, 2)
    await complete(consumer, end(one as Delivery, { results: [success('a')] }))
    const failure = { fence: 'a:0:0:', results: [result('a', 'FAILURE')] }
    expect((await complete(consumer, end(two as Delivery, failure))).refused).toEqual([0])
    await claimOne(consumer)
    await lapse(consumer)
    await until(async () => (await broker.length('q')) === 1)
    const other = await consume({ hostname: 'other@host' })
    expect(await other.note((await claimOne(other)).tag, 'a:0:0:', [])).toMatchObject({ kind: 'done' })
  })

  test.each(['STARTED', 'RETRY', 'PROGRESS', 'FAILURE', 'REVOKED'])(
    'a plain success replaces %s',
    async (state) => {
      const { broker, backend, consume } = bench()
      const consumer = await consume()
      await broker.publish(messages('a', 'a'))
      const [one, two] = await claim(consumer, 2)
      await complete(consumer, end(one as Delivery, { fence: 'a:0:0:', results: [result('a', state)] }))
      const reply = await complete(consumer, end(two as Delivery, { results: [success('a')] }))
      expect(reply.refused).toEqual([])
      expect(await backend.read(['a'])).toEqual([success('a').text])
    },
  )

  test('a stored SUCCESS of another task is left as it is, and refuses nothing', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b'))
    const [a, b] = await claim(consumer, 2)
    await complete(consumer, end(a as Delivery, { results: [success('a', 1)] }))
    const both = { fence: 'b:0:0:', results: [result('b', 'FAILURE'), result('a', 'FAILURE')] }
    expect((await complete(consumer, end(b as Delivery, both))).refused).toEqual([])
    expect(await backend.read(['a', 'b'])).toEqual([success('a', 1).text, result('b', 'FAILURE').text])
  })

  test('only the state counts, not what user data looks like', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'a'))
    const [one, two] = await claim(consumer, 2)
    const trap = result('a', 'FAILURE', '{"status": "SUCCESS"')
    await complete(consumer, end(one as Delivery, { fence: 'a:0:0:', results: [trap] }))
    await complete(consumer, end(two as Delivery, { results: [success('a')] }))
    expect(await backend.read(['a'])).toEqual([success('a').text])
  })

  test('a step with some that are refused carries out the others, and says which', async () => {
    const { broker, backend, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b', 'b', 'c', 'd'))
    const [a, b, twin, c] = await claim(consumer, 4)
    const edges = { fence: 'b:0:0:', results: [success('b')], pushes: [push('next', { queue: 'next' })] }
    const reply = await consumer.step(
      0,
      [
        end(b as Delivery, edges),
        end(a as Delivery, { results: [success('a')] }),
        end(twin as Delivery, edges),
        { ...end(c as Delivery), tag: 'never claimed' },
        end(c as Delivery, { results: [success('c')] }),
      ],
      5,
    )
    expect([...reply.refused].sort((a, b) => a - b)).toEqual([2, 3])
    expect(raws(reply.deliveries)).toEqual(['d'])
    expect(await backend.read(['a', 'b', 'c'])).toEqual([
      success('a').text,
      success('b').text,
      success('c').text,
    ])
    expect(await broker.length('next')).toBe(1)
  })

  test('an ack without results, as of an ignored task, stores nothing', async () => {
    const { broker, backend, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(messages('a'))
    expect((await complete(consumer, end(await claimOne(consumer), { fence: 'a:0:0:' }))).refused).toEqual([])
    await lapse(consumer)
    expect(await broker.length('q')).toBe(0)
    expect(await backend.read(['a'])).toEqual([null])
  })

  test('connections that break count nothing twice and lose nothing', async () => {
    const { broker, backend, consume, cut } = bench()
    const consumer = await consume()
    const ids = Array.from({ length: 300 }, (_, i) => `id${i}`)
    const sending = Promise.all(ids.map((id) => broker.publish(messages(id))))
    const refused: unknown[] = []
    const seen: string[] = []
    const run = async (lane: number): Promise<void> => {
      let held: readonly Delivery[] = []
      while (seen.length < ids.length || held.length > 0) {
        const ends = held.map((delivery) => {
          const id = delivery.raw.toString()
          return end(delivery, {
            fence: `${id}:0:0:`,
            results: [success(id)],
            pushes: [push(id, { queue: 'next' })],
          })
        })
        const reply = await consumer.step(lane, ends, 5)
        refused.push(...reply.refused)
        held = reply.deliveries
        seen.push(...raws(held))
      }
    }
    const cutting = (async () => {
      for (let i = 0; i < 8; i += 1) {
        await cut()
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    })()
    await Promise.all([sending, run(0), run(1), cutting])
    expect(refused).toEqual([])
    expect(seen.sort()).toEqual([...ids].sort())
    expect(await broker.length('next')).toBe(ids.length)
    expect((await backend.read(ids)).filter((text) => text === null)).toEqual([])
  })
})

onEveryEngine('endings', (bench) => {
  test('requeue: behind everything of its priority, as if new', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('a', 'b'))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'requeue' } }))
    const [b, a] = await claim(consumer, 2)
    expect(raws([b as Delivery, a as Delivery])).toEqual(['b', 'a'])
    expect(a).toMatchObject({ attempts: 0, uncertain: false })
  })

  test('requeue keeps the priority', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: [push('low', { priority: 6 })], chords: [] })
    const low = await claimOne(consumer)
    await complete(consumer, end(low, { ending: { kind: 'requeue' } }))
    await broker.publish({
      pushes: [push('lower', { priority: 9 }), push('higher', { priority: 3 })],
      chords: [],
    })
    expect(raws(await claim(consumer, 3))).toEqual(['higher', 'low', 'lower'])
  })

  test('back: next of all, uncounted, and known as redelivered', async () => {
    const { broker, consume } = bench()
    const consumer = await consume({ hostname: 'stopping@host' })
    await broker.publish(messages('a', 'b'))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'back' } }))
    const [a, b] = await claim(await consume(), 2)
    expect(raws([a as Delivery, b as Delivery])).toEqual(['a', 'b'])
    expect(a).toMatchObject({
      attempts: 0,
      redelivered: true,
      uncertain: false,
      lost: false,
      lastWorker: 'stopping@host',
    })
  })

  test('back forgets nothing of the deliveries before', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second, third] = [await consume({ hostname: 'one@host' }), await consume(), await consume()]
    await broker.publish(messages('a'))
    await claimOne(first)
    await claim(first, 0) // the reply arrived
    await lapse(first)
    await complete(second, end(await claimOne(second), { ending: { kind: 'back' } }))
    expect(await claimOne(third)).toMatchObject({ attempts: 1, redelivered: true, lastWorker: 'one@host' })
  })

  test('back, dead: starts that its worker has counted count, and never fewer than before', async () => {
    const { broker, consume } = bench()
    const [one, two] = [await consume({ hostname: 'one@host' }), await consume({ hostname: 'two@host' })]
    await broker.publish(messages('a'))
    await complete(one, end(await claimOne(one), { ending: { kind: 'back', starts: 2 } }))
    const fresh = await claimOne(two)
    expect(fresh).toMatchObject({ attempts: 2, redelivered: true, uncertain: false, lastWorker: 'one@host' })
    await complete(two, end(fresh, { ending: { kind: 'back', starts: 1 } }))
    const again = await claimOne(two)
    expect(again).toMatchObject({ attempts: 2, lastWorker: 'one@host' })
    await complete(two, end(again, { ending: { kind: 'dead', reason: 'poison', starts: 3 } }))
    expect(await broker.dead.list(10)).toMatchObject([{ attempts: 3, lastWorker: 'two@host' }])
  })
})
