// The schedules without a calendar, and what can be asked of any schedule.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asSchedule } from '../../src/beat/as-schedule.js'
import { clocked } from '../../src/beat/clocked.js'
import { cron } from '../../src/beat/cron.js'
import { crontab } from '../../src/beat/crontab.js'
import { Custom, type CustomSchedule } from '../../src/beat/custom.js'
import { every } from '../../src/beat/every.js'
import type { Interval } from '../../src/beat/interval.js'
import { readSchedule, scheduleFromJSON } from '../../src/beat/read-schedule.js'
import { lastTick, lastTicks, type Schedule, ticksBetween } from '../../src/beat/schedule.js'
import { type SolarEvent, solar } from '../../src/beat/solar.js'

const at = (text: string): number => Date.parse(text)
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
const improper = (message: string) => expect.objectContaining({ name: 'ImproperlyConfigured', message })

describe('every', () => {
  it.each<[Interval, number, string]>([
    [30, 30_000, 'every 30s'],
    [0.5, 500, 'every 500ms'],
    ['5m', 300_000, 'every 5m'],
    ['1h30m', 5_400_000, 'every 1h30m'],
    ['1.5h', 5_400_000, 'every 1h30m'],
    [' 2 d 12 h ', 216_000_000, 'every 2d12h'],
    ['1w', 604_800_000, 'every 7d'],
    ['250ms', 250, 'every 250ms'],
    [{ hours: 1, minutes: 5 }, 3_900_000, 'every 1h5m'],
    [{ weeks: 1, days: 1, seconds: 1, milliseconds: 1 }, 691_201_001, 'every 8d1s1ms'],
  ])('%j', (interval, ms, text) => {
    expect(every(interval).intervalMs).toBe(ms)
    expect(String(every(interval))).toBe(text)
  })

  it('ticks on round moments, whoever asks and since when', () => {
    expect(iso(every('1h').next(at('2026-01-01T10:17:03Z')))).toBe('2026-01-01T11:00:00.000Z')
    expect(iso(every('1h').next(at('2026-01-01T11:00:00Z')))).toBe('2026-01-01T12:00:00.000Z')
    expect(iso(every('1h').next(at('1969-12-31T22:30:00Z')))).toBe('1969-12-31T23:00:00.000Z')
  })

  it('counts from its anchor, else from the start of its entry', () => {
    const anchor = new Date('2026-01-01T00:10:00Z')
    const after = at('2026-01-01T10:17:00Z')
    expect(iso(every('1h', { anchor }).next(after))).toBe('2026-01-01T11:10:00.000Z')
    expect(iso(every('1h').next(after, { anchorMs: anchor.getTime() }))).toBe('2026-01-01T11:10:00.000Z')
    expect(iso(every('1h', { anchor }).next(after, { anchorMs: 0 }))).toBe('2026-01-01T11:10:00.000Z')
    expect(iso(every('1h', { anchor }).next(at('2025-12-31T23:30:00Z')))).toBe('2026-01-01T00:10:00.000Z')
  })

  it('follows real time when the clocks change', () => {
    const schedule = every('12h')
    expect(iso(schedule.next(at('2026-03-29T00:00Z'), { timezone: 'Europe/Paris' }))).toBe(
      '2026-03-29T12:00:00.000Z',
    )
  })

  it('lies at anchor + k × interval, strictly after, and nothing is between', () => {
    const ms = fc.integer({ min: 10, max: 1e9 })
    fc.assert(
      fc.property(
        ms,
        fc.maxSafeInteger(),
        fc.integer({ min: -1e13, max: 1e13 }),
        (interval, start, after) => {
          const anchorMs = start % 1e13
          const next = every({ milliseconds: interval }, { anchor: anchorMs }).next(after)!
          expect(Math.abs((next - anchorMs) % interval)).toBe(0)
          expect(next).toBeGreaterThan(after)
          expect(next - interval).toBeLessThanOrEqual(after)
        },
      ),
    )
  })

  const form = 'expected seconds, a text such as "5m" or "1h30m", or units such as { minutes: 5 }'
  it.each<[unknown, string]>([
    ['soon', `every: ${form}, got "soon".`],
    ['5', `every: ${form}, got "5".`],
    ['5m!', `every: ${form}, got "5m!".`],
    [-1, `every: ${form}, got -1.`],
    [Number.NaN, `every: ${form}, got NaN.`],
    [null, `every: ${form}, got null.`],
    [{}, `every: ${form}, got an object.`],
    [{ minute: 5 }, 'every: there is no unit "minute". Did you mean minutes?'],
    [
      { fortnights: 1 },
      'every: there is no unit "fortnights". Expected weeks, days, hours, minutes, seconds, milliseconds.',
    ],
    [{ minutes: '5' }, 'every: minutes: expected a number, got "5".'],
    [0, 'every: expected an interval of at least 0.01 seconds, got 0.'],
    ['9ms', 'every: expected an interval of at least 0.01 seconds, got "9ms".'],
    ['36526d', 'every: expected at most 36525 days, got "36526d".'],
    [8.9e12, 'every: expected at most 36525 days, got 8900000000000.'],
  ])('refuses %j', (given, sentence) => {
    expect(() => every(given as Interval)).toThrow(improper(sentence))
  })

  it('refuses an anchor that is no moment', () => {
    expect(() => every(5, { anchor: new Date('x') })).toThrow(
      improper('every: anchor: expected a valid Date or Unix milliseconds, got an object of class Date.'),
    )
  })
})

describe('clocked', () => {
  it('ticks once', () => {
    const schedule = clocked('2027-01-01T00:00:00+01:00')
    expect(iso(schedule.next(at('2026-01-01T00:00Z')))).toBe('2026-12-31T23:00:00.000Z')
    expect(schedule.next(at('2026-12-31T23:00Z'))).toBeNull()
    expect(String(schedule)).toBe('once at 2026-12-31T23:00:00.000Z')
  })

  it.each<[unknown, string]>([
    ['2027-01-01T00:00:00', '"2027-01-01T00:00:00"'],
    ['tomorrow', '"tomorrow"'],
    ['2026-02-31T00:00:00Z', '"2026-02-31T00:00:00Z"'],
    ['+123456-01-01T00:00:00Z', '"+123456-01-01T00:00:00Z"'],
    [new Date(8.64e15), 'an object of class Date'],
    [new Date('x'), 'an object of class Date'],
    [5, '5'],
  ])('refuses %j', (given, got) => {
    expect(() => clocked(given as string)).toThrow(
      improper(
        `clocked: expected a valid Date or ISO text with an offset such as "2027-01-01T00:00:00Z", got ${got}.`,
      ),
    )
  })
})

describe('solar', () => {
  // Made by ephem 4.2.1 with the settings of Celery's solar(): event, latitude, longitude, after, next.
  const path = new URL('../vectors/beat-solar.json', import.meta.url)
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as [
    SolarEvent,
    number,
    number,
    number,
    number | null,
  ][]
  const day = 86_400

  it('is within 10 s of what Celery has between the polar circles, and within 30 s beyond them', () => {
    let compared = 0
    let edges = 0
    for (const [event, latitude, longitude, after, next] of vectors) {
      const got = solar(event, latitude, longitude).next(after * 1000)! / 1000
      const label = `${event} at ${latitude}, ${longitude} after ${iso(after * 1000)}`
      // On a day without the event Celery looks again a day later; ours knows the day on which it comes back.
      if (next === null) expect(got - after, label).toBeGreaterThan(day)
      else {
        // The first or the last day of a season beyond the polar circle may be missing.
        if (Math.abs(latitude) > 66 && got - next > day) edges += 1
        else expect(Math.abs(got - next), label).toBeLessThanOrEqual(Math.abs(latitude) < 66 ? 10 : 30)
        compared += 1
      }
    }
    expect(compared).toBeGreaterThan(200)
    expect(edges).toBeLessThanOrEqual(1)
  })

  it('ticks each day, in order', () => {
    const sunset = solar('sunset', 52.52, 13.4)
    const found = ticksBetween(sunset, at('2026-01-01T00:00Z'), at('2027-01-01T00:00Z'), 1000)
    expect(found).toHaveLength(365)
    expect([...found].sort((a, b) => a - b)).toEqual(found)
  })

  it('rests in the polar night and comes back', () => {
    const sunrise = solar('sunrise', 69.65, 18.96)
    const next = sunrise.next(at('2026-12-01T00:00Z'))
    expect(iso(next)).toMatch(/^2027-01-1[4-7]/)
  })

  it('comes round at the date line', () => {
    const noon = solar('solar_noon', -18.1, 180)
    expect(ticksBetween(noon, at('2026-01-01T00:00Z'), at('2026-02-01T00:00Z'), 100)).toHaveLength(31)
  })

  it.each<[unknown, unknown, unknown, string]>([
    [
      'sunsett',
      0,
      0,
      'solar: event: expected one of dawn_astronomical, dawn_nautical, dawn_civil, sunrise, solar_noon, sunset, dusk_civil, dusk_nautical, dusk_astronomical, got "sunsett". Did you mean sunset?',
    ],
    ['sunset', 91, 0, 'solar: latitude: expected degrees from -90 to 90, got 91.'],
    ['sunset', 0, -181, 'solar: longitude: expected degrees from -180 to 180, got -181.'],
    ['sunset', '52', 0, 'solar: latitude: expected degrees from -90 to 90, got "52".'],
    ['sunset', 0, Number.NaN, 'solar: longitude: expected degrees from -180 to 180, got NaN.'],
    ['sunset', 90, 0, 'solar: sunset never happens at latitude 90. Expected a place where it does.'],
  ])('refuses %j at %j, %j', (event, latitude, longitude, sentence) => {
    expect(() => solar(event as SolarEvent, latitude as number, longitude as number)).toThrow(
      improper(sentence),
    )
  })
})

describe('a schedule of the user', () => {
  class Thursdays {
    next(after: Date): Date {
      return crontab('0 0 * * thu').next(after) === null
        ? after
        : new Date(crontab('0 0 * * thu').next(after)!)
    }
  }

  it('is any object with next(), which may answer Dates', () => {
    const schedule = asSchedule(new Thursdays())
    expect(schedule.kind).toBe('custom')
    expect(iso(schedule.next(at('2026-01-02T00:00Z')))).toBe('2026-01-08T00:00:00.000Z')
    expect(schedule.toJSON()).toEqual({ kind: 'custom', text: 'custom schedule Thursdays' })
    expect(String(asSchedule({ next: () => null }))).toBe('custom schedule')
    expect(String(asSchedule({ next: () => null, toString: () => 'when it suits' }))).toBe('when it suits')
    expect(String(asSchedule(Object.assign(Object.create(null), { next: () => null })))).toBe(
      'custom schedule',
    )
    const mute = (): string => {
      throw new Error('no words')
    }
    expect(String(asSchedule({ next: () => null, toString: mute }))).toBe('custom schedule')
    expect(asSchedule({ next: () => null }).next(0)).toBeNull()
  })

  it.each<[unknown, string]>([
    [0, '0'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['soon', '"soon"'],
    [undefined, 'undefined'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [new Date(8.64e15), '"+275760-09-13T00:00:00.000Z"'],
  ])('must go forward: %j is refused', (answer, got) => {
    const schedule = new Custom({ next: () => answer } as CustomSchedule)
    expect(() => schedule.next(0)).toThrow(
      expect.objectContaining({
        name: 'InvalidUsage',
        message: `custom schedule: next(1970-01-01T00:00:00.000Z) expected a later Date, later Unix milliseconds or null, got ${got}.`,
      }),
    )
  })
})

describe('as a schedule', () => {
  it('a length of time is an interval, and a schedule is itself', () => {
    expect(asSchedule(30)).toEqual(every(30))
    expect(asSchedule('5m').toJSON()).toEqual({ kind: 'every', seconds: 300 })
    expect(asSchedule({ minutes: 5 }).toJSON()).toEqual({ kind: 'every', seconds: 300 })
    const schedule = crontab()
    expect(asSchedule(schedule)).toBe(schedule)
  })

  it.each<[unknown, string]>([
    [undefined, 'undefined'],
    [true, 'true'],
    [new Date(0), 'an object of class Date'],
    [[1], 'an array of 1'],
  ])('%j is none', (given, got) => {
    expect(() => asSchedule(given)).toThrow(
      improper(
        `schedule: expected every(…), crontab(…), cron(…), solar(…), clocked(…), a length of time or an object with next(after), got ${got}.`,
      ),
    )
  })

  it('an expression alone does not say whose rules it has', () => {
    expect(() => asSchedule('0 7 * * *')).toThrow(
      improper(
        'schedule: expected crontab("0 7 * * *"), with Celery\'s rules, or cron("0 7 * * *"), with the standard ones, got the text alone.',
      ),
    )
  })

  it.each<[Schedule]>([
    [every('5m', { anchor: new Date('2026-01-01T00:01:00Z') })],
    [every(0.5)],
    [crontab({ minute: '*/5', hour: [1, 2], dayOfWeek: 'mon-fri', timezone: 'Asia/Tokyo', dst: 'skip' })],
    [cron('*/10 0 9 * * 5#3', { timezone: 'Europe/Berlin', dst: 'twice' })],
    [solar('dusk_civil', -33.87, 151.21)],
    [clocked('2027-01-01T00:00:00Z')],
  ])('comes back from its JSON: %s', (schedule) => {
    const again = scheduleFromJSON(JSON.parse(JSON.stringify(schedule)))
    expect(again.toJSON()).toEqual(schedule.toJSON())
    expect(String(again)).toBe(String(schedule))
    expect(again.next(at('2026-07-01T00:00Z'))).toBe(schedule.next(at('2026-07-01T00:00Z')))
  })

  it.each<[unknown, string]>([
    [5, 'schedule: expected an object with "kind", got 5.'],
    [{}, 'schedule: expected an object with "kind", got an object.'],
    [
      { kind: 'moon' },
      'schedule: kind: expected every, crontab, cron, solar, clocked or custom, got "moon".',
    ],
    [
      { kind: 'custom', text: 'when it suits' },
      'schedule: "when it suits" is an object of the program that declared it. Expected a beat that loads that program.',
    ],
    [{ kind: 'crontab', hour: '25' }, 'crontab: hour: expected 0 to 23, got "25".'],
  ])('JSON that is none is refused: %j', (json, sentence) => {
    expect(() => scheduleFromJSON(json)).toThrow(improper(sentence))
  })

  it.each<[unknown, string]>([
    [30, 'every 30s'],
    ['15 2 * * *', 'crontab 15 2 * * *'],
    ['5m', 'every 5m'],
    [{ hours: 1 }, 'every 1h'],
    [{ minute: 0, hour: '*/2', day_of_week: 'mon' }, 'crontab 0 */2 * * mon'],
    [
      {
        __type__: 'crontab',
        minute: '30',
        hour: '2',
        day_of_week: 'mon-fri',
        day_of_month: '*',
        month_of_year: '*',
      },
      'crontab 30 2 * * mon-fri',
    ],
    [{ __type__: 'interval', every: 10.0, relative: false }, 'every 10s'],
    [{ every: '1h' }, 'every 1h'],
    [{ event: 'sunset', lat: 52, lon: 13 }, 'solar sunset at 52, 13'],
    [{ kind: 'cron', expression: '0 9 * * 5L' }, 'cron 0 9 * * 5L'],
    [clocked('2027-01-01T00:00:00Z'), 'once at 2027-01-01T00:00:00.000Z'],
  ])('is read from configuration: %j', (given, text) => {
    expect(String(readSchedule(given))).toBe(text)
  })

  it('what RedBeat has and we have not is refused', () => {
    expect(() => readSchedule({ __type__: 'weekday', wkday: 3 })).toThrow(
      improper('schedule: __type__: expected "crontab", "interval" or "solar", got "weekday".'),
    )
    expect(() => readSchedule({ __type__: 'rrule', freq: 3 })).toThrow(
      /^schedule: RedBeat’s rrule is not read/,
    )
  })
})

describe('the ticks since', () => {
  const after = at('2026-01-01T00:00:00Z')
  const now = at('2026-01-01T06:30:00Z')

  it('are those in (after, upTo]', () => {
    const hourly = every('1h')
    expect(ticksBetween(hourly, after, at('2026-01-01T02:00Z'), 10).map(iso)).toEqual([
      '2026-01-01T01:00:00.000Z',
      '2026-01-01T02:00:00.000Z',
    ])
    expect(ticksBetween(hourly, after, now, 2)).toHaveLength(2)
    expect(iso(lastTick(hourly, after, now))).toBe('2026-01-01T06:00:00.000Z')
    expect(lastTick(hourly, after, after + 1)).toBeNull()
    expect(lastTick(hourly, after, after - 1)).toBeNull()
    expect(lastTicks(hourly, after, now, 2)).toEqual({
      ticks: [at('2026-01-01T05:00Z'), at('2026-01-01T06:00Z')],
      more: true,
    })
    expect(lastTicks(hourly, after, now, 6).more).toBe(false)
  })

  it('are found without walking through all of them', () => {
    let asked = 0
    const counted: Schedule = {
      kind: 'counted',
      toString: () => 'counted',
      toJSON: () => ({ kind: 'counted' }),
      next: (ms) => {
        asked += 1
        return every(1).next(ms)
      },
    }
    const year = after + 365 * 86_400_000
    expect(lastTick(counted, after, year)).toBe(year)
    expect(asked).toBeLessThan(60)
  })

  it('agree with a walk, for any schedule', () => {
    const schedule = fc.oneof(
      fc.integer({ min: 10, max: 1e7 }).map((ms) => every({ milliseconds: ms })),
      fc.tuple(fc.nat(59), fc.nat(23)).map(([minute, hour]) => crontab({ minute, hour })),
      fc.constantFrom(crontab('*/13 2 * * *', { timezone: 'Europe/Paris' }), clocked(new Date(after + 5e6))),
    )
    fc.assert(
      fc.property(schedule, fc.nat(1e8), fc.integer({ min: 1, max: 9 }), (any, length, limit) => {
        const all = ticksBetween(any, after, after + length, 1e5)
        fc.pre(all.length < 1e4)
        expect(lastTick(any, after, after + length)).toBe(all.at(-1) ?? null)
        const last = lastTicks(any, after, after + length, limit)
        expect(last.ticks).toEqual(all.slice(-limit))
        expect(last.more).toBe(all.length > limit)
      }),
      { numRuns: 200 },
    )
  })
})
