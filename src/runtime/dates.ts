// The wire's dates: ISO 8601 text ⇄ milliseconds. Python writes them in several dresses (`eta`, `expires`,
// `date_done`, typed datetimes), so reading takes any; writing has one: six digits and `+00:00`, because
// Python up to 3.10 reads neither `Z` nor other lengths, and Celery 5.2 takes `.123` for 123 µs.
import { DecodeError, EncodeError } from '../errors.js'

/** What an ISO 8601 text says, before anybody decides what a missing offset means. */
export interface IsoParts {
  /** The written day and time of day, as if it were UTC; whole milliseconds. */
  readonly localMs: number
  /** Microseconds beyond `localMs`, 0 to 999. Digits after the sixth are dropped, as Python does. */
  readonly micros: number
  /** Seconds east of UTC; null when the text is naive. */
  readonly offset: number | null
}

const isoText = new RegExp(
  '^(\\d{4})(?:-?(\\d\\d)-?(\\d\\d)|-?W(\\d\\d)-?([1-7]))' + // 2026-01-02, 20260102, 2026-W01-5
    '(?:[^\\d](\\d\\d)(?::?(\\d\\d)(?::?(\\d\\d)(?:[.,](\\d+))?)?)?' + // T03, T03:04, T030405, T03:04:05,678901
    ' ?(Z|[+-]\\d\\d(?::?\\d\\d(?::?\\d\\d(?:[.,]\\d+)?)?)?)?)?$', // Z, +02, +0200, -05:30, +02:00:30
  'i',
)
const dayMs = 86_400_000
/** Python's datetime knows the years 1 to 9999. */
const firstMs = Date.parse('0001-01-01T00:00:00.000Z')
const lastMs = Date.parse('9999-12-31T23:59:59.999Z')

/** Reads an ISO 8601 date or datetime; null when the text is none. */
export function parseIso(text: string): IsoParts | null {
  const match = isoText.exec(text)
  if (match === null) return null
  const [, year, month, day, week, weekday, hour = '0', minute = '0', second = '0', fraction = '', zone] =
    match
  const dayStart =
    week === undefined ? calendarDay(+year!, +month!, +day!) : weekDay(+year!, +week, +weekday!)
  if (dayStart === null || +hour > 23 || +minute > 59 || +second > 59) return null
  const offset = zone === undefined ? null : offsetSeconds(zone)
  if (offset !== null && Math.abs(offset) >= 86_400) return null
  const micros = +fraction.slice(0, 6).padEnd(6, '0')
  const localMs = dayStart + ((+hour * 60 + +minute) * 60 + +second) * 1000 + Math.floor(micros / 1000)
  return { localMs, micros: micros % 1000, offset }
}

/**
 * Any ISO 8601 text → milliseconds since 1970. Without an offset it is UTC, as Celery means it.
 * Microseconds are dropped: a JavaScript date has none.
 * @throws DecodeError for anything that is not such a text.
 */
export function readIsoDate(text: unknown): number {
  const parts = typeof text === 'string' ? parseIso(text) : null
  if (parts === null)
    throw new DecodeError(`Expected an ISO 8601 date such as 2026-01-02T03:04:05+00:00, got ${quote(text)}.`)
  return parts.localMs - (parts.offset ?? 0) * 1000
}

let cachedMs = Number.NaN
let cachedText = ''

/**
 * Milliseconds → `2026-01-02T03:04:05.678000+00:00`. The last text is kept: results that end in the same
 * millisecond pay for one.
 * @throws EncodeError outside the years 1 to 9999, which Python's datetime cannot hold.
 */
export function writeIsoDate(ms: number): string {
  if (ms === cachedMs) return cachedText
  if (!(ms >= firstMs && ms <= lastMs))
    throw new EncodeError(
      `Expected a date between the years 1 and 9999 (Python has no other), got ${dateName(ms)}.`,
    )
  cachedText = `${new Date(ms).toISOString().slice(0, 23)}000+00:00`
  cachedMs = ms
  return cachedText
}

function calendarDay(year: number, month: number, day: number): number | null {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  const exists = year >= 1 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
  return exists ? date.getTime() : null
}

/** ISO weeks: week 1 is the one with January 4th; days count from Monday. */
function weekDay(year: number, week: number, weekday: number): number | null {
  const january4 = calendarDay(year, 1, 4)
  if (january4 === null || week < 1 || week > 53) return null
  const mondayOfWeek1 = january4 - ((new Date(january4).getUTCDay() + 6) % 7) * dayMs
  const day = mondayOfWeek1 + ((week - 1) * 7 + weekday - 1) * dayMs
  const thursday = mondayOfWeek1 + ((week - 1) * 7 + 3) * dayMs
  return new Date(thursday).getUTCFullYear() === year ? day : null
}

function offsetSeconds(zone: string): number {
  if (zone === 'Z' || zone === 'z') return 0
  const [hours, minutes = '0', seconds = '0'] = zone.slice(1).replaceAll(':', '').match(/\d\d/g)!
  const size = (+hours! * 60 + +minutes) * 60 + +seconds
  return zone.startsWith('-') ? -size : size
}

const quote = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value.slice(0, 60))
    : value === null
      ? 'null'
      : `a ${typeof value}`

const dateName = (ms: number): string => {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? 'an invalid date' : date.toISOString()
}
