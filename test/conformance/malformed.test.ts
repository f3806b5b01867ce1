// P8: every malformed message that was ever captured, each with a good task behind it. The worker lives, each
// message ends in a stored result or in the dead letters with its reason, and nothing stays behind.
import { gunzipSync } from 'node:zlib'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.js'
import { silentLogger } from '../../src/log.js'
import type { MemoryBroker } from '../../src/memory/broker.js'
import type { Broker } from '../../src/runtime/broker.js'
import type { DeadLetter } from '../../src/runtime/dead-letter.js'
import { type Meta, readMeta } from '../../src/runtime/meta.js'
import type { Worker } from '../../src/runtime/worker/worker.js'
import { leaks } from '../support/leaks.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { casesOf } from '../vectors/read.js'

/** What must become of a message. */
type End =
  /** It runs; its result. */
  | { readonly success: unknown }
  /** It is no task of ours, or too late: this is stored, as Celery stores it. */
  | { readonly stored: unknown; readonly state: string }
  /** To the dead letters with this reason; who waits for its id, where it has one, gets the FAILURE. */
  | { readonly dead: string }

const runs: End = { success: null }
const sum: End = { success: 3 }
const dead = (reason: string): End => ({ dead: reason })

const noJson = dead('DecodeError: Expected JSON, got something else: ')
const badBody = (problem: string): End => dead(`DecodeError: The body cannot be read. ${problem}`)
const noJsonBody = badBody('Expected JSON, got something else: ')
const noObject = dead('DecodeError: Expected a message as a JSON object, got ')
const noTask = dead(
  'InvalidTaskError: Expected a "task" in the headers or the body, got none: this is no task message',
)
const noId = dead('InvalidTaskError: Expected a task id in the message, got undefined')
const noBase64 = dead('DecodeError: The body is not valid base64')
const threeParts = (got: string): End =>
  dead(`InvalidTaskError: Expected a body of three parts (args, kwargs, embed), got ${got}`)
const noArgs = (got: string): End => dead(`InvalidTaskError: Expected the arguments as a list, got ${got}`)
const noKwargs = (got: string): End =>
  dead(`InvalidTaskError: Expected the keyword arguments as an object, got ${got}`)
const wrongType = (got: string): End =>
  dead(`ContentDisallowed: Expected content of type application/json, got ${got}: no other is read here.`)
const noDate = (name: string, got: string): End =>
  dead(`InvalidTaskError: Expected ${name} as an ISO 8601 date, got ${got}`)
const deeper = 'Expected JSON of at most 320 levels, got a deeper one.'
const kombuKnows = 'datetime, date, time, decimal, uuid, bytes, base64'
const unknownType = (got: string): End =>
  badBody(`Expected a __type__ that kombu knows (${kombuKnows}), got ${got}.`)
const noSignature = (place: string, got: string): End =>
  dead(`InvalidTaskError: Expected a signature in ${place} of the message, got ${got}`)
const notRegistered = (name: string): End => ({
  state: 'FAILURE',
  stored: { exc_type: 'NotRegistered', exc_message: [name], exc_module: 'celery.exceptions' },
})

const ends: Readonly<Record<string, End>> = {
  // -- malformed.json
  not_json: noJson,
  empty_string: noJson,
  json_scalar: noObject,
  json_null: noObject,
  json_list: noObject,
  binary_garbage: dead('DecodeError: Expected a message in UTF-8, got other bytes'),
  bad_base64: noBase64,
  b64_of_garbage: dead('DecodeError: The body is not valid UTF-8'),
  body_not_list: threeParts('{"a":1}'),
  body_2elem: threeParts('2 of them'),
  kwargs_not_map: noKwargs('[1]'),
  args_is_str: noArgs('"abc"'),
  ct_unknown: wrongType('"application/x-nope"'),
  ct_pickle: wrongType('"application/x-python-serialize"'),
  ct_yaml: wrongType('"application/x-yaml"'),
  ce_unknown: dead('DecodeError: Unknown content-encoding "utf-99": expected utf-8'),
  no_headers: noTask,
  headers_null: noTask,
  headers_no_task: noTask,
  headers_no_id: noId,
  task_is_list: noTask,
  task_unknown: notRegistered('no.such.task'),
  // Without `body_encoding` the body is its own text, and base64 is no JSON.
  no_properties: noJsonBody,
  no_delivery_tag: runs,
  no_delivery_info: runs,
  no_body_encoding: noJsonBody,
  dup_delivery_tag_1: runs,
  dup_delivery_tag_2: runs,
  bad_eta: noDate('eta', '"tomorrow-ish"'),
  eta_number: noDate('eta', '12345'),
  bad_expires: noDate('expires', '"xx"'),
  timelimit_str: runs,
  retries_str: runs,
  compression_unknown: dead('DecodeError: Unknown compression "application/x-nope": expected gzip or zlib'),
  compression_bad_zlib: dead('DecodeError: The body says it is zlib-compressed, but incorrect header check'),
  zlib_bomb_50MB: dead('DecodeError: The compressed body inflates beyond '),
  body_10MB: runs,
  deep_env_100k: dead(`DecodeError: ${deeper}`),
  deep_body_3000: badBody(deeper),
  deep_body_100k: badBody(deeper),
  proto_keys: runs,
  typed_bad_uuid: badBody('Expected '),
  typed_unknown: unknownType('"nope"'),
  nan_inf: runs,
  bigint: badBody("Expected integers of at most 4300 digits (Python's limit), got 5000."),
  lone_surrogate: runs,
  bad_callbacks: noSignature('callbacks', '{"nope":1}'),
  bad_chain: noSignature('chain', '"x"'),
  bad_chord: noSignature('chord', '7'),
  id_path_inj: runs,
  priority_str: runs,

  // -- malformed-tasks.json
  'minimal-ok': sum,
  'no-embed-keys': sum,
  'null-embed': sum,
  'two-element-body': threeParts('2 of them'),
  'no-content-encoding': sum,
  'no-content-type': wrongType('null'),
  'no-correlation-id': sum,
  'no-body-encoding-plain-body': sum,
  'body-encoding-utf8': sum,
  'eta-z': sum,
  'eta-offset': sum,
  'eta-date-only': sum,
  'eta-bad': noDate('eta', '"tomorrow"'),
  'eta-number': noDate('eta', '1700000000'),
  'eta-empty-string': noDate('eta', '""'),
  'expires-z-past': {
    state: 'REVOKED',
    stored: { exc_type: 'TaskRevokedError', exc_message: ['expired'], exc_module: 'celery.exceptions' },
  },
  'priority-string': sum,
  'kwargs-not-mapping': noKwargs('[]'),
  'args-not-list': noArgs('5'),
  'wrong-arity': {
    state: 'FAILURE',
    stored: {
      exc_type: 'InvalidTaskError',
      exc_message: ['proj.add() takes 2 arguments (x, y), got 4'],
      exc_module: 'celery.exceptions',
    },
  },
  'unknown-type-marker': unknownType('"zzz"'),
  'dt-z-in-args': { success: [[new Date('2026-01-02T03:04:05.123Z')], {}] },
  'invalid-json-body': noJsonBody,
  'content-type-pickle': wrongType('"application/x-python-serialize"'),
  'content-type-unknown': wrongType('"application/zzz"'),
  'unknown-compression': dead('DecodeError: Unknown compression "application/zzz": expected gzip or zlib'),
  'unknown-task': notRegistered('node.zzz'),
  'headers-null': noTask,
  'headers-missing': noTask,
  'no-task-header': noTask,
  'delivery-info-missing': sum,
  'delivery-info-no-exchange': sum,
  'delivery-tag-missing': sum,
  'properties-missing': noJsonBody,
  'bad-base64': noBase64,
  'body-missing': dead('DecodeError: Expected the body as text, got undefined'),
  'no-id': noId,
  'not-json': noJson,
  'json-list': noObject,
}

interface Malformed {
  readonly name: string
  readonly raw: Buffer
  /** The id that somebody may wait for. */
  readonly id: string | undefined
  /** Celery's own end, where it was recorded. */
  readonly celery: { readonly status: unknown; readonly result: unknown } | undefined
}

const idOf = (raw: Buffer): string | undefined => {
  try {
    const { headers } = JSON.parse(raw.toString('utf8'))
    return typeof headers?.id === 'string' ? headers.id : undefined
  } catch {
    return undefined
  }
}

const bytesOf = (item: Readonly<Record<string, unknown>>): Buffer =>
  typeof item.message === 'string'
    ? Buffer.from(item.message)
    : typeof item.raw_base64 === 'string'
      ? Buffer.from(item.raw_base64, 'base64')
      : gunzipSync(Buffer.from(item.raw_gzip_base64 as string, 'base64'))

const malformed: readonly Malformed[] = [...casesOf('malformed'), ...casesOf('malformed-tasks')].map(
  (item) => {
    const raw = bytesOf(item)
    const { status, result } = item
    const celery = status === undefined ? undefined : { status, result }
    return { name: (item.name ?? item.case) as string, raw, id: idOf(raw), celery }
  },
)

// ---------------------------------------------------------------------------------------------------
// The two engines

interface Engine {
  readonly name: string
  readonly start: () => Promise<string>
  readonly stop: () => Promise<void>
  readonly seed: (broker: Broker, raw: Buffer) => Promise<unknown>
  /** What stays that should not; of no concern where all of it ends with the process. */
  readonly rest: (broker: Broker) => Promise<readonly string[]>
}

const redis = (): Engine => {
  let server: TestRedis
  let client: Redis
  return {
    name: 'redis',
    start: async () => {
      server = await startRedis()
      client = new Redis(server.url)
      return server.url
    },
    stop: async () => {
      client.disconnect()
      await server.stop()
    },
    seed: (_, raw) => client.lpush('celery', raw),
    rest: async () => [
      ...(await leaks(server.url)),
      ...(await client.keys('lovage:unacked:*')),
      ...(await client.keys('lovage:redo:*')),
      ...(await client.keys('lovage:dead*')),
      ...(await client.keys('celery')),
    ],
  }
}

const memory: Engine = {
  name: 'memory',
  start: async () => 'memory://malformed',
  stop: async () => undefined,
  seed: async (broker, raw) =>
    (broker as MemoryBroker).room.submit('publish', {
      pushes: [{ queue: 'celery', priority: 0, raw: raw as never }],
      chords: [],
    }),
  rest: async (broker) => ((await broker.length('celery')) === 0 ? [] : ['celery']),
}

describe.each([redis(), memory])('on $name', (engine) => {
  let app: App
  let broker: Broker
  let worker: Worker
  /** Ids of the good tasks that have started. */
  const started = new Set<string>()

  const work = (): Promise<Worker> => app.worker({ log: silentLogger, concurrency: 4 }).start()

  beforeAll(async () => {
    app = createApp('proj', { broker: await engine.start() })
    app.task('t.noop', () => null)
    app.task('proj.add', (x: number, y = 0) => x + y, { params: ['x', 'y'] })
    app.task('proj.ident', (...args: unknown[]) => [args, {}])
    app.task('proj.good', (id: string) => {
      started.add(id)
    })
    broker = await app.broker()
    worker = await work()
  })
  afterAll(async () => {
    await app.close()
    await engine.stop()
  })

  const metaOf = async (id: string): Promise<Meta | undefined> => {
    const [text] = await (await app.backend()).read([id])
    return text == null ? undefined : readMeta(text)
  }

  const endOf = (id: string): Promise<Meta> =>
    until(() => metaOf(id), { message: `Nothing is stored for ${id}.` })

  const letterOf = (raw: Buffer): Promise<DeadLetter> =>
    until(async () => (await broker.dead.list(1000)).find((letter) => letter.raw.equals(raw)), {
      message: 'It is not among the dead letters.',
    })

  /** The task behind starts: within milliseconds, and the bound only tells that from never. */
  const goodTaskStarts = async (): Promise<void> => {
    const id = `good-${started.size}`
    await app.sendTask('proj.good', [id])
    await until(() => started.has(id), {
      timeout: 15_000,
      message: 'The good task behind did not start.',
    })
  }

  it.each(malformed)('$name', async ({ name, raw, id, celery }) => {
    await engine.seed(broker, raw)
    await goodTaskStarts()
    const end = ends[name]!
    if ('dead' in end) {
      expect((await letterOf(raw)).reason.slice(0, end.dead.length)).toBe(end.dead)
      if (id !== undefined)
        expect(await endOf(id)).toMatchObject({
          state: 'FAILURE',
          result: { exc_type: /^\w+/.exec(end.dead)?.[0] },
        })
      return
    }
    const meta = await endOf(id!)
    if ('success' in end) expect(meta).toMatchObject({ state: 'SUCCESS', result: end.success })
    else expect(meta).toMatchObject({ state: end.state, result: end.stored })
    // Where Celery ran it, and where it refused it by a stored result, we do the same.
    if (celery?.status === 'SUCCESS') expect(meta.state).toBe('SUCCESS')
    if (celery?.status === 'REVOKED') expect(meta.result).toEqual(celery.result)
  })

  it('ends as Celery’s own run did wherever that stored something', () => {
    for (const { name, celery } of malformed) {
      if (celery?.status == null) continue
      const end = ends[name]!
      const state = 'success' in end ? 'SUCCESS' : 'dead' in end ? 'FAILURE' : end.state
      expect({ name, state }).toEqual({ name, state: celery.status })
    }
  })

  it('nothing reached a prototype', () => {
    for (const word of ['polluted', 'p', 'prototype', 'a'])
      expect(({} as Record<string, unknown>)[word]).toBeUndefined()
  })

  it('a restart is clean: nothing comes again, and the next task runs', async () => {
    const lettersNow = async () => (await broker.dead.list(1000)).map(({ id, reason }) => ({ id, reason }))
    const letters = await lettersNow()
    const dying = malformed.filter(({ name }) => 'dead' in ends[name]!)
    expect(letters).toHaveLength(dying.length)
    await worker.stop()
    expect(await broker.length('celery')).toBe(0)
    worker = await work()
    await goodTaskStarts()
    expect(await lettersNow()).toEqual(letters)
    await worker.stop()
    expect(await broker.dead.purge()).toBe(letters.length)
    expect(await engine.rest(broker)).toEqual([])
  })
})
