// The calendar under crontab() and cron(), where those two do not reach.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allDays, calendar, lengthOf, weekdaysOfMonth } from '../../src/beat/calendar.js'
import { nextInZone, policies, realTime } from '../../src/beat/walk.js'
import { zoneOf } from '../../src/beat/zone.js'

const midnights = (months: number[], days: number) =>
  calendar({ seconds: [0], minutes: [0], hours: [0], months, days: () => days })

describe('the calendar', () => {
  it('gives up on a day that never comes', () => {
    const never = calendar({
      seconds: [0],
      minutes: [0],
      hours: [0],
      months: [2],
      days: (_, length) => (1 << 31) & allDays(length),
    })
    expect(never(0)).toBeNull()
    expect(nextInZone(zoneOf('Europe/Berlin'), 0, never, policies.once)).toBeNull()
    expect(nextInZone(zoneOf('Europe/Berlin'), 0, never, realTime)).toBeNull()
  })

  it('reckons as Date does, from 1600 to 2400', () => {
    const moment = fc.integer({ min: Date.UTC(1600, 0), max: Date.UTC(2400, 0) })
    fc.assert(
      fc.property(
        moment,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 28 }),
        (ms, month, day) => {
          const found = new Date(midnights([month], 1 << day)(ms)!)
          expect([
            found.getUTCMonth() + 1,
            found.getUTCDate(),
            Math.abs(found.getTime() % 86_400_000),
          ]).toEqual([month, day, 0])
          expect(found.getTime()).toBeGreaterThanOrEqual(ms)
          const year = new Date(ms).getUTCFullYear()
          const same = Date.UTC(year, month - 1, day)
          expect(found.getTime()).toBe(same >= ms ? same : Date.UTC(year + 1, month - 1, day))
          expect(lengthOf(year, month)).toBe(new Date(Date.UTC(year, month, 0)).getUTCDate())
        },
      ),
    )
  })

  it('knows the weekdays of each kind of month', () => {
    for (let first = 0; first < 7; first++)
      for (let length = 28; length <= 31; length++)
        for (let weekday = 0; weekday < 7; weekday++)
          for (let day = 1; day <= 31; day++)
            expect(((weekdaysOfMonth(1 << weekday, first, length) >> day) & 1) === 1).toBe(
              day <= length && (first + day - 1) % 7 === weekday,
            )
  })
})

describe('a zone', () => {
  it('is one object for each name', () => {
    expect(zoneOf('Asia/Tokyo')).toBe(zoneOf('Asia/Tokyo'))
  })

  it('knows its stretches long ago, over New Year, and at a change of the date line', () => {
    expect(zoneOf('Asia/Tokyo').stretchAt(Date.UTC(1920, 5)).offsetMs).toBe(9 * 3_600_000)
    // Samoa went without the 30th of December 2011.
    const apia = zoneOf('Pacific/Apia')
    const change = Date.UTC(2011, 11, 30, 10)
    expect(apia.stretchAt(change)).toMatchObject({
      fromMs: change,
      offsetMs: 14 * 3_600_000,
      offsetBeforeMs: -10 * 3_600_000,
    })
    expect(apia.stretchAt(Date.UTC(2012, 0)).fromMs).toBe(change)
    expect(apia.stretchAt(change - 1)).toMatchObject({ untilMs: change, offsetMs: -10 * 3_600_000 })
    const daily = calendar({
      seconds: [0],
      minutes: [0],
      hours: [9],
      months: [12],
      days: (_, length) => allDays(length),
    })
    const next = (ms: number) => nextInZone(apia, ms, daily, policies.once)
    expect([next(change - 86_400_000 + 1), next(change), next(change + 9 * 3_600_000)]).toEqual([
      Date.UTC(2011, 11, 29, 19),
      Date.UTC(2011, 11, 30, 19),
      Date.UTC(2012, 10, 30, 19),
    ])
  })
})
