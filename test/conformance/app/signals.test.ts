// Signals and middleware as users write them, on every engine.
import { expect, test } from 'vitest'
import { chain, group } from '../../../src/index.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

onEveryEngine('signals', (bench) => {
  test('a message is told of before and after it is sent, and takes headers along', async () => {
    const app = bench().app()
    const told: string[] = []
    const seen = app.task('t.seen', function () {
      return this.request.headers
    })
    app.on('beforeTaskPublish', ({ task, taskId, headers }) => {
      told.push(`before ${task} ${taskId}`)
      headers['trace'] = 'abc'
    })
    app.on('afterTaskPublish', ({ task, taskId }) => void told.push(`after ${task} ${taskId}`))
    await bench().work(app)
    const result = await seen.delay()
    await until(() => told.length === 2)
    expect(told).toEqual([`before t.seen ${result.id}`, `after t.seen ${result.id}`])
    expect(await result.get({ timeout: 25 })).toEqual({ trace: 'abc' })
  })

  test('each message of a canvas is told of, those that follow an end as well', async () => {
    const app = bench().app()
    const told: string[] = []
    const add = app.task('t.add', (x: number, y: number) => x + y)
    const double = app.task('t.double', (x: number) => x * 2)
    app.on('beforeTaskPublish', ({ task }) => void told.push(task))
    await bench().work(app)
    expect(await chain(add.s(1, 2), double.s()).delay().get({ timeout: 25 })).toBe(6)
    expect(
      await group([add.s(1, 1), add.s(2, 2)])
        .delay()
        .get({ timeout: 25 }),
    ).toEqual([2, 4])
    expect(told).toEqual(['t.add', 't.double', 't.add', 't.add'])
  })

  test('the ends of tasks have names', async () => {
    const app = bench().app()
    const told: string[] = []
    app.task('t.retry', function () {
      if (this.request.retries === 0) throw this.retry({ countdown: 0 })
    })
    app.task('t.fail', () => {
      throw new TypeError('boom')
    })
    app.task('t.late', () => undefined)
    app.task('t.slow', () => new Promise(() => undefined), { timeLimit: 0.05 })
    for (const name of [
      'taskRetry',
      'taskFailure',
      'taskUnknown',
      'taskRevoked',
      'taskReceived',
      'taskPostrun',
    ] as const)
      app.on(
        name,
        (event) => void told.push(`${name} ${event.task}${'state' in event ? ` ${event.state}` : ''}`),
      )
    await bench().work(app)
    const end = (name: string, options = {}) =>
      app.sendTask(name, [], options).get({ timeout: 25, propagate: false })
    await end('t.retry')
    await end('t.fail')
    await end('t.unheard')
    await end('t.slow')
    await end('t.late', { expires: new Date(0) })
    await until(() => told.includes('taskRevoked t.late'))
    expect(told).toEqual([
      'taskReceived t.retry',
      'taskRetry t.retry',
      'taskPostrun t.retry RETRY',
      'taskReceived t.retry',
      'taskPostrun t.retry SUCCESS',
      'taskReceived t.fail',
      'taskFailure t.fail',
      'taskPostrun t.fail FAILURE',
      'taskReceived t.unheard',
      'taskUnknown t.unheard',
      'taskReceived t.slow',
      'taskFailure t.slow',
      'taskReceived t.late',
      'taskRevoked t.late',
    ])
  })

  test('a worker tells of its life, in order', async () => {
    const app = bench().app()
    const told: string[] = []
    for (const name of [
      'celerydInit',
      'celerydAfterSetup',
      'workerInit',
      'workerProcessInit',
      'workerReady',
      'workerShuttingDown',
      'workerProcessShutdown',
      'workerShutdown',
    ] as const)
      app.on(name, ({ hostname }) => void told.push(`${name} ${hostname}`))
    const worker = await bench().work(app, { hostname: 'w@host' })
    await worker.stop()
    expect(told).toEqual([
      'celerydInit w@host',
      'celerydAfterSetup w@host',
      'workerInit w@host',
      'workerProcessInit w@host',
      'workerReady w@host',
      'workerShuttingDown w@host',
      'workerProcessShutdown w@host',
      'workerShutdown w@host',
    ])
  })

  test('taskPrerun has ended before the task begins', async () => {
    const app = bench().app()
    let opened = false
    const check = app.task('t.check', () => opened)
    app.on('taskPrerun', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20))
      opened = true
    })
    await bench().work(app)
    expect(await check.delay().get({ timeout: 25 })).toBe(true)
  })

  test('a listener is taken off, and one that throws is a line in the log', async () => {
    const app = bench().app()
    let heard = 0
    const off = app.on('taskReceived', () => {
      heard += 1
      throw new Error('from a listener')
    })
    const add = app.task('t.add', (x: number, y: number) => x + y)
    await bench().work(app)
    expect(await add.delay(1, 2).get({ timeout: 25 })).toBe(3)
    off()
    await add.delay(1, 2).get({ timeout: 25 })
    expect(heard).toBe(1)
  })

  test('an unknown name is refused with those that there are', () => {
    expect(() =>
      bench()
        .app()
        .on('taskStarted' as never, () => undefined),
    ).toThrow(/expected one of beforeTaskPublish, .*beatEmbeddedInit and a function/)
  })
})

onEveryEngine('middleware', (bench) => {
  test('layers stand around a run, the first outermost, and make the result', async () => {
    const app = bench().app()
    const order: string[] = []
    for (const name of ['outer', 'inner'])
      app.use({
        execute: async ({ task }, next) => {
          order.push(`${name} before ${task}`)
          const value = await next()
          order.push(`${name} after`)
          return `${name}(${String(value)})`
        },
      })
    const echo = app.task('t.echo', (text: string) => {
      order.push('run')
      return text
    })
    await bench().work(app)
    expect(await echo.delay('x').get({ timeout: 25 })).toBe('outer(inner(x))')
    expect(order).toEqual(['outer before t.echo', 'inner before t.echo', 'run', 'inner after', 'outer after'])
  })

  test('one may answer for the task', async () => {
    const app = bench().app()
    let ran = 0
    const dear = app.task('t.dear', () => {
      ran += 1
      return 'computed'
    })
    app.use({ execute: () => 'cached' })
    await bench().work(app)
    expect(await dear.delay().get({ timeout: 25 })).toBe('cached')
    expect(ran).toBe(0)
  })

  test('one that fails is logged, and the end of the task counts', async () => {
    const app = bench().app()
    app.use({
      execute: async ({ args }, next) => {
        if (args[0] === 'before') throw new Error('broken before')
        const value = await next()
        if (args[0] === 'after') throw new Error('broken after')
        return value
      },
    })
    let ran = 0
    const echo = app.task('t.echo', (text: string) => {
      ran += 1
      if (text === 'fail') throw new TypeError('its own')
      return text
    })
    await bench().work(app)
    expect(await echo.delay('before').get({ timeout: 25 })).toBe('before')
    expect(await echo.delay('after').get({ timeout: 25 })).toBe('after')
    await expect(echo.delay('fail').get({ timeout: 25 })).rejects.toThrow('its own')
    expect(ran).toBe(3)
  })

  test('a layer may send a task again', async () => {
    const app = bench().app()
    const { Retry } = await import('../../../src/index.js')
    app.use({
      execute: async ({ retries }, next) => {
        if (retries === 0) throw new Retry({ countdown: 0 }, 'later')
        return next()
      },
    })
    const once = app.task('t.once', function () {
      return this.request.retries
    })
    await bench().work(app)
    expect(await once.delay().get({ timeout: 25 })).toBe(1)
  })

  test('layers around a message change it, and hear when it has left', async () => {
    const app = bench().app()
    const order: string[] = []
    app.use({
      publish: async (message, next) => {
        order.push(`before ${message.task}`)
        await next({ ...message, args: [41, 1], headers: { tenant: 'acme' }, id: 'not this' } as never)
        order.push('after')
      },
    })
    const add = app.task('t.add', function (x: number, y: number) {
      return [x + y, this.request.headers, this.request.id]
    })
    await bench().work(app)
    const result = await add.delay(1, 2)
    expect(await result.get({ timeout: 25 })).toEqual([42, { tenant: 'acme' }, result.id])
    await until(() => order.length === 2)
    expect(order).toEqual(['before t.add', 'after'])
  })

  test('one that fails around a message, or forgets it, sends it all the same', async () => {
    const app = bench().app()
    app.use({
      publish: (message, next) => {
        if (message.args[0] === 'throw') throw new Error('broken')
        if (message.args[0] === 'forget') return
        return next()
      },
    })
    const echo = app.task('t.echo', (text: string) => text)
    await bench().work(app)
    for (const text of ['throw', 'forget', 'go'])
      expect(await echo.delay(text).get({ timeout: 25 })).toBe(text)
  })

  test('a publish that fails is told to the layers and to the caller', async () => {
    const app = bench().app()
    const seen: string[] = []
    app.use({
      publish: async (_message, next) => {
        await next().catch((error: Error) => {
          seen.push(error.name)
          throw error
        })
      },
    })
    const echo = app.task('t.echo', (value: unknown) => value)
    await expect(echo.delay(() => 1)).rejects.toThrow(/function/)
    await until(() => seen.length === 1)
    expect(seen).toEqual(['EncodeError'])
  })

  test('the current task is known inside of a layer', async () => {
    const app = bench().app()
    const { currentTask } = await import('../../../src/index.js')
    const known = gate()
    app.use({
      execute: (request, next) => {
        if (currentTask()?.request.id === request.id) known.open()
        return next()
      },
    })
    const echo = app.task('t.echo', (value: number) => value)
    await bench().work(app)
    await echo.delay(1).get({ timeout: 25 })
    await known.passed
  })

  test('what is no middleware is refused', () => {
    expect(() =>
      bench()
        .app()
        .use({} as never),
    ).toThrow(/expected \{ publish\(message, next\), execute/)
    expect(() =>
      bench()
        .app()
        .use({ execute: 1 } as never),
    ).toThrow(/app\.use/)
  })
})
