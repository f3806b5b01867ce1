// Results as Celery's worker stored them, and what ours stores after the same call: the same text, but for
// ids, times, stacks and the two or three things that are better said here (`ours`).
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp, type App } from '../../src/app.js'
import { group } from '../../src/canvas/group.js'
import { signature } from '../../src/canvas/signature.js'
import { Ignore } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import type { TaskContext } from '../../src/runtime/context.js'
import { parseIso } from '../../src/runtime/dates.js'
import { Decimal, Uuid } from '../../src/runtime/json.js'
import { isReady, readMeta } from '../../src/runtime/meta.js'
import type { Worker } from '../../src/runtime/worker/worker.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { plainMessage } from '../vectors/plainly.js'
import { casesOf, caseOf } from '../vectors/read.js'
import { claims } from '../vectors/results.claims.js'

type Case = (typeof claims.results)[number]

const server = await startRedis({ own: true })

// ---------------------------------------------------------------------------------------------------
// The tasks of the captured run

class ValueError extends Error {
  override name = 'ValueError'
  readonly args: readonly unknown[]
  constructor(...args: unknown[]) {
    super(String(args[0]))
    this.args = args
  }
}
class KeyError extends ValueError {
  override name = 'KeyError'
}
class CustomError extends ValueError {
  static excModule = 'proj'
  override name = 'CustomError'
}

const tasksOf = (app: App) => {
  const add = app.task('proj.add', (x: number, y = 0) => x + y)
  return {
    add,
    fail: app.task('proj.fail', (..._any: unknown[]): void => {
      throw new ValueError('boom', 42)
    }),
    failCustom: app.task('proj.fail_custom', (_any: number): void => {
      throw new CustomError('custom', { k: Object })
    }),
    flaky: app.task('proj.flaky', function (this: TaskContext, ..._any: unknown[]): void {
      throw this.retry({ error: new KeyError('nope'), countdown: 30, queue: 'held' })
    }),
    flakyPlain: app.task('proj.flaky_plain', function (this: TaskContext, _any: number): void {
      throw this.retry({ countdown: 30, queue: 'held' })
    }),
    flakyMax: app.task(
      'proj.flaky_max',
      function (this: TaskContext, _any: number): void {
        throw this.retry({ countdown: 1 })
      },
      { maxRetries: 0 },
    ),
    progress: app.task('proj.progress', async function (this: TaskContext, done: number): Promise<void> {
      await this.updateState('PROGRESS', { done, total: 10 })
      throw new Ignore()
    }),
    ignored: app.task('proj.ignored', (): void => {
      throw new Ignore()
    }),
    retset: app.task('proj.retset', () => [1, () => 2]),
    spawner: app.task('proj.spawner', async () => {
      await add.applyAsync([1, 2], { queue: 'held' })
      await group(add.s(1, 1), add.s(2, 2)).applyAsync([], { queue: 'held' })
      return 'spawned'
    }),
    ident: app.task('proj.ident', (...args: unknown[]) => [args, {}]),
    reqinfo: app.task('proj.reqinfo', function (this: TaskContext, _any: number) {
      const { request } = this
      return {
        id: request.id,
        root_id: request.rootId,
        parent_id: request.parentId,
        group: request.groupId,
        group_index: request.groupIndex,
        headers: request.headers,
        delivery_info: {
          exchange: request.deliveryInfo.exchange,
          routing_key: request.deliveryInfo.routingKey,
          priority: request.deliveryInfo.priority,
          redelivered: request.deliveryInfo.redelivered,
        },
        replaced_task_nesting: request.replacedTaskNesting,
        eta: request.eta,
        expires: request.expires,
        timelimit: [request.timeLimit, request.softTimeLimit],
        ignore_result: request.ignoreResult,
        origin: request.origin,
        reply_to: request.replyTo,
        correlation_id: request.correlationId,
      }
    }),
    sleepy: app.task('proj.sleepy', async (_seconds: number) => {
      await new Promise<void>((resolve) => {
        endSleep = resolve
      })
      return 'slept'
    }),
    softly: app.task(
      'proj.softly',
      async function (this: TaskContext) {
        await new Promise((_, reject) =>
          this.signal.addEventListener('abort', () => reject(this.signal.reason), { once: true }),
        )
      },
      { softTimeLimit: 0.05 },
    ),
    hardly: app.task('proj.hardly', () => new Promise<void>(() => undefined), { timeLimit: 1 }),
  }
}

let endSleep = (): void => undefined

// ---------------------------------------------------------------------------------------------------
// Two workers, as there were: one with `result_extended` and `task_track_started`

interface Place {
  readonly app: App
  readonly tasks: ReturnType<typeof tasksOf>
  readonly client: Redis
  /** Every announcement on the channel of a result: channel and text. */
  readonly heard: { readonly channel: string; readonly text: string }[]
  readonly worker: Worker
}

const places: Place[] = []

const open = async (database: number, settings: object): Promise<Place> => {
  const app = createApp('proj', { broker: server.database(database), ...settings })
  const worker = app.worker({ pool: 'solo', hostname: 'worker1@vm', log: silentLogger })
  const client = new Redis(server.database(database))
  const listener = new Redis(server.database(database))
  const heard: Place['heard'] = []
  listener.on('pmessage', (_pattern, channel, text) => heard.push({ channel, text }))
  await listener.psubscribe('celery-task-meta-*')
  const place = { app, tasks: tasksOf(app), client, heard, worker: await worker.start() }
  places.push(place)
  afterAll(async () => {
    await app.close()
    client.disconnect()
    listener.disconnect()
  })
  return place
}

let plain: Place
let extended: Place
beforeAll(async () => {
  plain = await open(0, {})
  extended = await open(1, { resultExtended: true, taskTrackStarted: true })
})
afterAll(() => server.stop())

// ---------------------------------------------------------------------------------------------------
// Texts that can be compared

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g

/** Ids become numbers in the order in which they come. */
const numbered = (text: string): string => {
  const seen: string[] = []
  return text.replace(uuid, (id) => {
    if (!seen.includes(id)) seen.push(id)
    return `<${seen.indexOf(id) + 1}>`
  })
}

const shaped = (key: string, value: unknown): unknown => {
  if (key === 'date_done' && typeof value === 'string' && parseIso(value)?.offset === 0) return '<when>'
  if (key === 'pid' && Number.isInteger(value)) return '<pid>'
  if (key === 'origin' && /^gen\d+@\S+$/.test(String(value))) return '<origin>'
  if (key === '__value__' && parseIso(String(value))?.offset === 0) return Date.parse(String(value))
  return value
}

interface Stored {
  readonly status: string
  readonly traceback: string | null
  readonly [name: string]: unknown
}

const plainMeta = (text: string): Stored => JSON.parse(numbered(text), shaped) as Stored

/** Stacks differ from language to language, and Celery leaves some out. */
const withoutStack = (meta: Stored): object => ({ ...meta, traceback: undefined })

const keysOf = (name: string, type: string) =>
  caseOf('results', name).redis!.filter((key) => key.type === type)

const theirMetas = (name: string): readonly string[] =>
  keysOf(name, 'string').map(({ value }) => value as string)

const theirMessages = (name: string) =>
  keysOf(name, 'list').flatMap(({ value }) => [...(value as string[])].reverse().map(plainMessage))

const metaKey = (id: string): string => `celery-task-meta-${id}`

/** The stored text, once the task is as far as the captured one was. */
const storedText = ({ client }: Place, id: string, status: string): Promise<string> =>
  until(async () => {
    const text = await client.get(metaKey(id))
    return text !== null && readMeta(text).state === status ? text : undefined
  })

// ---------------------------------------------------------------------------------------------------
// The calls

interface Call {
  readonly at?: 'extended'
  readonly send: (words: Place['tasks'] & { readonly app: App }) => PromiseLike<any>
  /** Where our text says something else, and why. */
  readonly ours?: object
}

/** The first REVOKED says `revoked`, the end of the run `terminated`. */
const isTerminated = async (app: App): Promise<boolean> =>
  /terminated/.test(String(await app.result('term-1').get({ propagate: false })))

const calls: Record<Case, Call> = {
  success: { send: ({ add }) => add.delay(2, 3) },
  failure: { send: ({ fail }) => fail.delay(1) },
  'failure-custom-exception': {
    send: ({ failCustom }) => failCustom.delay(1),
    // What does not travel is shown in either language's own way.
    ours: {
      result: {
        exc_type: 'CustomError',
        exc_message: ['custom', "{'k': <function Object>}"],
        exc_module: 'proj',
      },
    },
  },
  retry: {
    send: ({ flaky, add }) =>
      flaky.applyAsync([7], {
        kwargs: { k: 1 },
        link: add.s(1),
        linkError: signature('proj.errback_old'),
        expires: 3600,
        priority: 3,
        shadow: 'nice',
        headers: { 'x-trace': 'abc' },
        timeLimit: 60,
      }),
  },
  'retry-of-ignore-result': { send: ({ flakyPlain }) => flakyPlain.applyAsync([7], { ignoreResult: true }) },
  'retry-without-exception': { send: ({ flakyPlain }) => flakyPlain.delay(7) },
  'retries-exceeded': { send: ({ flakyMax }) => flakyMax.delay(7) },
  'custom-state': { send: ({ progress }) => progress.delay(3) },
  'expired-revoked': {
    send: ({ add }) => add.applyAsync([1, 2], { expires: new Date('2020-01-01T00:00:00Z') }),
  },
  'revoked-before-start': {
    send: async ({ app, add }) => {
      await app.control.revoke('rev-1')
      const result = await add.applyAsync([1, 2], { taskId: 'rev-1' })
      // The word of the one who revoked it is there at once, that of the worker follows.
      await (await add.delay(0, 0)).get({ timeout: 10 })
      return result
    },
  },
  'revoked-terminated': {
    send: async ({ app, sleepy }) => {
      const result = await sleepy.applyAsync([20], { taskId: 'term-1' })
      const inspect = app.control.inspect({ limit: 1 })
      await until(async () => Object.values(await inspect.active()).flat().length === 1)
      await app.control.terminate('term-1')
      await until(async () => isTerminated(app))
      return result
    },
  },
  'ignore-raised': { send: ({ ignored }) => ignored.delay() },
  'ignore-result-option': { send: ({ add }) => add.applyAsync([1, 2], { ignoreResult: true }) },
  'ignore-result-failure': { send: ({ fail }) => fail.applyAsync([1, 2], { ignoreResult: true }) },
  'unregistered-task': { send: ({ app }) => app.sendTask('node.unknown', [1]) },
  'return-not-serializable': {
    send: ({ retset }) => retset.delay(),
    ours: {
      result: {
        exc_type: 'EncodeError',
        exc_message: [
          'the result[1] of proj.retset is a function (anonymous); code cannot travel. Send the data it works on.',
        ],
        exc_module: 'kombu.exceptions',
      },
    },
  },
  children: { send: ({ spawner }) => spawner.delay() },
  'types-in-result': {
    send: ({ ident }) =>
      ident.delay(
        new Date('2026-01-02T03:04:05Z'),
        new Decimal('1.5'),
        new Uuid('00000000-0000-0000-0000-000000000005'),
        Buffer.from([255]),
      ),
  },
  'group-member': { send: ({ add }) => group(add.s(1, 1), add.s(2, 2)).delay() },
  'reply-task-request': {
    send: ({ reqinfo }) => reqinfo.applyAsync([1], { headers: { 'x-trace': 'abc' }, priority: 3 }),
  },
  started: { at: 'extended', send: ({ sleepy }) => sleepy.delay(2) },
  'extended-success': {
    at: 'extended',
    send: ({ add }) => add.applyAsync([2, 3], { headers: { 'x-trace': 'abc' } }),
  },
  'extended-stamped-success': {
    at: 'extended',
    send: ({ add }) =>
      add
        .s(2, 3)
        .set({ stampedHeaders: ['customer'], stamps: { customer: 'acme' } })
        .delay(),
  },
  'extended-failure': { at: 'extended', send: ({ fail }) => fail.applyAsync([2, 3], { kwargs: { k: 'v' } }) },
  'soft-time-limit': { send: ({ softly }) => softly.delay() },
  'hard-time-limit': { send: ({ hardly }) => hardly.delay() },
}

const placeOf = ({ at }: Call): Place => (at === 'extended' ? extended : plain)

const make = async (name: Case) => {
  const place = placeOf(calls[name])
  place.heard.length = 0
  await place.client.del('held', 'held\x06\x163')
  const result = await calls[name].send({ ...place.tasks, app: place.app })
  return {
    place,
    id: result.id as string,
    results: (result.results ?? [result]) as { readonly id: string }[],
  }
}

/** Tasks run one at a time, so when a later one has ended this one has. */
const settled = async ({ tasks }: Place): Promise<unknown> =>
  (await tasks.add.delay(0, 0)).get({ timeout: 10 })

describe('what our worker stores', () => {
  const storing = claims.results.filter((name) => theirMetas(name).length > 0)

  it.each(storing)('is what Celery’s stores: %s', async (name) => {
    const { place, results } = await make(name)
    const theirs = theirMetas(name)
    expect(results).toHaveLength(theirs.length)
    for (const [index, text] of theirs.entries()) {
      const expected = plainMeta(text)
      const own = await storedText(place, results[index]!.id, expected.status)
      const { result, ...rest } = withoutStack(expected) as { result: unknown }
      expect(withoutStack(plainMeta(own))).toEqual({
        result: sameWords(name, result),
        ...rest,
        ...calls[name].ours,
      })
      expect(own.startsWith(`{"status": "${expected.status}", "result": `)).toBe(true)
      expect(await place.client.ttl(metaKey(results[index]!.id))).toBeGreaterThan(86_390)
    }
    endSleep()
  })

  /** Celery's request shows its canvas as well; ours is not asked for it. */
  const sameWords = (name: Case, result: unknown): unknown => {
    if (name !== 'reply-task-request') return result
    const {
      chain: _a,
      chord: _b,
      callbacks: _c,
      errbacks: _d,
      ...request
    } = result as Record<string, unknown>
    return request
  }

  it.each(claims.results.filter((name) => theirMetas(name).length === 0))('is nothing: %s', async (name) => {
    const { place, id } = await make(name)
    await settled(place)
    expect(await place.client.exists(metaKey(id))).toBe(0)
    expect(place.heard.filter(({ channel }) => channel === metaKey(id))).toEqual([])
  })

  it('is announced word for word under the name of its key', async () => {
    const { place, id } = await make('success')
    const text = await storedText(place, id, 'SUCCESS')
    await until(() => place.heard.length > 0)
    expect(place.heard).toEqual([{ channel: metaKey(id), text }])
  })

  it('is announced at each step, as Celery does it', async () => {
    const theirs = caseOf('results', 'extended-success').published!.map(({ message }) => plainMeta(message))
    const { place, id } = await make('extended-success')
    await storedText(place, id, 'SUCCESS')
    await until(() => place.heard.length === theirs.length)
    expect(place.heard.map(({ text }) => plainMeta(text))).toEqual(theirs)
  })

  it('has a stack where there was an error, and none where there was none', async () => {
    const { place, id } = await make('failure')
    expect(plainMeta(await storedText(place, id, 'FAILURE')).traceback).toMatch(
      /^ValueError: boom\n.*results\.test/,
    )
    const success = await make('success')
    expect(plainMeta(await storedText(place, success.id, 'SUCCESS')).traceback).toBeNull()
  })
})

describe('a retry', () => {
  it.each(['retry', 'retry-of-ignore-result', 'retry-without-exception'] as const)(
    'is the message that Celery sends: %s',
    async (name) => {
      const { place } = await make(name)
      const [list] = keysOf(name, 'list')
      const raw = await until(() => place.client.lindex(list!.key, -1))
      const [theirs] = theirMessages(name) as [Record<'headers' | 'properties', Record<string, unknown>>]
      const { origin: _, ...properties } = theirs.properties
      const { eta, expires } = JSON.parse(raw).headers
      const inTime = (text: string, seconds: number): boolean =>
        Math.abs(Date.parse(text) - Date.now() - seconds * 1000) < 5000
      expect(inTime(eta, 30)).toBe(true)
      expect(plainMessage(raw)).toEqual({
        ...theirs,
        headers: {
          ...theirs.headers,
          eta: Date.parse(eta),
          expires: expires === null ? null : Date.parse(expires),
          // Celery forgets that nobody wants the result.
          ignore_result: name === 'retry-of-ignore-result',
        },
        properties: {
          ...properties,
          ...(expires !== null && { expiration: expect.stringMatching(/^35\d{5}$/) }),
        },
      })
    },
  )
})

describe('what a task sends', () => {
  it('is the same messages, as children of the task: children', async () => {
    const { place, id } = await make('children')
    await storedText(place, id, 'SUCCESS')
    const raws = (await place.client.lrange('held', 0, -1)).reverse()
    const familiar = (raw: string): object => {
      const { headers, body } = plainMessage(raw) as { headers: Record<string, unknown>; body: unknown }
      const { task, group_index, argsrepr } = headers
      return { task, group_index, argsrepr, body }
    }
    const theirs = [...(keysOf('children', 'list')[0]!.value as string[])].reverse()
    expect(raws.map(familiar)).toEqual(theirs.map(familiar))
    for (const raw of raws) expect(JSON.parse(raw).headers).toMatchObject({ root_id: id, parent_id: id })
  })
})

// ---------------------------------------------------------------------------------------------------
// Celery's texts, read

describe('what Celery’s worker stored', () => {
  const texts = casesOf('results').flatMap(({ name }) =>
    theirMetas(name).map((text) => [name, text] as const),
  )

  it.each(texts)('is read to the last field: %s', (_name, text) => {
    const fields = JSON.parse(text)
    const meta = readMeta(text)
    expect(meta).toMatchObject({
      taskId: fields.task_id,
      state: fields.status,
      traceback: fields.traceback,
      children: fields.children,
      dateDone: fields.date_done,
      groupId: fields.group_id ?? null,
      parentId: null,
    })
    expect(Object.keys(meta.fields)).toEqual(Object.keys(fields))
  })

  it.each(texts)('gives its value, its error or its state to whoever asks: %s', async (name, text) => {
    const { task_id, status, result } = JSON.parse(text)
    await plain.client.set(metaKey(task_id), text)
    const handle = plain.app.result(task_id)
    expect(await handle.state()).toBe(status)
    expect(await handle.traceback()).toBe(JSON.parse(text).traceback)
    if (status === 'SUCCESS' && name !== 'types-in-result') expect(await handle.get()).toEqual(result)
    if (status === 'FAILURE' || status === 'REVOKED')
      await expect(handle.get()).rejects.toMatchObject({ name: result.exc_type })
    if (!isReady(status)) await expect(handle.get({ timeout: 0.05 })).rejects.toThrow('No result of')
  })

  it('keeps the types of its values: types-in-result', async () => {
    const [text] = theirMetas('types-in-result') as [string]
    await plain.client.set(metaKey('typed'), text)
    expect(await plain.app.result('typed').get()).toEqual([
      [
        new Date('2026-01-02T03:04:05Z'),
        new Decimal('1.5'),
        new Uuid('00000000-0000-0000-0000-000000000005'),
        Buffer.from([255]),
      ],
      {},
    ])
  })

  it('names the task and the group that it sent: children', async () => {
    const [text] = theirMetas('children') as [string]
    await plain.client.set(metaKey('parent'), text)
    expect(await plain.app.result('parent').children()).toMatchObject([
      { id: '8337b18f-d996-4244-bce8-136b7911821b' },
      {
        results: [
          { id: 'ba872303-1521-423b-9308-d98cda8f775b' },
          { id: 'c655b0cc-c42c-4452-8216-207edbafdcbf' },
        ],
      },
    ])
  })
})

describe('the binding of a queue', () => {
  it('is written with the first message to it, as Celery does it: calls:plain-and-bindings', async () => {
    const app = createApp('proj', { broker: server.database(2) })
    const client = new Redis(server.database(2))
    await app.sendTask('proj.add', [2, 2])
    const [binding, list] = caseOf('calls', 'plain-and-bindings').redis!
    expect(await client.smembers(binding!.key)).toEqual(binding!.value)
    expect((await client.lrange(list!.key, 0, -1)).map(plainMessage).map(({ body }) => body)).toEqual(
      (list!.value as string[]).map(plainMessage).map(({ body }) => body),
    )
    await app.close()
    client.disconnect()
  })
})
