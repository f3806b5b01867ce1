// Remote control between the languages: Celery's own command line and client reach our worker, and ours reach
// a Python worker; both sides keep to what the other revoked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, type App, type Worker } from 'lovage'
import { startCelery, type CeleryWorker } from '../support/celery.js'
import { type CeleryInstall, findCelery, pythonEnv } from '../support/celery-install.js'
import { leaks } from '../support/leaks.js'
import { start } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const celery = await startCelery()
const isOld = celery.gaps.length > 0

/** Seconds: who is named and answers ends the wait, so that it may be long. */
const timeout = 20
const toOurs = ['-t', String(timeout), '-d', 'node@test']

describe.skipIf(celery.missing)('remote control', () => {
  let redis: TestRedis
  let install: CeleryInstall
  let app: App
  let worker: Worker
  let python: CeleryWorker
  let release: () => void = () => undefined
  let ran: string[] = []

  /** Celery's command line, without any app of ours. */
  const celeryCli = async (...argv: string[]) => {
    const run = start(install.python, ['-m', 'celery', '-b', redis.url, ...argv], {
      cwd: '/tmp',
      env: pythonEnv(install.path, '/tmp'),
    })
    const { code } = await run.exited
    return { code, out: run.stdout() }
  }

  const tasksOf = (one: App) => {
    one.task('js.note', (text: string) => void ran.push(text))
    one.task('js.hold', async function (text: string) {
      ran.push(text)
      await new Promise<void>((resolve, reject) => {
        release = resolve
        this.signal.addEventListener('abort', () => reject(this.signal.reason))
      })
    })
  }

  beforeAll(async () => {
    redis = await startRedis({ own: true })
    install = await findCelery()
    app = createApp('control', { broker: redis.url, taskDefaultQueue: 'js' })
    tasksOf(app)
    ;[worker, python] = await Promise.all([
      app.worker({ hostname: 'node@test' }).start(),
      celery.worker({ redisUrl: redis.url }),
    ])
  })
  afterAll(async () => {
    await python?.stop()
    await app?.close()
    await redis?.stop()
  })

  it('celery status, inspect and ping see both workers', async () => {
    const status = await celeryCli('status', '-t', '3')
    expect(status.out).toContain('->  node@test: OK')
    expect(status.out).toContain('2 nodes online.')
    const ping = await celeryCli('inspect', '-j', ...toOurs, 'ping')
    expect(ping.code).toBe(0)
    expect(JSON.parse(ping.out)).toEqual({ 'node@test': { ok: 'pong' } })
  })

  it.skipIf(isOld)(
    'every question of celery inspect is answered, with the keys of a Python worker',
    async () => {
      const answers = await celery.python<Record<string, Record<string, any>>>(
        `
      inspect = app.control.inspect(timeout=20, limit=2)
      give({name: getattr(inspect, name)() for name in (
        'active', 'reserved', 'scheduled', 'registered', 'stats', 'conf', 'report', 'revoked', 'active_queues', 'clock', 'ping'
      )})
      `,
        { redisUrl: redis.url },
      )
      const keys = (name: string, node: string, part: (answer: any) => object) =>
        Object.keys(part(answers[name]![node])).sort()
      for (const name of Object.keys(answers))
        expect(Object.keys(answers[name]!).sort(), name).toEqual(['node@test', python.hostname].sort())
      for (const [name, part] of [
        ['active_queues', (queues: any) => queues[0]],
        ['active_queues', (queues: any) => queues[0].exchange],
        ['stats', (stats: any) => stats],
        ['stats', (stats: any) => stats.broker],
        ['stats', (stats: any) => stats.rusage],
      ] as const)
        expect(keys(name, 'node@test', part)).toEqual(keys(name, python.hostname, part))
      expect(answers['registered']!['node@test']).toEqual(['js.hold', 'js.note'])
    },
  )

  it('a revoke of a Python client is kept by our worker, and by those that start later', async () => {
    await celery.python(`app.control.revoke('from-python'); give(True)`, { redisUrl: redis.url })
    const node = app.control.inspect({ destination: 'node@test', timeout })
    await until(async () => (await node.revoked())['node@test']!.includes('from-python'))
    const result = await app.sendTask('js.note', ['never'], { taskId: 'from-python' })
    await expect(result.get({ timeout: 25 })).rejects.toThrow('revoked')
    await app.sendTask('js.note', ['after']).get({ timeout: 25 })
    expect(ran).toEqual(['after'])
    const later = createApp('later', { broker: redis.url, taskDefaultQueue: 'later' })
    await later.worker({ hostname: 'later@test' }).start()
    const revoked = await later.control.inspect({ destination: 'later@test', timeout }).revoked()
    expect(revoked['later@test']).toContain('from-python')
    await later.close()
  })

  it('a Python client terminates what runs in our worker, and sees it REVOKED', async () => {
    ran = []
    const result = await app.sendTask('js.hold', ['begun'])
    await until(() => ran.length === 1)
    const end = await celery.python<string[]>(
      `
      from celery.result import AsyncResult
      result = AsyncResult('${result.id}', app=app)
      result.revoke(terminate=True, signal='SIGKILL', wait=True, timeout=3)
      try:
          result.get(timeout=25)
      except Exception as error:
          give([type(error).__name__, result.state])
      `,
      { redisUrl: redis.url },
    )
    expect(end).toEqual(['TaskRevokedError', 'REVOKED'])
    await until(() => worker.active === 0)
  })

  it('celery control sets limits, and tells what our worker cannot do', async () => {
    const limited = await celeryCli('control', ...toOurs, 'time_limit', 'js.note', '10', '20')
    expect(limited.out).toContain('time limits set successfully')
    const rate = await celeryCli('control', ...toOurs, 'rate_limit', 'js.note', '100/s')
    expect(rate.out).toContain('new rate limit set successfully')
    const none = await celeryCli('control', ...toOurs, 'autoscale', '3', '1')
    expect(none.out).toContain("ValueError('Autoscale not enabled')")
  })

  it('celery control adds a queue to our worker, and takes it away', async () => {
    const late = await app.sendTask('js.note', ['late'], { queue: 'late' })
    const added = await celeryCli('control', ...toOurs, 'add_consumer', 'late')
    expect(added.out).toContain('add consumer late')
    await late.get({ timeout: 25 })
    const left = await celeryCli('control', ...toOurs, 'cancel_consumer', 'late')
    expect(left.out).toContain('no longer consuming from late')
    expect(worker.queues).toEqual(['js'])
  })

  it('our client asks and revokes in a Python worker', async () => {
    const { hostname } = python
    const inspect = app.control.inspect({ destination: hostname, timeout })
    expect(await inspect.ping()).toEqual({ [hostname]: { ok: 'pong' } })
    expect((await inspect.registered())[hostname]).toContain('proj.add')
    expect((await inspect.stats())[hostname]!.pool['max-concurrency']).toBe(2)
    const slow = await app.sendTask('proj.sleep', [30], { queue: 'python' })
    await until(async () => (await inspect.active())[hostname]!.length === 1)
    const reply = await app.control.terminate(slow.id, { destination: hostname, reply: true, timeout })
    expect(reply).toEqual([{ [hostname]: { ok: `terminate: ${slow.id}` } }])
    await expect(slow.get({ timeout: 25 })).rejects.toThrow(/terminated|revoked/)
    await app.control.revoke('from-node')
    const never = await app.sendTask('proj.add', [1, 2], { queue: 'python', taskId: 'from-node' })
    await expect(never.get({ timeout: 25 })).rejects.toThrow('revoked')
  })

  it.skipIf(isOld)('stamps of a Python client are revoked as well', async () => {
    ran = []
    await app.control.revokeByStampedHeaders({ customer: 'acme' })
    await celery.python(
      `
      sig = app.signature('js.note', args=('stamped',), queue='js')
      sig.stamp(customer='acme')
      sig.apply_async(task_id='stamped')
      give(True)
      `,
      { redisUrl: redis.url },
    )
    await expect(app.result('stamped').get({ timeout: 25 })).rejects.toThrow('revoked')
    expect(ran).toEqual([])
  })

  it('what is sent to break a worker breaks ours not', async () => {
    const { Redis } = await import('ioredis')
    const client = new Redis(redis.url)
    const body = (value: unknown) =>
      JSON.stringify({
        body: Buffer.from(JSON.stringify(value)).toString('base64'),
        'content-type': 'application/json',
        'content-encoding': 'utf-8',
        properties: { body_encoding: 'base64' },
      })
    // To our worker's ears alone: the Python worker would not survive some of these.
    const alone = createApp('alone', {
      broker: redis.url,
      taskDefaultQueue: 'alone',
      controlExchange: 'alone',
    })
    await alone.worker({ hostname: 'alone@test' }).start()
    for (const raw of [
      'not json',
      '[]',
      '"text"',
      '{}',
      body(null),
      body([1]),
      body({ arguments: {} }),
      body({ method: 7 }),
      body({ method: 'ping', matcher: 'regex', pattern: 'x' }),
      body({ method: 'ping', matcher: 'pcre', pattern: '(' }),
      body({ method: 'ping', destination: 7, arguments: [] }),
      body({ method: 'hello', arguments: { from_node: 'x', revoked: [1] } }),
      body({ method: 'constructor' }),
      body({ method: '__proto__', reply_to: { exchange: 'x', routing_key: 'y' } }),
      body({ method: 'revoke', arguments: { task_id: { a: 1 }, terminate: true, signal: {} } }),
      body({ method: 'election', arguments: {} }),
      JSON.stringify({ body: 'gASVCgAAAA==', 'content-type': 'application/x-python-serialize' }),
    ])
      await client.publish('/0.alone.pidbox', raw)
    const one = alone.control.inspect({ destination: 'alone@test', timeout })
    expect(await one.ping()).toEqual({ 'alone@test': { ok: 'pong' } })
    client.disconnect()
    await alone.close()
  })

  it('celery control shutdown stops our worker, warmly', async () => {
    ran = []
    const result = await app.sendTask('js.hold', ['begun'])
    await until(() => ran.length === 1)
    // Nobody answers to it: Celery says so, with 69.
    expect((await celeryCli('control', '-d', 'node@test', 'shutdown')).code).toBe(69)
    expect(await app.control.inspect({ destination: 'node@test', timeout }).ping()).toEqual({
      'node@test': { ok: 'pong' },
    })
    release()
    await result.get({ timeout: 25 })
    await until(() => !worker.isRunning)
  })

  it('leaves nothing behind', async () => {
    await app.close()
    await python.stop()
    expect(await leaks(redis.url)).toEqual([])
  })
})
