// Chords: all parts, in order, joined once, whoever reports when, and whoever dies.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Completion, Consumer, Delivery, Join } from '../../src/runtime/consumer.js'
import { onEveryEngine } from './engines.js'
import {
  chord,
  claim,
  claimOne,
  complete,
  end,
  messages,
  onlyJoin,
  part,
  push,
  raws,
  success,
  theChord,
} from './words.js'

const header = (...ids: readonly string[]) => ({
  pushes: ids.map((id) => push(id)),
  chords: [chord(ids.length)],
})

const reports = (delivery: Delivery, index: number | null, more: Partial<Completion> = {}) => {
  const id = delivery.raw.toString()
  return end(delivery, { results: [success(id, index)], parts: [part(id, index)], ...more })
}

/** The second act: the body goes out, the last part's message ends. */
const publishBody = (delivery: { readonly tag: string }, more: Partial<Completion> = {}) =>
  end(delivery, { pushes: [push('the body', { queue: 'bodies' })], joined: [theChord], ...more })

onEveryEngine('chords', (bench) => {
  test('the last part brings all members, in the order of their places', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a', 'b', 'c'))
    const [a, b, c] = (await claim(consumer, 3)) as [Delivery, Delivery, Delivery]
    expect((await complete(consumer, reports(c, 2))).joins).toEqual([])
    expect((await complete(consumer, reports(a, 0))).joins).toEqual([])
    const { joins, refused } = await complete(consumer, reports(b, 1))
    expect(refused).toEqual([])
    expect(joins).toEqual([
      {
        ...theChord,
        completion: 0,
        members: [part('a', 0), part('b', 1), part('c', 2)].map(({ member }) => member),
      },
    ])
  })

  test('a header task adds one more to its chord, with its own end: that one is waited for', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a', 'b'))
    const [a, b] = (await claim(consumer, 2)) as [Delivery, Delivery]
    const grows = { fence: 'a:0:0:', pushes: [push('more')], grown: [theChord] }
    expect((await complete(consumer, reports(a, 0, grows))).joins).toEqual([])
    expect((await complete(consumer, reports(b, 1))).joins).toEqual([])
    const more = await claimOne(consumer)
    const { joins } = await complete(consumer, reports(more, 1))
    expect(onlyJoin(joins).members).toEqual(
      [part('a', 0), part('b', 1), part('more', 1)].map((p) => p.member),
    )
  })

  test('who adds to a chord twice, by a second message of the same task, adds once', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: [push('a'), push('a')], chords: [chord(1)] })
    const [a, twin] = (await claim(consumer, 2)) as [Delivery, Delivery]
    const grows = { fence: 'a:0:0:', pushes: [push('more')], grown: [theChord] }
    const { joins, refused } = await complete(consumer, reports(a, 0, grows), reports(twin, 0, grows))
    expect([joins, refused]).toEqual([[], [1]])
    const more = await claimOne(consumer)
    expect(onlyJoin((await complete(consumer, reports(more, 0))).joins).members).toHaveLength(2)
    expect(await claim(consumer, 1)).toEqual([])
  })

  test('a chord may grow before it is opened, as when a Python client is still sending it', async ({
    skip,
  }) => {
    const { broker, consume, isApart } = bench()
    skip(isApart, 'Python opens its chords where the results are: test/redis/outbox.test.ts')
    const consumer = await consume()
    await broker.publish(messages('a'))
    const a = await claimOne(consumer)
    const grows = { fence: 'a:0:0:', pushes: [push('more')], grown: [theChord] }
    await complete(consumer, reports(a, 0, grows))
    await broker.publish({ ...messages('b'), chords: [chord(2)] })
    const [more, b] = (await claim(consumer, 2)) as [Delivery, Delivery]
    expect((await complete(consumer, reports(b, 1))).joins).toEqual([])
    expect(onlyJoin((await complete(consumer, reports(more, 0))).joins).members).toHaveLength(3)
  })

  test('a part without a place stands at the end', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a', 'b', 'c'))
    const [a, b, c] = (await claim(consumer, 3)) as [Delivery, Delivery, Delivery]
    const { joins } = await complete(consumer, reports(a, null), reports(b, 11), reports(c, 2))
    expect(onlyJoin(joins)).toEqual({
      ...theChord,
      completion: 2,
      members: [part('c', 2), part('b', 11), part('a', null)].map(({ member }) => member),
    })
  })

  test('whoever reports in whatever order, there is one join and it has every member', async () => {
    const { broker, consume } = bench()
    const [first, second] = [await consume(), await consume()]
    const size = 7
    const places = Array.from({ length: size }, (_, i) => i)
    let runs = 0
    const orders = fc.shuffledSubarray(places, { minLength: size, maxLength: size })
    const workers = fc.array(fc.boolean(), { minLength: size, maxLength: size })
    await fc.assert(
      fc.asyncProperty(orders, workers, fc.boolean(), async (order, byFirst, atOnce) => {
        runs += 1
        const key = { groupId: `g${runs}`, bodyId: `b${runs}` }
        const ids = places.map((i) => `${runs}-${i}`)
        await broker.publish({ pushes: ids.map((id) => push(id)), chords: [{ ...key, size }] })
        // Who takes the i-th message is drawn; so is the order in which they end.
        const held: { consumer: Consumer; completion: Completion }[] = []
        for (const i of places) {
          const consumer = byFirst[i] ? first : second
          const delivery = await claimOne(consumer)
          const id = delivery.raw.toString()
          const own = { ...part(id, i), ...key }
          held.push({ consumer, completion: end(delivery, { results: [success(id)], parts: [own] }) })
        }
        const ordered = order.map((i) => held[i] as (typeof held)[number])
        const joins: { consumer: Consumer; tag: string; join: Join }[] = []
        const finish = async ({ consumer, completion }: (typeof held)[number], lane: number) => {
          const reply = await consumer.step(lane, [completion], 0)
          expect(reply.refused).toEqual([])
          for (const join of reply.joins) joins.push({ consumer, tag: completion.tag, join })
        }
        if (atOnce)
          await Promise.all(
            [first, second].map(async (each) => {
              for (const one of ordered) if (one.consumer === each) await finish(one, 0)
            }),
          )
        else for (const one of ordered) await finish(one, 0)
        expect(joins).toHaveLength(1)
        const [{ consumer, tag, join }] = joins as [(typeof joins)[number]]
        expect(join.members).toEqual(ids.map((id, i) => part(id, i).member))
        const out = await complete(
          consumer,
          end({ tag }, { joined: [key], pushes: [push('b', { queue: 'bodies' })] }),
        )
        expect(out.refused).toEqual([])
      }),
      { numRuns: 15 },
    )
    expect(await broker.length('bodies')).toBe(runs)
  })

  test('a task counts once, whatever it reports', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: ['a', 'a', 'b'].map((id) => push(id)), chords: [chord(2)] })
    const [one, two, b] = (await claim(consumer, 3)) as [Delivery, Delivery, Delivery]
    await complete(consumer, reports(one, 0))
    const again = end(two, { results: [success('a', 'other')], parts: [part('a', 0, 'other')] })
    expect(await complete(consumer, again)).toEqual({ refused: [0], joins: [], deliveries: [] })
    const { joins } = await complete(consumer, reports(b, 1))
    expect(onlyJoin(joins).members).toEqual([part('a', 0).member, part('b', 1).member])
  })

  test('a task counts although a Python peer stored its SUCCESS and died before it reported', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish({ pushes: ['x', 'a', 'b'].map((id) => push(id)), chords: [chord(2)] })
    const [x, a, b] = (await claim(consumer, 3)) as [Delivery, Delivery, Delivery]
    await complete(consumer, end(x, { fence: 'x:0:0:', results: [success('x'), success('a'), success('b')] }))
    expect((await complete(consumer, reports(a, 0))).refused).toEqual([])
    const { refused, joins } = await complete(consumer, reports(b, 1, { fence: 'b:0:0:' }))
    expect(refused).toEqual([])
    expect(onlyJoin(joins).members).toHaveLength(2)
  })

  test.each(['noted', 'acknowledged early'])(
    'a last part that was %s sends its body as any other',
    async (how) => {
      const { broker, consume, lapse } = bench()
      const [first, second] = [await consume(), await consume()]
      await broker.publish(header('a'))
      await claimOne(first)
      await lapse(first)
      const a = await claimOne(second)
      if (how === 'noted') expect(await second.note(a.tag, 'a:0:0:', [part('a')])).toEqual({ kind: 'run' })
      else expect(await second.release(a.tag)).toBe(true)
      onlyJoin((await complete(second, reports(a, 0))).joins)
      expect((await complete(second, publishBody(a))).refused).toEqual([])
      expect(await broker.length('bodies')).toBe(1)
      await lapse(second)
      expect(await broker.length('q')).toBe(0)
    },
  )

  test('until the body is out, the last part’s message is held', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a'))
    const a = await claimOne(consumer)
    onlyJoin((await complete(consumer, reports(a, 0))).joins)
    await consumer.close()
    expect(await broker.length('q')).toBe(1)
  })

  test('the second act publishes the body and ends the message', async () => {
    const { broker, consume, lapse } = bench()
    const consumer = await consume()
    await broker.publish(header('a'))
    const a = await claimOne(consumer)
    await complete(consumer, reports(a, 0))
    expect(await complete(consumer, publishBody(a))).toEqual({ refused: [], joins: [], deliveries: [] })
    await lapse(consumer)
    expect(await broker.length('q')).toBe(0)
    expect(await broker.length('bodies')).toBe(1)
  })

  test('a crash between last part and body: the next worker is told, and finishes without running', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish(header('a', 'b'))
    const [a, b] = (await claim(first, 2)) as [Delivery, Delivery]
    const { joins } = await complete(first, reports(b, 1), reports(a, 0))
    const { completion: _, ...join } = onlyJoin(joins)
    await lapse(first)
    await expect(complete(first, publishBody(a))).rejects.toThrow()
    expect(await broker.length('bodies')).toBe(0)

    const again = await claimOne(second)
    expect(again).toMatchObject({ uncertain: true, attempts: 0 })
    expect(raws([again])).toEqual(['a'])
    expect(await second.note(again.tag, 'a:0:0:', [part('a')])).toEqual({ kind: 'done', joins: [join] })
    expect((await complete(second, publishBody(again))).refused).toEqual([])
    expect(await broker.length('bodies')).toBe(1)
    await lapse(second)
    expect(await broker.length('q')).toBe(0)
  })

  test('who crashes after the note is followed by another who is told the same', async () => {
    const { broker, consume, lapse } = bench()
    const [first, second, third] = [await consume(), await consume(), await consume()]
    await broker.publish(header('a'))
    await complete(first, reports(await claimOne(first), 0))
    await lapse(first)
    const again = await claimOne(second)
    const told = await second.note(again.tag, 'a:0:0:', [part('a')])
    await claim(second, 0) // arrived, but this run never was one
    await lapse(second)
    const last = await claimOne(third)
    expect(last).toMatchObject({ uncertain: true, attempts: 0 })
    expect(await third.note(last.tag, 'a:0:0:', [part('a')])).toEqual(told)
    expect((await complete(third, publishBody(last))).refused).toEqual([])
    expect(await broker.length('bodies')).toBe(1)
  })

  test('a body is published once, also when two hold the join', async () => {
    const { broker, consume } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish({ pushes: ['a', 'a'].map((id) => push(id)), chords: [chord(1)] })
    const [one, twin] = [await claimOne(first), await claimOne(second)]
    await complete(first, reports(one, 0))
    const told = await second.note(twin.tag, 'a:0:0:', [part('a')])
    expect(told.kind === 'done' && told.joins).toHaveLength(1)
    expect((await complete(second, publishBody(twin))).refused).toEqual([])
    expect(await complete(first, publishBody(one))).toEqual({ refused: [0], joins: [], deliveries: [] })
    expect(await broker.length('bodies')).toBe(1)
  })

  test('a twin that comes after the body is told that it is done', async () => {
    const { broker, consume } = bench()
    const [first, second] = [await consume(), await consume()]
    await broker.publish({ pushes: ['a', 'a'].map((id) => push(id)), chords: [chord(1)] })
    const [one, twin] = [await claimOne(first), await claimOne(second)]
    await complete(first, reports(one, 0))
    await complete(first, publishBody(one))
    expect(await second.note(twin.tag, 'a:0:0:', [part('a')])).toEqual({ kind: 'done', joins: [] })
    expect((await complete(second, end(twin))).refused).toEqual([])
  })

  test('one completion may end two chords', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const outer = { groupId: 'outer', bodyId: 'b2' }
    await broker.publish({ pushes: [push('a')], chords: [chord(1), { ...outer, size: 1 }] })
    const a = await claimOne(consumer)
    const both = { fence: 'a:0:0:', parts: [part('a', 0), { ...part('a', 0), ...outer }] }
    const { joins } = await complete(consumer, end(a, both))
    expect(joins.map(({ groupId }) => groupId)).toEqual(['group', 'outer'])
    const { refused } = await complete(consumer, publishBody(a, { joined: [theChord, outer] }))
    expect(refused).toEqual([])
  })

  test('a header that dies is a part too, and its letter is written with the body', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a'))
    const a = await claimOne(consumer)
    const dead = { kind: 'dead', reason: 'poison', taskId: 'a' } as const
    const { joins } = await complete(
      consumer,
      end(a, { fence: 'a:0:0:', ending: dead, parts: [part('a', 0)] }),
    )
    expect(onlyJoin(joins).members).toHaveLength(1)
    await complete(consumer, publishBody(a, { ending: dead }))
    expect(await broker.dead.list(9)).toMatchObject([{ reason: 'poison', taskId: 'a' }])
    expect(await broker.length('bodies')).toBe(1)
  })

  test('a chord may be opened by a completion, with its header', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(messages('first'))
    const opens = { fence: 'first:0:0:', pushes: [push('a'), push('b')], chords: [chord(2)] }
    const reply = await consumer.step(0, [end(await claimOne(consumer), opens)], 2)
    const [a, b] = reply.deliveries as [Delivery, Delivery]
    const { joins } = await complete(consumer, reports(a, 0), reports(b, 1))
    expect(onlyJoin(joins).members).toHaveLength(2)
  })

  test('parts of chords of one group id and different bodies do not mix', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    await broker.publish(header('a', 'b'))
    const [a, b] = (await claim(consumer, 2)) as [Delivery, Delivery]
    await complete(consumer, reports(a, 0))
    const { joins } = await complete(consumer, reports(b, 1))
    expect(onlyJoin(joins).bodyId).toBe('body')
    await complete(consumer, publishBody(b))
    // The same group id, used again for another body: a new chord.
    await broker.publish({ pushes: [push('a')], chords: [{ groupId: 'group', bodyId: 'body 2', size: 1 }] })
    const once = await claimOne(consumer)
    const { joins: later } = await complete(
      consumer,
      end(once, { parts: [{ ...part('a', 0), bodyId: 'body 2' }] }),
    )
    expect(onlyJoin(later)).toMatchObject({ bodyId: 'body 2' })
    expect(onlyJoin(later).members).toHaveLength(1)
  })

  test('a chord of a thousand', async () => {
    const { broker, consume } = bench()
    const consumer = await consume()
    const ids = Array.from({ length: 1000 }, (_, i) => `t${i}`)
    await broker.publish(header(...ids))
    const held = await claim(consumer, 1000)
    const joins: Join[] = []
    for (let from = 0; from < held.length; from += 100) {
      const some = held.slice(from, from + 100).map((delivery, i) => reports(delivery, from + i))
      joins.push(...(await complete(consumer, ...some)).joins)
    }
    expect(onlyJoin(joins).members).toEqual(ids.map((id, i) => part(id, i).member))
  })
})
