// Settings that change what a worker or a call does, each seen in its effect, on every engine. Which test sees the
// effect of which setting: test/config/effects.ts.
import { describe, expect, it } from 'vitest'
import type { SettingsInput } from '../../../src/config.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('a setting of tasks', (bench) => {
  const first = async (queue = 'celery') => {
    const [text] = (await bench().look()).messages[queue] ?? []
    return JSON.parse(text as string) as {
      headers: Record<string, unknown>
      properties: Record<string, unknown>
    }
  }

  /** A task that waits until its worker has lost its lease, and how often it was started. */
  const lost = async (settings: SettingsInput) => {
    const app = bench().app(settings)
    let runs = 0
    const { passed, open } = gate()
    const slow = app.task('slow', async () => {
      runs += 1
      await passed
      return runs
    })
    await bench().work(app)
    const result = await slow.delay()
    const lose = async (times: number): Promise<void> => {
      await until(() => runs === times)
      const [consumer] = await until(async () => {
        const found = await bench().consumers()
        return found.length > 0 ? found : undefined
      })
      await bench().lapse(consumer as string)
    }
    return { app, result, lose, open, runs: () => runs }
  }

  it('taskAcksLate: false runs nothing twice', async () => {
    const { result, lose, open, runs } = await lost({ taskAcksLate: false })
    await lose(1)
    await expect(result.get(wait)).rejects.toThrow('ended while it ran this task')
    open()
    expect(runs()).toBe(1)
  })

  it('taskRejectOnWorkerLost: false makes what was lost a failure', async () => {
    const { result, lose, open, runs } = await lost({ taskRejectOnWorkerLost: false })
    await lose(1)
    await expect(result.get(wait)).rejects.toThrow('rejectOnWorkerLost: false')
    open()
    expect(runs()).toBe(1)
  })

  it('maxDeliveries, deadLetterMax: so many starts, so many letters', async () => {
    // The first start that was lost is not counted: whether it had begun, nobody knows.
    const { app, result, lose, open, runs } = await lost({ maxDeliveries: 1, deadLetterMax: 0 })
    await lose(1)
    await lose(2)
    await expect(result.get(wait)).rejects.toThrow('was started 1 times and never ended')
    open()
    expect([runs(), (await (await app.broker()).dead.list(10)).length]).toEqual([2, 0])
  })

  it('deadLetterExpires: a letter is gone after it', async () => {
    const { app, lose, open } = await lost({ maxDeliveries: 1, deadLetterExpires: 1 })
    await lose(1)
    await lose(2)
    const { dead } = await app.broker()
    await until(async () => (await dead.list(10)).length === 1)
    await until(async () => (await dead.list(10)).length === 0)
    open()
  })

  it('taskAcksOnFailureOrTimeout: false puts back what ran into its hard limit', async () => {
    const app = bench().app({ taskAcksOnFailureOrTimeout: false, taskTimeLimit: 0.05 })
    let runs = 0
    const slow = app.task('slow', async () => {
      runs += 1
      if (runs < 3) await new Promise(() => undefined)
      return runs
    })
    await bench().work(app)
    expect(await slow.delay().get(wait)).toBe(3)
  })

  it('taskCompression, taskDefaultPriority stand in the message', async () => {
    const app = bench().app({ taskCompression: 'zlib', taskDefaultPriority: 6 })
    await app.sendTask('nobody', [1])
    const { headers, properties } = await first()
    expect([headers['compression'], properties['priority']]).toEqual(['application/x-gzip', 6])
  })

  it('taskIgnoreResult with taskStoreErrorsEvenIfIgnored: failures are stored, and nothing else', async () => {
    const app = bench().app({ taskIgnoreResult: true, taskStoreErrorsEvenIfIgnored: true })
    const ended: string[] = []
    app.on('taskPostrun', ({ task }) => void ended.push(task))
    const good = app.task('good', () => 1)
    const bad = app.task('bad', () => {
      throw new Error('boom')
    })
    await bench().work(app)
    const [one, other] = [await good.delay(), await bad.delay()]
    await until(async () => other.id in (await bench().look()).results)
    await until(() => ended.length === 2)
    const { results } = await bench().look()
    expect([one.id in results, JSON.parse(results[other.id] as string).status]).toEqual([false, 'FAILURE'])
  })

  it('taskSoftTimeLimit, taskTimeLimit: one is heard, the other is the end', async () => {
    const app = bench().app({ taskSoftTimeLimit: 0.05, taskTimeLimit: 0.2 })
    let heard: unknown
    const slow = app.task('slow', async function (deaf: boolean) {
      const { signal } = this
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => deaf || resolve()))
      heard = (signal.reason as Error).name
      return 'in time'
    })
    await bench().work(app)
    expect([await slow.delay(false).get(wait), heard]).toEqual(['in time', 'SoftTimeLimitExceeded'])
    await expect(slow.delay(true).get(wait)).rejects.toThrow('time limit (0.2s) exceeded')
  })

  it('taskSoftTimeLimit, taskTimeLimit are lifted by a worker whose own are 0', async () => {
    const app = bench().app({ taskSoftTimeLimit: 0.01, taskTimeLimit: 0.02 })
    const slow = app.task('slow', async function () {
      await new Promise((resolve) => setTimeout(resolve, 60))
      return this.signal.aborted
    })
    await bench().work(app, { timeLimit: 0, softTimeLimit: 0 })
    expect(await slow.delay().get(wait)).toBe(false)
  })

  it('taskTrackStarted: STARTED is stored', async () => {
    const app = bench().app({ taskTrackStarted: true })
    const { passed, open } = gate()
    const slow = app.task('slow', () => passed)
    await bench().work(app)
    const result = await slow.delay()
    await until(async () => (await result.state()) === 'STARTED')
    open()
    await result.get(wait)
  })

  it('resultExpires: a result is gone after it', async () => {
    const app = bench().app({ resultExpires: 1 })
    const one = app.task('one', () => 1)
    await bench().work(app)
    const result = await one.delay()
    expect(await result.get(wait)).toBe(1)
    await until(async () => (await bench().look()).results[result.id] === undefined)
  })

  describe.each([
    ['taskDefaultRateLimit', { taskDefaultRateLimit: '1/h' }, 1],
    ['workerDisableRateLimits', { taskDefaultRateLimit: '1/h', workerDisableRateLimits: true }, 2],
  ] as const)('%s', (name, settings, expected) => {
    it(`${name}: how many of two start in an hour`, async () => {
      const app = bench().app(settings)
      let runs = 0
      const count = app.task('count', () => void (runs += 1))
      const other = app.task('other', () => 'done')
      await bench().work(app)
      await count.delay()
      await count.delay()
      await until(() => runs === expected)
      // A task of another name has a rate of its own, and comes behind both.
      expect(await other.delay().get(wait)).toBe('done')
      expect(runs).toBe(expected)
    })
  })
})

onEveryEngine('a setting of workers', (bench) => {
  const counted = async (settings: SettingsInput, tasks: number) => {
    const app = bench().app(settings)
    const { passed, open } = gate()
    let runs = 0
    const slow = app.task('slow', async () => {
      runs += 1
      await passed
    })
    // What the options say counts over the settings: so they say nothing.
    const worker = await bench().work(app, { concurrency: undefined })
    for (let n = 0; n < tasks; n += 1) await slow.delay()
    const left = async () => await (await app.broker()).length('celery')
    return { worker, open, left, runs: () => runs }
  }

  it.each([
    ['workerConcurrency', { workerConcurrency: 2 }, 2, 3],
    ['workerPool', { workerPool: 'solo' as const }, 1, 4],
    ['workerPrefetchMultiplier', { workerConcurrency: 1, workerPrefetchMultiplier: 3 }, 1, 2],
    [
      'workerDisablePrefetch',
      { workerConcurrency: 1, workerPrefetchMultiplier: 3, workerDisablePrefetch: true },
      1,
      4,
    ],
  ])('%s: how many of five run, and how many wait in the queue', async (_, settings, running, waiting) => {
    const { worker, open, left, runs } = await counted(settings, 5)
    await until(async () => runs() === running && (await left()) === waiting)
    open()
    await until(() => runs() === 5)
    await worker.stop()
  })

  it('workerSoftShutdownTimeout: a cold stop lets what runs end by itself', async () => {
    const { worker, open, left, runs } = await counted({ workerSoftShutdownTimeout: 60 }, 1)
    await until(() => runs() === 1)
    const stopping = worker.stop({ cold: true })
    await until(() => bench().lines.some((line) => line.includes('Initiating Soft Shutdown')))
    open()
    await stopping
    expect([runs(), await left()]).toEqual([1, 0])
  })

  it('workerRevokesMax, workerRevokeExpires: the newest are remembered, for a while', async () => {
    const app = bench().app({ workerRevokesMax: 2, workerRevokeExpires: 1 })
    const broker = await app.broker()
    for (const id of ['a', 'b', 'c']) await app.control.revoke(id)
    expect([...(await broker.revoked()).ids].sort()).toEqual(['b', 'c'])
    await until(async () => {
      await app.control.revoke('d')
      return (await broker.revoked()).ids.length === 1
    })
  })

  it('controlExchange: who has another one does not hear', async () => {
    const [mine, theirs] = [bench().app(), bench().app({ controlExchange: 'theirs' })]
    await bench().work(mine, { hostname: 'mine@host' })
    await bench().work(theirs, { hostname: 'theirs@host' })
    const pong = { ok: 'pong' }
    for (const [app, name, other] of [
      [mine, 'mine@host', 'theirs@host'],
      [theirs, 'theirs@host', 'mine@host'],
    ] as const) {
      // Who is named and answers ends the wait.
      expect(await app.control.inspect({ destination: name, timeout: 20 }).ping()).toEqual({ [name]: pong })
      expect(await app.control.inspect({ destination: other, timeout: 0.5 }).ping()).toEqual({})
    }
  })

  it('workerDirect: what is sent to a queue of its own, only this worker runs', async () => {
    const app = bench().app({ workerDirect: true })
    const where = app.task('where', function () {
      return this.request.hostname
    })
    const names = ['one@host', 'two@host']
    for (const hostname of names) {
      const worker = await bench().work(app, { hostname })
      expect(worker.queues).toEqual(['celery', `${hostname}.dq2`])
    }
    for (const name of [...names, ...names].reverse()) {
      expect(await where.applyAsync([], { queue: `${name}.dq2` }).get(wait)).toBe(name)
      expect(await where.applyAsync([], { exchange: 'C.dq2', routingKey: name }).get(wait)).toBe(name)
    }
    await expect(where.applyAsync([], { exchange: 'C.dq2', routingKey: 'nobody@host' })).rejects.toThrow(
      'C.dq2',
    )
  })

  it('brokerTransportOptions, resultBackendTransportOptions: a prefix is a place of its own', async () => {
    const app = bench().app()
    const one = app.task('one', () => 1)
    const elsewhere = bench().app({ brokerTransportOptions: { globalKeyPrefix: 'elsewhere:' } })
    await elsewhere.sendTask('one')
    const lengths = [app, elsewhere].map(async (each) => (await each.broker()).length('celery'))
    expect(await Promise.all(lengths)).toEqual([0, 1])
    await (await elsewhere.broker()).purge('celery')
    await bench().work(app)
    const { id } = await one.delay()
    expect(await app.result(id).get(wait)).toBe(1)
    const blind = bench().app({ resultBackendTransportOptions: { globalKeyPrefix: 'elsewhere:' } })
    expect(await blind.result(id).state()).toBe('PENDING')
  })
})
