// Remote control and revoking, as users call them: what workers tell, and what they do not run.
import { expect, test } from 'vitest'
import { chord, group } from '../../../src/index.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

/** Seconds of silence: enough for a busy machine. What is answered as expected never waits for it. */
const timeout = 20
const answered = { reply: true, limit: 1, timeout }

onEveryEngine('remote control', (bench) => {
  test('ping is answered by each worker, and by those that are named', async () => {
    const app = bench().app()
    await bench().work(app, { hostname: 'a@host' })
    await bench().work(app, { hostname: 'b@host' })
    const all = await app.control.ping({ timeout, limit: 2 })
    expect(Object.assign({}, ...all)).toEqual({ 'a@host': { ok: 'pong' }, 'b@host': { ok: 'pong' } })
    expect(await app.control.inspect({ destination: ['b@host'], timeout }).ping()).toEqual({
      'b@host': { ok: 'pong' },
    })
    expect(await app.control.inspect({ pattern: 'a*', limit: 1, timeout }).ping()).toEqual({
      'a@host': { ok: 'pong' },
    })
    expect(await app.control.inspect({ destination: 'c@host', timeout: 0.1 }).ping()).toEqual({})
  })

  test('a worker whose name another one has says so', async () => {
    const app = bench().app()
    const warned = (): readonly string[] =>
      bench().lines.filter((line) =>
        line.includes('WARNING/MainProcess] Received multiple replies from node name: twin@host.'),
      )
    await bench().work(app, { hostname: 'twin@host' })
    await bench().work(app, { hostname: 'other@host' })
    await bench().work(app, { hostname: 'twin@host' })
    await until(() => warned().length > 0)
    expect(bench().lines.join('\n')).not.toContain('node name: other@host')
  })

  test('what a worker tells of itself', async () => {
    const app = bench().app()
    app.task('t.add', (x: number, y: number) => x + y, { timeLimit: 9 })
    const opened = gate()
    const begun = gate()
    const hold = app.task('t.hold', async (_number: number) => {
      begun.open()
      await opened.passed
    })
    await bench().work(app, { hostname: 'w@host', concurrency: 1, prefetchMultiplier: 2 })
    const inspect = app.control.inspect({ destination: 'w@host', timeout })
    expect(await inspect.registered('time_limit')).toEqual({ 'w@host': ['t.add [time_limit=9]', 't.hold'] })
    const later = await hold.applyAsync([3], { countdown: 600 })
    await until(async () => (await inspect.scheduled())['w@host']!.length === 1)
    const first = await hold.delay(1)
    const second = await hold.delay(2)
    await begun.passed
    const [active] = (await inspect.active())['w@host']!
    expect(active).toMatchObject({ id: first.id, name: 't.hold', args: [1], hostname: 'w@host' })
    expect((await inspect.active({ safe: true }))['w@host']![0]!.args).toBe('(1,)')
    await until(async () => (await inspect.reserved())['w@host']!.length === 1)
    expect(await inspect.queryTask(first.id, second.id, 'nobody')).toMatchObject({
      'w@host': { [first.id]: ['active', { id: first.id }], [second.id]: ['reserved', { id: second.id }] },
    })
    expect((await inspect.scheduled())['w@host']![0]!.request.id).toBe(later.id)
    expect((await inspect.activeQueues())['w@host']).toMatchObject([
      { name: 'celery', routing_key: 'celery' },
    ])
    const stats = (await inspect.stats())['w@host']!
    expect(stats).toMatchObject({ total: { 't.hold': 1 }, pool: { 'max-concurrency': 1 }, pid: process.pid })
    expect((await inspect.conf())['w@host']).toMatchObject({ worker_lease: 5 })
    expect((await inspect.report())['w@host']!.ok).toContain('worker_lease: 5')
    expect((await inspect.clock())['w@host']!.clock).toBeGreaterThan(5)
    opened.open()
    await second.get({ timeout: 25 })
  })

  test('limits are set from afar', async () => {
    const app = bench().app()
    const sleep = app.task('t.sleep', async function () {
      await new Promise((_, reject) =>
        this.signal.addEventListener('abort', () => reject(this.signal.reason)),
      )
    })
    await bench().work(app, { hostname: 'w@host' })
    const reply = await app.control.timeLimit('t.sleep', { soft: 0.05, ...answered })
    expect(reply).toEqual([{ 'w@host': { ok: 'time limits set successfully' } }])
    await expect(sleep.delay().get({ timeout: 25 })).rejects.toThrow(/soft time limit/)
  })

  test('what nobody knows is answered with an error, and the worker goes on', async () => {
    const app = bench().app()
    await bench().work(app, { hostname: 'w@host' })
    const ask = (method: string, args = {}) => app.control.broadcast(method, args, answered)
    expect(await ask('nosuchcommand')).toEqual([{ 'w@host': { error: "KeyError('nosuchcommand')" } }])
    expect(await ask('terminate', { task_id: 'x', signal: 'NOPE' })).toEqual([
      { 'w@host': { error: `AttributeError("module 'signal' has no attribute 'SIGNOPE'")` } },
    ])
    expect(await ask('ping')).toEqual([{ 'w@host': { ok: 'pong' } }])
  })

  test('a worker is stopped from afar, warmly, and gives no answer', async () => {
    const app = bench().app()
    const opened = gate()
    const begun = gate()
    const hold = app.task('t.hold', async () => {
      begun.open()
      await opened.passed
      return 'done'
    })
    const worker = await bench().work(app, { hostname: 'w@host' })
    const result = await hold.delay()
    await begun.passed
    expect(await app.control.broadcast('shutdown', {}, { reply: true, timeout: 0.1 })).toEqual([])
    opened.open()
    expect(await result.get({ timeout: 25 })).toBe('done')
    await until(() => !worker.isRunning)
  })

  test('a worker without remote control hears nothing, but knows what is revoked', async () => {
    const app = bench().app({ workerEnableRemoteControl: false })
    const add = app.task('t.add', (x: number, y: number) => x + y)
    await app.control.revoke('early')
    await bench().work(app)
    expect(await app.control.ping({ timeout: 0.1 })).toEqual([])
    await expect(add.applyAsync([1, 2], { taskId: 'early' }).get({ timeout: 25 })).rejects.toThrow('revoked')
  })

  test('nonsense is refused before it is sent', async () => {
    const { control } = bench().app()
    await expect(control.ping({ matcher: 'regex' as never })).rejects.toThrow(
      /matcher to be "glob" or "pcre"/,
    )
    await expect(control.ping({ timeout: -1 })).rejects.toThrow(/timeout in seconds/)
    await expect(control.revoke([])).rejects.toThrow(/expected ids of tasks/)
    await expect(control.revoke('x', { signal: 'NOPE' })).rejects.toThrow(/SIGNOPE/)
    await expect(control.broadcast('')).rejects.toThrow(/name of a command/)
  })
})

onEveryEngine('revoking', (bench) => {
  test('a task that was revoked before it was sent never runs', async () => {
    const app = bench().app()
    let ran = 0
    const count = app.task('t.count', () => {
      ran += 1
    })
    await bench().work(app)
    await app.control.revoke('one')
    const result = await count.applyAsync([], { taskId: 'one' })
    await expect(result.get({ timeout: 25 })).rejects.toThrow(/revoked/)
    expect(await result.state()).toBe('REVOKED')
    await count.delay().get({ timeout: 25 })
    expect(ran).toBe(1)
    expect(bench().lines.join()).toContain('Discarding revoked task: t.count[one]')
  })

  test('it holds for workers that start later', async () => {
    const app = bench().app()
    let ran = 0
    const count = app.task('t.count', () => {
      ran += 1
    })
    const result = await count.delay()
    await result.revoke()
    expect(await result.state()).toBe('REVOKED')
    await bench().work(app)
    await count.delay().get({ timeout: 25 })
    expect(ran).toBe(1)
    expect(await app.control.inspect({ limit: 1, timeout }).revoked()).toEqual({ [`w1@host`]: [result.id] })
  })

  test('a running task goes on, unless it is terminated: then its signal aborts', async () => {
    const app = bench().app()
    const begun = gate()
    const aborted = gate()
    const hold = app.task('t.hold', async function () {
      begun.open()
      await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
      aborted.open()
    })
    const worker = await bench().work(app, { hostname: 'w@host' })
    const result = await hold.delay()
    await begun.passed
    await app.control.revoke(result.id, answered)
    expect(worker.active).toBe(1)
    const reply = await app.control.terminate(result.id, { signal: 'KILL', ...answered })
    expect(reply).toEqual([{ 'w@host': { ok: `terminate: ${result.id}` } }])
    await aborted.passed
    await until(async () => (await app.result(result.id).meta()).result?.toString().includes('terminated'))
    await expect(app.result(result.id).get({ timeout: 25 })).rejects.toThrow('terminated')
  })

  test('its errbacks are not called, as Celery 5.6.3 does it: neither where it waits nor where it runs', async () => {
    const app = bench().app()
    const called: unknown[] = []
    const errback = app.task('t.errback', (id: string) => void called.push(id))
    const begun = gate()
    const hold = app.task('t.held', async function () {
      begun.open()
      await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
    })
    const fail = app.task('t.fail', () => {
      throw new Error('boom')
    })
    await bench().work(app, { concurrency: 1 })
    const running = await app.send(hold.s().linkError(errback.s()))
    await begun.passed
    const waiting = await app.send(hold.s().linkError(errback.s()))
    await app.control.revoke(waiting.id)
    await app.control.terminate(running.id)
    for (const result of [running, waiting])
      await expect(result.get({ timeout: 25 })).rejects.toThrow(/revoked|terminated/)
    // What comes behind them has failed, and its errback is the only one.
    const failed = await app.send(fail.s().linkError(errback.s()))
    await until(() => called.length > 0)
    expect(called).toEqual([failed.id])
  })

  test('a group is revoked with one word', async () => {
    const app = bench().app()
    const add = app.task('t.add', (x: number, y: number) => x + y)
    const result = await group([add.s(1, 1), add.s(2, 2)]).delay()
    await result.revoke()
    await bench().work(app)
    await add.delay(3, 3).get({ timeout: 25 })
    expect(await Promise.all(result.results.map((each) => each.state()))).toEqual(['REVOKED', 'REVOKED'])
  })

  test('a chord whose header is revoked fails, and nobody waits for ever', async () => {
    const app = bench().app()
    const add = app.task('t.add', (x: number, y: number) => x + y)
    const sum = app.task('t.sum', (all: readonly number[]) => all.reduce((a, b) => a + b, 0))
    await app.control.revoke('part')
    const result = await chord([add.s(1, 1), add.s(2, 2).set({ taskId: 'part' })], sum.s()).delay()
    await bench().work(app)
    await expect(result.get({ timeout: 25 })).rejects.toThrow(/revoked/)
  })

  test('what waits for its eta is discarded when its time comes', async () => {
    const app = bench().app()
    let ran = 0
    const count = app.task('t.count', () => {
      ran += 1
    })
    const worker = await bench().work(app)
    // So late that the revocation comes before it.
    const result = await count.applyAsync([], { countdown: 1.5 })
    await result.revoke()
    await until(() => bench().lines.some((line) => line.includes('Discarding revoked task')))
    expect(ran).toBe(0)
    expect(worker.active).toBe(0)
    expect(await result.state()).toBe('REVOKED')
  })

  test('tasks are revoked by their stamps, before and while they run', async () => {
    const app = bench().app()
    const begun = gate()
    const hold = app.task('t.hold', async function () {
      begun.open()
      await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
    })
    await bench().work(app, { hostname: 'w@host' })
    const stamped = (customer: string) =>
      hold
        .s()
        .set({ stampedHeaders: ['customer'], stamps: { customer } } as object)
        .delay()
    const running = await stamped('acme')
    await begun.passed
    const reply = await app.control.revokeByStampedHeaders(
      { customer: ['acme', 'other'] },
      { terminate: true, ...answered },
    )
    expect(reply).toEqual([
      { 'w@host': { ok: "headers defaultdict(<class 'set'>, {'customer': {'acme'}}) revoked" } },
    ])
    await expect(running.get({ timeout: 25 })).rejects.toThrow('terminated')
    await expect(stamped('other').get({ timeout: 25 })).rejects.toThrow('revoked')
  })
})
