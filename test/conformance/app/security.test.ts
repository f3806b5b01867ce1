// Queues whose messages must be signed: what we send is, in every way in which we send, and nothing else runs.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { signature } from '../../../src/canvas/signature.js'
import type { SettingsInput } from '../../../src/config.js'
import type { TaskContext } from '../../../src/runtime/context.js'
import { planted } from '../../support/planted.js'
import { consumerOptions } from '../../support/consumer-options.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 20 }
const pem = (name: string): string =>
  readFileSync(new URL(`../../redis/tls/${name}.pem`, import.meta.url), 'utf8')
const store = new URL('../../redis/tls/cert.pem', import.meta.url).pathname

const kinds: readonly (readonly [string, SettingsInput, SettingsInput])[] = [
  [
    'hmac',
    { taskQueues: { celery: { signed: 'hmac' } }, securityHmacKey: planted('right').repeat(4) },
    { taskQueues: { celery: { signed: 'hmac' } }, securityHmacKey: planted('wrong').repeat(4) },
  ],
  [
    'auth',
    {
      taskQueues: { celery: { signed: 'auth' } },
      securityCertStore: store,
      securityKey: pem('key'),
      securityCertificate: pem('cert'),
    },
    {},
  ],
]

onEveryEngine('signed messages', (bench) => {
  describe.each(kinds)('by %s', (_, settings, stranger) => {
    const start = async (options = {}) => {
      const app = bench().app({ ...settings, ...options })
      const add = app.task('add', (x: number, y: number) => x + y)
      const sum = app.task('sum', (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))
      const flaky = app.task('flaky', function (this: TaskContext) {
        if (this.request.retries === 0) throw this.retry({ countdown: 0.05 })
        return 'again'
      })
      const asks = app.task('asks', async () => (await add.delay(20, 3)).id)
      const { hostname } = await bench().work(app)
      return { app, add, sum, flaky, asks, hostname }
    }

    it('run: single, later, in chains and chords, retried, sent from inside', async () => {
      const { app, add, sum, flaky, asks } = await start()
      expect(await add.delay(1, 2).get(wait)).toBe(3)
      expect(await add.applyAsync([1, 2], { countdown: 0.1, compression: 'zlib' }).get(wait)).toBe(3)
      expect(await chain(add.s(1, 2), add.s(3)).delay().get(wait)).toBe(6)
      expect(
        await chord([add.s(1, 1), add.s(2, 2)], sum.s())
          .delay()
          .get(wait),
      ).toBe(6)
      expect(await flaky.delay().get(wait)).toBe('again')
      expect(await app.result(await asks.delay().get(wait)).get(wait)).toBe(23)
    })

    it('without the right signature: a dead letter, nothing runs, and nobody is told a result', async () => {
      const { app, add } = await start()
      const forger = bench().app(stranger)
      const sent = await forger.sendTask('add', [1, 2])
      const { dead } = await app.broker()
      await until(async () => (await dead.list(10)).length === 1)
      const [letter] = await dead.list(10)
      expect(letter?.reason).toMatch(/^SecurityError: /)
      expect(letter?.taskId).toBeNull()
      expect(await sent.state()).toBe('PENDING')
      expect(await add.delay(1, 2).get(wait)).toBe(3)
      await dead.purge()
    })

    it('what breaks before its signature was looked at is not believed either: its id may be a lie', async () => {
      const { app, add } = await start()
      const broker = await app.broker()
      const whole = {
        body: Buffer.from('[[1, 2], {}, {}]').toString('base64'),
        'content-encoding': 'utf-8',
        'content-type': 'application/json',
        headers: { task: 'add', lang: 'js' },
        properties: { body_encoding: 'base64', delivery_info: { exchange: '', routing_key: 'celery' } },
      }
      const forgeries = [
        { ...whole, properties: 'none' },
        { ...whole, body: undefined },
        { ...whole, body: '****' },
        { ...whole, body: Buffer.from([0xff]).toString('base64') },
        { ...whole, 'content-type': 'application/x-python-serialize' },
        { ...whole, 'content-encoding': 'koi8-r' },
        { ...whole, headers: { ...whole.headers, compression: 'application/x-bz2' } },
        { ...whole, headers: { ...whole.headers, compression: 'zlib' } },
        { ...whole, body: 'A'.repeat(17 << 20) },
      ]
      const ids = forgeries.map((_forgery, index) => `whose-result-this-would-be-${index}`)
      const pushes = forgeries.map((forgery, index) => {
        const raw = JSON.stringify({ ...forgery, headers: { ...forgery.headers, id: ids[index] } })
        return { queue: 'celery', priority: 0, raw }
      })
      await broker.publish({ pushes, chords: [] })
      await until(async () => (await broker.dead.list(20)).length === forgeries.length)
      expect((await broker.dead.list(20)).map(({ taskId }) => taskId)).toEqual(forgeries.map(() => null))
      expect(await Promise.all(ids.map((id) => app.result(id).state()))).toEqual(ids.map(() => 'PENDING'))
      expect(await add.delay(1, 2).get(wait)).toBe(3)
      await broker.dead.purge()
    })

    it('a queue that only one worker has, of a broadcast or its direct one, is asked what all are', async () => {
      const { celery } = settings.taskQueues as Record<string, object>
      const all = { celery, everybody: { ...celery, exchangeType: 'fanout' as const } }
      const { app, add, flaky, hostname } = await start({ taskQueues: all, workerDirect: true })
      const places = [
        { queue: `${hostname}.dq2` },
        { exchange: 'C.dq2', routingKey: hostname },
        { queue: 'everybody' },
        { queue: `bcast.everybody.${hostname}` },
      ]
      const forger = bench().app({ ...stranger, taskQueues: { everybody: { exchangeType: 'fanout' } } })
      for (const place of places) {
        expect(await add.applyAsync([1, 2], place).get(wait)).toBe(3)
        expect(await flaky.applyAsync([], place).get(wait)).toBe('again')
        await forger.sendTask('add', [1, 2], place)
      }
      const { dead } = await app.broker()
      await until(async () => (await dead.list(10)).length === places.length)
      await dead.purge()
      expect(bench().lines.filter((line) => line.includes('takes what nobody signed'))).toEqual([])
    })

    it('a worker that signs, and takes what nobody signed, says so once; one of signed queues alone does not', async () => {
      await start()
      expect(bench().lines.filter((line) => line.includes('takes what nobody signed'))).toEqual([])
      const app = bench().app({
        ...settings,
        taskQueues: { ...(settings.taskQueues as Record<string, object>), open: {}, wide: {} },
      })
      await bench().work(app)
      const [said, ...others] = bench().lines.filter((line) => line.includes('takes what nobody signed'))
      expect(said).toMatch(/WARNING.* from open, wide: /)
      expect(others).toEqual([])
    })

    // Two threats that docs/security.md leaves to ACLs.
    it('a copy of what was signed runs again, and what has succeeded stays as it is', async () => {
      const app = bench().app(settings)
      let runs = 0
      const count = app.task('count', () => {
        runs += 1
        return runs
      })
      const result = await count.delay()
      const broker = await app.broker()
      const thief = await broker.consume(consumerOptions({ hostname: 'thief@host', queues: ['celery'] }))
      const [copied] = (await thief.step(0, [], 1)).deliveries
      await thief.close()
      await bench().work(app)
      expect(await result.get(wait)).toBe(1)
      const raw = String(copied?.raw)
      await broker.publish({ pushes: [{ queue: 'celery', priority: 0, raw }], chords: [] })
      await until(() => runs === 2)
      await until(async () => (await bench().unfinished()).length === 0)
      expect(await result.get(wait)).toBe(1)
    })

    it('what follows from an unsigned message is signed by a worker that takes both', async () => {
      const queues = { ...(settings.taskQueues as Record<string, object>), open: {} }
      const { app, add } = await start({ taskQueues: queues })
      const forger = bench().app()
      const unsigned = (queue: string, ...args: number[]) => signature('add', { args, options: { queue } })
      const laundered = chain(unsigned('open', 1, 2), unsigned('celery', 3))
      expect(await app.result(forger.send(laundered as any).id).get(wait)).toBe(6)
      await forger.send(unsigned('celery', 1, 2) as any)
      const { dead } = await app.broker()
      await until(async () => (await dead.list(10)).length === 1)
      expect(await add.delay(1, 2).get(wait)).toBe(3)
      await dead.purge()
    })

    it('purged: who waits for what is rightly signed is told, and nobody of the rest', async () => {
      const app = bench().app(settings)
      const add = app.task('add', (x: number, y: number) => x + y)
      const sum = app.task('sum', (numbers: readonly number[]) => numbers.length)
      const ours = [chain(add.s(1, 2), add.s(3)), chord([add.s(1, 1), add.s(2, 2)], sum.s())]
      const results = await Promise.all(ours.map((canvas) => canvas.delay()))
      const forger = bench().app(stranger)
      const forgery = forger.task('add', (x: number, y: number) => x + y)
      const forged = await chain(forgery.s(1, 2), forgery.s(3)).delay()
      expect(await app.control.purge()).toBe(4)
      expect(await Promise.all(results.map((result) => result.state()))).toEqual(['REVOKED', 'FAILURE'])
      expect(await forged.state()).toBe('PENDING')
      expect(await bench().unfinished()).toEqual([])
    })
  })

  it('other queues of the same worker take both, and auth alone where acceptContent says so', async () => {
    const [, [, settings]] = kinds as [unknown, (typeof kinds)[number]]
    const app = bench().app({ ...settings, taskQueues: {}, acceptContent: ['json', 'auth'] })
    const add = app.task('add', (x: number, y: number) => x + y)
    await bench().work(app)
    expect(await add.delay(1, 2).get(wait)).toBe(3)
    expect(await add.applyAsync([1, 2], { serializer: 'auth' }).get(wait)).toBe(3)
    const strict = bench().app({
      ...settings,
      taskQueues: {},
      taskSerializer: 'auth',
      acceptContent: ['auth'],
    })
    strict.task('strict', () => 'signed', { queue: 'strict' })
    await bench().work(strict, { queues: ['strict'], hostname: 'strict@host' })
    expect(await strict.sendTask('strict', [], { queue: 'strict' }).get(wait)).toBe('signed')
    await app.sendTask('strict', [], { queue: 'strict' })
    const { dead } = await app.broker()
    await until(async () => (await dead.list(10)).length === 1)
    await dead.purge()
  })
})
