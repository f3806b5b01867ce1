// Messages as an accident or an enemy would make them: seeds taken from what Celery and we really write, changed at
// random in their bytes, in their structure, in their size, and packed as bombs.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import type { Random } from './random.js'

interface VectorFile {
  readonly cases: readonly {
    readonly redis?: readonly { readonly type: string; readonly value: unknown }[]
  }[]
}

const files = ['calls', 'callbacks', 'canvas', 'compression', 'malformed', 'stamping']

/** Every message that lies in a list of the vectors. */
export const capturedMessages = (): readonly string[] =>
  files.flatMap((file) => {
    const text = readFileSync(new URL(`../../vectors/${file}.json`, import.meta.url), 'utf8')
    const { cases } = JSON.parse(text) as VectorFile
    return cases
      .flatMap(({ redis = [] }) => redis)
      .filter(({ type }) => type === 'list')
      .flatMap(({ value }) => value as string[])
  })

const hostile = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  '__type__',
  '__value__',
  '__superjson__',
  'lovage_gate',
  'lovage_error',
  '\u0000',
]

const packed = (text: Buffer | string): string => deflateSync(text).toString('base64')

const bomb = packed(Buffer.alloc(80 * 2 ** 20))

/** Bodies of a size that anybody may send, which are too much when they are parsed: packed ones, and plain ones. */
const tooMany = (unit: string): string => {
  const noise = randomBytes(2 ** 19).toString('base64')
  return packed(`[[["${noise}",${`${unit},`.repeat((50 * 2 ** 20) / (unit.length + 1))}0],1],{},{}]`)
}
const tooDear = (json: string, meta: string): string =>
  Buffer.from(`[[{"__superjson__":{"json":${json},"meta":${meta}}},1],{},{}]`).toString('base64')
const packedBurdens = ['[]', '{"a":{"b":[]}}'].map(tooMany)
const plainBurdens = [
  tooDear(`{"${'k'.repeat(16_000)}":[${'0,'.repeat(500_000)}0]}`, '{"v":1}'),
  tooDear(`"/[${'\\\\p{L}'.repeat(500_000)}]/u"`, '{"v":1,"values":["regexp"]}'),
]

type Mutation = (text: string, random: Random) => string | Buffer

const flipBytes: Mutation = (text, random) => {
  const bytes = Buffer.from(text)
  for (let i = random.whole(1, 8); i > 0 && bytes.length > 0; i -= 1)
    bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255)
  return bytes
}

const truncate: Mutation = (text, random) => text.slice(0, random.whole(0, text.length))

const repeat: Mutation = (text, random) => {
  const from = random.whole(0, text.length)
  const part = text.slice(from, from + random.whole(1, 200))
  return text.slice(0, from) + part.repeat(random.whole(2, 20)) + text.slice(from)
}

const garbage: Mutation = (_, random) =>
  Buffer.from(Array.from({ length: random.whole(0, 400) }, () => random.whole(0, 255)))

const deep = (random: Random): unknown => {
  let value: unknown = random.whole(0, 9)
  for (let i = random.whole(100, 2000); i > 0; i -= 1)
    value = random.whole(0, 1) === 0 ? [value] : { a: value }
  return value
}

const strange = (random: Random): unknown =>
  random.pick<() => unknown>([
    () => null,
    () => true,
    () => -1,
    () => 1e308,
    () => '',
    () => 'x'.repeat(random.whole(1, 100_000)),
    () => [],
    () => ({}),
    () => ({ [random.pick(hostile)]: { a: 1 } }),
    () => ({ __type__: random.pick(['datetime', 'uuid', 'bytes', 'decimal', 'nobody']), __value__: 'x' }),
    () => ({
      __superjson__: { json: { a: 1 }, meta: { values: { a: ['Date', ['typed-array', 'Uint8Array']] } } },
    }),
    () => deep(random),
    () => '2999-01-01T00:00:00',
    () => '1999-13-45T99:99:99',
  ])()

/** Replaces, renames or drops something somewhere in the tree. */
export const twist = (value: unknown, random: Random): unknown => {
  if (typeof value !== 'object' || value === null || random.whole(0, 5) === 0) return strange(random)
  const keys = Object.keys(value)
  if (keys.length === 0) return strange(random)
  const key = random.pick(keys)
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>
  const act = random.whole(0, 9)
  if (act === 0) delete copy[key]
  else if (act === 1)
    Object.defineProperty(copy, random.pick(hostile), {
      value: copy[key],
      enumerable: true,
      configurable: true,
    })
  else copy[key] = twist(copy[key], random)
  return copy
}

interface Envelope {
  body: string
  headers: Record<string, unknown>
}

const parsed = (text: string): Envelope | undefined => {
  try {
    const tree = JSON.parse(text) as Envelope
    return typeof tree === 'object' && tree !== null && typeof tree.body === 'string' ? tree : undefined
  } catch {
    return undefined
  }
}

const twistEnvelope: Mutation = (text, random) => {
  const envelope = parsed(text)
  return envelope === undefined ? truncate(text, random) : JSON.stringify(twist(envelope, random))
}

const twistBody: Mutation = (text, random) => {
  const envelope = parsed(text)
  if (envelope === undefined) return flipBytes(text, random)
  try {
    const body: unknown = JSON.parse(Buffer.from(envelope.body, 'base64').toString('utf8'))
    const twisted = JSON.stringify(twist(body, random))
    return JSON.stringify({ ...envelope, body: Buffer.from(twisted).toString('base64') })
  } catch {
    return repeat(text, random)
  }
}

const explode: Mutation = (text, random) => {
  const envelope = parsed(text)
  if (envelope === undefined) return garbage(text, random)
  const headers = { ...envelope.headers, compression: 'application/x-gzip' }
  return JSON.stringify({ ...envelope, body: bomb, headers })
}

const burden: Mutation = (text, random) => {
  const envelope = parsed(text)
  if (envelope === undefined) return garbage(text, random)
  const isPacked = random.whole(0, 1) === 0
  const headers = { ...envelope.headers, ...(isPacked && { compression: 'application/x-gzip' }) }
  const body = random.pick(isPacked ? packedBurdens : plainBurdens)
  return JSON.stringify({ ...envelope, headers, body })
}

/** The dear ones are rare. */
const mutations: readonly Mutation[] = [
  ...Array.from({ length: 6 }, () => [
    flipBytes,
    truncate,
    repeat,
    twistEnvelope,
    twistBody,
    twistEnvelope,
    twistBody,
  ]),
  [garbage, explode],
].flat()

/** The dearest are so large that a batch has one at most, mostly. */
export const mutate = (text: string, random: Random): string | Buffer =>
  (random.whole(1, 1000) === 1 ? burden : random.pick(mutations))(text, random)
