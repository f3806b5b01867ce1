// Mistakes in a program, each answered with one sentence: what was expected, what came, what to do.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type App, createApp } from '../../src/app.js'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { signature } from '../../src/canvas/signature.js'
import { recorder } from '../vectors/recorder.js'
import { answerTo } from './sentences.js'

/** As JavaScript sees it: without types that would have said it before. */
type Untyped = any

const create = createApp as Untyped

beforeEach(() => {
  vi.stubEnv('LOVAGE_BROKER_URL', undefined)
  vi.stubEnv('CELERY_BROKER_URL', undefined)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const sending =
  (broker: string, more: object = {}) =>
  () =>
    create('proj', { broker, ...more }).sendTask('a')

describe('an app', () => {
  const noBroker =
    'ImproperlyConfigured: App "proj" has no broker. Give it one: createApp(\'proj\', { broker: ' +
    "'redis://localhost:6379/0' }), or { broker: 'memory://' } for one process without a server, or set " +
    'LOVAGE_BROKER_URL.'

  it.each<[string, () => unknown, string]>([
    [
      'no name',
      () => create(),
      'ImproperlyConfigured: createApp: expected a name for the app, got undefined.',
    ],
    [
      'settings that are no object',
      () => create('proj', 'redis://localhost'),
      "ImproperlyConfigured: Settings: expected an object such as { broker: 'redis://localhost:6379/0' }, got " +
        '"redis://localhost".',
    ],
    [
      'an unknown setting',
      () => create('proj', { brokr: 'redis://' }),
      'ImproperlyConfigured: Unknown setting "brokr". Did you mean broker?',
    ],
    [
      'a setting of a wrong type',
      () => create('proj', { taskAcksLate: 'yes' }),
      'ImproperlyConfigured: taskAcksLate: expected true or false, got "yes"',
    ],
    [
      'a broker that is no URL',
      () => create('proj', { broker: 6379 }),
      'ImproperlyConfigured: brokerUrl: expected a text that is not empty, got something else',
    ],
    [
      'an unknown URL scheme, whose password is not shown',
      sending('amqp://guest:secret@localhost//'),
      'ImproperlyConfigured: Unknown URL "amqp://guest:**@localhost//": expected redis://, rediss://, redis+socket://, ' +
        'sentinel://, rediss+sentinel:// or memory://.',
    ],
    [
      'a URL without a scheme',
      sending('localhost:6379'),
      'ImproperlyConfigured: Unknown URL "localhost:6379": expected redis://, rediss://, redis+socket://, sentinel://, rediss+sentinel:// or memory://.',
    ],
    [
      'a database that is no number',
      sending('redis://localhost/main'),
      'ImproperlyConfigured: broker "redis://localhost/main": the database must be a number, not "main". Expected ' +
        'redis://[user:password@]host[:port][/database], rediss://…, redis+socket:///path[?virtual_host=database] or ' +
        'sentinel://[user:password@]host[:port],host…[/database]?master=name (with TLS rediss+sentinel://…).',
    ],
    [
      'messages in memory and results in Redis',
      sending('memory://', { backend: 'redis://localhost' }),
      'ImproperlyConfigured: Broker and results must both be in memory or both in Redis: a task and its result are ' +
        'written in one step.',
    ],
    ['no broker, when it sends', () => create('proj').sendTask('a'), noBroker],
    ['no broker, when its worker starts', () => create('proj').worker().start(), noBroker],
    ['no broker, when somebody waits', () => create('proj').result('a').get(), noBroker],
    [
      'words for its settings after its first use',
      async () => {
        const app = create('proj', { broker: 'memory://late' })
        await app.broker()
        app.configure({ taskAcksLate: false })
      },
      'InvalidUsage: configure() comes too late: this app is connected. Configure it before its first use.',
    ],
    [
      'no id to look for',
      () => create('proj').result(),
      'InvalidUsage: app.result: expected the id of a task, got undefined.',
    ],
    [
      'an error to rebuild that is no class',
      () => create('proj').errors('ValueError'),
      'InvalidUsage: app.errors: expected classes of errors that have a name, got string.',
    ],
  ])('with %s', async (_, mistake, sentence) => {
    expect(await answerTo(mistake)).toBe(sentence)
  })

  it('takes the broker of the environment where none is given', async () => {
    vi.stubEnv('LOVAGE_BROKER_URL', 'memory://environment')
    expect((await create('proj').broker()).url).toBe('memory://environment')
  })
})

describe('a task', () => {
  let app: Untyped
  beforeEach(() => {
    app = create('proj', { broker: 'memory://tasks' })
    app.task('proj.add', (x: number, y: number) => x + y)
  })

  const option = (options: object) => app.task('proj.other', () => 1, options)

  it.each<[string, () => unknown, string]>([
    [
      'of a name that is taken',
      () => app.task('proj.add', () => 2),
      'AlreadyRegistered: There is a task named "proj.add" already. Names are addresses: give one of the two another ' +
        'name.',
    ],
    [
      'of a name that is declared for elsewhere',
      () => app.declare('proj.add'),
      'AlreadyRegistered: There is a task named "proj.add" already. Names are addresses: give one of the two another ' +
        'name.',
    ],
    [
      'without a name',
      () => app.task('', () => 1),
      'ImproperlyConfigured: A task needs a name such as "proj.add", got "".',
    ],
    [
      'without a function',
      () => app.task('proj.other'),
      'ImproperlyConfigured: app.task("proj.other", fn, options): expected a function as the second argument, got ' +
        'undefined. For a task that runs elsewhere: app.declare.',
    ],
    [
      'with options that are no object',
      () => app.task('proj.other', () => 1, 'io'),
      'ImproperlyConfigured: Options of task "proj.other": expected an object, got "io".',
    ],
    [
      'with an option of a wrong type',
      () => option({ priority: 12 }),
      'ImproperlyConfigured: Option priority of task "proj.other": expected a whole number from 0 (most urgent) to 9, ' +
        'got 12.',
    ],
    [
      'that is retried for what is no class',
      () => option({ autoretryFor: TypeError }),
      'ImproperlyConfigured: Option autoretryFor of task "proj.other": expected a list of error classes or names of ' +
        'errors, got the function TypeError.',
    ],
    [
      'in another form than JSON',
      () => option({ serializer: 'pickle' }),
      'ImproperlyConfigured: Option serializer of task "proj.other": expected "json", or "auth" (signed), got ' +
        '"pickle".',
    ],
    [
      'with two parameters of one name',
      () => option({ params: ['x', 'x'] }),
      'ImproperlyConfigured: Option params of task "proj.other": expected a list of names, each once, got ["x","x"].',
    ],
    [
      'with a rate that is none',
      () => option({ rateLimit: '10/d' }),
      'ImproperlyConfigured: Option rateLimit of task "proj.other": expected starts in a second, or "5/s", "10/m", ' +
        '"100/h" (0, null and "" are no limit), got "10/d".',
    ],
    [
      'with a hook that is none',
      () => option({ onReplace: 'later' }),
      'ImproperlyConfigured: Option onReplace of task "proj.other": expected a function, got "later".',
    ],
    [
      'that runs elsewhere, called here',
      () => app.declare('py.mul')(2, 3),
      'InvalidUsage: Task "py.mul" runs elsewhere: send it with py.mul.delay(…), it cannot be called here.',
    ],
  ])('%s', async (_, mistake, sentence) => {
    expect(await answerTo(mistake)).toBe(sentence)
  })

  it.each([{ que: 'io' }, { constructor: 1 }, { toString: 1 }, JSON.parse('{"__proto__": 1}')])(
    'with an option that there is not: %j',
    async (options) => {
      const [name] = Object.keys(options)
      expect(await answerTo(() => option(options))).toMatch(
        `ImproperlyConfigured: Unknown option ${name} of task "proj.other".` +
          `${name === 'que' ? ' Did you mean queue?' : ''} Expected one of: queue, exchange, routingKey, priority,`,
      )
    },
  )

  it('that was refused leaves its name free', async () => {
    await answerTo(() => option({ que: 'io' }))
    expect(await answerTo(() => option({ queue: 'io' }))).toBe('accepted')
  })
})

describe('a worker', () => {
  let app: Untyped
  beforeEach(() => {
    app = create('proj', { broker: 'memory://workers' })
  })

  it.each<[object | null, string]>([
    [null, 'Options of a worker: expected an object, got null.'],
    [
      { pool: 'forks' },
      'Pool "forks": expected prefork (child processes), threads, fiber (many tasks on the event loop) or solo (one at a time).',
    ],
    [{ concurrency: 1e9 }, 'concurrency: expected at most 1000000 for the pool fiber, got 1000000000.'],
    [
      { autoscale: { max: 1, min: 3 } },
      'Option autoscale of a worker: expected { max, min }, whole numbers with max of at least 1 and min from 0 to max, got {"max":1,"min":3}.',
    ],
    [
      { pool: 'solo', autoscale: { max: 3, min: 1 } },
      'autoscale: the pool solo runs one task at a time and cannot grow.',
    ],
    [{ concurrency: 0 }, 'Option concurrency of a worker: expected a whole number of at least 1, got 0.'],
    [
      { hostname: 'w1@h\nw2' },
      'Option hostname of a worker: expected a text of one line, without control characters, got "w1@h\\nw2".',
    ],
    [{ queues: 'celery' }, 'Option queues of a worker: expected a list of names, got "celery".'],
    [{ timeLimit: '10' }, 'Option timeLimit of a worker: expected seconds, 0 or more, got "10".'],
    [
      { queues: ['a'], excludeQueues: ['a'] },
      'A worker needs at least one queue, but all of a are excluded.',
    ],
    [
      { concurency: 4 },
      'Unknown option concurency of a worker. Did you mean concurrency? Expected one of: pool, concurrency, autoscale, ' +
        'module, moduleSettings, maxTasksPerChild, maxMemoryPerChild, queues, excludeQueues, hostname, prefetchMultiplier, disablePrefetch, timeLimit, softTimeLimit, taskEvents, heartbeat, log.',
    ],
    [{ heartbeat: 0 }, 'Option heartbeat of a worker: expected seconds, more than 0, or false, got 0.'],
  ])('with %j', async (options, sentence) => {
    expect(await answerTo(() => app.worker(options))).toBe(`ImproperlyConfigured: ${sentence}`)
  })

  it('that was started before', async () => {
    const worker = await app.worker().start()
    expect(await answerTo(() => worker.start())).toBe(
      'ImproperlyConfigured: This worker was started before. Make a new one: app.worker().',
    )
    await app.close()
  })
})

describe('a call', () => {
  let app: App
  let add: Untyped
  let named: Untyped
  let total: Untyped
  beforeEach(async () => {
    app = (await recorder(Date.now())).app
    add = app.task('proj.add', (x: number, y: number) => x + y)
    total = app.task('proj.sum', (list: number[]) => list.length)
    named = app.task('proj.named', (x: number, y: number, z = 0) => x + y + z, { params: ['x', 'y', 'z'] })
  })

  const advice =
    "Give it the rest, or say what is optional: by a default (y = 0), by params: ['x', 'y?'], or by typing: false."
  const all = 'takes 3 arguments (x, y, z)'
  const headerOf = (headers: object) => add.applyAsync([1, 2], { headers })

  it.each<[string, () => unknown, string]>([
    [
      'without its arguments',
      () => add.delay(1),
      `InvalidSignature: proj.add takes 2 arguments, but this signature gives it 1. ${advice}`,
    ],
    [
      'of a chain whose step lacks one',
      () => chain(add.s(1, 2), add.s(3), add.s()).delay(),
      `InvalidSignature: chain[2] (proj.add): takes 2 arguments, but this signature gives it 1. ${advice}`,
    ],
    [
      'of a canvas in a canvas',
      () => chain(add.s(1, 2), group(add.s(1), chord([add.s()], total.s()) as Untyped)).delay(),
      'InvalidSignature: chain[1].group[1].chord.header[0] (proj.add): takes 2 ' +
        `arguments, but this signature gives it 1. ${advice}`,
    ],
    [
      'without a parameter that has a name',
      () => named.applyAsync([1], { kwargs: { z: 3 } }),
      `InvalidSignature: proj.named ${all}, but this signature gives it no y. ${advice}`,
    ],
    [
      'with a parameter that there is not',
      () => named.applyAsync([1, 2], { kwargs: { w: 3 } }),
      `InvalidSignature: proj.named has no parameter "w": it ${all}.`,
    ],
    [
      'with a parameter given twice',
      () => named.applyAsync([1, 2], { kwargs: { y: 3 } }),
      'InvalidSignature: proj.named is given its parameter "y" twice: by place and by name.',
    ],
    [
      'with too many arguments',
      () => named.delay(1, 2, 3, 4),
      `InvalidSignature: proj.named ${all}, but this signature gives it 4.`,
    ],
    [
      'with an option that there is not',
      () => add.applyAsync([1, 2], { countdwn: 3 }),
      'InvalidSignature: A signature has no option "countdwn". Did you mean countdown?',
    ],
    [
      'with an option of a wrong type',
      () => add.applyAsync([1, 2], { countdown: '10' }),
      'InvalidSignature: The option countdown expects a number, but got "10".',
    ],
    [
      'at a time that is none',
      () => add.applyAsync([1, 2], { eta: 'tomorrow' }),
      'InvalidSignature: eta: expected a Date or an ISO 8601 text, got "tomorrow"',
    ],
    [
      'at a time that no calendar has',
      () => add.applyAsync([1, 2], { countdown: 1e13 }),
      'EncodeError: Expected a date between the years 1 and 9999 (Python has no other), got an invalid date.',
    ],
    [
      'with stamps that are no object',
      () => add.applyAsync([1, 2], { stamps: 'acme' }),
      'InvalidSignature: The option stamps expects an object, but got "acme".',
    ],
    [
      'with options that are no object',
      () => (app as Untyped).sendTask('proj.add', [1, 2], 10),
      'InvalidSignature: Options are expected to be an object, but got 10.',
    ],
    [
      'with options that are null',
      () => add.applyAsync([1, 2], null),
      'InvalidSignature: Options are expected to be an object, but got null.',
    ],
    [
      'with kwargs that are no object',
      () => add.applyAsync([1, 2], { kwargs: [3] }),
      'InvalidSignature: kwargs: expected an object, got an array of 1',
    ],
    [
      'with arguments that are no list',
      () => (app as Untyped).sendTask('proj.add', 1),
      'InvalidSignature: The args of proj.add are expected to be an array, but they are 1.',
    ],
    [
      'followed by a task itself',
      () => add.applyAsync([1, 2], { link: total }),
      'InvalidSignature: The option link expects signatures; what it got is the task proj.sum itself. Write ' +
        'sum.s(…), or sum.si(…) to take nothing from the left.',
    ],
    [
      'with a header that is one of the protocol',
      () => headerOf({ id: 'mine' }),
      'InvalidSignature: The header "id" has a meaning of its own in a message. Use another name, such as "x-id".',
    ],
    [
      'with a header that would replace a method of Python’s',
      () => headerOf({ update: 1 }),
      'InvalidSignature: The header "update" has a meaning of its own in a message. Use another name, such as ' +
        '"x-update".',
    ],
    [
      'of what is no signature',
      () => (app as Untyped).send(add),
      'InvalidSignature: What app.send() is given is the task proj.add itself. Write add.s(…), or add.si(…) to take ' +
        'nothing from the left.',
    ],
    [
      'with options in the place of the arguments',
      () => (app as Untyped).send(add.s(1, 2), { queue: 'io' }),
      'InvalidSignature: app.send() expects an array of arguments, but got an object.',
    ],
    [
      'in an unknown compression',
      () => add.applyAsync([1, 2], { compression: 'rar' }),
      'EncodeError: Unknown compression "rar": expected gzip or zlib',
    ],
  ])('%s', async (_, mistake, sentence) => {
    expect(await answerTo(mistake)).toBe(sentence)
  })

  it('that no worker would read', async () => {
    expect(await answerTo(() => app.sendTask('proj.any', ['x'.repeat(13 * 1024 * 1024)]))).toMatch(
      /^EncodeError: The message to proj.any has 181\d{5} bytes, and workers read at most 16777216. Store what is large/,
    )
  })

  it('whose arguments are its own business is not counted', async () => {
    const free = app.task('proj.free', (x: number, y: number) => x + y, { typing: false }) as Untyped
    expect(await answerTo(() => free.delay(1))).toBe('accepted')
  })

  const circle: Untyped = { name: 'circle', inner: [] }
  circle.inner.push(circle)
  const deep = Array.from({ length: 300 }).reduce((inner: unknown) => [inner], 1)

  it.each<[string, unknown, string]>([
    [
      'a function',
      { user: { onEnd: () => 1 } },
      'argument 2.user.onEnd of proj.any is a function (onEnd); code cannot travel. Send the data it works on.',
    ],
    [
      'a symbol',
      [Symbol('x')],
      'argument 2[0] of proj.any is a symbol (Symbol(x)), which means nothing in another process. Send a string.',
    ],
    [
      'a promise',
      { row: Promise.resolve(1) },
      'argument 2.row of proj.any is a Promise; await it first and send what it gives.',
    ],
    [
      'a promise around itself',
      { row: Promise.resolve(circle) },
      'argument 2.row of proj.any is a Promise; await it first and send what it gives.',
    ],
    [
      'an invalid date',
      [new Date(Number.NaN)],
      'argument 2[0] of proj.any is an invalid Date. Send null, or check the date before.',
    ],
    [
      'what only this process knows',
      new WeakMap(),
      'argument 2 of proj.any is a WeakMap, which only has a meaning in this process. Send plain data.',
    ],
    [
      'a number that Python would not read',
      10n ** 5000n,
      'argument 2 of proj.any has more than 4300 digits; Python refuses to read that.',
    ],
    [
      'what is too deep',
      deep,
      'argument 2[0][0][0][0][0][0][0][0]…[0][0][0] of proj.any is nested deeper than 256 levels (or circular); a Python worker would die of it.',
    ],
  ])('with %s names the place of it', async (_, value, sentence) => {
    expect(await answerTo(() => app.sendTask('proj.any', [1, value]))).toBe(`EncodeError: ${sentence}`)
  })

  it('names the place of it among named arguments, and in a later step', async () => {
    expect(await answerTo(() => app.sendTask('proj.any', [], { kwargs: { onEnd: () => 1 } }))).toBe(
      'EncodeError: argument onEnd of proj.any is a function (onEnd); code cannot travel. Send the data it works on.',
    )
    const canvas = chain(add.s(1, 2), signature('proj.any', { args: [{ at: [Symbol('x')] }] }))
    expect(await answerTo(() => app.send(canvas as Untyped))).toBe(
      'EncodeError: argument 1.at[0] of proj.any is a symbol (Symbol(x)), which means nothing in another process. ' +
        'Send a string.',
    )
  })
})

describe('a wait', () => {
  const result = () => create('proj', { broker: 'memory://waits' }).result('nobody')

  it.each<[unknown, string]>([
    [10, 'get: expected an object such as { timeout: 10 }, got 10.'],
    [{ timeout: '10' }, 'get: expected timeout as seconds, 0 or more, got "10".'],
    [{ timeout: -1 }, 'get: expected timeout as seconds, 0 or more, got -1.'],
    [
      { timout: 1 },
      'get: unknown option timout. Did you mean timeout? It has timeout, propagate, signal, allowInTask.',
    ],
  ])('with %j', async (options, sentence) => {
    expect(await answerTo(() => result().get(options))).toBe(`InvalidUsage: ${sentence}`)
  })

  it('that was too long for the caller tells where to look', async () => {
    expect(await answerTo(() => result().get({ timeout: 0.01 }))).toBe(
      'TimeoutError: No result of nobody within 0.01s. The task goes on; is a worker consuming its queue, and can the ' +
        'result store be reached?',
    )
  })

  it('of a month is no wait of a millisecond', async () => {
    const stop = new AbortController()
    const wait = answerTo(() => result().get({ timeout: 30 * 86_400, signal: stop.signal }))
    setTimeout(() => stop.abort(new Error('enough')), 50)
    expect(await wait).toBe('Error: enough')
  })
})
