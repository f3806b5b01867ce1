import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DecodeError, EncodeError } from '../../src/errors.js'
import { readIsoDate, writeIsoDate } from '../../src/runtime/dates.js'

const moment = Date.UTC(2026, 0, 2, 3, 4, 5)

describe('reading a date', () => {
  it.each([
    ['2026-01-02T03:04:05Z', moment],
    ['2026-01-02T03:04:05z', moment],
    ['2026-01-02T03:04:05+00:00', moment],
    ['2026-01-02T03:04:05', moment],
    ['2026-01-02 03:04:05', moment],
    ['20260102T030405Z', moment],
    ['2026-W01-5T03:04:05', moment],
    ['2026-01-02T05:04:05+0200', moment],
    ['2026-01-02T05:04:05+02', moment],
    ['2026-01-01T21:34:05-05:30', moment],
    ['2026-01-02T03:04:35+00:00:30', moment],
    ['2026-01-02T03:04:05.1', moment + 100],
    ['2026-01-02T03:04:05,123', moment + 123],
    ['2026-01-02T03:04:05.1239999', moment + 123],
    ['2026-01-02T03:04:05.123456789+00:00', moment + 123],
    ['2026-01-02T03:04', moment - 5000],
    ['2026-01-02', Date.UTC(2026, 0, 2)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['0001-01-01T00:00:00', -62_135_596_800_000],
    ['9999-12-31T23:59:59.999', 253_402_300_799_999],
  ])('takes %s', (text, ms) => {
    expect(readIsoDate(text)).toBe(ms)
  })

  it.each([
    '',
    'tomorrow',
    '2026-13-01',
    '2026-02-30',
    '2025-W53-1',
    '2026-W00-1',
    '0000-01-01',
    '2026-01-02T24:00:00',
    '2026-01-02T03:60:00',
    '2026-01-02T03:04:60',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05 or so',
    '2026-01-02T03:04:05.Z',
    1_767_323_045,
    null,
    undefined,
    {},
  ])('refuses %s', (text) => {
    expect(() => readIsoDate(text)).toThrow(DecodeError)
  })

  it('says what it expected and what came', () => {
    expect(() => readIsoDate('tomorrow')).toThrow(
      'Expected an ISO 8601 date such as 2026-01-02T03:04:05+00:00, got "tomorrow".',
    )
  })

  it('does not linger over long texts', () => {
    expect(() => readIsoDate(`2026-01-02T03:04:05.${'1'.repeat(1_000_000)}x`)).toThrow(DecodeError)
  })
})

describe('writing a date', () => {
  it('writes six digits and the offset, as every Python reads it', () => {
    expect(writeIsoDate(moment)).toBe('2026-01-02T03:04:05.000000+00:00')
    expect(writeIsoDate(moment + 7)).toBe('2026-01-02T03:04:05.007000+00:00')
    expect(writeIsoDate(moment + 7)).toBe('2026-01-02T03:04:05.007000+00:00')
  })

  it('is read back as the same moment', () => {
    const moments = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    })
    fc.assert(fc.property(moments, (date) => readIsoDate(writeIsoDate(+date)) === +date))
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Date.UTC(10_000, 0, 1), -62_135_596_800_001])(
    'refuses %s, for which Python has no datetime',
    (ms) => {
      expect(() => writeIsoDate(ms)).toThrow(EncodeError)
    },
  )
})
