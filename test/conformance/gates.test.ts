// Gates: of messages with one key at most so many are delivered at once, in their order; who waits is held by
// nobody, and holds nobody up.
import { expect, test } from 'vitest'
import type { Consumer, Delivery } from '../../src/runtime/consumer.js'
import { type Gate, gateFor, gateHeader, gateText } from '../../src/runtime/gate.js'
import { purgedQueue } from '../../src/runtime/purged.js'
import { until } from '../support/until.js'
import { onEveryEngine } from './engines.js'
import { claim, claimOne, complete, end, messages, push, raws, waited } from './words.js'

/** What stands in an envelope's headers. */
const marked = (name: string, gate: Gate): string =>
  `{"name": "${name}", "headers": {"${gateHeader}": "${gateText(gate)}"}}`

const nameOf = (raw: string): string => (JSON.parse(raw) as { name: string }).name
const names = (deliveries: readonly Delivery[]): string[] => raws(deliveries).map(nameOf)

onEveryEngine('gates', (bench) => {
  const key = (name: string, limit = 1, of = 'k'): string => marked(name, gateFor('task', of, limit, name))

  const gated = (options = {}) => bench().consume({ gated: true, ...options })

  /** Completes `tag` and claims in the same step. */
  const next = async (consumer: Consumer, got: Delivery, slots = 10) =>
    (await consumer.step(0, [end(got)], slots)).deliveries

  test('one at a time, in their order, and each end lets the next one through', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b'), key('c')))
    const [a, ...none] = await claim(consumer, 10)
    expect([nameOf(String(a!.raw)), none, a!.gated]).toEqual(['a', [], true])
    expect(await bench().broker.length('q')).toBe(2)
    const [b] = await next(consumer, a!)
    expect(b).toMatchObject({ gated: true, attempts: 0, redelivered: false })
    expect(nameOf(String(b!.raw))).toBe('b')
    const [c] = await next(consumer, b!)
    expect(nameOf(String(c!.raw))).toBe('c')
    expect(await next(consumer, c!)).toEqual([])
    expect(await bench().broker.length('q')).toBe(0)
  })

  test('who waits takes no slot: what lies behind is delivered in the same claim', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b'), key('x', 1, 'other'), '{"name": "free"}'))
    expect(names(await claim(consumer, 3))).toEqual(['a', 'x', 'free'])
  })

  test('as many as the limit says', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(...['a', 'b', 'c', 'd', 'e'].map((name) => key(name, 2))))
    const [a, b, ...none] = await claim(consumer, 10)
    expect([names([a!, b!]), none]).toEqual([['a', 'b'], []])
    const [c] = await next(consumer, b!)
    expect(names([c!])).toEqual(['c'])
    expect(names([...(await next(consumer, a!)), ...(await next(consumer, c!))])).toEqual(['d', 'e'])
  })

  test('across consumers and queues; the next one goes to its own queue', async () => {
    const [one, other] = [await gated(), await gated({ hostname: 'other@host', queues: ['r'] })]
    await bench().broker.publish({ pushes: [push(key('a')), push(key('b'), { queue: 'r' })], chords: [] })
    const a = await claimOne(one)
    expect(await claim(other, 5)).toEqual([])
    await complete(one, end(a))
    expect(names(await waited(other, 5))).toEqual(['b'])
    expect(await claim(one, 5)).toEqual([])
  })

  test.each(['requeue', 'defer', 'dead'] as const)(
    'the ending %s lets the next one through',
    async (kind) => {
      const consumer = await gated()
      await bench().broker.publish(messages(key('a'), key('b')))
      const a = await claimOne(consumer)
      const dueMs = bench().broker.now() + 60_000
      await complete(consumer, end(a, { ending: { kind, dueMs, task: 't', reason: 'because' } as never }))
      const [b] = await claim(consumer, 1)
      expect(names([b!])).toEqual(['b'])
    },
  )

  test('who waits for its rate keeps its place: nobody overtakes it', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'park', task: 't' } }))
    expect(await claim(consumer, 5)).toEqual([])
    const other = await gated({ hostname: 'other@host' })
    const again = await other.pull('q', 't', 5)
    expect(names(again)).toEqual(['a'])
    expect(names(await next(other, again[0]!))).toEqual(['b'])
  })

  test('who is given back keeps its place', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'back' } }))
    const again = await claim(consumer, 5)
    expect(names(again)).toEqual(['a'])
    expect(names(await next(consumer, again[0]!))).toEqual(['b'])
  })

  test('who is given back is known as redelivered, also when it had stood in the line', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    const [b] = await next(consumer, await claimOne(consumer))
    expect(b).toMatchObject({ redelivered: false, lastWorker: null })
    await complete(consumer, end(b!, { ending: { kind: 'back' } }))
    const [again] = await claim(consumer, 5)
    expect(again).toMatchObject({ redelivered: true, attempts: 0, lastWorker: 'w@host' })
  })

  test('who came from the line and whose consumer leaves was with this worker last', async () => {
    const [one, other] = [await gated(), await gated({ hostname: 'other@host' })]
    await bench().broker.publish(messages(key('a'), key('b')))
    const [a] = await claim(one, 5)
    expect(names(await next(one, a!))).toEqual(['b'])
    await one.close()
    expect(await claimOne(other)).toMatchObject({ lastWorker: 'w@host' })
  })

  test('a consumer that dies: its message keeps its place and runs again first', async () => {
    const first = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    await claimOne(first)
    await bench().lapse(first)
    const second = await gated({ hostname: 'second@host' })
    await until(async () => (await bench().broker.length('q')) === 2)
    const [a, ...none] = await claim(second, 5)
    expect([names([a!]), none]).toEqual([['a'], []])
    expect(a).toMatchObject({ redelivered: true, uncertain: true })
    expect(names(await next(second, a!))).toEqual(['b'])
  })

  test('a consumer that leaves', async () => {
    const first = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    await claimOne(first)
    await first.close()
    const second = await gated({ hostname: 'second@host' })
    const [a] = await claim(second, 5)
    expect(names([a!])).toEqual(['a'])
    expect(names(await next(second, a!))).toEqual(['b'])
  })

  test('a second message of the same task waits until the first has ended, whatever the limit', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a', 2), key('a', 2), key('b', 2)))
    const got = await claim(consumer, 5)
    expect(names(got)).toEqual(['a'])
    const rest = await next(consumer, got[0]!)
    expect(names(rest)).toEqual(['a', 'b'])
  })

  test('an end that is refused frees the place as well', async () => {
    const consumer = await gated()
    await bench().broker.publish(messages(key('a'), key('b')))
    const a = await claimOne(consumer)
    const other = await bench().consume({ queues: ['elsewhere'] })
    await bench().broker.publish({ pushes: [push('same', { queue: 'elsewhere' })], chords: [] })
    await complete(other, end(await claimOne(other), { fence: 'a:0:0:' }))
    const { refused, deliveries } = await consumer.step(0, [end(a, { fence: 'a:0:0:' })], 5)
    expect(refused).toEqual([0])
    expect(names(deliveries)).toEqual(['b'])
  })

  test('without a header: asked for when it is about to run', async () => {
    const consumer = await bench().consume()
    const gate = (who: string): Gate => gateFor('task', 'k', 1, who)
    await bench().broker.publish(messages('{"name": "a"}', '{"name": "b"}'))
    const [a, b] = (await claim(consumer, 5)) as [Delivery, Delivery]
    expect(await consumer.admit(a, gate('a'))).toBe('run')
    expect(await consumer.admit(a, gate('a'))).toBe('run')
    expect(await consumer.admit(b, gate('b'))).toBe('wait')
    expect(await consumer.admit(b, gate('b'))).toBe('lost')
    expect(await bench().broker.length('q')).toBe(1)
    const [again] = await next(consumer, a)
    expect(names([again!])).toEqual(['b'])
    expect(await consumer.admit(again!, gate('b'))).toBe('run')
    await complete(consumer, end(again!))
    expect(await bench().broker.length('q')).toBe(0)
  })

  test('without a header, and its consumer dies', async () => {
    const first = await bench().consume()
    await bench().broker.publish(messages('{"name": "a"}'))
    const gate = gateFor('task', 'k', 1, 'a')
    expect(await first.admit(await claimOne(first), gate)).toBe('run')
    await bench().lapse(first)
    const second = await bench().consume({ hostname: 'second@host' })
    await until(async () => (await bench().broker.length('q')) === 1)
    const again = await claimOne(second)
    expect(names([again])).toEqual(['a'])
    expect(await second.admit(again, gate)).toBe('run')
  })

  test('purge empties the lines, and frees the places of what it dropped', async () => {
    const consumer = await gated()
    const pushes = [push(key('a')), push(key('b')), push(key('c'), { queue: 'r' })]
    await bench().broker.publish({ pushes, chords: [] })
    const a = await claimOne(consumer)
    const other = await gated({ hostname: 'other@host', queues: ['r'] })
    expect(await claim(other, 5)).toEqual([])
    expect(await claim(consumer, 5)).toEqual([])
    await complete(consumer, end(a, { ending: { kind: 'back' } }))
    expect(await bench().broker.purge('q')).toBe(2)
    expect(await bench().broker.length('q')).toBe(0)
    expect(names(await waited(other, 5))).toEqual(['c'])
  })

  test('purge frees the places of what waited for its rate', async () => {
    const consumer = await gated()
    const pushes = [push(key('a')), push(key('b'), { queue: 'r' })]
    await bench().broker.publish({ pushes, chords: [] })
    await complete(consumer, end(await claimOne(consumer), { ending: { kind: 'park', task: 't' } }))
    const other = await gated({ hostname: 'other@host', queues: ['r'] })
    expect(await claim(other, 5)).toEqual([])
    expect(await bench().broker.purge('q')).toBe(1)
    expect(names(await waited(other, 5))).toEqual(['b'])
  })

  test('purge frees places in the order in which their messages would have been claimed', async () => {
    const consumer = await gated()
    // The first says 1, the second, of another sender, 3.
    await bench().broker.publish(messages(key('a', 1), key('b', 3)))
    const held = await claim(consumer, 5)
    expect(names(held)).toEqual(['a', 'b'])
    const waiting = ['w1', 'w2', 'w3'].map((name) => push(key(name, 1), { queue: 'r' }))
    await bench().broker.publish({ pushes: waiting, chords: [] })
    const other = await gated({ hostname: 'other@host', queues: ['r'] })
    expect(await claim(other, 5)).toEqual([])
    // The one that goes back last is the next.
    for (const each of [held[1]!, held[0]!]) await complete(consumer, end(each, { ending: { kind: 'back' } }))
    expect(await bench().broker.purge('q')).toBe(2)
    expect(names(await waited(other, 5))).toEqual(['w1', 'w2', 'w3'])
  })

  test('a purge of more than a moment’s worth takes all that stood in lines, was inside, or waited for its rate', async () => {
    const consumer = await gated()
    const other = await gated({ hostname: 'other@host', queues: ['r'] })
    const drain = async (of: Consumer, names: readonly string[], queue: string) => {
      const pushes = names.map((name) => push(key(name), { queue }))
      await bench().broker.publish({ pushes, chords: [] })
      // Each claim looks at so many: all that is not inside stands in the line then.
      const claimed: Delivery[] = []
      for (let i = 0; i <= names.length / 1000; i++) claimed.push(...(await claim(of, 5)))
      return claimed
    }
    const [first] = await drain(consumer, ['inside'], 'q')
    const many = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}${i}`)
    for (const [queue, of, count] of [
      ['r', 'early', 3],
      ['q', 'a', 1200],
      ['r', 'between', 2],
      ['q', 'b', 1300],
      ['r', 'late', 1],
    ] as const)
      expect(await drain(queue === 'q' ? consumer : other, many(of, count), queue)).toEqual([])
    const plain = many('plain', 1500).map((name) => push(`{"name": "${name}"}`))
    await bench().broker.publish({ pushes: plain.slice(0, 1200), chords: [] })
    const back = await claim(consumer, 1200)
    const ending = (index: number) =>
      index % 2 === 0 ? ({ kind: 'back' } as const) : ({ kind: 'park', task: 't' } as const)
    await complete(consumer, ...back.map((each, index) => end(each, { ending: ending(index) })))
    await bench().broker.publish({ pushes: plain.slice(1200), chords: [] })

    expect(await bench().broker.setAside('q')).toBe(2500 + 1500)
    expect(await bench().broker.length('q')).toBe(0)
    expect(await bench().broker.length(purgedQueue('q'))).toBe(2500 + 1500)
    // The others keep their order.
    await complete(consumer, end(first!))
    const seen: string[] = []
    for (let got = await claim(other, 1); got[0]; got = await next(other, got[0], 1)) seen.push(...names(got))
    expect(seen).toEqual([...many('early', 3), ...many('between', 2), ...many('late', 1)])
    // And what was set aside has its notes, and no gate that it would leave.
    const ends = await bench().consume({ queues: [purgedQueue('q')] })
    const ended = new Set<string>()
    for (let got = await claim(ends, 500); got.length > 0; ) {
      for (const name of names(got)) ended.add(name)
      got = (
        await ends.step(
          0,
          got.map((each) => end(each)),
          500,
        )
      ).deliveries
    }
    expect(ended.size).toBe(2500 + 1500)
  })

  test('ten thousand keys, each with a line: each end costs one step, and no order is lost', async () => {
    const consumer = await gated()
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`)
    for (const round of ['1', '2'])
      for (let from = 0; from < keys.length; from += 1000) {
        const some = keys.slice(from, from + 1000).map((of) => push(key(`${of}-${round}`, 1, of)))
        await bench().broker.publish({ pushes: some, chords: [] })
      }
    const seen = new Map<string, number>()
    let got = await claim(consumer, 500)
    while (got.length > 0) {
      for (const name of names(got)) {
        const [of, round] = name.split('-') as [string, string]
        expect(Number(round)).toBe((seen.get(of) ?? 0) + 1)
        seen.set(of, Number(round))
      }
      got = (
        await consumer.step(
          0,
          got.map((each) => end(each)),
          500,
        )
      ).deliveries
    }
    expect(seen.size).toBe(10_000)
    expect(new Set(seen.values())).toEqual(new Set([2]))
    expect(await bench().broker.length('q')).toBe(0)
  })
})
