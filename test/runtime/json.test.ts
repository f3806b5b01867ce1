import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { SuperJSON } from 'superjson'
import { describe, expect, it } from 'vitest'
import { DecodeError, EncodeError, ImproperlyConfigured } from '../../src/errors.js'
import {
  Decimal,
  decodeJson,
  encodeArgs,
  encodeKwargs,
  encodePython,
  encodeValue,
  NaiveDateTime,
  parseJson,
  PlainDate,
  PlainTime,
  revive,
  Uuid,
  WireJson,
  writeWire,
} from '../../src/runtime/json.js'
import { anyGraph, anyValue, describe as description, plainValue } from './json-values.js'

const survives = (value: unknown): void => {
  const expected = description(value)
  expect(description(decodeJson(encodeValue(value)))).toEqual(expected)
  expect(description(decodeJson(encodePython(value)))).toEqual(expected)
}

describe('every value that can travel', () => {
  it('survives, if it is what Python has names for', () => {
    fc.assert(fc.property(plainValue, survives))
  })

  it('survives, if superjson has to carry it', () => {
    fc.assert(fc.property(anyValue, survives))
  })

  it('survives with its shared parts and circles', () => {
    fc.assert(fc.property(anyGraph, survives), { numRuns: 500 })
  })

  it('survives a reader who writes it back as it lies on the wire', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const carried = writeWire(parseJson(encodeValue(value)))
        expect(description(decodeJson(carried))).toEqual(description(value))
      }),
    )
  })

  it('is written by encodePython with ASCII only', () => {
    fc.assert(fc.property(anyValue, (value) => /^[ -~]*$/.test(encodePython(value))))
  })
})

describe('the text', () => {
  it.each([
    [4, '4'],
    [-0, '-0.0'],
    [1e-7, '1e-07'],
    [2 ** 53, '9007199254740992.0'],
    [2 ** 60, '1.152921504606847e+18'],
    [Number.NaN, 'NaN'],
    [[Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], '[Infinity, -Infinity]'],
    [2n ** 64n, '18446744073709551616'],
    [undefined, 'null'],
    [null, 'null'],
    [true, 'true'],
    ['hé\u007f\u2028😀\ud800', '"h\\u00e9\\u007f\\u2028\\ud83d\\ude00\\ud800"'],
    [[1, undefined, 'a'], '[1, null, "a"]'],
    [{ a: undefined, b: [1] }, '{"b": [1]}'],
    [new Date(Date.UTC(2026, 0, 2)), '{"__type__": "datetime", "__value__": "2026-01-02T00:00:00+00:00"}'],
    [new Uint8Array([104, 105]), '{"__type__": "bytes", "__value__": "hi"}'],
    [Buffer.from([255, 0, 254]), '{"__type__": "base64", "__value__": "/wD+"}'],
    [
      new Uuid('12345678123456781234567812345678'),
      '{"__type__": "uuid", "__value__": {"hex": "12345678123456781234567812345678"}}',
    ],
    [new Decimal('1.10'), '{"__type__": "decimal", "__value__": "1.10"}'],
  ])('that encodePython gives is that of json.dumps (%#)', (value, text) => {
    expect(encodePython(value)).toBe(text)
  })

  it('of a date has six digits, so that old Pythons read it', () => {
    expect(encodeValue(new Date(Date.UTC(2026, 0, 2, 3, 4, 5)))).toContain(
      '"2026-01-02T03:04:05.000000+00:00"',
    )
  })

  it('of plain data is that of JSON.stringify', () => {
    const value = { name: 'Ada', tags: ['é', null], nested: [[], {}], n: 1.5, on: true }
    expect(encodeValue(value)).toBe(JSON.stringify(value))
  })

  it('of a value that superjson carries is one that superjson reads', () => {
    const value = {
      m: new Map([['a', new Set([1])]]),
      r: /x/g,
      u: new URL('http://x.y/'),
      n: 5n,
      a: new Float32Array([1]),
    }
    const { __superjson__: wrapper } = JSON.parse(encodeValue(value)) as { __superjson__: never }
    expect(new SuperJSON().deserialize(wrapper)).toEqual(value)
  })

  it('of a carried value keeps dates readable for Python', () => {
    const text = encodePython({ tags: new Set(['a']), at: new Date(0) })
    expect(text).toBe(
      '{"__superjson__": {"json": {"tags": ["a"], "at": {"__type__": "datetime", "__value__": ' +
        '"1970-01-01T00:00:00+00:00"}}, "meta": {"values": {"tags": ["set"]}, "v": 1}}}',
    )
  })
})

describe('the wrapper', () => {
  it('is used for small bigints, which would come back as numbers', () => {
    expect(decodeJson(encodeValue([5n, 2n ** 53n - 1n]))).toEqual([5n, 2n ** 53n - 1n])
  })

  it('keeps what is inside Maps and Sets, undefined included', () => {
    const value = new Map<unknown, unknown>([
      [new Date(5), new Set([undefined, Number.NaN, -0])],
      ['x', undefined],
    ])
    const back = decodeJson(encodeValue(value)) as Map<Date, Set<unknown>>
    expect([...back.keys()]).toEqual([new Date(5), 'x'])
    expect([...[...back.values()][0]!]).toEqual([undefined, Number.NaN, 0])
  })

  it('keeps the identity of a Date, but a Date in two places is no reason for it', () => {
    const date = new Date(5)
    expect(encodeValue([date, date])).not.toContain('__superjson__')
    const [first, second] = decodeJson(encodeValue([date, date, new Map()])) as Date[]
    expect(first).toBe(second)
  })

  it('gives an Error its name, message and cause, and no misleading stack', () => {
    const cause = new RangeError('below')
    const error = decodeJson(encodeValue(new TypeError('above', { cause }))) as Error
    expect(error).toBeInstanceOf(TypeError)
    expect([error.name, error.message, error.stack]).toEqual(['TypeError', 'above', 'TypeError: above'])
    expect((error.cause as Error).message).toBe('below')
  })

  it('writes a part that repeats beyond measure only once', () => {
    let value: unknown = { leaf: true }
    for (let level = 0; level < 60; level++) value = [value, value]
    const text = encodeValue(value)
    expect(text.length).toBeLessThan(20_000)
    let back = decodeJson(text)
    for (let level = 0; level < 60; level++) {
      expect((back as unknown[])[0]).toBe((back as unknown[])[1])
      back = (back as unknown[])[0]
    }
    expect(back).toEqual({ leaf: true })
  })

  it('is taken off at any depth, as in the results of a group', () => {
    const results = `[1, ${encodeValue(new Set([1]))}, {"deep": ${encodePython(new Map([[1, 2]]))}}]`
    expect(decodeJson(results)).toEqual([1, new Set([1]), { deep: new Map([[1, 2]]) }])
  })

  it('reads dates and numbers as superjson itself writes them', () => {
    const value = { at: new Date(1), n: [Number.NaN, -0, Number.POSITIVE_INFINITY], u: undefined }
    expect(decodeJson(`{"__superjson__":${new SuperJSON().stringify(value)}}`)).toEqual(value)
  })
})

describe("a user's object that looks like ours", () => {
  it.each([
    { __type__: 'datetime', __value__: '2026-01-02' },
    { __type__: 'nobody knows', __value__: { deep: [1] } },
    { __value__: 1, __type__: null },
    { __superjson__: { json: 1, meta: {} } },
    { __superjson__: null },
    { __type__: 'x', __value__: 1, __esc__: 1 },
    { __type__: 'x', __value__: 1, __esc__: 'a word' },
    { __superjson__: 1, __esc__: 7 },
    { __esc__: 1 },
    { __type__: 'x', __value__: 1, third: true },
    { __type__: 'x' },
    { __type__: new Map([[1, 2]]), __value__: new Set([1]) },
    [new Set([1]), { __type__: 'x', __value__: { __superjson__: 1 } }],
  ])('comes back as it was (%#)', (value) => {
    for (const where of [value, [value], { deep: { deeper: value } }, new Map([['in a wrapper', value]])]) {
      expect(decodeJson(encodeValue(where))).toEqual(where)
      expect(decodeJson(encodePython(where))).toEqual(where)
    }
  })

  it('gets a third key, so that Python leaves it alone', () => {
    expect(encodePython({ __type__: 'x', __value__: 1 })).toBe(
      '{"__type__": "x", "__value__": 1, "__esc__": 1}',
    )
    expect(encodeValue({ __type__: 'x', __value__: 1, gone: undefined })).toBe(
      '{"__type__":"x","__value__":1,"__esc__":1}',
    )
  })

  it('is harmless as keyword arguments, too', () => {
    expect(decodeJson(encodeKwargs({ __type__: 'x', __value__: new Map() }, 'proj.add'))).toEqual({
      __type__: 'x',
      __value__: new Map(),
    })
  })
})

describe('toJSON', () => {
  const signature = { task: 'proj.add', toJSON: () => ({ task: 'proj.add', args: [1, new Date(0)] }) }

  it('says how an object travels, wherever it stands', () => {
    const plain = { task: 'proj.add', args: [1, new Date(0)] }
    expect(decodeJson(encodeValue([signature, signature]))).toEqual([plain, plain])
    expect(encodeValue([signature, signature])).not.toContain('__superjson__')
    expect(decodeJson(encodeValue(new Map([['next', signature]])))).toEqual(new Map([['next', plain]]))
  })

  it('may return parts of its own in two places', () => {
    const options = {}
    expect(encodeValue({ toJSON: () => ({ a: options, b: options }) })).toBe('{"a":{},"b":{}}')
  })

  it('may return the object itself, or nothing', () => {
    const self = { a: 1, toJSON: undefined as unknown }
    Object.defineProperty(self, 'toJSON', { value: () => self, enumerable: false })
    expect(encodeValue(self)).toBe('{"a":1}')
    expect(encodeValue([{ toJSON: () => undefined }])).toBe('[null]')
  })

  it('that never ends is refused', () => {
    const endless = (): object => ({ toJSON: endless })
    expect(() => encodeValue(endless())).toThrow(EncodeError)
  })
})

class Point {
  #secret = 1
  constructor(
    readonly x: number,
    readonly inner: unknown = null,
  ) {}
  get double(): number {
    return this.x * 2 * this.#secret
  }
}
class Size {
  width = 1
  height = 2
}

describe('registered classes', () => {
  it('come back as instances, with their shared parts, and only where they are registered', () => {
    const json = new WireJson()
    json.registerClass(Size)
    const shared = new Size()
    const back = json.decodeJson(json.encodeValue({ a: shared, b: new Map([[shared, [shared]]]) })) as {
      a: Size
      b: Map<Size, Size[]>
    }
    expect(back.a).toBeInstanceOf(Size)
    expect(back.a).toEqual(shared)
    expect(back.b.get(back.a)).toEqual([shared])
    expect(() => encodeValue(shared)).toThrow(EncodeError)
    expect(() => decodeJson(json.encodeValue(shared))).toThrow(/got "Size"\. Register it on this side too/)
  })

  it('keep the message, if they are errors', () => {
    class Declined extends Error {
      code = 402
    }
    const json = new WireJson()
    json.registerClass(Declined)
    const error = json.decodeJson(json.encodeValue([new Declined('no funds')])) as Declined[]
    expect(error[0]).toBeInstanceOf(Declined)
    expect([error[0]!.message, error[0]!.code]).toEqual(['no funds', 402])
  })

  it('need names of their own', () => {
    const json = new WireJson()
    json.registerClass(Size, 'size')
    json.registerClass(Size, 'size')
    expect(() => json.registerClass(Point, 'size')).toThrow(ImproperlyConfigured)
    expect(() => json.registerClass(class {})).toThrow(ImproperlyConfigured)
  })
})

describe('what cannot travel is refused with its place, its kind and a way out', () => {
  const refusal = (value: unknown, where = 'argument 2 of proj.add'): string => {
    try {
      encodeValue(value, where)
    } catch (error) {
      expect(error).toBeInstanceOf(EncodeError)
      return (error as Error).message
    }
    throw new Error('it was taken')
  }

  it.each<[unknown, string]>([
    [
      { user: { name: () => 1 } },
      'argument 2.user.name of proj.add is a function (name); code cannot travel. Send the data it works on.',
    ],
    [
      [{ 'odd key': Symbol('s') }],
      'argument 2[0]["odd key"] of proj.add is a symbol (Symbol(s)), which means nothing in another process. Send a string.',
    ],
    [
      [new Point(1)],
      'argument 2[0] of proj.add is an instance of Point, which the other side could not rebuild. Send plain data ({ ...value }), give the class a toJSON(), or register it on both sides: app.registerClass(Point).',
    ],
    [Promise.resolve(1), 'argument 2 of proj.add is a Promise; await it first and send what it gives.'],
    [
      { at: new Date(Number.NaN) },
      'argument 2.at of proj.add is an invalid Date. Send null, or check the date before.',
    ],
    [
      new Map([['k', new Set([() => 1])]]),
      'argument 2.get("k").values()[0] of proj.add is a function (anonymous); code cannot travel. Send the data it works on.',
    ],
    [new ArrayBuffer(4), 'argument 2 of proj.add is a bare buffer; send new Uint8Array(buffer) instead.'],
    [
      { cache: new WeakMap() },
      'argument 2.cache of proj.add is a WeakMap, which only has a meaning in this process. Send plain data.',
    ],
    [[1].values(), 'argument 2 of proj.add is an iterator; send what it gives: [...iterator].'],
    [
      (async function* () {})(),
      'argument 2 of proj.add is an async iterator; collect what it gives and send that.',
    ],
    [
      new (class {})(),
      "argument 2 of proj.add is an instance of a class without a name, which the other side could not rebuild. Send plain data ({ ...value }), give the class a toJSON(), or register it on both sides: app.registerClass(TheClass, 'a name').",
    ],
    [10n ** 4300n, 'argument 2 of proj.add has more than 4300 digits; Python refuses to read that.'],
    [
      new Date(Date.UTC(10_000, 0)),
      "argument 2 of proj.add is the date +010000-01-01T00:00:00.000Z; Python's datetime ends with the years 1 and 9999. Send a string or a number.",
    ],
  ])('(%#)', (value, message) => {
    expect(refusal(value)).toBe(message)
  })

  it('names each argument of a call by its number or name', () => {
    expect(() => encodeArgs([1, new Map(), { f() {} }], 'proj.add')).toThrow(
      'argument 3.f of proj.add is a function (f)',
    )
    expect(() => encodeKwargs({ a: 1, b: Symbol.iterator }, 'proj.add')).toThrow(
      'argument b of proj.add is a symbol',
    )
  })

  it('refuses what is nested deeper than 256 levels, and a circle in a toJSON', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
    expect(decodeJson(`[[${encodeValue(nested(256))}], {}]`)).toEqual([[nested(256)], {}])
    expect(refusal(nested(257))).toMatch(/nested deeper than 256 levels/)
    const circle: { self?: unknown } = {}
    circle.self = circle
    expect(refusal({ toJSON: () => circle })).toMatch(/deeper than 256 levels \(or circular\)/)
  })

  it('refuses a key that may reach a prototype only where superjson has to carry it', () => {
    const value = { user: JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}') as object }
    expect(decodeJson(encodeValue(value))).toEqual(value)
    expect(decodeJson(encodeValue({ ...value, at: new Date(0) }))).toEqual({ ...value, at: new Date(0) })
    expect(refusal({ ...value, set: new Set() })).toMatch(
      /^argument 2\.user\.__proto__ of proj\.add has a name/,
    )
  })
})

describe('arguments of a call', () => {
  it('are encoded one by one: a Map does not hide the others from Python', () => {
    expect(parseJson(encodeArgs([1, new Set([2]), undefined], 'proj.add'))).toMatchObject([
      1,
      { __superjson__: { json: [2] } },
      null,
    ])
    expect(parseJson(encodeKwargs({ x: 1, y: 5n, z: undefined }, 'proj.add'))).toMatchObject({
      x: 1,
      y: { __superjson__: { json: '5' } },
    })
  })

  it('may be the same object twice', () => {
    const user = { id: 1 }
    expect(encodeArgs([user, user], 'proj.add')).toBe('[{"id":1},{"id":1}]')
  })
})

describe('objects of other worlds', () => {
  it('travel like our own', () => {
    const foreign: unknown = runInNewContext(
      '({ list: [1], map: new Map([[1, new Date(5)]]), error: new TypeError("x") })',
    )
    expect(decodeJson(encodeValue(foreign))).toMatchObject({ list: [1], map: new Map([[1, new Date(5)]]) })
    expect(encodeValue(runInNewContext('({ a: [1] })'))).toBe('{"a":[1]}')
    expect(encodeValue(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}')
  })

  it('include the wrapper classes of a second copy of this library', () => {
    class OtherDecimal {
      readonly text = '1.5'
    }
    const copy = Object.assign(new OtherDecimal(), { [Symbol.for('lovage.wireType')]: 'decimal' })
    expect(decodeJson(encodeValue([copy]))).toEqual([new Decimal('1.5')])
  })
})

describe('the wrapper classes', () => {
  it('hold the text as Python writes it', () => {
    expect(new NaiveDateTime('2026-01-02 03:04').text).toBe('2026-01-02T03:04:00')
    expect(new NaiveDateTime('1969-12-31T23:59:59.9999999').text).toBe('1969-12-31T23:59:59.999999')
    expect(new PlainDate('20260102').text).toBe('2026-01-02')
    expect(new PlainTime('03:04Z').text).toBe('03:04:00+00:00')
    expect(new PlainTime('03:04:05,5-05:30').text).toBe('03:04:05.500000-05:30')
    expect(new Uuid('{12345678-1234-5678-1234-56781234ABCD}').text).toBe(
      '12345678-1234-5678-1234-56781234abcd',
    )
    expect(new Decimal(1.5).text).toBe('1.5')
    expect(new Decimal('-0').toString()).toBe('-0')
    expect(JSON.stringify(new PlainDate('2026-01-02'))).toBe('"2026-01-02"')
  })

  it('give dates where a zone is chosen', () => {
    expect(new NaiveDateTime('2026-01-02T03:04:05').toDate()).toEqual(new Date('2026-01-02T03:04:05Z'))
    expect(new PlainDate('2026-01-02').toDate()).toEqual(new Date('2026-01-02T00:00:00Z'))
  })

  it.each([
    () => new NaiveDateTime('2026-01-02T03:04:05Z'),
    () => new PlainDate('today'),
    () => new PlainTime('25:00'),
    () => new PlainTime('2026-01-02'),
    () => new Decimal('1,5'),
    () => new Decimal('1'.repeat(100_000) + 'x'),
    () => new Uuid('1234'),
  ])('refuse other text (%#)', (make) => {
    expect(make).toThrow(DecodeError)
  })
})

describe('reviving a part', () => {
  it('is the second half of decodeJson', () => {
    const [args, embed] = parseJson(
      '[[{"__type__": "date", "__value__": "2026-01-02"}], {"x": {"__type__": "unknown", "__value__": 1}}]',
    ) as [unknown, unknown]
    expect(revive(args)).toEqual([new PlainDate('2026-01-02')])
    expect(writeWire(embed)).toBe('{"x":{"__type__":"unknown","__value__":1}}')
  })
})
