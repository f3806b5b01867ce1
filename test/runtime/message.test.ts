// What is read from a message that is not quite as Celery writes it: descriptions fall back to their defaults,
// what decides a run must be right, and what nobody knows travels on.
import * as Either from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import { encodeMessage } from '../../src/runtime/envelope.js'
import { followRetry } from '../../src/runtime/follow-retry.js'
import { decodeMessage, type Message } from '../../src/runtime/message.js'
import type { Outgoing } from '../../src/runtime/plan.js'
import { Retry } from '../../src/errors.js'
import { caseOf } from '../vectors/read.js'

type Dict = Record<string, unknown>

interface Parts {
  readonly headers?: Dict
  readonly properties?: Dict
  readonly body?: unknown
}

/** A captured message with other parts. */
const raw = ({ headers = {}, properties = {}, body }: Parts): string => {
  const [list] = caseOf('calls', 'plain').redis!
  const message = JSON.parse((list!.value as string[])[0]!)
  return JSON.stringify({
    ...message,
    ...(body !== undefined && { body: Buffer.from(JSON.stringify(body)).toString('base64') }),
    headers: { ...message.headers, ...headers },
    properties: { ...message.properties, ...properties },
  })
}

const read = (parts: Parts): Message => {
  const decoded = decodeMessage(Buffer.from(raw(parts)))
  if (Either.isLeft(decoded)) throw decoded.left.error
  return decoded.right
}

const refused = (parts: Parts) => {
  const decoded = decodeMessage(Buffer.from(raw(parts)))
  if (Either.isRight(decoded)) throw new Error('It was read.')
  return decoded.left
}

describe('a description in a message', () => {
  it.each([
    [0, 0],
    [7, 7],
    ['7', 7],
    ['high', 0],
    [12, 9],
    [-1, 0],
    [2.5, 0],
    [null, 0],
    [{}, 0],
  ])('priority %j counts as %j', (priority, number) => {
    expect(read({ properties: { priority } }).priority).toBe(number)
  })

  it.each([
    [3, 3],
    ['3', 3],
    ['abc', 0],
    [-2, 0],
    [1e300, 0],
    [null, 0],
    [[1], 0],
  ])('retries %j count as %j', (retries, number) => {
    expect(read({ headers: { retries } }).retries).toBe(number)
  })

  it.each([
    [0, 0],
    [41, 41],
    ['41', 41],
    [-1, null],
    [0.5, null],
    [1e300, null],
    ['last', null],
    [{}, null],
  ])('group_index %j is place %j, null being the end', (group_index, place) => {
    expect(read({ headers: { group: 'g', group_index } }).groupIndex).toBe(place)
  })

  it.each([
    [[30, 20], 30, 20],
    [['30', '20.5'], 30, 20.5],
    [[null, null], null, null],
    [[0, -1], null, null],
    [['soon', {}], null, null],
    ['abc', null, null],
    [null, null, null],
    [[2_592_000], 2_592_000, null],
  ])('timelimit %j is %j and %j seconds', (timelimit, hard, soft) => {
    expect(read({ headers: { timelimit } })).toMatchObject({ timeLimit: hard, softTimeLimit: soft })
  })

  it('of a redelivery stands in a header or beside the route, as a Python worker leaves it', () => {
    const route = { exchange: '', routing_key: 'celery' }
    expect(read({}).redelivered).toBe(false)
    expect(read({ headers: { redelivered: true } }).redelivered).toBe(true)
    expect(read({ properties: { delivery_info: { ...route, redelivered: true } } }).redelivered).toBe(true)
  })

  it.each([null, 'x', [], 7])('that is no object is none: delivery_info %j', (delivery_info) => {
    expect(read({ properties: { delivery_info } })).toMatchObject({ exchange: '', routingKey: '' })
  })
})

describe('stamps', () => {
  it('stand in the headers', () => {
    const headers = { stamped_headers: ['customer'], stamps: { customer: 'acme' } }
    expect(read({ headers })).toMatchObject({ stampedHeaders: ['customer'], stamps: { customer: 'acme' } })
  })

  it('are found among the properties, where Celery 5.2 leaves what it does not know', () => {
    const properties = { stamped_headers: ['customer', 'gone'], customer: ['acme', 7] }
    expect(read({ headers: { stamped_headers: null, stamps: {} }, properties })).toMatchObject({
      stampedHeaders: ['customer', 'gone'],
      stamps: { customer: ['acme', 7] },
    })
  })

  it('of another shape are none', () => {
    expect(read({ headers: { stamped_headers: 'x', stamps: [1] } })).toMatchObject({
      stampedHeaders: null,
      stamps: {},
    })
  })
})

describe('a moment', () => {
  it.each<[unknown, string, string]>([
    ['2030-01-02T03:04:05Z', '2030-01-02T03:04:05Z', '2030-01-02T03:04:05Z'],
    ['20300102T030405+0200', '20300102T030405+0200', '2030-01-02T01:04:05Z'],
    [
      { __type__: 'datetime', __value__: '2030-01-02T03:04:05+00:00' },
      '2030-01-02T03:04:05.000000+00:00',
      '2030-01-02T03:04:05Z',
    ],
    [
      { __type__: 'datetime', __value__: '2030-01-02T03:04:05' },
      '2030-01-02T03:04:05',
      '2030-01-02T03:04:05Z',
    ],
    [{ __type__: 'date', __value__: '2030-01-02' }, '2030-01-02', '2030-01-02T00:00:00Z'],
    ['9999-12-31T23:59:59.999999-12:00', '9999-12-31T23:59:59.999999-12:00', '+010000-01-01T11:59:59.999Z'],
  ])('is read in any dress, and kept as it was written: %j', (eta, text, moment) => {
    expect(read({ headers: { eta } }).eta).toEqual({ text, ms: Date.parse(moment) })
  })

  it.each(['', 'tomorrow', 12345, true, [], {}, { __type__: 'time', __value__: '03:04:05' }])(
    'that is none is not guessed: %j',
    (expires) => {
      expect(refused({ headers: { expires } }).error).toMatchObject({
        name: 'InvalidTaskError',
        message: expect.stringMatching(/^Expected expires as an ISO 8601 date, got /),
      })
    },
  )
})

describe('arguments', () => {
  const date = { __type__: 'datetime', __value__: '2030-01-02T03:04:05+00:00' }

  it.each<[string, unknown]>([
    ['keyword arguments as an object', [[], date, null]],
    ['keyword arguments as an object', [[], 'x', null]],
    ['arguments as a list', [{}, {}, null]],
    ['arguments as a list', [date, {}, null]],
    ['third part of the body as an object', [[], {}, date]],
    ['third part of the body as an object', [[], {}, [1]]],
  ])('of another kind are refused: %s', (words, body) => {
    expect(refused({ body }).error.message).toMatch(`Expected the ${words}, got `)
  })

  it.each<[string, Dict]>([
    ['link that is none', { callbacks: [{ task: 'a', options: { link: [3] } }] }],
    [
      'step that is none',
      { chain: [{ task: 'celery.chain', kwargs: { tasks: ['a'] }, subtask_type: 'chain' }] },
    ],
    ['body that is none', { chord: { task: 'celery.chord', kwargs: { body: 7 }, subtask_type: 'chord' } }],
    ['list of arguments that is none', { errbacks: [{ task: 'a', args: 'x' }] }],
    ['options that are none', { callbacks: [{ task: 'a', options: [1] }] }],
    ['name that is none', { chain: [{ task: '' }] }],
  ])('are not run when what follows is no canvas: a %s', (_, embed) => {
    expect(refused({ body: [[], {}, embed] }).error.message).toMatch(/ of the message, got /)
  })
})

describe('a message with a fault', () => {
  const body = [
    [1],
    {},
    { callbacks: [{ nope: 1 }], errbacks: [{ task: 'on.error' }], chain: null, chord: { task: 'body' } },
  ]

  it('still tells its id, its chord and its errbacks, so that nobody waits in vain', () => {
    const { message, id, task, error } = refused({ headers: { group: 'g', group_index: 2 }, body })
    expect(error.message).toBe('Expected a signature in callbacks of the message, got {"nope":1}')
    expect({ id, task }).toEqual({ id: message!.id, task: 'proj.add' })
    expect(message).toMatchObject({
      groupId: 'g',
      groupIndex: 2,
      args: [],
      embed: { callbacks: null, errbacks: [{ task: 'on.error' }], chain: null, chord: { task: 'body' } },
    })
  })

  it('whose time is none tells the same', () => {
    expect(
      refused({ headers: { eta: 'soon', group: 'g' }, body: [[], {}, { chord: { task: 'body' } }] }).message,
    ).toMatchObject({ groupId: 'g', eta: null, embed: { chord: { task: 'body' } } })
  })

  it('without an id tells nothing', () => {
    expect(refused({ headers: { id: 7 } })).toMatchObject({
      id: undefined,
      task: 'proj.add',
      message: undefined,
    })
  })

  it.each([
    '',
    'null',
    '[]',
    '"x"',
    '7',
    '{}',
    '{"headers": []}',
    '{"headers": {"task": "a", "id": "b"}}',
    '\u0000',
  ])('is never an exception: %j', (text) => {
    expect(Either.isLeft(decodeMessage(Buffer.from(text)))).toBe(true)
  })
})

describe('protocol 1', () => {
  const sent = { task: 'proj.add', id: 'one', args: [1], kwargs: { y: 2 } }
  const bare = (body: unknown, headers: unknown = {}): string =>
    JSON.stringify({
      body: JSON.stringify(body),
      'content-type': 'application/json',
      headers,
      properties: { delivery_info: { exchange: '', routing_key: 'celery' } },
    })
  const readBare = (text: string): Message => {
    const decoded = decodeMessage(Buffer.from(text))
    if (Either.isLeft(decoded)) throw decoded.left.error
    return decoded.right
  }

  it('keeps everything in the body, and what is not there is empty', () => {
    expect(readBare(bare(sent))).toMatchObject({ ...sent, rootId: 'one', headers: {}, retries: 0 })
    expect(readBare(bare({ task: 'proj.add', id: 'one' }))).toMatchObject({ args: [], kwargs: {} })
    expect(readBare(bare(sent, null))).toMatchObject(sent)
  })

  it('calls the group a taskset, which wins', () => {
    expect(readBare(bare({ ...sent, group: 'g', taskset: 't' })).groupId).toBe('t')
    expect(readBare(bare({ ...sent, group: 'g', taskset: null })).groupId).toBe('g')
  })

  it('mixed with protocol 2 is read by the headers first', () => {
    const mixed = bare(
      { ...sent, retries: 1 },
      { task: 'proj.mul', id: 'two', retries: 2, 'x-trace': 'abc', eta: null },
    )
    expect(readBare(mixed)).toMatchObject({
      task: 'proj.mul',
      id: 'two',
      args: [1],
      retries: 2,
      headers: { 'x-trace': 'abc' },
    })
  })
})

describe('what nobody here knows', () => {
  const unknown: Parts = {
    headers: { 'x-trace': { a: [1] }, later_header: null },
    properties: { later_property: 7 },
    body: [[1], {}, { callbacks: null, errbacks: null, chain: null, chord: null, later_part: [{ b: 2 }] }],
  }

  it('is kept: headers, properties, parts of the embed', () => {
    const message = read(unknown)
    expect(message.headers).toEqual({ 'x-trace': { a: [1] }, later_header: null })
    expect(message.properties).toMatchObject({ later_property: 7 })
    expect(message.embed.other).toEqual({ later_part: [{ b: 2 }] })
  })

  it('travels on in the message of a retry', () => {
    const plan = followRetry(read(unknown), new Retry({ countdown: 1 }, 'again'), {
      mint: () => 'minted',
      nowMs: 0,
      ignoreResult: false,
      ignores: () => false,
      storeErrorsEvenIfIgnored: false,
      children: [],
      added: [],
      inheritPriority: false,
      queue: 'celery',
    })
    const [step] = plan.steps
    const { message } = step as { message: Outgoing }
    const again = encodeMessage(message, { exchange: '', routingKey: 'celery', priority: 0 }, 0)
    const decoded = decodeMessage(Buffer.from(again))
    expect(decoded).toMatchObject({
      right: { retries: 1, headers: unknown.headers, embed: { other: { later_part: [{ b: 2 }] } } },
    })
  })
})
