// Arbitrary values that can travel, and how two of them are compared: by content, type and shape of sharing.
import fc from 'fast-check'
import { Decimal, NaiveDateTime, PlainDate, PlainTime, Uuid } from '../../src/runtime/json.js'

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__type__', '__superjson__', '\ud800', '\u007f\u2028', "it's"),
)
const anyDate = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
})
/** Keys that could be mistaken for the wire's own, or for a path of superjson's. */
const anyKey = fc.oneof(
  fc.constantFrom(
    '__type__',
    '__value__',
    '__superjson__',
    '__esc__',
    'json',
    'meta',
    '',
    '0',
    'a.b',
    'c\\d',
  ),
  fc.string(),
)

const plainLeaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(2 ** 53, 2 ** 60, -0, 1e-7, 1e22),
  anyText,
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: 2n ** 53n }),
)
const typedLeaf = fc.oneof(
  anyDate,
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  anyText.map((text) => Buffer.from(text, 'utf8')),
  fc.constantFrom(
    new Decimal('1.10'),
    new NaiveDateTime('2026-01-02T03:04:05.006789'),
    new PlainDate('2026-01-02'),
    new PlainTime('03:04:05+02:00'),
    new Uuid('12345678-1234-5678-1234-567812345678'),
  ),
)
const richLeaf = fc.oneof(
  fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
  fc.constantFrom(/a\/b\.c/gi, new URL('https://example.org/a?b=c')),
  fc.float64Array(),
  fc.bigInt64Array(),
  anyText.map((text) => new TypeError(text)),
)

/** Everything that JSON and kombu can say. */
export const plainValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    plainLeaf,
    typedLeaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(anyKey, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

/** The same, and everything that superjson can: collections, shared parts, errors, … */
export const anyValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    plainLeaf,
    typedLeaf,
    richLeaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      // (Refused where superjson has to carry it, which has a test of its own.)
      anyKey.filter((key) => !['__proto__', 'constructor', 'prototype'].includes(key)),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => new Set(items)),
    tie('value').map((part) => [part, new Set([part, 'x']), { part }]),
  ),
})).value

/** Graphs of arrays, objects, Maps and Sets that point at each other in any way, circles included. */
export const anyGraph: fc.Arbitrary<unknown> = fc
  .array(
    fc.tuple(
      fc.constantFrom('array', 'object', 'map', 'set', 'error'),
      fc.array(fc.nat(7), { maxLength: 4 }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((nodes) => {
    const made = nodes.map(([kind], number) => makeNode(kind, number))
    nodes.forEach(([, targets], number) => {
      targets.forEach((target, edge) => link(made[number]!, edge, made[target % made.length]!))
    })
    return made[0]
  })

function makeNode(kind: string, number: number): object {
  if (kind === 'array') return [number]
  if (kind === 'map') return new Map([['number', number]])
  if (kind === 'set') return new Set([number])
  return kind === 'error' ? new Error(`number ${number}`) : { number }
}

function link(from: object, edge: number, to: object): void {
  if (Array.isArray(from)) from.push(to)
  else if (from instanceof Set) from.add(to)
  else if (from instanceof Map) from.set(edge % 2 === 0 ? to : `edge ${edge}`, to)
  else if (from instanceof Error) from.cause = to
  else (from as Record<string, unknown>)[`edge ${edge}`] = to
}

/**
 * A flat description: the parts in the order in which they are met, each naming the others by number. Two values
 * with equal descriptions have the same content, the same types and the same sharing. Dates, bytes and Python's
 * types are taken by value: two places with the same Date are no reason to call superjson.
 */
export function describe(value: unknown): unknown[] {
  const numbers = new Map<object, number>()
  const parts: unknown[] = []
  const nameOf = (item: unknown): unknown => {
    if (typeof item === 'bigint') return `${item}n`
    if (Object.is(item, -0)) return '-0'
    if (typeof item !== 'object' || item === null) return item
    if (item instanceof Date || item instanceof Uint8Array || 'text' in item)
      return { [item.constructor.name]: contentOf(item) }
    const known = numbers.get(item)
    if (known !== undefined) return { part: known }
    const number = numbers.size
    numbers.set(item, number)
    const part = [item.constructor.name]
    parts[number] = part
    part.push(...(contentOf(item).map(nameOf) as string[]))
    return { part: number }
  }
  return [nameOf(value), ...parts]
}

function contentOf(item: object): unknown[] {
  if (item instanceof Date) return [item.getTime()]
  if (item instanceof RegExp || item instanceof URL) return [String(item)]
  if (item instanceof Map) return [...item].flat(1)
  if (item instanceof Error) return [item.name, item.message, item.cause]
  if (Array.isArray(item) || item instanceof Set || ArrayBuffer.isView(item))
    return [...(item as Set<unknown>)]
  return Object.entries(item).flat(1)
}
