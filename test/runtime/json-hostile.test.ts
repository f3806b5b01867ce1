// Text from outside: whatever comes, the answer is a value or a DecodeError, soon, and no prototype is touched.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { DecodeError } from '../../src/errors.js'
import { decodeJson, encodeValue, parseJson } from '../../src/runtime/json.js'
import { hasTooManyParts } from '../../src/runtime/json-parts.js'
import { maxParts, maxPlaces, maxRegExpText } from '../../src/runtime/json-limits.js'
import { PythonJson } from '../../src/runtime/json-python.js'

/** The value, or the DecodeError. Everything else is thrown on. */
function attempt(text: string): unknown {
  try {
    return decodeJson(text)
  } catch (error) {
    if (error instanceof DecodeError) return error
    throw error
  }
}

const wrapper = (json: unknown, meta: unknown): string => JSON.stringify({ __superjson__: { json, meta } })
const values = (json: unknown, types: unknown): string => wrapper(json, { values: types, v: 1 })

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

describe('text that is not JSON', () => {
  it.each([
    '',
    ' ',
    '{',
    '[1,]',
    '{"a"}',
    "{'a': 1}",
    'nan',
    'None',
    '[NaN',
    '[NaN,]',
    '[-]',
    '[Infinity]]',
    '"\u0000"',
    '\ufeff1',
    '01',
    '1.',
    '[12345678901234567890,]',
    '[NaN, "\\x"]',
    '[NaN, "a\nb"]',
    '{"a" NaN}',
    '{NaN: 1}',
    '[NaN 1]',
    '[NaN, "a',
  ])('%j is refused', (text) => {
    expect(() => decodeJson(text)).toThrow(DecodeError)
  })

  it('is refused with its place', () => {
    expect(() => decodeJson('[NaN, x]')).toThrow('Expected JSON with a value at position 6, got "x".')
    expect(() => decodeJson('[NaN, "a"')).toThrow(
      'Expected JSON with "," or "]" at position 9, got the end of the text.',
    )
  })
})

describe('the parser for what JSON.parse cannot read', () => {
  /** Its text, with doubles for the bigints that only ours knows; or that it refuses. */
  const outcome = (read: () => unknown): string => {
    try {
      return JSON.stringify(read(), (_, item: unknown) => (typeof item === 'bigint' ? Number(item) : item))
    } catch {
      return 'refused'
    }
  }
  const jsonText = fc
    .tuple(fc.json(), fc.constantFrom(undefined, 1, 2))
    .map(([text, indent]) => JSON.stringify(JSON.parse(text), null, indent))

  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        expect(outcome(() => new PythonJson(text).parse())).toBe(outcome(() => JSON.parse(text)))
      }),
    )
  })

  it('refuses what JSON.parse refuses', () => {
    const damaged = fc.tuple(
      jsonText,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '\\u12', ',', ':', '[', '}', '0', '-', '.', 'e', '\n', 'x'),
      fc.nat(2),
    )
    fc.assert(
      fc.property(damaged, ([text, place, insert, remove]) => {
        const at = place % (text.length + 1)
        const broken = text.slice(0, at) + insert + text.slice(at + remove)
        expect(outcome(() => new PythonJson(broken).parse())).toBe(outcome(() => JSON.parse(broken)))
      }),
      { numRuns: 2000 },
    )
  })

  it('is as good for megabytes', () => {
    const text = `["${'x'.repeat(5_000_000)}", "${'\\n'.repeat(1_000_000)}", NaN]`
    expect((decodeJson(text) as string[]).map((item) => item.length)).toEqual([
      5_000_000,
      1_000_000,
      undefined,
    ])
  })
})

describe('numbers', () => {
  it.each<[string, unknown]>([
    ['9007199254740991', 9007199254740991],
    ['-9007199254740991', -9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9007199254740993', -9007199254740993n],
    [
      '[0.12345678901234567, 12345678901234568.0, 12345678901234568e2]',
      [Number('0.12345678901234567'), Number('12345678901234568'), Number('1234567890123456800')],
    ],
    ['["12345678901234567890", "x12345678901234567890"]', ['12345678901234567890', 'x12345678901234567890']],
    ['{"a":12345678901234567890}', { a: 12345678901234567890n }],
    ['[1700000000000000, 1e400, -0.0]', [1_700_000_000_000_000, Number.POSITIVE_INFINITY, -0]],
    [' [ NaN , Infinity,-Infinity ] ', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    [`1${'0'.repeat(4299)}`, 10n ** 4299n],
    [`-1${'0'.repeat(4299)}`, -(10n ** 4299n)],
  ])('%.60s are read exactly', (text, value) => {
    expect(decodeJson(text)).toEqual(value)
  })

  it('finds an unsafe integer wherever it stands', () => {
    fc.assert(
      fc.property(fc.nat(64), fc.bigInt({ min: 2n ** 53n, max: 10n ** 40n }), (spaces, value) => {
        expect(decodeJson(`[${' '.repeat(spaces)}${value}, 1]`)).toEqual([value, 1])
      }),
    )
  })

  it.each([4301, 1_000_000])('refuses an integer of %i digits at once', (digits) => {
    expect(() => decodeJson(`[1${'0'.repeat(digits - 1)}]`)).toThrow(/at most 4300 digits/)
    expect(() => decodeJson(values(`1${'0'.repeat(digits)}`, ['bigint']))).toThrow(DecodeError)
  })
})

describe('depth', () => {
  const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)

  it('is limited to 320 levels of text', () => {
    expect(attempt(nested(320))).toBeInstanceOf(Array)
    expect(attempt(nested(321))).toBeInstanceOf(DecodeError)
    expect(attempt(`{"a":[NaN, ${nested(319)}]}`)).toBeInstanceOf(DecodeError)
  })

  it.each([
    ['lists', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['unclosed lists', '['.repeat(1_000_000)],
    ['lists around NaN', `${'['.repeat(100_000)}NaN${']'.repeat(100_000)}`],
    ['wrappers', `${'{"__superjson__":{"json":'.repeat(50_000)}1${'}}'.repeat(50_000)}`],
  ])('of 100 000 %s is refused', (_, text) => {
    expect(() => decodeJson(text)).toThrow(/at most 320 levels/)
  })

  it('does not count brackets in strings, nor siblings', () => {
    const wide = JSON.stringify([...Array(1000).fill([{}]), '[[{{'.repeat(1000), '\\"[[[\\'.repeat(1000)])
    expect(decodeJson(wide)).toEqual(JSON.parse(wide))
  })
})

describe('a text that is cheap to write and dear to read', () => {
  it('is counted before it is parsed: arrays, objects, members, and none of what stands in strings', () => {
    const row = '{"a":[]},'
    const many = Math.floor(maxParts / 3)
    const text = (rows: number) => `["\\"[[{{::\\\\",${row.repeat(rows)}0]`
    expect(hasTooManyParts(text(many))).toBe(false)
    expect(hasTooManyParts(text(many + 1))).toBe(true)
    expect(hasTooManyParts(`["${'[{:'.repeat(maxParts)}"]`)).toBe(false)
    expect(hasTooManyParts(`["${'['.repeat(3 * maxParts)}`)).toBe(false)
  })

  // Whoever writes the path of each of them looks for half an hour.
  it('with a long key over very many values is read at once', () => {
    const key = 'k'.repeat(16_000)
    const text = `{"__superjson__":{"json":{"${key}":[${'0,'.repeat(2_000_000)}0]},"meta":{"v":1}}}`
    const read = decodeJson(text) as Record<string, readonly number[]>
    expect(read[key]).toHaveLength(2_000_001)
  })

  it('may not bring regular expressions without end: a million of these end the process', () => {
    const bomb = (many: number) => values(`/[${'\\p{L}'.repeat(many)}]/u`, ['regexp'])
    expect(decodeJson(bomb(100))).toBeInstanceOf(RegExp)
    expect(attempt(bomb(maxRegExpText))).toBeInstanceOf(DecodeError)
    const several = `[${Array.from({ length: 100 }, () => bomb(100)).join()}]`
    expect(() => decodeJson(several)).toThrow(/more than 10000 characters of regular expressions/)
    expect(() => encodeValue([new RegExp('a'.repeat(maxRegExpText))])).toThrow(
      /regular expressions to more than 10000/,
    )
  })

  it('may not speak of places without end', () => {
    const paths = Array.from({ length: maxPlaces + 1 }, (_, index) => `${index}`)
    const text = wrapper([], { v: 1, referentialEqualities: { a: paths } })
    expect(() => decodeJson(text)).toThrow(/more than 500000 places/)
  })
})

describe('keys that name a prototype', () => {
  const text = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'

  it.each([text, text.replace('1', 'NaN'), `[${text}, {"__type__": "date", "__value__": "2026-01-02"}]`])(
    'are plain data: %s',
    (hostile) => {
      const value = [decodeJson(hostile)].flat()[0] as object
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
      expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    },
  )

  it('may hold typed values like any other', () => {
    const value = decodeJson('{"__proto__": {"__type__": "date", "__value__": "2026-01-02"}}') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(Object.values(value).map(String)).toEqual(['2026-01-02'])
  })

  it('do nothing in a wrapper either', () => {
    const inside = JSON.stringify({
      __superjson__: {
        json: JSON.parse(text) as unknown,
        meta: {
          values: { '__proto__.polluted': ['set'], 'constructor.prototype': ['map'] },
          referentialEqualities: { __proto__: ['constructor.prototype'] },
          v: 1,
        },
      },
    })
    attempt(inside)
    const own = decodeJson(`{"__superjson__": {"json": ${text}}}`) as object
    expect(Object.getPrototypeOf(own)).toBe(Object.prototype)
  })
})

describe('typed values that are none', () => {
  it.each([
    ['datetime', 'today'],
    ['datetime', 5],
    ['date', null],
    ['time', '25:00'],
    ['decimal', 'ten'],
    ['uuid', '12345678123456781234567812345678'],
    ['uuid', { hex: 'x' }],
    ['uuid', null],
    ['bytes', [1]],
    ['bytes', '\ud800'],
    ['base64', {}],
    ['set', [1]],
    ['__proto__', {}],
    ['constructor', {}],
    [null, 1],
    [['datetime'], 1],
    [{}, 1],
  ])('of type %j are refused', (type, value) => {
    expect(() => decodeJson(`[[{"a": ${JSON.stringify({ __type__: type, __value__: value })}}]]`)).toThrow(
      DecodeError,
    )
  })

  it('are named', () => {
    expect(() => decodeJson('{"__type__": "money", "__value__": 1}')).toThrow(
      /^Expected a __type__ that kombu knows \(datetime, date, time, decimal, uuid, bytes, base64\), got "money"/,
    )
  })

  it('are found behind escapes, as Python finds them', () => {
    expect(() => decodeJson('{"\\u005f_type__": "money", "__value__": 1}')).toThrow(DecodeError)
    expect(() => decodeJson('{"__t\\u0079pe__": "money", "__value__": 1}')).toThrow(DecodeError)
  })

  it('are left alone with a third key, or without a second', () => {
    for (const text of [
      '{"__type__":"x","__value__":1,"more":1}',
      '{"__type__":"x"}',
      '{"__esc__":1}',
      '{"__type__":"x","__value__":1,"__esc__":-1}',
    ])
      expect(encodeValue(decodeJson(text))).toBe(text)
  })
})

describe('wrappers that superjson did not write', () => {
  it.each([
    ['no object', '{"__superjson__": 7}'],
    ['no json', '{"__superjson__": {}}'],
    ['a list', '{"__superjson__": [1]}'],
    ['meta that is no object', wrapper(1, 5)],
    ['meta that is a list', wrapper(1, [])],
    ['meta that is null', wrapper(1, null)],
    ['another version', wrapper(1, { v: 2 })],
    ['no version', wrapper(1, { values: ['set'] })],
    ['a typed array made of a number', values(2 ** 33, [['typed-array', 'Float64Array']])],
    ['a typed array made of text', values(['x'], [['typed-array', 'Float64Array']])],
    ['a typed array of another kind', values([1], [['typed-array', 'Function']])],
    ['a big array of fractions', values([1.5], [['typed-array', 'BigInt64Array']])],
    ['an unknown type', values(1, ['temporal'])],
    ['a type of Object.prototype', values(1, ['constructor'])],
    ['a symbol', values('x', [['symbol', 'x']])],
    ['a custom type', values('x', [['custom', 'constructor']])],
    ['an unknown class', values({}, [['class', 'constructor']])],
    ['a class without a name', values({}, [['class']])],
    ['a Map of no pairs', values([1], ['map'])],
    ['a Map of text', values('ab', ['map'])],
    ['a Set of text', values('ab', ['set'])],
    ['a Set of an object', values({ length: 1e9 }, ['set'])],
    ['a broken RegExp', values('/(/', ['regexp'])],
    ['a RegExp of a number', values(5, ['regexp'])],
    ['a broken URL', values('nowhere', ['URL'])],
    ['a broken bigint', values('1.5', ['bigint'])],
    ['a broken Date', values('soon', ['Date'])],
    ['an Error of null', values(null, ['Error'])],
    ['types in a text', values(1, 'set')],
    ['types in a type', values({}, { a: 5 })],
    ['children in a text', values([], ['set', 'x'])],
    ['equalities in a text', wrapper([], { referentialEqualities: 'x', v: 1 })],
    ['equalities of a number', wrapper([], { referentialEqualities: { a: 5 }, v: 1 })],
    [
      'a typed value for meta',
      '{"__superjson__": {"json": 1, "meta": {"__type__": "date", "__value__": "2026-01-02"}}}',
    ],
  ])('%s', (_, text) => {
    expect(() => decodeJson(text)).toThrow(DecodeError)
  })

  it('say what is wrong with them', () => {
    expect(() => decodeJson(values(1, ['temporal']))).toThrow(
      'Expected a __superjson__ wrapper as superjson writes it, got the unknown type "temporal".',
    )
  })

  it('may name places that are not there', () => {
    expect(decodeJson(values([], { '4294967294': ['undefined'], 'a.b': ['set'] }))).toEqual([])
    expect(decodeJson(wrapper({ a: 1 }, { referentialEqualities: { x: ['y', 5, null] }, v: 1 }))).toEqual({
      a: 1,
    })
  })

  it('give a value or a DecodeError, whatever they hold', () => {
    const word = fc.constantFrom(
      'a',
      'b',
      '0',
      '1',
      'a.0',
      '0.1',
      '__proto__',
      'constructor',
      '',
      'set',
      'map',
      'Error',
      'class',
      'typed-array',
      'Int8Array',
      'values',
      'v',
      'undefined',
      'bigint',
      '5',
    )
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        word,
        fc.integer(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(word, tie('tree'), { maxKeys: 3 }),
      ),
    }))
    fc.assert(
      fc.property(tree, tree, tree, (json, types, equalities) => {
        attempt(wrapper(json, { values: types, referentialEqualities: equalities, v: 1 }))
      }),
      { numRuns: 3000 },
    )
    expect(Object.keys(Object.prototype)).toEqual([])
  })
})

describe('the malformed messages that were recorded', () => {
  interface Malformed {
    case: string
    raw_base64?: string
    raw_gzip_base64?: string
  }
  const { cases } = JSON.parse(
    readFileSync(new URL('../vectors/malformed.json', import.meta.url), 'utf8'),
  ) as { cases: Malformed[] }

  it.each(cases.map((item) => [item.case, item] as const))(
    '%s: its envelope and body are a value or a DecodeError',
    (_, item) => {
      const raw =
        item.raw_base64 === undefined
          ? gunzipSync(Buffer.from(item.raw_gzip_base64!, 'base64'))
          : Buffer.from(item.raw_base64, 'base64')
      const envelope = attempt(raw.toString('utf8'))
      const body = (envelope as { body?: unknown } | null)?.body
      if (typeof body === 'string') attempt(Buffer.from(body, 'base64').toString('utf8'))
    },
  )

  it('are those that say so', () => {
    const outcome = (name: string): unknown => {
      const item = cases.find((one) => one.case === name)!
      const raw =
        item.raw_base64 === undefined
          ? gunzipSync(Buffer.from(item.raw_gzip_base64!, 'base64'))
          : Buffer.from(item.raw_base64, 'base64')
      const envelope = attempt(raw.toString('utf8'))
      return envelope instanceof DecodeError
        ? envelope
        : attempt(Buffer.from((envelope as { body: string }).body, 'base64').toString('utf8'))
    }
    for (const name of [
      'not_json',
      'deep_env_100k',
      'deep_body_3000',
      'deep_body_100k',
      'typed_unknown',
      'typed_bad_uuid',
      'bigint',
    ])
      expect([name, outcome(name)]).toEqual([name, expect.any(DecodeError)])
    for (const name of ['nan_inf', 'proto_keys', 'lone_surrogate', 'body_10MB'])
      expect([name, outcome(name)]).toEqual([name, expect.any(Array)])
  })
})

it('parseJson leaves everything as it lies on the wire', () => {
  expect(parseJson('{"__type__": "money", "__value__": NaN}')).toEqual({
    __type__: 'money',
    __value__: Number.NaN,
  })
})
