// Values that Python sent: read as what they mean, and written back so that Python reads the same.
import { describe, expect, it } from 'vitest'
import {
  Decimal,
  decodeJson,
  encodePython,
  encodeValue,
  NaiveDateTime,
  PlainDate,
  PlainTime,
  Uuid,
} from '../../src/runtime/json.js'
import { bodyOf, caseOf, messagesOf } from './read.js'
import { claims } from './types.claims.js'

interface Expectation {
  readonly values: readonly unknown[]
  /** Python's text → what we write in its place, where JavaScript cannot keep a detail. */
  readonly lost?: readonly [string, string]
}

const expectations: Record<(typeof claims.types)[number], Expectation> = {
  'datetime-date-time': {
    values: [
      new NaiveDateTime('2026-01-02T03:04:05'),
      new NaiveDateTime('2026-01-02T03:04:05.006789'),
      new Date('2026-01-02T03:04:05Z'),
      new Date('2026-01-02T08:34:05.120Z'),
      new PlainDate('2026-01-02'),
      new PlainTime('03:04:05'),
      new PlainTime('03:04:05.000006'),
    ],
    // The same moment: a Date knows no offset.
    lost: ['2026-01-02T03:04:05.120000-05:30', '2026-01-02T08:34:05.120000+00:00'],
  },
  decimal: {
    values: ['1.10', '-0', '1E+3', 'NaN', 'Infinity'].map((text) => new Decimal(text)),
  },
  uuid: { values: [new Uuid('12345678-1234-5678-1234-567812345678')] },
  'bytes-utf8-and-binary': {
    values: ['hello', 'hé', '']
      .map((text) => Buffer.from(text))
      .concat(Buffer.from([255, 0, 254]), Buffer.from([128])),
  },
  numbers: {
    values: [
      2n ** 53n,
      2n ** 64n,
      -1,
      1,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
      1e22,
      0.1,
    ],
    // A double without a fraction is an integer.
    lost: [', 1.0,', ', 1,'],
  },
  containers: { values: [[1, 2], { '1': 'bool', null: 'none key', '2.5': 'float key' }, [], {}] },
  'lone-surrogate-and-control': { values: ['\u0000\u001f\u007f\u2028', '\ud800'] },
}

describe.each(claims.types)('types:%s', (name) => {
  const { values, lost = ['', ''] } = expectations[name]
  const text = bodyOf(messagesOf(caseOf('types', name))[0]!)

  it('is read as what it means', () => {
    expect(decodeJson(text)).toEqual([
      values,
      {},
      { callbacks: null, errbacks: null, chain: null, chord: null },
    ])
  })

  it('is written back as Python wrote it', () => {
    expect(encodePython(decodeJson(text))).toBe(text.replace(...lost))
  })

  it('survives our compact text as well', () => {
    expect(decodeJson(encodeValue(values))).toEqual(values)
  })
})
