// A purge drops what waits and leaves nothing of it behind: no pages, no chords, nobody who waits for ever. What lies
// in other queues, or runs, goes on.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import type { signature } from '../../../src/canvas/signature.js'
import { ChordError, TaskRevokedError } from '../../../src/errors.js'
import { purgedQueue } from '../../../src/runtime/purged.js'
import { consumerOptions } from '../../support/consumer-options.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngineAndApart } from './bench.js'

const wait = { timeout: 20 }
type Loose = ReturnType<typeof signature>
const chained = (steps: readonly unknown[]) =>
  (chain as unknown as (steps: readonly unknown[]) => Loose)(steps)
const grouped = (members: readonly unknown[]) =>
  (group as unknown as (members: readonly unknown[]) => Loose)(members)
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

const tasksOf = (app: App) => ({
  add: app.task('add', (x: number, y: number) => x + y),
  sum: app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)),
  later: app.task('later', (x: number) => x, { queue: 'other' }),
})

onEveryEngineAndApart('a purge', (bench) => {
  const nothingIsLeft = async () => {
    expect(await bench().graphs()).toEqual([])
    expect(await bench().unfinished()).toEqual([])
  }

  it('of tasks that stand alone tells nobody, and counts them', async () => {
    const app = bench().app()
    const { add } = tasksOf(app)
    const result = await add.delay(1, 2)
    await grouped(many(3, (i) => add.s(i, i))).delay()
    expect(await app.control.purge()).toBe(4)
    expect(await app.control.purge('celery')).toBe(0)
    expect(await result.state()).toBe('PENDING')
    await nothingIsLeft()
  })

  it('ends a chain by reference, each step of it', async () => {
    const app = bench().app()
    const { add } = tasksOf(app)
    const result = await chained([add.s(0, 1), ...many(299, () => add.s(1))]).delay()
    expect(await bench().graphs()).toHaveLength(1)
    expect(await app.control.purge()).toBe(1)
    await expect(result.get(wait)).rejects.toThrow(TaskRevokedError)
    await nothingIsLeft()
  })

  it('fails a chord, small or with a body by reference, and the outer one of a nested one', async () => {
    const app = bench().app()
    const { add, sum } = tasksOf(app)
    const small = await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay()
    const large = await chord(
      many(100, (i) => add.s(i, i)),
      chained([sum.s(), ...many(30, () => add.s(1))]),
    ).delay()
    const inner = chord([add.s(1, 1), add.s(2, 2)], sum.s())
    const nested = await chord([inner, add.s(3, 3)], sum.s()).delay()
    await app.control.purge()
    for (const result of [small, large, nested]) await expect(result.get(wait)).rejects.toThrow(ChordError)
    await nothingIsLeft()
  })

  it('takes along what is staged', async () => {
    const app = bench().app()
    const { add, sum } = tasksOf(app)
    await bench().work(app, { queues: ['other'] })
    const result = await chord(
      many(1500, (i) => add.s(i, i)),
      sum.s(),
    ).delay()
    await app.control.purge()
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await nothingIsLeft()
  })

  it('leaves what runs and what lies in another queue alone; a chord with both fails when its last part is in', async () => {
    const app = bench().app()
    const { add, sum, later } = tasksOf(app)
    const [started, held] = [gate(), gate()]
    const slow = app.task('slow', async (x: number) => {
      started.open()
      await held.passed
      return x
    })
    const running = await chained([slow.s(1), ...many(40, () => add.s(1))]).delay()
    const worker = await bench().work(app, { concurrency: 1, prefetchMultiplier: 1 })
    await started.passed
    const alive = await chord([later.s(1), later.s(2)], sum.s().set({ queue: 'other' })).delay()
    const both = await chord([later.s(1), add.s(1, 1)], sum.s()).delay()
    expect(await app.control.purge('celery')).toBe(1)
    const elsewhere = await bench().work(app, { queues: ['other'] })
    expect(await alive.get(wait)).toBe(3)
    held.open()
    expect(await running.get(wait)).toBe(41)
    await expect(both.get(wait)).rejects.toThrow(ChordError)
    await Promise.all([worker.stop(), elsewhere.stop()])
    await nothingIsLeft()
  })

  it('a chord whose members partly succeeded leaves no key behind', async () => {
    const app = bench().app()
    const { add, sum, later } = tasksOf(app)
    const result = await chord([later.s(1), later.s(2), add.s(1, 1)], sum.s()).delay()
    const worker = await bench().work(app, { queues: ['other'] })
    await until(async () => (await (await app.broker()).length('other')) === 0)
    await worker.stop()
    expect(await app.control.purge('celery')).toBe(1)
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await nothingIsLeft()
  })

  it('sets free what waited for its turn', async () => {
    const app = bench().app()
    const { sum } = tasksOf(app)
    const [started, held] = [gate(), gate()]
    const one = app.task(
      'one',
      async (x: number) => {
        started.open()
        await held.passed
        return x
      },
      { concurrencyKey: () => 'same' },
    )
    const first = await one.delay(1)
    const worker = await bench().work(app)
    await started.passed
    const result = await chord([one.s(2), one.s(3)], sum.s()).delay()
    await until(async () => (await (await app.broker()).length('celery')) === 2)
    expect(await app.control.purge('celery')).toBe(2)
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    held.open()
    expect(await first.get(wait)).toBe(1)
    await worker.stop()
    await nothingIsLeft()
  })

  it('that was cut off is ended by the next worker of the queue', async () => {
    const app = bench().app()
    const { add, sum, later } = tasksOf(app)
    const result = await chord(
      [add.s(1, 1), add.s(2, 2)],
      chained([sum.s(), ...many(40, () => add.s(1))]),
    ).delay()
    const broker = await app.broker()
    expect(await broker.setAside('celery')).toBe(2)
    // Whoever purged had one of them in hand.
    const dying = await broker.consume(
      consumerOptions({ hostname: 'purge@lovage', queues: [purgedQueue('celery')] }),
    )
    expect((await dying.step(0, [], 1)).deliveries).toHaveLength(1)
    const [consumer] = await bench().consumers()
    await bench().lapse(consumer!)
    const elsewhere = await bench().work(app, { queues: ['other'] })
    await later.delay(1).get(wait)
    expect(await result.state()).toBe('PENDING')
    const worker = await bench().work(app)
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await Promise.all([worker.stop(), elsewhere.stop()])
    await nothingIsLeft()
  })

  it('twice at once ends each message once, and is counted once', async () => {
    const app = bench().app()
    const { add, sum } = tasksOf(app)
    const all = many(60, (i) => chord([add.s(i, 1), add.s(i, 2)], sum.s()))
    const results = await Promise.all(all.map((canvas) => canvas.delay()))
    await grouped(many(200, (i) => add.s(i, i))).delay()
    const others = bench().app()
    tasksOf(others)
    const counts = await Promise.all([app, others, app].map(({ control }) => control.purge()))
    expect(counts.reduce((sum, count) => sum + count)).toBe(320)
    for (const result of results) await expect(result.get(wait)).rejects.toThrow(ChordError)
    await nothingIsLeft()
  })

  it('fails the chord of what waited for its rate', async () => {
    const app = bench().app()
    const { sum } = tasksOf(app)
    const rare = app.task('rare', (x: number) => x, { rateLimit: '1/h' })
    const worker = await bench().work(app)
    const result = await chord([rare.s(1), rare.s(2), rare.s(3)], sum.s()).delay()
    // One ran; the others stand where no list of the queue is.
    await until(async () => worker.active === 0 && (await (await app.broker()).length('celery')) === 2)
    expect(await app.control.purge('celery')).toBe(2)
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await worker.stop()
    await nothingIsLeft()
  })

  it('takes what has yet to be looked at, also if it is for later, and leaves what waits for its moment elsewhere', async () => {
    const app = bench().app()
    const { add, sum } = tasksOf(app)
    const later = { countdown: 3600 }
    const broker = await app.broker()
    const first = await chord([add.s(1, 1).set(later), add.s(2, 2).set(later)], sum.s()).delay()
    expect(await app.control.purge('celery')).toBe(2)
    await expect(first.get(wait)).rejects.toThrow(ChordError)
    await nothingIsLeft()

    const held = add.s(3, 3).set(later)
    const worker = await bench().work(app)
    const second = await chord([held, add.s(4, 4)], sum.s()).delay()
    await until(async () => (await broker.deferred('celery', 10)).length === 1 && worker.active === 0)
    await worker.stop()
    const third = await chord([add.s(5, 5), add.s(6, 6)], sum.s()).delay()
    expect(await app.control.purge('celery')).toBe(2)
    await expect(third.get(wait)).rejects.toThrow(ChordError)
    expect(await broker.deferred('celery', 10)).toHaveLength(1)
    expect(await second.state()).toBe('PENDING')
  })

  it('of a stage for two queues takes what is for this one, and lets the rest run', async () => {
    const app = bench().app()
    const { add, sum, later } = tasksOf(app)
    const alive = await bench().work(app, { queues: ['spare'] })
    const both = many(1600, (i) => (i % 2 === 0 ? add.s(i, i) : later.s(i)))
    const result = await chord(both, sum.s().set({ queue: 'spare' })).delay()
    // The message that would release them, and what is for this queue; in memory there is no stage.
    expect([800, 801]).toContain(await app.control.purge('celery'))
    expect(await (await app.broker()).length('celery')).toBe(0)
    const elsewhere = await bench().work(app, { queues: ['other'], concurrency: 100 })
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await until(async () => (await (await app.broker()).length('other')) === 0)
    await Promise.all([alive.stop(), elsewhere.stop()])
    await nothingIsLeft()
  })
})
