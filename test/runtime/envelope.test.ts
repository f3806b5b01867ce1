// What is written: nothing twice, nothing that a reader would refuse, and each argument on its own.
import * as Either from 'fp-ts/lib/Either.js'
import { describe, expect, it } from 'vitest'
import type { SignatureJson } from '../../src/canvas/wire.js'
import { unpack } from '../../src/runtime/content.js'
import { encodeMessage, encodeSignature } from '../../src/runtime/envelope.js'
import { maxParts } from '../../src/runtime/json-limits.js'
import { decodeMessage, type Message } from '../../src/runtime/message.js'
import type { Outgoing } from '../../src/runtime/plan.js'

const plain: Outgoing = {
  task: 'proj.add',
  id: 'one',
  args: [1, 2],
  kwargs: {},
  embed: { callbacks: null, errbacks: null, chain: null, chord: null },
  rootId: 'one',
  parentId: null,
}

const write = (message: Partial<Outgoing>): string =>
  encodeMessage({ ...plain, ...message }, { exchange: '', routingKey: 'celery', priority: 3 }, 0)

const back = (raw: string): Message => {
  const decoded = decodeMessage(Buffer.from(raw))
  if (Either.isLeft(decoded)) throw decoded.left.error
  return decoded.right
}

/** How often a key stands in a text of JSON. */
const times = (raw: string, key: string): number => raw.split(`"${key}": `).length - 1

describe('a header or an option that came with a signature from elsewhere', () => {
  it('does not say again what the message says itself', () => {
    const raw = write({
      headers: { id: 'two', retries: 9, 'x-trace': 'abc' },
      properties: { delivery_tag: 'x', priority: 9, body_encoding: null, correlation_id: 'y' },
    })
    for (const key of ['id', 'retries', 'delivery_tag', 'priority', 'body_encoding', 'correlation_id'])
      expect({ key, times: times(raw, key) }).toEqual({ key, times: 1 })
    expect(back(raw)).toMatchObject({ id: 'one', retries: 0, priority: 3, headers: { 'x-trace': 'abc' } })
  })

  it('travels on where nobody here knows it', () => {
    const { properties, headers } = back(
      write({ headers: { later: [1] }, properties: { later: { a: null } } }),
    )
    expect(headers).toEqual({ later: [1] })
    expect(properties).toMatchObject({ later: { a: null } })
  })
})

describe('a signature within a message', () => {
  const signature = (task: string, kwargs: object): SignatureJson =>
    ({ task, args: [], kwargs, options: {}, subtask_type: null, immutable: false }) as SignatureJson

  it.each(['constructor', '__proto__', 'toString'])('may be of a task that is named %s', (task) => {
    const json = signature(task, { x: 1 })
    expect(JSON.parse(encodeSignature(json))).toEqual(json)
  })

  it('has each of its arguments wrapped on its own, so that Python reads the others', () => {
    const text = encodeSignature(signature('a', { plain: 1, rich: new Map([[1, 2]]) }))
    const { kwargs } = JSON.parse(text)
    expect(kwargs.plain).toBe(1)
    expect(Object.keys(kwargs.rich)).toEqual(['__superjson__'])
  })

  it('within signatures stays plain at any depth', () => {
    const inner = signature('a', { rich: new Set([1]) })
    const chain = { ...signature('celery.chain', { tasks: [inner, inner] }), subtask_type: 'chain' }
    const message = back(write({ embed: { ...plain.embed, callbacks: [chain] } }))
    const tasks = message.embed.callbacks![0]!.kwargs['tasks'] as SignatureJson[]
    expect(tasks.map(({ task, kwargs: own }) => [task, own['rich']])).toEqual([
      ['a', new Set([1])],
      ['a', new Set([1])],
    ])
  })
})

describe('a body', () => {
  const packed = {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    bodyEncoding: 'base64',
    compression: undefined,
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  it('is read in any spelling of its charset, and as bare text', () => {
    for (const contentEncoding of ['utf-8', 'UTF8', 'us-ascii', 'binary', null, undefined])
      expect(unpack({ ...packed, contentEncoding, body: base64('[1]') })).toBe('[1]')
    for (const bodyEncoding of [null, undefined, 'utf-8'])
      expect(unpack({ ...packed, bodyEncoding, body: '[1]' })).toBe('[1]')
  })

  it('may have line breaks in its base64, and no other letters', () => {
    expect(
      unpack({ ...packed, body: `${base64('[1, 2, 3]').slice(0, 8)}\n${base64('[1, 2, 3]').slice(8)}` }),
    ).toBe('[1, 2, 3]')
    for (const body of ['!!!!', '====', 'WzE', 'WzFd*'])
      expect(() => unpack({ ...packed, body })).toThrow('The body is not valid base64')
  })

  it('that is compressed must be base64', () => {
    const body = { ...packed, bodyEncoding: null, compression: 'gzip', body: 'x' }
    expect(() => unpack(body)).toThrow('A compressed body must be base64')
  })

  it('of a megabyte is no bomb, however small it was packed', () => {
    const args = ['0'.repeat(900_000)]
    const raw = write({ args, compression: 'gzip' })
    expect(raw.length).toBeLessThan(5000)
    expect(back(raw).args).toEqual(args)
  })

  it('of more arrays than anybody should parse is not sent, and not read', () => {
    const text = `[[${'[],'.repeat(maxParts)}0], {}, {}]`
    expect(() => write({ args: [JSON.parse(text)] })).toThrow(/proj.add has more than 2000000 arrays/)
    expect(() => unpack({ ...packed, body: base64(text) })).toThrow(/more than 2000000 arrays/)
    const headers = `{"task": "proj.add", "id": "one", "x": ${text}}`
    const decoded = decodeMessage(Buffer.from(`{"headers": ${headers}, "body": "W10=", "properties": {}}`))
    expect(decoded).toMatchObject({
      left: { error: { message: expect.stringMatching(/more than 2000000 arrays/) } },
    })
  })
})
