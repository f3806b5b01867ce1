// Mistakes that a task makes while it runs, and hostile words in what it is sent: on a worker of this process.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.js'
import { chain } from '../../src/canvas/chain.js'
import { silentLogger } from '../../src/log.js'
import { encodeMessage } from '../../src/runtime/envelope.js'
import type { TaskContext } from '../../src/runtime/context.js'
import type { Outgoing } from '../../src/runtime/plan.js'
import { until } from '../support/until.js'
import { answerTo } from './sentences.js'

type Untyped = any

let app: App
/** Runs this in a task and gives what it gave. */
let run: (
  body: (this: TaskContext, ...args: any[]) => unknown,
  args?: unknown[],
  call?: object,
) => Promise<any>

beforeAll(async () => {
  app = createApp('proj', { broker: 'memory://in-task' })
  app.task('proj.one', () => 1)
  app.task('proj.params', (x: number, y = 0) => [x, y], { params: ['x', 'y'] })
  let body: (this: TaskContext, ...args: any[]) => unknown
  app.task('proj.run', function (this: TaskContext, ...args: unknown[]) {
    return body.call(this, ...args)
  })
  run = async (next, args = [], call = {}) => {
    body = next
    return (await app.sendTask('proj.run', args, call)).get({ timeout: 20 })
  }
  await app.worker({ log: silentLogger, concurrency: 2 }).start()
})
afterAll(() => app.close())

describe('in a task', () => {
  it('a wait for a result is refused, because it may be a wait for oneself', async () => {
    const waiting = run(async () => (await app.sendTask('proj.one')).get({ timeout: 20 }))
    expect(await answerTo(() => waiting)).toBe(
      'InvalidUsage: get() inside a task (proj.run) can stop the worker for ever: it may wait for a task that needs ' +
        'its own slot. Chain the tasks instead, or pass { allowInTask: true } if you are sure.',
    )
  })

  it('a wait is refused for groups and pending results as well', async () => {
    const one = app.tasks.get('proj.one') as Untyped
    expect(await answerTo(() => run(() => one.delay().get()))).toMatch('InvalidUsage: get() inside a task')
    expect(await answerTo(() => run(() => chain(one.s(), one.si()).delay().get()))).toMatch(
      'get() inside a task',
    )
  })

  it('a wait that its author is sure of is allowed', async () => {
    const waiting = run(async () => (await app.sendTask('proj.one')).get({ timeout: 5, allowInTask: true }))
    expect(await waiting).toBe(1)
  })

  it.each<[string, object, string]>([
    [
      'Progress',
      {},
      'expected a type such as "task-progress" (lower case, a group and a subject), got "Progress".',
    ],
    [
      'worker-elect',
      {},
      '"worker-elect": events of the group worker are the worker\'s own, and steer Python workers. Use "task-elect".',
    ],
    ['task-succeeded', {}, '"task-succeeded" is sent by the worker. Use another type.'],
    ['task-progress', 5 as never, 'expected the fields of task-progress as an object, got 5.'],
    [
      'task-progress',
      { uuid: 'x' },
      'the field "uuid" of task-progress has a meaning of its own in every event. Use another name.',
    ],
    [
      'task-progress',
      { state: 'x' },
      'the field "state" of task-progress has a meaning of its own in the records of monitors. Use another name.',
    ],
  ])('sendEvent(%j, %j) is refused', async (type, fields, sentence) => {
    const using = run(function () {
      return this.sendEvent(type, fields as Record<string, unknown>)
    })
    expect(await answerTo(() => using)).toBe(`InvalidUsage: this.sendEvent: ${sentence}`)
  })

  it.each<[object, string]>([
    [{ countdown: '5' }, 'this.retry: expected countdown to be seconds, 0 or more, got "5".'],
    [{ countdown: -1 }, 'this.retry: expected countdown to be seconds, 0 or more, got -1.'],
    [{ eta: '2030-01-01' }, 'this.retry: expected eta to be a valid Date, got "2030-01-01".'],
    [
      { expires: new Date(Number.NaN) },
      'this.retry: expected expires to be seconds or a valid Date, got Invalid Date.',
    ],
    [
      { maxRetries: 1.5 },
      'this.retry: expected maxRetries to be a whole number, or null (without limit), got 1.5.',
    ],
    [{ args: 'x' }, 'this.retry: expected args to be a list, got "x".'],
    [{ kwargs: [1] }, 'this.retry: expected kwargs to be an object, got [1].'],
    [{ headers: 'x' }, 'this.retry: expected headers to be an object, got "x".'],
    [{ queue: 5 }, 'this.retry: expected queue to be the name of a queue, got 5.'],
    [
      { priority: 10 },
      'this.retry: expected priority to be a whole number from 0 (most urgent) to 9, got 10.',
    ],
    [{ timeLimit: 0 }, 'this.retry: expected timeLimit to be seconds, more than 0, got 0.'],
    [
      { countdwn: 1 },
      'this.retry: unknown option countdwn. Did you mean countdown? It has error, countdown, eta, maxRetries, args, ' +
        'kwargs, queue, priority, expires, timeLimit, softTimeLimit, headers.',
    ],
    [new Error('x'), 'this.retry: expected an object such as { error, countdown: 5 }, got {}.'],
  ])('a retry with %j is a failure that says why', async (options, sentence) => {
    const retrying = run(function () {
      throw this.retry(options)
    })
    expect(await answerTo(() => retrying)).toBe(`InvalidUsage: ${sentence}`)
  })

  it('a state that only an end may give is refused', async () => {
    const claiming = run(function () {
      return this.updateState('SUCCESS')
    })
    expect(await answerTo(() => claiming)).toBe(
      'InvalidUsage: updateState: expected a state of your own such as "PROGRESS", got "SUCCESS"; a task ends by ' +
        'returning or throwing.',
    )
  })

  it('a result that cannot travel is a failure that names the place', async () => {
    expect(await answerTo(() => run(() => ({ rows: [() => 1] })))).toBe(
      'EncodeError: the result.rows[0] of proj.run is a function (anonymous); code cannot travel. Send the data it ' +
        'works on.',
    )
  })

  it('whatever is thrown becomes an error that can be read', async () => {
    for (const [thrown, said] of [
      ['no', 'no'],
      [undefined, 'None'],
      [{ code: 7 }, "{'code': 7}"],
    ] as const)
      expect(
        await answerTo(() =>
          run(() => {
            throw thrown
          }),
        ),
      ).toBe(`Exception: ${said}`)
  })
})

describe('a call from elsewhere', () => {
  it.each<[unknown[], Record<string, unknown>, string]>([
    [[1, 2, 3], {}, 'InvalidTaskError: proj.params() takes 2 arguments (x, y), got 3'],
    [[1], { z: 1 }, 'InvalidTaskError: proj.params() has no parameter "z"; its params are: x, y'],
    [[1], { x: 1 }, 'InvalidTaskError: proj.params() got two values for its parameter "x"'],
  ])('with arguments %j and %j is a failure that says why', async (args, kwargs, sentence) => {
    const raw = messageOf({ task: 'proj.params', id: `params-${sentence.length}`, args, kwargs })
    await lay(raw)
    expect(await answerTo(() => app.result(`params-${sentence.length}`).get({ timeout: 20 }))).toBe(sentence)
  })

  it('binds arguments by their names, and gives them as one object where no names are known', async () => {
    await lay(messageOf({ task: 'proj.params', id: 'named', args: [], kwargs: { y: 2, x: 1 } }))
    expect(await app.result('named').get({ timeout: 20 })).toEqual([1, 2])
    expect(await run((...args) => args, [1], { kwargs: { y: 2 } })).toEqual([1, { y: 2 }])
  })
})

const plain: Omit<Outgoing, 'task' | 'id'> = {
  args: [],
  kwargs: {},
  embed: { callbacks: null, errbacks: null, chain: null, chord: null },
  rootId: 'root',
  parentId: null,
}

const messageOf = (message: Partial<Outgoing> & Pick<Outgoing, 'task' | 'id'>): string =>
  encodeMessage({ ...plain, ...message }, { exchange: '', routingKey: 'celery', priority: 0 }, Date.now())

/** Puts a message into the queue as it is. */
const lay = async (raw: string): Promise<void> =>
  (await app.broker()).publish({ pushes: [{ queue: 'celery', priority: 0, raw }], chords: [] })

describe('a prototype', () => {
  /** Python would send this; an object literal of ours cannot even say it. */
  const hostile = JSON.parse(
    '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 2}}, "prototype": {"polluted": 3}}',
  ) as Readonly<Record<string, unknown>>

  const isClean = (): boolean =>
    [{}, [], () => 1, Object, Array.prototype].every((value) => (value as Untyped).polluted === undefined)

  it('is not reached by arguments, and they come as they were sent', async () => {
    const seen = await run(
      (value, kwargs) => [Object.keys(value), JSON.stringify(value), JSON.stringify(kwargs)],
      [hostile],
      { kwargs: hostile },
    )
    const text = JSON.stringify(hostile)
    expect(seen).toEqual([['__proto__', 'constructor', 'prototype'], text, text])
    expect(isClean()).toBe(true)
  })

  it('is not reached by headers or unknown options, which travel on as they were', async () => {
    const raw = JSON.parse(messageOf({ task: 'proj.run', id: 'hostile' })) as Untyped
    raw.headers = { ...raw.headers, ...hostile }
    raw.properties = { ...raw.properties, ...hostile }
    let seen: string[] = []
    await run(function () {
      seen = [JSON.stringify(this.request.headers), JSON.stringify(this.request.properties)]
    })
    await lay(JSON.stringify(raw))
    await app.result('hostile').get({ timeout: 20 })
    expect(seen[0]).toBe(JSON.stringify(hostile))
    expect(seen[1]).toContain('"__proto__":{"polluted":1}')
    expect(isClean()).toBe(true)
  })

  it('is not reached by options and arguments of what follows', async () => {
    const signature = {
      task: 'proj.run',
      args: [hostile],
      kwargs: hostile,
      options: { ...hostile, task_id: 'followed' },
      subtask_type: null,
      immutable: true,
    }
    await run((...args) => args.length)
    const raw = messageOf({
      task: 'proj.one',
      id: 'first',
      embed: { ...plain.embed, callbacks: [signature], other: hostile },
    })
    await lay(raw)
    expect(await app.result('followed').get({ timeout: 20 })).toBe(2)
    expect(isClean()).toBe(true)
  })

  it('is not reached by a result', async () => {
    const result = await run((value) => value, [hostile])
    expect(JSON.stringify(result)).toBe(JSON.stringify(hostile))
    expect(Object.getPrototypeOf(result)).toBe(Object.prototype)
    expect(isClean()).toBe(true)
  })

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
    'is no task: %s is not registered, alone and in a chain',
    async (task) => {
      await lay(messageOf({ task, id: `named-${task}` }))
      expect(await answerTo(() => app.result(`named-${task}`).get({ timeout: 20 }))).toMatch(
        'NotRegistered: ',
      )
      const next = {
        task,
        args: [],
        kwargs: {},
        options: { task_id: `next-${task}` },
        subtask_type: null,
        immutable: true,
      }
      await lay(
        messageOf({ task: 'proj.one', id: `before-${task}`, embed: { ...plain.embed, chain: [next] } }),
      )
      expect(await answerTo(() => app.result(`next-${task}`).get({ timeout: 20 }))).toMatch('NotRegistered: ')
    },
  )
})

describe('an errback that wants all three', () => {
  it.each<[string, unknown, string]>([
    ['no header of ours', undefined, 'its error is not stored'],
    ['a header that is none of ours', 'x', 'its error is not stored'],
    ['a header of null', null, 'its error is not stored'],
    ['a header with half of it', { id: 'failed', exc_type: 7, traceback: 7 }, ''],
    [
      'a whole header',
      { id: 'failed', exc_type: 'KeyError', exc_message: ['k'], exc_module: 'builtins' },
      'k',
    ],
  ])('is called with %s', async (name, header, said) => {
    const seen: unknown[][] = []
    const task = `proj.errback.${name}`
    app.task(task, (...all: unknown[]) => void seen.push(all), { errback: 'full' })
    const raw = messageOf({
      task,
      id: `errback-${name}`,
      args: ['failed', 'own'],
      ...(header !== undefined && { headers: { lovage_error: header } }),
    })
    await lay(raw)
    const [request, error, traceback, own] = await until(() => seen[0])
    expect(request).toEqual({ id: 'failed', task: null })
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toContain(said)
    expect([traceback, own]).toEqual([null, 'own'])
  })
})
