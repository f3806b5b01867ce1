// Calls as Python sent them: each is read field by field, and made with our own words it is the same message.
import * as Either from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { Keys, stepOf } from '../../src/redis/keys.js'
import { decodeMessage, type Message } from '../../src/runtime/message.js'
import { claims } from './calls.claims.js'
import { momentOf, plainMessage } from './plainly.js'
import { caseOf } from './read.js'
import { type Recorder, recorder } from './recorder.js'

type Case = (typeof claims.calls)[number]
type Compression = (typeof claims.compression)[number]

/** The one queue of a case, and the one message in it. */
const queueOf = (file: string, name: string): { readonly key: string; readonly raw: string } => {
  const [list] = caseOf(file, name).redis!.filter(({ type }) => type === 'list')
  return { key: list!.key, raw: (list!.value as string[])[0]! }
}

const headersOf = (raw: string): Record<string, string | null> => JSON.parse(raw).headers

const decode = (raw: string): Message => {
  const decoded = decodeMessage(Buffer.from(raw))
  if (Either.isLeft(decoded)) throw decoded.left.error
  return decoded.right
}

const refusalOf = (raw: string): string => {
  const decoded = decodeMessage(Buffer.from(raw))
  return Either.isLeft(decoded) ? `${decoded.left.error.name}: ${decoded.left.error.message}` : 'accepted'
}

// ---------------------------------------------------------------------------------------------------
// Read

const nothing = { callbacks: null, errbacks: null, chain: null, chord: null }

/** What a plain `add.apply_async((1, 2))` says, as far as it is the same in each run. */
const plain = {
  task: 'proj.add',
  args: [1, 2],
  kwargs: {},
  embed: nothing,
  parentId: null,
  groupId: null,
  groupIndex: null,
  retries: 0,
  eta: null,
  expires: null,
  timeLimit: null,
  softTimeLimit: null,
  shadow: null,
  ignoreResult: false as boolean | null,
  replacedTaskNesting: 0,
  stampedHeaders: null,
  stamps: {},
  headers: {},
  priority: 0,
  redelivered: false,
  exchange: '',
  routingKey: 'celery',
}

const at = (text: string): object => ({ text, ms: Date.parse(text) })

/** What each case says besides; `origin` and the sender's address are those of the captured run. */
const said: Record<Exclude<Case, 'yaml-serializer'>, Partial<Record<keyof Message, unknown>>> = {
  plain: { args: [2, 2] },
  'plain-and-bindings': { args: [2, 2] },
  'args-kwargs-nested': {
    task: 'proj.ident',
    args: [1, 'two', null, true, 2.5, [1, { a: 'b' }]],
    kwargs: { k: 'v', n: null, uni: 'héllo ☃ 😀' },
  },
  countdown: {
    eta: { text: '2026-11-20T21:51:48.442069+00:00', ms: Date.parse('2026-11-20T21:51:48.442Z') },
  },
  'eta-aware': {
    eta: { text: '2030-01-02T03:04:05.678900+02:00', ms: Date.parse('2030-01-02T01:04:05.678Z') },
  },
  'eta-naive': { eta: { text: '2030-01-02T03:04:05', ms: Date.parse('2030-01-02T03:04:05Z') } },
  'expires-seconds': {
    expires: { text: '2026-11-20T21:52:48.446618+00:00', ms: Date.parse('2026-11-20T21:52:48.446Z') },
  },
  'expires-datetime': { expires: at('2031-01-02T03:04:05+00:00') },
  'priority-0': {},
  'priority-3': { priority: 3 },
  'priority-5': { priority: 5 },
  'priority-6': { priority: 6 },
  'priority-9': { priority: 9 },
  'other-queue': { routingKey: 'videos' },
  'time-limits-shadow-headers-taskid': {
    id: 'my-own-id-1',
    rootId: 'my-own-id-1',
    timeLimit: 30,
    softTimeLimit: 20,
    shadow: 'nice name',
    headers: { 'x-trace': 'abc', tenant: 7 },
    replyTo: 'my-reply',
    correlationId: 'my-own-id-1',
  },
  'ignore-result': { ignoreResult: true },
  'send-task-unknown-name': { task: 'node.add', kwargs: { z: 3 } },
  // No header says anything: the task decides about its result, and nobody knows the sender.
  'protocol-1': { ignoreResult: null, origin: null },
  'protocol-1-with-eta-link': {
    ignoreResult: null,
    origin: null,
    eta: at('2030-01-01T00:00:00+00:00'),
    embed: {
      ...nothing,
      callbacks: [
        { task: 'proj.add', args: [5], kwargs: {}, options: {}, subtask_type: null, immutable: false },
      ],
    },
  },
}

describe('a call that Python made', () => {
  it.each(Object.keys(said) as (keyof typeof said)[])('is read to the last field: %s', (name) => {
    const { raw } = queueOf('calls', name)
    const { properties, headers } = JSON.parse(raw)
    expect(decode(raw)).toEqual({
      ...plain,
      id: properties.correlation_id,
      rootId: properties.correlation_id,
      origin: 'gen535@vm',
      lang: headers.lang ?? null,
      argsrepr: headers.argsrepr ?? null,
      kwargsrepr: headers.kwargsrepr ?? null,
      replyTo: properties.reply_to,
      correlationId: properties.correlation_id,
      properties,
      ...said[name],
    })
  })

  it('in another form than JSON is refused with what to do: yaml-serializer', () => {
    expect(refusalOf(queueOf('calls', 'yaml-serializer').raw)).toBe(
      'ContentDisallowed: Expected content of type application/json, got "application/x-yaml": ' +
        'no other is read here. Let the sender use the serializer json.',
    )
  })
})

// ---------------------------------------------------------------------------------------------------
// Written

const defined = ({ app }: Recorder) => ({
  add: app.task('proj.add', (x: number, y = 0) => x + y),
  ident: app.task('proj.ident', (...all: unknown[]) => all),
})

type Sending = (words: ReturnType<typeof defined> & Recorder) => PromiseLike<unknown>

/** The same calls in our words. Protocol 1 is read and never written. */
const made: Record<Exclude<Case, 'yaml-serializer' | 'protocol-1' | 'protocol-1-with-eta-link'>, Sending> = {
  plain: ({ add }) => add.delay(2, 2),
  'plain-and-bindings': ({ add }) => add.delay(2, 2),
  'args-kwargs-nested': ({ ident }) =>
    ident.applyAsync([1, 'two', null, true, 2.5, [1, { a: 'b' }]], {
      kwargs: { k: 'v', n: null, uni: 'héllo ☃ 😀' },
    }),
  countdown: ({ add }) => add.applyAsync([1, 2], { countdown: 60 }),
  'eta-aware': ({ add }) => add.applyAsync([1, 2], { eta: '2030-01-02T03:04:05.678900+02:00' }),
  'eta-naive': ({ add }) => add.applyAsync([1, 2], { eta: '2030-01-02T03:04:05' }),
  'expires-seconds': ({ add }) => add.applyAsync([1, 2], { expires: 120 }),
  'expires-datetime': ({ add }) => add.applyAsync([1, 2], { expires: new Date('2031-01-02T03:04:05Z') }),
  'priority-0': ({ add }) => add.applyAsync([1, 2], { priority: 0 }),
  'priority-3': ({ add }) => add.applyAsync([1, 2], { priority: 3 }),
  'priority-5': ({ add }) => add.applyAsync([1, 2], { priority: 5 }),
  'priority-6': ({ add }) => add.applyAsync([1, 2], { priority: 6 }),
  'priority-9': ({ add }) => add.applyAsync([1, 2], { priority: 9 }),
  'other-queue': ({ add }) => add.applyAsync([1, 2], { queue: 'videos' }),
  'time-limits-shadow-headers-taskid': ({ add }) =>
    add.applyAsync([1, 2], {
      timeLimit: 30,
      softTimeLimit: 20,
      shadow: 'nice name',
      headers: { 'x-trace': 'abc', tenant: 7 },
      taskId: 'my-own-id-1',
      replyTo: 'my-reply',
    }),
  'ignore-result': ({ add }) => add.applyAsync([1, 2], { ignoreResult: true }),
  'send-task-unknown-name': ({ app }) => app.sendTask('node.add', [1, 2], { kwargs: { z: 3 } }),
}

/** When Python made the call, as far as its message tells. */
const sentAt = (raw: string): number => {
  const { headers, properties } = JSON.parse(raw)
  if (properties.expiration !== undefined)
    return (momentOf(headers.expires) as number) - Number(properties.expiration)
  return headers.eta === null ? Date.now() : (momentOf(headers.eta) as number) - 60_000
}

const send = async (raw: string, call: Sending) => {
  const recording = await recorder(sentAt(raw))
  await call({ ...recording, ...defined(recording) })
  const [push] = recording.taken()
  return push!
}

describe('the same call made here', () => {
  it.each(Object.keys(made) as (keyof typeof made)[])(
    'is the same message, in the same list: %s',
    async (name) => {
      const { key, raw } = queueOf('calls', name)
      const ours = await send(raw, made[name])
      const theirs = plainMessage(raw)
      // The arguments of send_task are a list there, and a tuple in all other calls.
      const label = name === 'send-task-unknown-name' ? { argsrepr: '(1, 2)' } : {}
      expect(plainMessage(ours.raw)).toEqual({
        ...theirs,
        headers: { ...(theirs.headers as object), ...label },
      })
      expect(headersOf(ours.raw).lang).toBe('js')
      expect(new Keys('', '').list(ours.queue, stepOf(ours.priority))).toBe(key)
      // What waits in Redis is this text, and nothing else: at most a tenth more than Celery's.
      expect(ours.raw.length).toBeLessThanOrEqual(1.1 * raw.length)
    },
  )

  it('keeps the text of a date that came as text', async () => {
    for (const name of ['eta-aware', 'eta-naive'] as const) {
      const { raw } = queueOf('calls', name)
      expect(headersOf((await send(raw, made[name])).raw).eta).toBe(headersOf(raw).eta)
    }
  })

  it('writes dates that every Python reads: six digits and +00:00', async () => {
    const { raw } = queueOf('calls', 'expires-datetime')
    const ours = await send(raw, made['expires-datetime'])
    expect(headersOf(ours.raw).expires).toBe('2031-01-02T03:04:05.000000+00:00')
  })

  it('is read back as it was meant', async () => {
    const meant = (raw: string) => {
      const { id, rootId, correlationId, replyTo, origin, lang, properties, eta, expires, ...rest } =
        decode(raw)
      // Here too: its arguments are a list there.
      return { ...rest, argsrepr: rest.argsrepr?.replace('[1, 2]', '(1, 2)'), eta: eta?.ms, expires: expires?.ms }
    }
    for (const [name, call] of Object.entries(made)) {
      const { raw } = queueOf('calls', name)
      expect(meant((await send(raw, call)).raw), name).toEqual(meant(raw))
    }
  })

  it('in another form than JSON is refused with what to do: yaml-serializer', async () => {
    const { app } = await recorder(0)
    await expect(app.sendTask('proj.add', [1, 2], { serializer: 'yaml' })).rejects.toThrow(
      'Expected the serializer json, got "yaml": no other is supported. Leave the option out.',
    )
  })
})

// ---------------------------------------------------------------------------------------------------
// Compressed

const known: Record<Compression, boolean> = { gzip: true, zlib: true, bzip2: false, lzma: false }

describe('a compressed body', () => {
  it.each(claims.compression)('is read, or refused with what to do: %s', (name) => {
    const { raw } = queueOf('compression', name)
    if (known[name]) expect(decode(raw)).toMatchObject({ args: [1, 2], kwargs: {}, embed: nothing })
    else
      expect(refusalOf(raw)).toBe(
        `DecodeError: Compression ${name} is not supported here: let the sender use gzip or zlib`,
      )
  })

  it.each(claims.compression)('is written, or refused with what to do: %s', async (name) => {
    const { raw } = queueOf('compression', name)
    const call: Sending = ({ add }) => add.applyAsync([1, 2], { compression: name })
    if (known[name]) expect(plainMessage((await send(raw, call)).raw)).toEqual(plainMessage(raw))
    else
      await expect(send(raw, call)).rejects.toThrow(
        `Compression ${name} is not supported here: let the sender use gzip or zlib`,
      )
  })

  it('that would inflate beyond what a reader takes is sent as it is', async () => {
    const zeros = '0'.repeat(8 * 1024 * 1024)
    const ours = await send(queueOf('compression', 'zlib').raw, ({ app }) =>
      app.sendTask('proj.add', [zeros], { compression: 'zlib' }),
    )
    expect(headersOf(ours.raw).compression).toBeUndefined()
    expect(decode(ours.raw).args).toEqual([zeros])
  })
})
