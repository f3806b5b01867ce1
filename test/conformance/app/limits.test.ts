// Rates of tasks as users write them: what waits holds nobody up, keeps its order, and outlives its worker.
import { describe, expect, it } from 'vitest'
import { ImproperlyConfigured } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 30 }
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

onEveryEngine('rates', (bench) => {
  describe.each(['rateLimit', 'globalRateLimit'] as const)('%s', (option) => {
    it('spaces starts evenly, in their order', async () => {
      const app = bench().app()
      const starts: [number, number][] = []
      const limited = app.task('limited', (n: number) => void starts.push([n, performance.now()]), {
        [option]: '10/s',
      })
      await bench().work(app)
      const results = await Promise.all(range(8).map((n) => limited.delay(n)))
      for (const result of results) await result.get(wait)
      expect(starts.map(([n]) => n)).toEqual(range(8))
      const [first, last] = [starts[0]![1], starts.at(-1)![1]]
      // Seven intervals of 100 ms; timers and clocks may be a few milliseconds early.
      expect(last - first).toBeGreaterThan(650)
    })

    it('holds nobody else up, with a single slot', async () => {
      const app = bench().app()
      const limited = app.task('limited', (n: number) => n, { [option]: '1/h' })
      const free = app.task('free', (n: number) => n)
      await bench().work(app, { concurrency: 1 })
      const waiting = await Promise.all(range(20).map((n) => limited.delay(n)))
      expect(await waiting[0]!.get(wait)).toBe(0)
      for (const n of range(20)) expect(await free.delay(n).get(wait)).toBe(n)
      expect(await waiting[1]!.state()).toBe('PENDING')
      expect(await (await app.broker()).length('celery')).toBe(19)
    })

    it('is no limit when it is null or 0', async () => {
      const app = bench().app({ taskDefaultRateLimit: '1/h' })
      const limited = app.task('limited', (n: number) => n, { rateLimit: null, [option]: 0 })
      await bench().work(app)
      const results = await Promise.all(range(5).map((n) => limited.delay(n)))
      for (const result of results) await result.get(wait)
    })
  })

  it('rateLimit is each worker’s own, globalRateLimit is for all', async () => {
    const app = bench().app()
    const ran: string[] = []
    const note = (name: string) =>
      function (this: { request: { hostname?: unknown } }) {
        ran.push(`${name} ${String(this.request.hostname)}`)
      }
    const own = app.task('own', note('own'), { rateLimit: '1/h' })
    const shared = app.task('shared', note('shared'), { globalRateLimit: '1/h' })
    await bench().work(app, { hostname: 'a@host' })
    await bench().work(app, { hostname: 'b@host' })
    for (const _ of range(6)) await Promise.all([own.delay(), shared.delay()])
    const broker = await app.broker()
    await until(async () => ran.filter((line) => line.startsWith('own')).length === 2)
    await until(async () => (await broker.length('celery')) === 9)
    expect(ran.filter((line) => line.startsWith('own')).sort()).toEqual(['own a@host', 'own b@host'])
    expect(ran.filter((line) => line.startsWith('shared'))).toHaveLength(1)
  })

  it('what waits is run by the next worker', async () => {
    const first = bench().app()
    const rate = { rateLimit: '1/h' }
    const limited = first.task('limited', (n: number) => n, rate)
    const worker = await bench().work(first)
    const results = await Promise.all(range(5).map((n) => limited.delay(n)))
    await results[0]!.get(wait)
    await until(async () => (await (await first.broker()).length('celery')) === 4)
    await worker.stop()
    const second = bench().app({ workerDisableRateLimits: true })
    second.task('limited', (n: number) => n, rate)
    await bench().work(second)
    for (const [n, result] of results.entries()) expect(await result.get(wait)).toBe(n)
  })

  it('another rate at run time counts for what waits already', async () => {
    const app = bench().app()
    const limited = app.task('limited', (n: number) => n, { rateLimit: '1/h' })
    const worker = await bench().work(app)
    const results = await Promise.all(range(5).map((n) => limited.delay(n)))
    await results[0]!.get(wait)
    await until(async () => (await (await app.broker()).length('celery')) === 4)
    worker.rateLimit('limited', '100/s')
    for (const result of results) await result.get(wait)
    expect(() => worker.rateLimit('limited', '5/d')).toThrow(ImproperlyConfigured)
  })

  it('what expires while it waits is revoked when its turn comes', async () => {
    const app = bench().app()
    const limited = app.task('limited', (n: number) => n, { rateLimit: '2/s' })
    await bench().work(app)
    const first = await limited.delay(1)
    const late = await limited.applyAsync([2], { expires: 0.2 })
    const third = await limited.delay(3)
    await first.get(wait)
    await expect(late.get(wait)).rejects.toThrow('expired')
    expect(await third.get(wait)).toBe(3)
  })

  it.each(['5/d', 'fast', -1, Number.NaN, '1/', {}])('refuses the rate %j', (rate) => {
    const app = bench().app()
    const options = { rateLimit: rate as string }
    expect(() => app.task('limited', () => 1, options)).toThrow(/rateLimit.*expected starts in a second/)
    expect(() => bench().app({ taskDefaultRateLimit: rate as string })).toThrow(/taskDefaultRateLimit/)
  })
})
