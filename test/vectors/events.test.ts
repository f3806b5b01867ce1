// Events, held against what real workers and clients sent: every message is read, and written again as it was; and
// what our workers tell has the fields of theirs, with values of the same types.
import * as Either from 'fp-ts/lib/Either.js'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Retry } from '../../src/errors.js'
import { decodeEvents, encodeEvent, encodeEvents } from '../../src/runtime/event-message.js'
import type { Fields, OwnEvent } from '../../src/runtime/events.js'
import { decodeMessage } from '../../src/runtime/message.js'
import { sentFields } from '../../src/runtime/sent-events.js'
import type { Held } from '../../src/runtime/worker/held.js'
import { Reports } from '../../src/runtime/worker/reports.js'
import { recorder } from './recorder.js'

interface Captured {
  readonly channel: string
  readonly payload: string
  readonly body: Fields | readonly Fields[]
  readonly event?: Fields
}

const directory = new URL('.', import.meta.url)
const files = readdirSync(directory)
  .filter((name) => /^events-.*\.json$/.test(name))
  .map((name) => name.slice('events-'.length, -'.json'.length))
const messagesOf = (file: string): readonly Captured[] =>
  JSON.parse(readFileSync(new URL(`events-${file}.json`, directory), 'utf8')).messages

const parsed = (raw: string) => {
  const { body, properties, ...rest } = JSON.parse(raw)
  const { delivery_tag: tag, ...known } = properties
  expect(tag).toMatch(/^[0-9a-f-]{36}$/)
  return { ...rest, properties: known, body: JSON.parse(Buffer.from(body, 'base64').toString()) }
}

/** One message in a worker's hands, as it was sent. */
const held = async (): Promise<Held> => {
  const { app, taken } = await recorder(Date.now())
  await app.sendTask('proj.add', [2, 3])
  const decoded = decodeMessage(Buffer.from(taken()[0]!.raw))
  if (Either.isLeft(decoded)) throw decoded.left.error
  return { tag: '1', queue: 'celery', message: decoded.right, definition: undefined, sent: [], added: [] }
}

const say: Readonly<Record<string, (reports: Reports, message: Held) => void>> = {
  'task-received': (reports, message) => reports.received(message),
  'task-started': (reports, message) => reports.started(message),
  'task-succeeded': (reports, message) => reports.succeeded(message, 5, 66.8),
  'task-failed': (reports, message) => reports.failed(message, new TypeError('boom')),
  'task-retried': (reports, message) =>
    reports.retried(message, new Retry({ error: new TypeError('again') }, 'Retry in 1s')),
  'task-revoked': (reports, message) =>
    reports.revoked(message, { expired: false, terminated: true, signum: 'SIGKILL' }),
  'task-rejected': (reports, message) => reports.rejected(message, false),
  'task-cancelled': (reports, message) => reports.cancelled(message),
}

/** Not told by a worker of the messages in its hands: where else they are tried. */
const elsewhere: Readonly<Record<string, string>> = {
  'batch-task-multi': 'conformance/app/events.test.ts',
  'task-progress': 'conformance/app/events.test.ts',
  'task-sent': 'below',
  'worker-online': 'conformance/app/events.test.ts',
  'worker-heartbeat': 'conformance/app/events.test.ts',
  'worker-offline': 'conformance/app/events.test.ts',
  // Nobody asks our workers to elect anybody: a single candidate ends a Python worker.
  'worker-elect': 'read and written only',
  'worker-elect-ack': 'read and written only',
}

const envelope = ['hostname', 'utcoffset', 'pid', 'clock', 'timestamp', 'type']
const shapeOf = (fields: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => !envelope.includes(name))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, value === null ? 'null' : typeof value]),
  )

describe('captured events', () => {
  it('are all known here', () => {
    expect([...Object.keys(say), ...Object.keys(elsewhere)].sort()).toEqual([...files].sort())
  })

  it.each(files)('%s: is read, and written as it was', (file) => {
    for (const { channel, payload, body } of messagesOf(file)) {
      const decoded = decodeEvents(payload)
      expect(decoded).toEqual((Array.isArray(body) ? body : [body]).map(Either.right))
      const events = decoded.filter(Either.isRight).map(({ right }) => right) as [OwnEvent, ...OwnEvent[]]
      const { raw, routingKey } = Array.isArray(body)
        ? encodeEvents(events, 'celeryev')
        : encodeEvent(events[0], 'celeryev')
      expect(`/0.celeryev/${routingKey}`).toBe(channel)
      expect(parsed(raw)).toEqual(parsed(payload))
    }
  })

  it.each(Object.keys(say))('%s: ours has the same fields', async (type) => {
    const said: [string, Fields][] = []
    const reports = new Reports({ say: (...words) => void said.push(words), tellSent: undefined })
    reports.isOn = true
    say[type]!(reports, await held())
    reports.committed([{ completion: { tag: '1' } }], [])
    const [captured] = messagesOf(type).filter(
      ({ event }) => event!['signum'] !== null || type !== 'task-revoked',
    )
    expect(said.map(([name]) => name)).toEqual([type])
    expect(shapeOf(said[0]![1])).toEqual(shapeOf(captured!.event!))
  })

  it('task-sent: ours has the same fields', () => {
    const [{ event }] = messagesOf('task-sent') as [Required<Captured>]
    const { uuid, name, root_id: rootId } = event as Record<string, string>
    const message = { task: name!, id: uuid!, rootId: rootId!, parentId: null, args: [2, 3], kwargs: {}, embed: {} }
    const fields = sentFields({
      message: message as never,
      address: { exchange: '', routingKey: 'celery', priority: 0 },
      queue: 'celery',
      isFanout: false,
    })
    expect({ ...event, ...fields }).toEqual(event)
  })
})

describe('what is no event', () => {
  const common = { hostname: 'w@host', timestamp: 1 }
  const wrapped = (body: unknown, headers: object = {}): string =>
    JSON.stringify({ body: JSON.stringify(body), 'content-type': 'application/json', headers })

  it.each([
    ['no JSON', /./],
    ['[]', /expected an object/],
    [wrapped(7), /expected an event as an object, got 7/],
    [wrapped({ hostname: 'w', timestamp: 1 }), /expected the type of an event/],
    [wrapped({ type: 'task-x', timestamp: 1 }), /expected the hostname of task-x/],
    [wrapped({ type: 'task-x', hostname: 'w', timestamp: 'now' }), /expected the timestamp of task-x/],
    [wrapped({ ...common, type: 'task-started' }), /task-started: its uuid was not expected to be undefined/],
    [
      wrapped({ ...common, type: 'task-succeeded', uuid: 'id', result: '5', runtime: 'long' }),
      /task-succeeded: its runtime was not expected to be "long"/,
    ],
    [wrapped({ ...common, type: 'worker-heartbeat', freq: '2' }), /its freq was not expected to be "2"/],
    [wrapped({ ...common, type: 'worker-online', loadavg: [1, null] }), /its loadavg was not expected/],
  ])('%s is refused with its reason', (raw, reason) => {
    expect(decodeEvents(raw)).toEqual([Either.left(expect.stringMatching(reason))])
  })

  it('takes the rest of its list not with it', () => {
    const started = { ...common, type: 'task-started', uuid: 'id' }
    expect(decodeEvents(wrapped([{ ...started, uuid: 7 }, started])).map(Either.isRight)).toEqual([false, true])
  })

  it('what may be missing may be null', () => {
    const bare = { ...common, type: 'worker-heartbeat', freq: null, clock: null }
    expect(decodeEvents(wrapped(bare))).toEqual([Either.right(bare)])
  })

  it('a hostname may stand in the headers only', () => {
    expect(decodeEvents(wrapped({ type: 'task-x', timestamp: 1 }, { hostname: 'w@host' }))).toEqual(
      [Either.right({ type: 'task-x', timestamp: 1, hostname: 'w@host' })],
    )
  })
})
