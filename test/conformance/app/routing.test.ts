// Where a message goes, in which order it is taken, and what the task can know of it.
import { describe, expect, it } from 'vitest'
import { currentTask, type TaskContext } from '../../../src/runtime/context.js'
import type { SettingsInput } from '../../../src/config.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('a message', (bench) => {
  /** A worker of every queue, and tasks that say where their message lay. */
  const start = async (settings: SettingsInput, queues: readonly string[]) => {
    const app = bench().app(settings)
    const where = (name: string, options = {}) =>
      app.task(
        name,
        function (this: TaskContext, ..._args: unknown[]) {
          return this.request.deliveryInfo.routingKey
        },
        options,
      )
    const tasks = {
      plain: where('plain'),
      feed: where('feed.import'),
      video: where('video.encode'),
      own: where('own', { queue: 'own' }),
    }
    await bench().work(app, { queues })
    return { app, where, ...tasks }
  }

  it('goes where the call says, else the task, else the routes, else to the default queue', async () => {
    const taskRoutes = { own: 'routes', plain: 'routes' }
    const { plain, own, video } = await start({ taskRoutes, taskDefaultQueue: 'usual' }, [
      'usual',
      'own',
      'routes',
      'call',
    ])
    expect(await own.applyAsync([], { queue: 'call' }).get(wait)).toBe('call')
    expect(await own.delay().get(wait)).toBe('own')
    expect(await plain.delay().get(wait)).toBe('routes')
    expect(await video.delay().get(wait)).toBe('usual')
  })

  it('is routed by names, patterns, expressions and functions, the first answer counts', async () => {
    const routes: SettingsInput['taskRoutes'] = [
      (name, args) => (name === 'plain' && args[0] === 'special' ? { queue: 'special' } : null),
      [
        ['feed.*', 'feeds'],
        [/^(video|image)\./, { queue: 'media' }],
      ],
    ]
    const { plain, feed, video } = await start({ taskRoutes: routes }, [
      'celery',
      'feeds',
      'media',
      'special',
    ])
    expect(
      await Promise.all(
        [plain.delay('special'), plain.delay('other'), feed.delay(), video.delay()].map((call) =>
          call.get(wait),
        ),
      ),
    ).toEqual(['special', 'celery', 'feeds', 'media'])
  })

  it('waits in a queue that nobody of us consumes', async () => {
    const { app, plain } = await start({}, ['celery'])
    const waiting = await plain.applyAsync([], { queue: 'elsewhere' })
    expect(await plain.delay().get(wait)).toBe('celery')
    expect([await waiting.state(), await (await app.broker()).length('elsewhere')]).toEqual(['PENDING', 1])
  })

  it('of higher priority is taken first', async () => {
    const app = bench().app()
    const order: unknown[] = []
    const note = app.task('note', (what: unknown) => void order.push(what))
    const last = await note.applyAsync(['9'], { priority: 9 })
    for (const priority of [6, 3, 0]) await note.applyAsync([String(priority)], { priority })
    await note.applyAsync(['0 again'], { priority: 0 })
    await bench().work(app, { concurrency: 1 })
    await last.get(wait)
    expect(order).toEqual(['0', '0 again', '3', '6', '9'])
  })

  it('has the priority of the call, else of the task, else of its route', async () => {
    const app = bench().app({ taskRoutes: { routed: { priority: 6 } } })
    const options = { priority: 3 }
    const priority = function (this: TaskContext) {
      return this.request.deliveryInfo.priority
    }
    const own = app.task('own', priority, options)
    const routed = app.task('routed', priority)
    await bench().work(app)
    expect([
      await own.applyAsync([], { priority: 9 }).get(wait),
      await own.delay().get(wait),
      await routed.delay().get(wait),
    ]).toEqual([9, 3, 6])
  })

  it('has it in any case as the next step or a callback; a body and an heir may say another, and an errback has its own', async () => {
    const app = bench().app({ taskInheritParentPriority: true })
    const seen: Record<string, number> = {}
    const look = app.task('look', function (name: string) {
      seen[name] = this.request.deliveryInfo.priority
    })
    const fails = app.task('fails', () => {
      throw new Error('as it should')
    })
    const parent = app.task('parent', function () {
      return this.replace(look.si('heir').set({ priority: 2 }))
    })
    const one = app.task('one', () => 1)
    const low = (name: string) => look.si(name).set({ priority: 2 })
    const all = { callback: 6, next: 6, body: 2, errback: 2, 'plain errback': 0, heir: 2 }
    await bench().work(app)
    await chain(one.s().set({ priority: 6, link: low('callback') }), low('next'))
      .delay()
      .get({ timeout: 20 })
    await chord([one.s().set({ priority: 6 })], low('body'))
      .delay()
      .get({ timeout: 20 })
    await fails
      .s()
      .set({ priority: 6, linkError: [low('errback'), look.si('plain errback')] })
      .delay()
      .get({ timeout: 20, propagate: false })
    await parent.s().set({ priority: 6 }).delay().get({ timeout: 20 })
    await until(() => Object.keys(seen).length === Object.keys(all).length)
    expect(seen).toEqual(all)
  })

  it('has the priority of the task that sends it, where that is asked for and nobody says another', async () => {
    const app = bench().app({ taskInheritParentPriority: true })
    const seen: Record<string, number> = {}
    const look = app.task('look', function (name: string) {
      seen[name] = this.request.deliveryInfo.priority
    })
    const calm = app.task(
      'calm',
      function () {
        seen['of its own'] = this.request.deliveryInfo.priority
      },
      { priority: 9 },
    )
    const parent = app.task('parent', async function () {
      await look.delay('sent')
      await look.applyAsync(['own'], { priority: 3 })
      await group(look.s('member'), look.s('other')).delay()
      await calm.delay()
      return this.replace(look.si('heir'))
    })
    await bench().work(app)
    await chain(parent.s().set({ priority: 6, link: look.si('callback') }), look.si('next'))
      .delay()
      .get({ timeout: 20 })
    await until(() => Object.keys(seen).length === 8)
    expect(seen).toEqual({
      sent: 6,
      own: 3,
      'of its own': 9,
      member: 6,
      other: 6,
      heir: 6,
      callback: 6,
      next: 6,
    })
  })

  it('of all queues is served, none starves', async () => {
    const app = bench().app()
    const order: string[] = []
    const note = app.task('note', function () {
      order.push(this.request.deliveryInfo.routingKey)
    })
    const sent = []
    for (const queue of ['a', 'a', 'a', 'a', 'a', 'a', 'b', 'b'])
      sent.push(await note.applyAsync([], { queue }))
    await bench().work(app, { queues: ['a', 'b'], concurrency: 1 })
    await Promise.all(sent.map((result) => result.get(wait)))
    expect(order.slice(0, 4).sort()).toEqual(['a', 'a', 'b', 'b'])
  })

  describe('can be looked at by its task:', () => {
    it('everything that came with it', async () => {
      const app = bench().app()
      const ask = app.task('ask', function (..._args: unknown[]) {
        const { request } = this
        return { ...request, eta: request.eta?.getTime() ?? null, expires: request.expires !== null }
      })
      await bench().work(app)
      const options = {
        kwargs: { k: 1 },
        headers: { 'x-trace': 'abc' },
        shadow: 'nice',
        priority: 3,
        timeLimit: 9,
        softTimeLimit: 8,
        expires: 60,
      }
      const result = await ask.applyAsync([1, 'two'], options)
      expect(await result.get(wait)).toMatchObject({
        id: result.id,
        task: 'ask',
        args: [1, 'two'],
        kwargs: { k: 1 },
        rootId: result.id,
        parentId: null,
        groupId: null,
        groupIndex: null,
        retries: 0,
        attempt: 1,
        redelivered: false,
        eta: null,
        expires: true,
        timeLimit: 9,
        softTimeLimit: 8,
        ignoreResult: false,
        shadow: 'nice',
        origin: expect.stringContaining(`gen${process.pid}@`),
        hostname: 'w1@host',
        correlationId: result.id,
        headers: { 'x-trace': 'abc' },
        deliveryInfo: { exchange: '', routingKey: 'celery', priority: 3, redelivered: false },
      })
    })

    it('from anywhere below its call, and nowhere else', async () => {
      const app = bench().app()
      const deep = async () => {
        await new Promise((resolve) => setImmediate(resolve))
        return currentTask()?.request.id
      }
      const task = app.task('task', async () => deep())
      await bench().work(app)
      const results = await Promise.all([1, 2, 3].map(() => task.delay()))
      for (const result of results) expect(await result.get(wait)).toBe(result.id)
      expect(currentTask()).toBeUndefined()
    })

    it('keyword arguments come as one trailing object where no parameters are named', async () => {
      const app = bench().app()
      const ask = app.task('ask', (...args: unknown[]) => args)
      await bench().work(app)
      expect(await ask.applyAsync([1], { kwargs: { k: 2 } }).get(wait)).toEqual([1, { k: 2 }])
      expect(await ask.applyAsync([1]).get(wait)).toEqual([1])
    })

    it('its log lines carry its name and id', async () => {
      const app = bench().app()
      const say = app.task('say', function () {
        this.log.info('hello')
      })
      await bench().work(app)
      const { id } = await say.delay()
      await app.result(id).get(wait)
      expect(bench().lines.find((line) => line.endsWith('hello'))).toContain(
        `INFO/MainProcess] say[${id}]: hello`,
      )
    })
  })

  it('carries any value there and back', async () => {
    const app = bench().app()
    const echo = app.task('echo', (value: unknown) => value)
    await bench().work(app)
    const values = [
      new Date(1e12),
      Buffer.from('ü'),
      new Map([['a', new Set([1n])]]),
      { u: undefined, n: null },
      2n ** 80n,
      Number.NaN,
      'grün 🌲',
    ]
    for (const value of values) expect(await echo.delay(value).get(wait)).toEqual(value)
  })
})
