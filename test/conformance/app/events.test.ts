// Events as users hear them, on every engine: what workers tell of themselves and of tasks, in order, and nothing
// that is not so.
import { expect, test } from 'vitest'
import { chain, type OwnEvent } from '../../../src/index.js'
import type { App } from '../../../src/app.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

/** Hears everything from now on. */
const hearing = async (app: App): Promise<OwnEvent[]> => {
  const heard: OwnEvent[] = []
  const stream = await app.events('*').ready()
  void (async () => {
    for await (const event of stream) heard.push(event)
  })()
  return heard
}

const typesOf = (heard: readonly OwnEvent[], group = 'task'): string[] =>
  heard.map(({ type }) => type).filter((type) => type.startsWith(group))

const heardOf = (heard: readonly OwnEvent[], type: string): Promise<OwnEvent> =>
  until(() => heard.find((event) => event.type === type))

onEveryEngine('events', (bench) => {
  test('a worker tells that it is there, that it lives, and that it leaves', async () => {
    const app = bench().app()
    const heard = await hearing(app)
    const worker = await bench().work(app, { hostname: 'w@host', heartbeat: 0.02 })
    await heardOf(heard, 'worker-heartbeat')
    await worker.stop()
    await heardOf(heard, 'worker-offline')
    expect(heard[0]).toMatchObject({
      type: 'worker-online',
      hostname: 'w@host',
      pid: process.pid,
      freq: 0.02,
      active: 0,
      processed: 0,
      sw_ident: 'lovage',
      loadavg: [expect.any(Number), expect.any(Number), expect.any(Number)],
    })
    expect(heard.at(-1)!.type).toBe('worker-offline')
    const clocks = heard.map(({ clock }) => clock as number)
    expect(clocks).toEqual([...clocks].sort((a, b) => a - b))
  })

  test('heartbeat: false: nobody is told that it is there', async () => {
    const app = bench().app()
    const heard = await hearing(app)
    const worker = await bench().work(app, { heartbeat: false, taskEvents: true })
    app.task('t.one', () => 1)
    await app.sendTask('t.one').get({ timeout: 25 })
    await heardOf(heard, 'task-succeeded')
    await worker.stop()
    expect(typesOf(heard, 'worker')).toEqual([])
  })

  test('task events are off, unless somebody switches them on', async () => {
    const app = bench().app()
    const heard = await hearing(app)
    app.task('t.one', () => 1)
    app.task('t.two', () => 2)
    await bench().work(app, { hostname: 'w@host' })
    await app.sendTask('t.one').get({ timeout: 25 })
    const ok = async (replies: Promise<readonly object[]>) => Object.values((await replies)[0]!)[0]
    const to = { reply: true, destination: ['w@host'], limit: 1, timeout: 20 }
    expect(await ok(app.control.enableEvents(to))).toEqual({ ok: 'task events enabled' })
    expect(await ok(app.control.enableEvents(to))).toEqual({ ok: 'task events already enabled' })
    await app.sendTask('t.two').get({ timeout: 25 })
    await heardOf(heard, 'task-succeeded')
    expect(typesOf(heard)).toEqual(['task-received', 'task-started', 'task-succeeded'])
    expect(await ok(app.control.disableEvents(to))).toEqual({ ok: 'task events disabled' })
    expect(await ok(app.control.disableEvents(to))).toEqual({ ok: 'task events already disabled' })
    await app.sendTask('t.two').get({ timeout: 25 })
    await app.close()
    expect(typesOf(heard)).toHaveLength(3)
  })

  test('workerSendTaskEvents: from the start, and for good', async () => {
    const app = bench().app({ workerSendTaskEvents: true })
    const heard = await hearing(app)
    app.task('t.one', () => 1)
    await bench().work(app, { hostname: 'w@host' })
    const [reply] = await app.control.disableEvents({
      reply: true,
      destination: ['w@host'],
      timeout: 20,
    })
    expect(reply).toEqual({ 'w@host': { ok: 'task events already disabled' } })
    await app.sendTask('t.one').get({ timeout: 25 })
    await heardOf(heard, 'task-succeeded')
  })

  test('each end of a task has its event, with what is told of it', async () => {
    const app = bench().app()
    const heard = await hearing(app)
    app.task('t.add', (x: number, y: number) => x + y)
    app.task('t.fail', () => {
      throw new TypeError('boom')
    })
    app.task('t.retry', function () {
      if (this.request.retries === 0) throw this.retry({ countdown: 0, error: new TypeError('again') })
    })
    app.task('t.late', () => undefined)
    await bench().work(app, { hostname: 'w@host', taskEvents: true })
    const end = async (name: string, args: unknown[] = [], options = {}) => {
      const from = heard.length
      const result = await app.sendTask(name, args, options)
      await result.get({ timeout: 25, propagate: false })
      const isEnd = ({ type }: OwnEvent) => /-(succeeded|failed|revoked)$/.test(type)
      await until(() => heard.slice(from).some(isEnd))
      const mine = heard.slice(from).filter(({ uuid }) => uuid === result.id)
      return mine.map(
        ({
          type,
          hostname,
          name: task,
          args: given,
          result: value,
          exception,
          retries,
          expired,
          terminated,
        }) => {
          expect(hostname).toBe('w@host')
          return { type, task, given, value, exception, retries, expired, terminated }
        },
      )
    }
    const received = (task: string, retries = 0, given = '()') => ({
      type: 'task-received',
      task,
      given,
      retries,
    })
    const started = { type: 'task-started' }
    expect(await end('t.add', [2, 3])).toEqual([
      received('t.add', 0, '(2, 3)'),
      started,
      { type: 'task-succeeded', value: '5' },
    ])
    expect(await end('t.fail')).toEqual([
      received('t.fail'),
      started,
      { type: 'task-failed', exception: "TypeError('boom')" },
    ])
    expect(await end('t.retry')).toEqual([
      received('t.retry'),
      started,
      { type: 'task-retried', exception: "TypeError('again')" },
      received('t.retry', 1),
      started,
      { type: 'task-succeeded', value: 'None' },
    ])
    expect(await end('t.late', [], { expires: new Date(0) })).toEqual([
      { type: 'task-revoked', expired: true, terminated: false },
    ])
    expect(await end('t.nobody')).toEqual([{ type: 'task-failed', exception: "NotRegistered('t.nobody')" }])
  })

  test('who hears that a task has succeeded finds its result', async () => {
    const app = bench().app({ workerSendTaskEvents: true })
    app.task('t.one', () => 1)
    const stream = await app.events('task-succeeded').ready()
    await bench().work(app)
    await app.sendTask('t.one', [], { taskId: 'the-one' })
    for await (const { uuid } of stream) {
      expect(uuid).toBe('the-one')
      expect(await app.result('the-one').state()).toBe('SUCCESS')
      break
    }
  })

  test('taskSendSentEvent: each message is told of, whoever sends it', async () => {
    const app = bench().app({ taskSendSentEvent: true })
    const heard = await hearing(app)
    const add = app.task('t.add', (x: number, y: number) => x + y)
    const double = app.task('t.double', (x: number) => x * 2)
    app.task('t.outer', async function () {
      await add.delay(1, 1)
    })
    await bench().work(app)
    const result = await chain(add.s(1, 2), double.s()).delay()
    expect(await result.get({ timeout: 25 })).toBe(6)
    const sent = () => heard.filter(({ type }) => type === 'task-sent')
    await until(() => sent().length === 2)
    expect(sent()).toMatchObject([
      {
        name: 't.add',
        args: '(1, 2)',
        kwargs: '{}',
        queue: 'celery',
        exchange: '',
        routing_key: 'celery',
        retries: 0,
        hostname: expect.stringMatching(/^gen\d+@/),
      },
      { name: 't.double', args: '(3,)', uuid: result.id },
    ])
    await app.sendTask('t.outer').get({ timeout: 25 })
    await until(() => sent().length === 4)
    expect(sent().slice(2)).toMatchObject([{ name: 't.outer' }, { name: 't.add', args: '(1, 1)' }])
  })

  test('a task sends events of its own, whether task events are on or not', async () => {
    const app = bench().app()
    const heard = await hearing(app)
    app.task('t.long', async function () {
      await this.sendEvent('task-progress', { percent: 50, note: 'half' })
      return 'done'
    })
    await bench().work(app, { hostname: 'w@host' })
    const result = await app.sendTask('t.long')
    expect(await result.get({ timeout: 25 })).toBe('done')
    expect(await heardOf(heard, 'task-progress')).toMatchObject({
      uuid: result.id,
      hostname: 'w@host',
      percent: 50,
      note: 'half',
    })
    expect(typesOf(heard)).toEqual(['task-progress'])
  })

  test('eventExchange: another exchange is another conversation', async () => {
    const app = bench().app({ eventExchange: 'other', workerSendTaskEvents: true })
    const heard = await hearing(app)
    const strangers = await hearing(bench().app())
    app.task('t.one', () => 1)
    await bench().work(app)
    await app.sendTask('t.one').get({ timeout: 25 })
    await heardOf(heard, 'task-succeeded')
    expect(strangers).toEqual([])
  })

  test('events$ is the same as an Observable, and completes when the app is closed', async () => {
    const app = bench().app({ workerSendTaskEvents: true })
    const told: string[] = []
    app.events$().subscribe({
      next: ({ type }) => told.push(type),
      complete: () => told.push('complete'),
    })
    app.task('t.one', () => 1)
    await bench().work(app)
    await until(() => told.includes('worker-online'))
    await app.sendTask('t.one').get({ timeout: 25 })
    await until(() => told.includes('task-succeeded'))
    await app.close()
    await until(() => told.includes('complete'))
    expect(told.at(-1)).toBe('complete')
  })

  test('a loop that ends listens no more, and one that waits ends with the app', async () => {
    const app = bench().app()
    const stream = await app.events().ready()
    const waiting = stream.next()
    await app.close()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })
})
