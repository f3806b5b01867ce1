// When work starts, and when it is too late: by the server's clock, held in the server, at no cost of slots.
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { ChordError, TaskRevokedError } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 20 }
/** The server's clock is known to half a round trip, which is more than nothing on a busy machine. */
const soonMs = 250

onEveryEngine('time', (bench) => {
  const start = async (options: Parameters<ReturnType<typeof bench>['work']>[1] = {}) => {
    const app = bench().app()
    const now = app.task('now', () => Date.now())
    const echo = app.task('echo', (value: unknown) => value)
    const worker = await bench().work(app, options)
    return { app, now, echo, worker }
  }

  describe('a countdown', () => {
    it('holds no slot: what comes behind it runs first', async () => {
      const { now, echo } = await start({ concurrency: 1 })
      const never = await now.applyAsync([], { countdown: 600 })
      const sentAt = Date.now()
      const late = await now.applyAsync([], { countdown: 0.3 })
      const soon = await echo.delay('soon')
      expect(await soon.get(wait)).toBe('soon')
      const ranAt = (await late.get(wait)) as number
      expect(ranAt - sentAt).toBeGreaterThanOrEqual(290)
      expect(await never.state()).toBe('PENDING')
    })

    it('is an eta that the task can see', async () => {
      const { app } = await start()
      const eta = app.task('eta', function () {
        return this.request.eta?.getTime()
      })
      const before = Date.now()
      const at = (await eta.applyAsync([], { countdown: 1 }).get(wait)) as number
      // It counts from the server's clock, which is known to half a round trip.
      expect(at).toBeGreaterThanOrEqual(before + 500)
      const when = new Date(Date.now() + 200)
      expect(await eta.applyAsync([], { eta: when }).get(wait)).toBe(when.getTime())
    })

    it('lives through the end of its worker', async () => {
      const { app, now, worker } = await start()
      const result = await now.applyAsync([], { countdown: 0.8 })
      // It was taken and put off.
      await until(async () => (await (await app.broker()).length('celery')) === 0)
      await worker.stop()
      await bench().work(app)
      await result.get(wait)
    })

    it('of many: each at its time, with few slots', async () => {
      const { now } = await start({ concurrency: 2 })
      const sentAt = Date.now()
      const delays = Array.from({ length: 30 }, (_, i) => 0.2 + (i % 10) * 0.05)
      const results = await Promise.all(delays.map((countdown) => now.applyAsync([], { countdown })))
      const ranAt = (await Promise.all(results.map((result) => result.get(wait)))) as number[]
      for (const [index, at] of ranAt.entries())
        expect(at - sentAt).toBeGreaterThanOrEqual((delays[index] as number) * 1000 - 10)
    })

    it('in a chain counts from the step before', async () => {
      const { now } = await start()
      const later = now.si().set({ countdown: 0.4 })
      const result = await chain(now.s(), later).delay()
      const [second, first] = [(await result.get(wait)) as number, (await result.parent?.get(wait)) as number]
      expect(second - first).toBeGreaterThanOrEqual(390)
    })
  })

  describe('what has expired', () => {
    it('is revoked and not run', async () => {
      const app = bench().app()
      let runs = 0
      const task = app.task('task', () => {
        runs += 1
      })
      const byDate = await task.applyAsync([], { expires: new Date(Date.now() - 1000) })
      const bySeconds = await task.applyAsync([], { expires: 0.001 })
      const inTime = await task.applyAsync([], { expires: 60 })
      await pause(soonMs)
      await bench().work(app)
      await inTime.get(wait)
      for (const result of [byDate, bySeconds]) {
        await expect(result.get(wait)).rejects.toBeInstanceOf(TaskRevokedError)
        expect(await result.state()).toBe('REVOKED')
        expect(await result.get({ ...wait, propagate: false })).toMatchObject({ message: 'expired' })
      }
      expect(runs).toBe(1)
    })

    it("by the task's own word, unless the call says otherwise", async () => {
      const app = bench().app()
      const brief = app.task(
        'brief',
        function () {
          return this.request.expires !== null
        },
        { expires: 0.001 },
      )
      const late = await brief.delay()
      const longer = await brief.applyAsync([], { expires: 60 })
      await pause(soonMs)
      await bench().work(app)
      expect(await longer.get(wait)).toBe(true)
      await expect(late.get(wait)).rejects.toBeInstanceOf(TaskRevokedError)
    })

    it('is known to whoever waits for a step behind it', async () => {
      const { echo } = await start()
      const expired = echo.s('x').set({ expires: new Date(Date.now() - 1000) })
      const result = await chain(expired, echo.s(), echo.s()).delay()
      await expect(result.get(wait)).rejects.toBeInstanceOf(TaskRevokedError)
      expect(await result.state()).toBe('REVOKED')
    })

    it('fails the chord whose part it was', async () => {
      const { echo } = await start()
      const expired = echo.s('x').set({ expires: new Date(Date.now() - 1000) })
      const result = await chord([echo.s(1), expired], echo.s()).delay()
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ChordError)
      expect((error as Error).message).toContain("raised TaskRevokedError('expired')")
    })

    it('calls no errback', async () => {
      const app = bench().app()
      const called: unknown[] = []
      const errback = app.task('errback', (id: string) => void called.push(id))
      const echo = app.task('echo', (value: unknown) => value)
      await bench().work(app)
      const expired = echo
        .s('x')
        .set({ expires: new Date(Date.now() - 1000) })
        .linkError(errback.s())
      await expect(expired.delay().get(wait)).rejects.toBeInstanceOf(TaskRevokedError)
      expect(await echo.delay('behind').get(wait)).toBe('behind')
      expect(called).toEqual([])
    })
  })
})
