// A worker's life: it stops warm or cold, loses its lease, dies with work in its hands. No message is lost,
// and none ends twice.
import { describe, expect, it } from 'vitest'
import { chord } from '../../../src/canvas/chord.js'
import { InvalidUsage, ImproperlyConfigured, WorkerLostError } from '../../../src/errors.js'
import type { TaskOptions } from '../../../src/runtime/task.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('a worker', (bench) => {
  /** A task that waits to be let through, and tells of each run of it. */
  const waiting = (options: TaskOptions = {}) => {
    const app = bench().app()
    const runs: { readonly attempt: number; readonly hostname: string; aborted: string | undefined }[] = []
    const { passed, open } = gate()
    const slow = app.task(
      'slow',
      async function (..._args: unknown[]) {
        const { attempt, hostname } = this.request
        const run = { attempt, hostname, aborted: undefined as string | undefined }
        runs.push(run)
        const { signal } = this
        await Promise.race([
          passed,
          new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
        ])
        if (signal.aborted) run.aborted = (signal.reason as Error).name
        return [attempt, hostname]
      },
      options,
    )
    return { app, slow, runs, open }
  }

  describe('that stops warm', () => {
    it('lets what runs end, and takes nothing new', async () => {
      const { app, slow, runs, open } = waiting()
      const worker = await bench().work(app, { concurrency: 1 })
      const running = await slow.delay()
      await until(() => runs.length === 1)
      const stopping = worker.stop()
      const behind = await slow.delay()
      open()
      await stopping
      expect(await running.get(wait)).toEqual([1, 'w1@host'])
      expect([await behind.state(), runs.length, await (await app.broker()).length('celery')]).toEqual([
        'PENDING',
        1,
        1,
      ])
    })

    it('gives back what it held and had not begun, uncounted and in order', async () => {
      const { app, slow, runs, open } = waiting()
      const worker = await bench().work(app, { concurrency: 1, prefetchMultiplier: 4 })
      const results = []
      for (const n of [1, 2, 3, 4]) results.push(await slow.delay(n))
      await until(async () => runs.length === 1 && (await (await app.broker()).length('celery')) === 0)
      const stopping = worker.stop()
      await until(async () => (await (await app.broker()).length('celery')) === 3)
      open()
      await stopping
      await bench().work(app, { concurrency: 1, hostname: 'w2@host' })
      expect(await Promise.all(results.map((result) => result.get(wait)))).toEqual([
        [1, 'w1@host'],
        [1, 'w2@host'],
        [1, 'w2@host'],
        [1, 'w2@host'],
      ])
    })

    it('when there is nothing to do, at once; and again; and before it began', async () => {
      const { app } = waiting()
      const worker = await bench().work(app)
      await Promise.all([worker.stop(), worker.stop()])
      await worker.stop()
      const never = app.worker()
      await never.stop()
      await expect(never.start()).rejects.toBeInstanceOf(ImproperlyConfigured)
    })

    it('while it starts: it takes nothing', async () => {
      const { app, slow, runs } = waiting()
      await slow.delay()
      const worker = app.worker()
      const starting = worker.start()
      await worker.stop()
      await expect(starting).rejects.toThrow('stopped before it had started')
      expect([runs, await bench().consumers()]).toEqual([[], []])
      expect(await (await app.broker()).length('celery')).toBe(1)
    })

    it('ends its run() with 0', async () => {
      const { app } = waiting()
      const worker = app.worker()
      const running = worker.run()
      await until(async () => (await bench().consumers()).length === 1)
      await worker.stop()
      expect(await running).toBe(0)
    })
  })

  describe('that stops cold', () => {
    it('aborts what runs and gives it back, uncounted', async () => {
      const { app, slow, runs, open } = waiting()
      const worker = await bench().work(app)
      const result = await slow.delay()
      await until(() => runs.length === 1)
      await worker.stop({ cold: true })
      await until(() => runs[0]?.aborted === 'WorkerShutdown')
      expect(await result.state()).toBe('PENDING')
      open()
      await bench().work(app, { hostname: 'w2@host' })
      expect(await result.get(wait)).toEqual([1, 'w2@host'])
    })

    it('after it has begun to stop warm', async () => {
      const { app, slow, runs } = waiting()
      const worker = await bench().work(app)
      await slow.delay()
      await until(() => runs.length === 1)
      const warm = worker.stop()
      await worker.stop({ cold: true })
      await warm
      expect(await (await app.broker()).length('celery')).toBe(1)
    })

    it('leaves what was acknowledged early undone, and says so where it is asked for', async () => {
      const { app, slow, runs } = waiting({ acksLate: false })
      const worker = await bench().work(app)
      const result = await slow.delay()
      await until(() => runs.length === 1)
      await worker.stop({ cold: true })
      await bench().work(app)
      await expect(result.get(wait)).rejects.toBeInstanceOf(WorkerLostError)
      expect(runs).toHaveLength(1)
    })
  })

  describe('that loses its lease', () => {
    it('aborts what runs; another one runs it, and that one counts', async () => {
      const { app, slow, runs, open } = waiting()
      await bench().work(app)
      const result = await slow.delay()
      await until(() => runs.length === 1)
      const [first] = await bench().consumers()
      await bench().lapse(first as string)
      await until(() => runs.length === 2 && runs[0]?.aborted === 'LeaseLost')
      open()
      // Whether the first one had begun to run, the server cannot know: it is not held against the task.
      expect(await result.get(wait)).toEqual([1, 'w1@host'])
      expect(bench().lines.join('\n')).toContain('aborted: the lease was lost')
    })

    it('goes on with a new one', async () => {
      const { app, slow, open } = waiting()
      await bench().work(app)
      open()
      for (let round = 0; round < 3; round += 1) {
        const [consumer] = await until(async () => {
          const found = await bench().consumers()
          return found.length === 1 ? found : undefined
        })
        await bench().lapse(consumer as string)
        expect(await slow.delay().get(wait)).toEqual([1, 'w1@host'])
      }
    })

    it('of which the run ends late: its end is refused, the other one stands', async () => {
      const app = bench().app()
      const gates = [gate(), gate()]
      let runs = 0
      const deaf = app.task('deaf', async function () {
        const run = runs
        runs += 1
        await gates[run]?.passed
        return run
      })
      await bench().work(app)
      const result = await deaf.delay()
      await until(() => runs === 1)
      const [first] = await bench().consumers()
      await bench().lapse(first as string)
      await until(() => runs === 2)
      gates[0]?.open()
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect(await app.result(result.id).state()).toBe('PENDING')
      gates[1]?.open()
      expect(await result.get(wait)).toBe(1)
    })

    it('finishes a chord all the same, its body once', async () => {
      const { app, slow, runs, open } = waiting()
      let bodies = 0
      const body = app.task('body', (parts: unknown[]) => {
        bodies += 1
        return parts.length
      })
      await bench().work(app)
      const result = await chord([slow.s(1), slow.s(2), slow.s(3)], body.s()).delay()
      await until(() => runs.length === 3)
      const [first] = await bench().consumers()
      await bench().lapse(first as string)
      await until(() => runs.length === 6)
      open()
      expect(await result.get(wait)).toBe(3)
      expect(bodies).toBe(1)
    })
  })

  describe('that dies with a task', () => {
    /** Takes the lease away, as a killed worker's ends. */
    const kill = async (): Promise<void> => {
      const [consumer] = await until(async () => {
        const found = await bench().consumers()
        return found.length > 0 ? found : undefined
      })
      await bench().lapse(consumer as string)
    }

    it('which may run once only (acksLate: false): it is a failure and runs never again', async () => {
      const { app, slow, runs } = waiting({ acksLate: false })
      await bench().work(app)
      const result = await slow.delay()
      await until(() => runs.length === 1)
      await kill()
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(WorkerLostError)
      expect((error as Error).message).toContain('w1@host ended while it ran this task')
      expect(runs).toHaveLength(1)
    })

    it('which must not be tried again (rejectOnWorkerLost: false): it is a failure', async () => {
      const { app, slow, runs } = waiting({ rejectOnWorkerLost: false })
      await bench().work(app)
      const result = await slow.delay()
      await until(() => runs.length === 1)
      await kill()
      await expect(result.get(wait)).rejects.toBeInstanceOf(WorkerLostError)
      expect(runs).toHaveLength(1)
    })

    it('too often: it is a dead letter and a failure, its errback is called, and its chord is told', async () => {
      const { app, slow, runs } = waiting({ maxDeliveries: 3 })
      const called: unknown[] = []
      const errback = app.task('errback', (id: string) => void called.push(id))
      const body = app.task('body', (parts: unknown[]) => parts.length)
      await bench().work(app)
      const result = await chord([slow.s(1).linkError(errback.s())], body.s()).delay()
      for (const round of [1, 2, 3, 4]) {
        await until(() => runs.length === round)
        await kill()
      }
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect((error as Error).message).toContain('WorkerLostError')
      await until(() => called.length === 1)
      const broker = await app.broker()
      const [letter] = await until(async () => {
        const found = await broker.dead.list(10)
        return found.length === 1 ? found : undefined
      })
      expect(letter).toMatchObject({
        task: 'slow',
        taskId: called[0],
        queue: 'celery',
        lastWorker: 'w1@host',
        reason: expect.stringContaining('was started 3 times and never ended'),
      })
      // The first run is not counted: whether it had begun, nobody knows.
      expect(runs.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3])
      expect(await broker.dead.purge()).toBe(1)
    })
  })

  it('says what cannot be', async () => {
    const { app } = waiting()
    expect(() => app.worker({ concurrency: 0 })).toThrow('at least 1')
    expect(() => app.worker({ pool: 'treads' as never })).toThrow(ImproperlyConfigured)
    const worker = await bench().work(app)
    await expect(worker.start()).rejects.toThrow('was started before')
    expect(() => app.configure({ taskAcksLate: false })).toThrow(InvalidUsage)
  })

  it('keeps its slots under a storm of tasks that fail, succeed, retry and come late', async () => {
    const app = bench().app()
    const mixed = app.task(
      'mixed',
      async function (n: number) {
        if (n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, n % 7))
        if (n % 5 === 0) throw new Error('boom')
        if (n % 4 === 0 && this.request.retries === 0) throw this.retry({ countdown: 0.01 })
        return n
      },
      { trackStarted: true },
    )
    const worker = await bench().work(app, { concurrency: 7, prefetchMultiplier: 2 })
    const sent = await Promise.all(
      Array.from({ length: 300 }, (_, n) => mixed.applyAsync([n], n % 6 === 0 ? { countdown: 0.05 } : {})),
    )
    const ended = await Promise.all(sent.map((result) => result.get({ ...wait, propagate: false })))
    for (const [n, value] of ended.entries())
      expect(value instanceof Error ? 'failed' : value).toBe(n % 5 === 0 ? 'failed' : n)
    await until(() => worker.active === 0)
  })
})
