// A set of calendar fields, and the next moment on a wall clock that is in all of them. Arithmetic on days
// since 1970 and bit masks: no Date, no zone. Wall times are milliseconds as if the wall were in UTC.

/** The days of a month that match, as a mask (bit 1 is the 1st). `first` is the 1st's weekday, 0 is Sunday. */
export type DaysOfMonth = (first: number, length: number) => number

export interface CalendarFields {
  readonly seconds: Iterable<number>
  readonly minutes: Iterable<number>
  readonly hours: Iterable<number>
  /** 1 to 12. */
  readonly months: Iterable<number>
  readonly days: DaysOfMonth
}

/** The first matching wall time at or after `wallMs`; null when there is none in the next hundred years. */
export type NextWall = (wallMs: number) => number | null

const daySeconds = 86_400
/** The 29th of February on one weekday is up to 40 years away. */
const horizonYears = 100

export function calendar(fields: CalendarFields): NextWall {
  const seconds = new Members(fields.seconds)
  const minutes = new Members(fields.minutes)
  const hours = new Members(fields.hours)
  const months = new Members(fields.months)
  const { days } = fields
  const firstOfDay = hours.first * 3600 + minutes.first * 60 + seconds.first

  /** The first matching second of a day at or after `from`, or -1. */
  function inDay(from: number): number {
    const hour = Math.floor(from / 3600)
    const minute = Math.floor(from / 60) % 60
    if (hours.from(hour) === hour) {
      if (minutes.from(minute) === minute) {
        const second = seconds.from(from % 60)
        if (second >= 0) return from - (from % 60) + second
      }
      const later = minutes.from(minute + 1)
      if (later >= 0) return hour * 3600 + later * 60 + seconds.first
    }
    const later = hours.from(hour + 1)
    return later < 0 ? -1 : later * 3600 + minutes.first * 60 + seconds.first
  }

  return (wallMs) => {
    const wall = Math.ceil(wallMs / 1000)
    const today = Math.floor(wall / daySeconds)
    let { year, month, day } = dateOf(today)
    const lastYear = year + horizonYears
    let isToday = true
    while (year <= lastYear) {
      if (months.from(month) === month) {
        const first = daysBefore(year, month)
        // A shift by 32 is a shift by 0 in JavaScript.
        const rest = day > 31 ? 0 : -1 << day
        const mask = days(weekdayOf(first), lengthOf(year, month)) & rest
        if (mask !== 0) {
          const found = lowestBit(mask)
          const at = isToday && found === day ? inDay(wall - today * daySeconds) : firstOfDay
          if (at >= 0) return ((first + found - 1) * daySeconds + at) * 1000
          // Nothing is left of today: once more from tomorrow.
          isToday = false
          day += 1
          continue
        }
      }
      isToday = false
      day = 1
      month = months.from(month + 1)
      if (month < 0) {
        year += 1
        month = months.first
      }
    }
    return null
  }
}

/** Numbers from 0 to 59 as two masks: a store of 100 000 entries has half a million of these. */
class Members {
  readonly #low: number
  readonly #high: number
  readonly first: number

  constructor(members: Iterable<number>) {
    let low = 0
    let high = 0
    for (const member of members)
      if (member < 30) low |= 1 << member
      else high |= 1 << (member - 30)
    this.#low = low
    this.#high = high
    this.first = this.from(0)
  }

  /** The smallest member that is n or more, or -1. */
  from(n: number): number {
    const low = n < 30 ? this.#low & (-1 << n) : 0
    if (low !== 0) return lowestBit(low)
    const high = n < 60 ? this.#high & (-1 << Math.max(0, n - 30)) : 0
    return high === 0 ? -1 : 30 + lowestBit(high)
  }
}

/** The days of a month that fall on one of these weekdays (bit 0 is Sunday), as a mask. */
export function weekdaysOfMonth(weekdays: number, first: number, length: number): number {
  let mask = 0
  for (let weekday = 0; weekday < 7; weekday++)
    if (weekdays & (1 << weekday)) mask |= everySeventh << ((weekday - first + 7) % 7)
  return mask & allDays(length)
}

/** The 1st, 8th, 15th, 22nd and 29th. */
const everySeventh = (1 << 1) | (1 << 8) | (1 << 15) | (1 << 22) | (1 << 29)

/** The mask of the days 1 to `length`. */
export const allDays = (length: number): number => (length === 31 ? -2 : ~(-1 << (length + 1)) & -2)

export const maskOf = (members: Iterable<number>): number => {
  let mask = 0
  for (const member of members) mask |= 1 << member
  return mask
}

const lowestBit = (mask: number): number => 31 - Math.clz32(mask & -mask)
const weekdayOf = (day: number): number => (((day + 4) % 7) + 7) % 7

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const

export const lengthOf = (year: number, month: number): number =>
  month === 2 && isLeap(year) ? 29 : lengths[month - 1]!

/** Days from 1970-01-01 to the first of a month, in the proleptic Gregorian calendar. */
function daysBefore(year: number, month: number): number {
  const shifted = month > 2 ? year : year - 1
  const era = Math.floor(shifted / 400)
  const ofEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5)
  return era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + dayOfYear - 719_468
}

/** The date of a day since 1970-01-01. A year that begins in March has its odd day at its end. */
function dateOf(days: number): { year: number; month: number; day: number } {
  const since = days + 719_468
  const era = Math.floor(since / 146_097)
  const ofEra = since - era * 146_097
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100))
  const march = Math.floor((5 * ofYear + 2) / 153)
  const month = march < 10 ? march + 3 : march - 9
  return {
    year: year + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * march + 2) / 5) + 1,
  }
}
