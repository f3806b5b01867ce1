import { describe, expect, it } from 'vitest'
import { Decimal, decodeJson, NaiveDateTime, PlainDate, PlainTime, Uuid } from '../../src/runtime/json.js'
import { repr } from '../../src/runtime/repr.js'
import { bodyOf, caseOf, messagesOf } from '../vectors/read.js'

const args = (...items: unknown[]): string => repr(items, { tuple: true })

describe('repr', () => {
  it.each<[unknown, string]>([
    [[1, 'two', null, true, 2.5, [1, { a: 'b' }]], "[1, 'two', None, True, 2.5, [1, {'a': 'b'}]]"],
    [undefined, 'None'],
    ["it's", "'it\\'s'"],
    ['back\\slash\n', "'back\\slash\n'"],
    [{}, '{}'],
    [[], '[]'],
    [new Set(), 'set()'],
    [new Set([1, 'a']), "{1, 'a'}"],
    [
      new Map<unknown, unknown>([
        [1, 'x'],
        [[2], null],
      ]),
      "{1: 'x', [2]: None}",
    ],
    [
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e-5, 1e22],
      '[nan, inf, -inf, -0.0, 1e-05, 1e+22]',
    ],
    [[5n, 2n ** 64n, 10n ** 5000n], '[5, 18446744073709551616, <int of more than 4300 digits>]'],
    [
      new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 120)),
      'datetime.datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=datetime.timezone.utc)',
    ],
    [new Date(Date.UTC(2026, 0, 2)), 'datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)'],
    [new Date(Number.NaN), '<invalid Date>'],
    [new NaiveDateTime('2026-01-02T03:04:05.006789'), 'datetime.datetime(2026, 1, 2, 3, 4, 5, 6789)'],
    [new PlainDate('2026-01-02'), 'datetime.date(2026, 1, 2)'],
    [
      [new PlainTime('03:04'), new PlainTime('03:04:00.000006')],
      '[datetime.time(3, 4), datetime.time(3, 4, 0, 6)]',
    ],
    [new PlainTime('03:04+02:00'), "datetime.time.fromisoformat('03:04:00+02:00')"],
    [new Decimal('1.10'), "Decimal('1.10')"],
    [new Uuid('12345678123456781234567812345678'), "UUID('12345678-1234-5678-1234-567812345678')"],
    [[Buffer.from('hé'), new Uint8Array([255, 0, 254])], "[b'hé', b'ff00fe']"],
    [new TypeError('no'), "TypeError('no')"],
    [/x/g, '/x/g'],
    [new URL('http://x.y/'), "URL('http://x.y/')"],
    [repr, '<function repr>'],
    [Symbol('s'), '<Symbol(s)>'],
    [new (class Point {})(), '<Point object>'],
    [{ toJSON: () => ({ task: 'proj.add' }) }, "{'task': 'proj.add'}"],
  ])('prints %# as Python would', (value, text) => {
    expect(repr(value)).toBe(text)
  })

  it('prints arguments as a tuple', () => {
    expect([args(), args(7), args(2, 2), args([2, 2])]).toEqual(['()', '(7,)', '(2, 2)', '([2, 2],)'])
  })

  it('opens three levels', () => {
    expect(repr({ a: { b: { c: { d: 1 } } } })).toBe("{'a': {'b': {'c': {...}}}}")
    expect(args([[['deep']]])).toBe('([[[...]]],)')
    expect(repr([[1]], { levels: 1 })).toBe('[[...]]')
  })

  it('cuts at the limit and closes what is open', () => {
    // As Celery, oddities included; but brackets always match, which Celery's do not.
    expect(repr([1, 2, 3, 4, 5], { limit: 5 })).toBe('[1, 2..., ...]')
    expect(repr([1, 2, 3, 4, 5], { limit: 6 })).toBe('[1, 2, , ...]')
    expect(repr({ k: ['x'.repeat(50)] }, { limit: 20 })).toBe(`{'k': ['${'x'.repeat(13)}...', ...]}`)
    expect(repr('one two three', { limit: 9 })).toBe("'one two...'")
    expect(repr(Buffer.alloc(50, 'x'), { limit: 3 })).toBe("b'xxx...'")
    expect(repr(`${'x'.repeat(9)}😀`, { limit: 10 })).toBe(`'${'x'.repeat(9)}...'`)
  })

  it('survives circles, giants and objects that throw', () => {
    const circle: unknown[] = [1]
    circle.push(circle)
    expect(repr(circle)).toBe('[1, <Recursion on list>]')
    const endless = (): object => ({ toJSON: endless })
    expect(repr(endless())).toBe('<Object object>')
    const thrower = {
      get x(): never {
        throw new Error('no')
      },
    }
    expect(repr([1, thrower])).toContain('<unprintable>')
    const started = performance.now()
    for (const giant of [
      'x'.repeat(50_000_000),
      Array(5_000_000).fill(1),
      Buffer.alloc(50_000_000),
      new Set(Array(100_000).keys()),
    ])
      expect(repr(giant).length).toBeLessThan(1100)
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})

describe('the headers that Celery wrote', () => {
  /** A double has no `1.0`, JSON no tuples and int keys, a Date no offset. */
  const asOurs = (header: string): string =>
    header
      .replace(' 1.0,', ' 1,')
      .replace('((1, 2), {1:', "([1, 2], {'1':")
      .replace("None: 'none key', 2.5:", "'null': 'none key', '2.5':")
      .replace(
        /2026, 1, 2, 3, 4, 5, 120000, tzinfo=[^)]*\){3}/,
        '2026, 1, 2, 8, 34, 5, 120000, tzinfo=datetime.timezone.utc)',
      )

  it.each([
    ['calls', 'plain'],
    ['calls', 'args-kwargs-nested'],
    ['types', 'datetime-date-time'],
    ['types', 'decimal'],
    ['types', 'uuid'],
    ['types', 'bytes-utf8-and-binary'],
    ['types', 'numbers'],
    ['types', 'containers'],
    ['types', 'lone-surrogate-and-control'],
  ] as const)('of %s:%s are ours', (file, name) => {
    for (const message of messagesOf(caseOf(file, name))) {
      const [positional, keyword] = decodeJson(bodyOf(message)) as [unknown[], object]
      expect(repr(positional, { tuple: true })).toBe(asOurs(message.headers.argsrepr))
      expect(repr(keyword)).toBe(message.headers.kwargsrepr)
    }
  })
})
