// `concurrencyKey` as users write it: at most so many of one key at once, in order, and nobody else waits.
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { InvalidTaskError } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 30 }
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

onEveryEngine('concurrency keys', (bench) => {
  /** Notes who runs beside whom. */
  const watched = (options: { concurrencyLimit?: number } = {}) => {
    const app = bench().app()
    const running = new Map<string, number>()
    const most = new Map<string, number>()
    const order: string[] = []
    const work = app.task(
      'work',
      async (key: string, n: number) => {
        order.push(`${key}${n}`)
        running.set(key, (running.get(key) ?? 0) + 1)
        most.set(key, Math.max(most.get(key) ?? 0, running.get(key)!))
        await new Promise((resolve) => setTimeout(resolve, 2))
        running.set(key, running.get(key)! - 1)
        return n
      },
      { concurrencyKey: (key: string) => key, ...options },
    )
    return { app, work, most, order }
  }

  it('one of each key at once, in the order of sending, over several workers', async () => {
    const { app, work, most, order } = watched()
    for (const name of ['a', 'b', 'c']) await bench().work(app, { hostname: `${name}@host` })
    const keys = ['x', 'y', 'z']
    const results = await Promise.all(range(20).flatMap((n) => keys.map((key) => work.delay(key, n))))
    for (const result of results) await result.get(wait)
    for (const key of keys) {
      expect(most.get(key)).toBe(1)
      expect(order.filter((name) => name.startsWith(key))).toEqual(range(20).map((n) => `${key}${n}`))
    }
  })

  it('as many as concurrencyLimit says', async () => {
    const { app, work, most } = watched({ concurrencyLimit: 3 })
    await bench().work(app, { concurrency: 20 })
    const results = await Promise.all(range(30).map((n) => work.delay('x', n)))
    for (const result of results) await result.get(wait)
    expect(most.get('x')).toBe(3)
  })

  it('who waits holds no slot', async () => {
    const app = bench().app()
    const open = gate()
    const slow = app.task('slow', () => open.passed, { concurrencyKey: () => 'all' })
    const fast = app.task('fast', (n: number) => n)
    await bench().work(app, { concurrency: 2 })
    const waiting = await Promise.all(range(10).map(() => slow.delay()))
    for (const n of range(10)) expect(await fast.delay(n).get(wait)).toBe(n)
    open.open()
    for (const result of waiting) await result.get(wait)
  })

  it('whatever the end: a failure, a retry, a rejection, a reply that cannot be stored', async () => {
    const app = bench().app()
    const ran: string[] = []
    const task = app.task(
      'task',
      function (what: string) {
        ran.push(what)
        if (what === 'fails') throw new Error('no')
        if (what === 'retries' && this.request.retries === 0) throw this.retry({ countdown: 0.05 })
        return what === 'unstorable' ? () => undefined : what
      },
      { concurrencyKey: () => 'one' },
    )
    await bench().work(app)
    const ends = ['fails', 'retries', 'unstorable', 'last']
    const results = await Promise.all(ends.map((end) => task.delay(end)))
    expect(await results[3]!.get(wait)).toBe('last')
    expect(await results[1]!.get(wait)).toBe('retries')
    await expect(results[0]!.get(wait)).rejects.toThrow('no')
    await expect(results[2]!.get(wait)).rejects.toThrow()
    expect(ran.filter((what) => what === 'retries')).toHaveLength(2)
  })

  it('within a chain and for what it sends itself', async () => {
    const { app, work, most } = watched()
    await bench().work(app)
    const steps = range(5).map((n) => work.si('x', n))
    const chains = await Promise.all(range(4).map(() => chain(...(steps as [(typeof steps)[0]])).delay()))
    for (const result of chains) expect(await result.get(wait)).toBe(4)
    expect(most.get('x')).toBe(1)
  })

  it('of messages that a client without the function sent', async () => {
    const { app, work, most } = watched()
    const client = bench().app()
    const results = await Promise.all(range(10).map((n) => client.sendTask('work', ['x', n])))
    await bench().work(app, { hostname: 'a@host' })
    await bench().work(app, { hostname: 'b@host' })
    for (const [n, result] of results.entries()) expect(await result.get(wait)).toBe(n)
    expect(most.get('x')).toBe(1)
    expect(work.name).toBe('work')
  })

  it('survives the end of the worker that held the place', async () => {
    const app = bench().app()
    const open = gate()
    let starts = 0
    const slow = app.task(
      'slow',
      async (n: number) => {
        starts += 1
        if (starts === 1) await open.passed
        return n
      },
      { concurrencyKey: () => 'all' },
    )
    await bench().work(app, { hostname: 'first@host' })
    const first = await slow.delay(1)
    await until(() => starts === 1)
    const second = await slow.delay(2)
    const [consumer] = await bench().consumers()
    await bench().work(app, { hostname: 'second@host' })
    await bench().lapse(consumer!)
    expect(await first.get(wait)).toBe(1)
    expect(await second.get(wait)).toBe(2)
    open.open()
  })

  describe('mistakes', () => {
    it('a key that is no text is refused when it is sent', async () => {
      const app = bench().app()
      const task = app.task('task', (n: number) => n, { concurrencyKey: ((n: number) => n) as never })
      await expect(task.delay(1)).rejects.toThrow(
        new InvalidTaskError('concurrencyKey of task: expected a text or null, got 1.'),
      )
    })

    it('where somebody else sent it, it fails, and the worker goes on', async () => {
      const app = bench().app()
      const task = app.task('task', (n: number | null) => n, {
        concurrencyKey: (n) => (n === null ? null : (n as never)),
      })
      await bench().work(app)
      const bad = await bench().app().sendTask('task', [1])
      await expect(bad.get(wait)).rejects.toThrow('expected a text or null, got 1')
      expect(await task.delay(null).get(wait)).toBeNull()
    })

    it.each([0, -1, 1.5, '2'])('the limit %j', (concurrencyLimit) => {
      const options = { concurrencyKey: () => 'k', concurrencyLimit: concurrencyLimit as number }
      expect(() =>
        bench()
          .app()
          .task('task', () => 1, options),
      ).toThrow(/at least 1/)
    })
  })
})
