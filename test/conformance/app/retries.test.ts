// Trying again: how often, after how long, for which errors, and how it ends.
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { MaxRetriesExceededError, Retry } from '../../../src/errors.js'
import type { TaskOptions } from '../../../src/runtime/task.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }
const quick: TaskOptions = { defaultRetryDelay: 0.02 }

let starts = 0

onEveryEngine('a task that is tried again', (bench) => {
  /** A task that notes each try, and fails as often as it is told, always if not told. */
  const start = async (
    options: TaskOptions,
    times = Number.POSITIVE_INFINITY,
    error: () => Error = () => new TypeError('boom'),
  ) => {
    // Several in one test do not take each other's messages.
    starts += 1
    const queue = `q${starts}`
    const app = bench().app({ taskDefaultQueue: queue })
    const tries: { readonly retries: number; readonly at: number; readonly id: string }[] = []
    const flaky = app.task(
      'flaky',
      function (...args: unknown[]) {
        const { retries, id } = this.request
        tries.push({ retries, id, at: performance.now() })
        if (tries.length > times) return ['done', ...args]
        throw error()
      },
      options,
    )
    await bench().work(app)
    return { app, tries, flaky }
  }
  const gaps = (tries: readonly { readonly at: number }[]) =>
    tries.slice(1).map(({ at }, index) => at - (tries[index]?.at ?? 0))

  it('may return what this.retry gives: that is as good as throwing it, to the last try', async () => {
    const app = bench().app()
    const tried: number[] = []
    const returning = app.task('returning', function (limit: number): unknown {
      tried.push(this.request.retries)
      if (tried.length === 3) return 'third'
      return this.retry({ countdown: 0, maxRetries: limit, error: new RangeError('used up') })
    })
    await bench().work(app)
    expect(await returning.delay(5).get(wait)).toBe('third')
    tried.length = 0
    await expect(returning.delay(1).get(wait)).rejects.toThrow('used up')
    expect(tried).toEqual([0, 1])
  })

  it('is not, where what this.retry gave was neither thrown nor returned; the log says so', async () => {
    const app = bench().app()
    const forgetful = app.task('forgetful', function () {
      this.retry({ countdown: 0 })
      return 'done'
    })
    await bench().work(app)
    expect(await forgetful.delay().get(wait)).toBe('done')
    expect(bench().lines).toContainEqual(
      expect.stringMatching(/WARNING.*this\.retry\(…\) was called and not thrown/),
    )
  })

  describe('by autoretryFor', () => {
    it('until it succeeds, under one id', async () => {
      const { flaky, tries } = await start({ ...quick, autoretryFor: [TypeError] }, 2)
      const result = await flaky.delay('a')
      expect(await result.get(wait)).toEqual(['done', 'a'])
      expect(tries.map(({ retries, id }) => [retries, id])).toEqual([0, 1, 2].map((n) => [n, result.id]))
    })

    it('names errors by class, by ancestor and by name', async () => {
      class Mine extends RangeError {}
      const { flaky, tries } = await start({ ...quick, autoretryFor: [RangeError] }, 1, () => new Mine('x'))
      await flaky.delay().get(wait)
      expect(tries).toHaveLength(2)
      const named = await start({ ...quick, autoretryFor: ['SyntaxError'] }, 1, () => new SyntaxError('x'))
      await named.flaky.delay().get(wait)
      expect(named.tries).toHaveLength(2)
    })

    it('but not for other errors, nor for those of dontAutoretryFor', async () => {
      const { flaky, tries } = await start({ ...quick, autoretryFor: [RangeError] })
      await expect(flaky.delay().get(wait)).rejects.toThrow('boom')
      const excepted = await start({ ...quick, autoretryFor: [Error], dontAutoretryFor: [TypeError] })
      await expect(excepted.flaky.delay().get(wait)).rejects.toThrow('boom')
      expect([tries.length, excepted.tries.length]).toEqual([1, 1])
    })

    it('at most maxRetries times, and then fails with the error itself', async () => {
      const { flaky, tries } = await start({ ...quick, autoretryFor: [TypeError], maxRetries: 2 })
      await expect(flaky.delay().get(wait)).rejects.toMatchObject({ name: 'TypeError', message: 'boom' })
      expect(tries).toHaveLength(3)
    })

    it('three times where nothing is said, never with 0, for ever with null', async () => {
      const three = await start({ ...quick, autoretryFor: [TypeError] })
      await expect(three.flaky.delay().get(wait)).rejects.toThrow('boom')
      const never = await start({ ...quick, autoretryFor: [TypeError], maxRetries: 0 })
      await expect(never.flaky.delay().get(wait)).rejects.toThrow('boom')
      const ever = await start({ ...quick, autoretryFor: [TypeError], maxRetries: null }, 8)
      await ever.flaky.delay().get(wait)
      expect([three.tries.length, never.tries.length, ever.tries.length]).toEqual([4, 1, 9])
    })

    it("with retryKwargs in place of the task's own words", async () => {
      const { flaky, tries } = await start({
        autoretryFor: [TypeError],
        retryKwargs: { maxRetries: 1, countdown: 0.05 },
      })
      await expect(flaky.delay().get(wait)).rejects.toThrow('boom')
      expect(tries).toHaveLength(2)
      expect(gaps(tries)[0]).toBeGreaterThanOrEqual(49)
    })

    it('after a delay that doubles, up to a limit', async () => {
      const backoff = { retryBackoff: 0.05, retryBackoffMax: 0.15, retryJitter: false, maxRetries: 4 }
      const { flaky, tries } = await start({ autoretryFor: [TypeError], ...backoff })
      await expect(flaky.delay().get(wait)).rejects.toThrow('boom')
      const delays = [0.05, 0.1, 0.15, 0.15]
      for (const [index, gap] of gaps(tries).entries())
        expect(gap).toBeGreaterThanOrEqual(delays[index]! * 1000 - 1)
      const told = bench().lines.flatMap((line) => /retry: Retry in ([\d.]+)s/.exec(line)?.[1] ?? [])
      expect(told.map(Number)).toEqual(delays)
    })
  })

  describe('by this.retry', () => {
    it('with another countdown, other arguments, and what caused it in the stored state', async () => {
      const app = bench().app()
      const looked = gate()
      const ask = app.task('ask', async function (x: number): Promise<string> {
        if (this.request.retries === 0)
          throw this.retry({ error: new RangeError('not yet'), countdown: 0.3, args: [x + 1] })
        await looked.passed
        return `${x} after ${this.request.retries}`
      })
      await bench().work(app)
      const result = await ask.delay(1)
      const meta = await until(async () => {
        const found = await result.meta()
        return found.state === 'RETRY' ? found : undefined
      })
      expect(meta.result).toMatchObject({ name: 'RangeError', message: 'not yet' })
      expect(meta.traceback).toContain('Retry in 0.3s: RangeError: not yet')
      looked.open()
      expect(await result.get(wait)).toBe('2 after 1')
    })

    it('at a moment, and to another queue', async () => {
      const app = bench().app()
      const when = app.task('when', function (): unknown {
        const { deliveryInfo, eta } = this.request
        if (this.request.retries === 0)
          throw this.retry({ eta: new Date(Date.now() + 100), queue: 'other', headers: { mine: 1 } })
        return [deliveryInfo.routingKey, eta !== null && eta.getTime() <= Date.now(), this.request.headers]
      })
      await bench().work(app, { queues: ['celery', 'other'] })
      expect(await when.delay().get(wait)).toEqual(['other', true, { mine: 1 }])
    })

    it('too often: throws the error that it was given, or says that it was too often', async () => {
      const app = bench().app()
      const given = app.task('given', function () {
        throw this.retry({ error: new RangeError('mine'), countdown: 0, maxRetries: 1 })
      })
      const none = app.task('none', function (_x: number) {
        throw this.retry({ countdown: 0, maxRetries: 1 })
      })
      await bench().work(app)
      await expect(given.delay().get(wait)).rejects.toMatchObject({ name: 'RangeError', message: 'mine' })
      const error = await none
        .delay(7)
        .get(wait)
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(MaxRetriesExceededError)
      expect((error as Error).message).toMatch(/^Can't retry none\[[-0-9a-f]{36}\] args:\(7,\) kwargs:\{\}$/)
    })

    it('is an error to throw, so that the code after it does not run by accident', async () => {
      const app = bench().app()
      const kept: unknown[] = []
      const task = app.task('task', function () {
        kept.push(this.retry({ countdown: 9 }))
        return 'went on'
      })
      await bench().work(app)
      expect(await task.delay().get(wait)).toBe('went on')
      expect(kept[0]).toBeInstanceOf(Retry)
    })
  })

  describe('within a canvas', () => {
    it('keeps its place: what is behind it waits, and a chord counts it once', async () => {
      const { app, flaky } = await start({ ...quick, autoretryFor: [TypeError] }, 2)
      const note = app.task('note', (value: unknown) => [value])
      expect(await chain(flaky.s('a'), note.s()).delay().get(wait)).toEqual([['done', 'a']])
      const second = await start({ ...quick, autoretryFor: [TypeError] }, 2)
      const other = second.app.task('other', () => 'other')
      const list = second.app.task('list', (values: unknown) => values)
      const whole = chord([second.flaky.s('a'), other.s()], list.s())
      expect(await whole.delay().get(wait)).toEqual([['done', 'a'], 'other'])
    })
  })

  it('waits in the server: a worker that stops takes no try with it', async () => {
    const app = bench().app()
    const looked = gate()
    let tries = 0
    const late = app.task('late', async function () {
      tries += 1
      if (tries === 1) throw this.retry({ countdown: 0.5 })
      await looked.passed
      return tries
    })
    const worker = await bench().work(app)
    const result = await late.delay()
    await until(async () => (await result.state()) === 'RETRY')
    looked.open()
    await worker.stop()
    await bench().work(app)
    expect(await result.get(wait)).toBe(2)
  })
})
