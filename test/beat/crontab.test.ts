// crontab(): what Celery answers for the same expressions, what the definition says minute by minute, and the
// sentences for what is no crontab.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CrontabOptions, crontab } from '../../src/beat/crontab.js'
import type { ScheduleContext } from '../../src/beat/schedule.js'
import { asCelery, type CrontabCase } from './crontab-cases.js'

const path = new URL('../vectors/beat-crontab.json', import.meta.url)
const vectors = JSON.parse(readFileSync(path, 'utf8')) as CrontabCase[]

const ticks = (
  schedule: { next(ms: number, context?: ScheduleContext): number | null },
  after: string,
  n: number,
) => {
  const found: string[] = []
  for (let ms: number | null = Date.parse(after); found.length < n; ) {
    ms = schedule.next(ms)
    if (ms === null) break
    found.push(new Date(ms).toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

describe('crontab', () => {
  it(`runs when Celery runs, in ${vectors.length} captured cases`, () => {
    expect(vectors.length).toBe(2000)
    const wrong = vectors.filter((vector) => asCelery(vector) !== vector[7])
    expect(wrong.map((vector) => [vector, asCelery(vector)])).toEqual([])
  })

  it('reads the text form in the order minute, hour, day of month, month, weekday', () => {
    expect(crontab('15 2 1 jan *').toJSON()).toEqual(
      crontab({ minute: 15, hour: 2, dayOfMonth: 1, monthOfYear: 'jan' }).toJSON(),
    )
    expect(ticks(crontab(' 15  2 13 * fri '), '2026-01-01T00:00:00Z', 3)).toEqual([
      '2026-02-13T02:15Z',
      '2026-03-13T02:15Z',
      '2026-11-13T02:15Z',
    ])
  })

  it('runs each minute when nothing is said', () => {
    expect(ticks(crontab(), '2026-01-01T00:00:30Z', 2)).toEqual(['2026-01-01T00:01Z', '2026-01-01T00:02Z'])
  })

  it.each<[string, CrontabOptions, number[]]>([
    ['a number', { minute: 5 }, [5]],
    ['a list', { minute: [30, 0] }, [0, 30]],
    ['a set', { minute: new Set([7]) }, [7]],
    ['commas with spaces', { minute: '1, 2,3' }, [1, 2, 3]],
    ['a range', { minute: '3-6' }, [3, 4, 5, 6]],
    ['a range over the end', { minute: '58-1' }, [0, 1, 58, 59]],
    ['steps from the smallest', { minute: '*/25' }, [0, 25, 50]],
    ['steps in a range over the end', { minute: '50-10/5' }, [0, 5, 10, 50, 55]],
    ['a step beyond the end', { minute: '*/100' }, [0]],
  ])('reads %s', (_, options, minutes) => {
    const schedule = crontab({ hour: 0, ...options })
    const found = ticks(schedule, '2025-12-31T23:59:00Z', minutes.length)
    expect(found.map((text) => Number(text.slice(14, 16)))).toEqual(minutes)
  })

  it('reads names by their first three letters, in any case', () => {
    const days = (dayOfWeek: string) =>
      ticks(crontab({ minute: 0, hour: 0, dayOfWeek }), '2026-03-01T00:00:00Z', 3).map((text) =>
        text.slice(8, 10),
      )
    // The 1st of March 2026 is a Sunday.
    expect(days('Sat-mon')).toEqual(['02', '07', '08'])
    expect(days('tuesday,THURS')).toEqual(['03', '05', '10'])
    expect(days('*/2')).toEqual(['03', '05', '07'])
  })

  it('has its own zone before that of the entry, and UTC without either', () => {
    const after = Date.parse('2026-01-01T00:00:00Z')
    const hour = (
      schedule: { next(ms: number, context?: ScheduleContext): number | null },
      timezone?: string,
    ) => new Date(schedule.next(after, timezone === undefined ? {} : { timezone })!).getUTCHours()
    expect(hour(crontab('0 7 * * *'))).toBe(7)
    expect(hour(crontab('0 7 * * *'), 'Europe/Berlin')).toBe(6)
    expect(hour(crontab('0 7 * * *', { timezone: 'Asia/Tokyo' }), 'Europe/Berlin')).toBe(22)
  })

  it('finds the 29th of February on a Monday, 28 years ahead', () => {
    expect(ticks(crontab('0 0 29 2 1'), '2024-03-01T00:00:00Z', 1)).toEqual(['2044-02-29T00:00Z'])
    expect(ticks(crontab('0 0 29 2 *'), '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29T00:00Z'])
  })

  it('ends with the calendar', () => {
    expect(crontab().next(new Date(8.64e15))).toBeNull()
    expect(crontab('0 0 1 1 *').next(Date.UTC(9999, 5))).toBeNull()
  })

  it('comes back from its JSON and says itself', () => {
    const schedule = crontab({
      minute: [0, 30],
      hour: '8-17',
      dayOfWeek: 'mon-fri',
      timezone: 'Europe/Berlin',
    })
    expect(schedule.toJSON()).toEqual({
      kind: 'crontab',
      minute: '0,30',
      hour: '8-17',
      dayOfMonth: '*',
      monthOfYear: '*',
      dayOfWeek: 'mon-fri',
      timezone: 'Europe/Berlin',
    })
    expect(String(schedule)).toBe('crontab 0,30 8-17 * * mon-fri (Europe/Berlin)')
  })

  it('costs little', () => {
    const schedule = crontab('*/7 8-17 * * mon-fri', { timezone: 'Europe/Berlin' })
    let ms = Date.UTC(2026, 0)
    const start = performance.now()
    for (let i = 0; i < 20_000; i++) ms = schedule.next(ms)!
    // 2 µs on a quiet machine; the promise is 50.
    expect((performance.now() - start) / 20_000).toBeLessThan(0.05)
  })
})

describe('on the nights when the clocks change, in Paris', () => {
  const timezone = 'Europe/Paris'
  // Spring: 02:00 becomes 03:00 at 01:00 UTC. Autumn: 03:00 becomes 02:00 at 01:00 UTC.
  const spring = '2026-03-28T12:00:00Z'
  const autumn = '2026-10-24T12:00:00Z'

  it('a missing time runs later by the gap, once; or not at all', () => {
    const at = (dst?: 'once' | 'skip' | 'twice') => ticks(crontab('30 2 * * *', { timezone, dst }), spring, 2)
    expect(at()).toEqual(['2026-03-29T01:30Z', '2026-03-30T00:30Z'])
    expect(at('twice')).toEqual(['2026-03-29T01:30Z', '2026-03-30T00:30Z'])
    expect(at('skip')).toEqual(['2026-03-30T00:30Z', '2026-03-31T00:30Z'])
  })

  it('a repeated time runs the first time; or both', () => {
    const at = (dst?: 'once' | 'skip' | 'twice') => ticks(crontab('30 2 * * *', { timezone, dst }), autumn, 2)
    expect(at()).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z'])
    expect(at('skip')).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z'])
    expect(at('twice')).toEqual(['2026-10-25T00:30Z', '2026-10-25T01:30Z'])
  })

  it('the policy of the entry counts where the schedule has none', () => {
    const schedule = crontab('30 2 * * *', { timezone })
    expect(schedule.next(Date.parse(spring), { dst: 'skip' })).toBe(Date.parse('2026-03-30T00:30Z'))
  })

  it.each(['30 * * * *', '30 */1 * * *', '30 0-23 * * *'])('%s follows real time', (expression) => {
    const hours = (after: string) =>
      ticks(crontab(expression, { timezone }), after, 16)
        .slice(10)
        .map((text) => text.slice(11, 16))
    expect(hours(spring)).toEqual(['22:30', '23:30', '00:30', '01:30', '02:30', '03:30'])
    expect(hours(autumn)).toEqual(['22:30', '23:30', '00:30', '01:30', '02:30', '03:30'])
  })

  it('every other hour leaves out the one that is missing', () => {
    const found = ticks(crontab('0 */2 * * *', { timezone }), '2026-03-28T22:30:00Z', 2)
    expect(found).toEqual(['2026-03-28T23:00Z', '2026-03-29T02:00Z'])
  })

  it('a step that leaves one hour is a time of day', () => {
    // In Beirut the day of the change begins at 01:00.
    const midnight = crontab('0 */24 * * *', { timezone: 'Asia/Beirut' })
    expect(ticks(midnight, '2026-03-28T00:00:00Z', 2)).toEqual(['2026-03-28T22:00Z', '2026-03-29T21:00Z'])
  })

  it('two entries at the shifted moment are one tick', () => {
    const schedule = crontab('30 2,3 * * *', { timezone })
    expect(ticks(schedule, spring, 2)).toEqual(['2026-03-29T01:30Z', '2026-03-30T00:30Z'])
  })
})

// -----------------------------------------------------------------------------------------------------

const numbers = (min: number, max: number) =>
  fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 4 })
const field = (min: number, max: number) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant('*') },
    numbers(min, max),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }), fc.integer({ min: 1, max: 9 }))
      .map(([from, to, step]) => `${from}-${to}/${step}`),
    fc.integer({ min: 1, max: 30 }).map((step) => `*/${step}`),
  )

const anyCrontab = fc.record({
  minute: field(0, 59),
  hour: field(0, 23),
  dayOfWeek: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(0, 6)),
  dayOfMonth: fc.oneof({ weight: 3, arbitrary: fc.constant('*') }, field(1, 28)),
  monthOfYear: fc.oneof({ weight: 5, arbitrary: fc.constant('*') }, field(1, 12)),
})
const anyMoment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2036, 0) })

/** The members of a field by a reading of its own, number by number. */
function members(given: unknown, min: number, max: number): Set<number> {
  if (Array.isArray(given)) return new Set(given as number[])
  const all = Array.from({ length: max - min + 1 }, (_, index) => min + index)
  const [range, step = '1'] = String(given).split('/')
  const [from = min, to = max] = range === '*' ? [] : range!.split('-').map(Number)
  const turned = [...all.slice(from - min), ...all.slice(0, from - min)]
  const picked = turned.slice(0, turned.indexOf(to) + 1).filter((_, index) => index % Number(step) === 0)
  return new Set(picked)
}

function matcher(options: Record<string, unknown>): (ms: number) => boolean {
  const minute = members(options.minute, 0, 59)
  const hour = members(options.hour, 0, 23)
  const dayOfWeek = members(options.dayOfWeek, 0, 6)
  const dayOfMonth = members(options.dayOfMonth, 1, 31)
  const monthOfYear = members(options.monthOfYear, 1, 12)
  return (ms) => {
    const date = new Date(ms)
    return (
      minute.has(date.getUTCMinutes()) &&
      hour.has(date.getUTCHours()) &&
      dayOfWeek.has(date.getUTCDay()) &&
      dayOfMonth.has(date.getUTCDate()) &&
      monthOfYear.has(date.getUTCMonth() + 1)
    )
  }
}

describe('next()', () => {
  it('agrees with a walk minute by minute: it skips nothing and invents nothing', () => {
    fc.assert(
      fc.property(anyCrontab, anyMoment, (options, after) => {
        const matches = matcher(options)
        const next = crontab(options as CrontabOptions).next(after)!
        expect(next % 60_000).toBe(0)
        expect(matches(next)).toBe(true)
        // Forty days of minutes are enough to know that none was left out; more would be slow.
        const last = Math.min(next, after + 40 * 86_400_000)
        for (let ms = Math.floor(after / 60_000) * 60_000 + 60_000; ms < last; ms += 60_000)
          if (matches(ms)) throw new Error(`${new Date(ms).toISOString()} was skipped`)
      }),
      { numRuns: 300 },
    )
  })

  it('never goes backwards, and asked again gives the same, in any zone', () => {
    const zone = fc.constantFrom(...Intl.supportedValuesOf('timeZone'))
    const dst = fc.constantFrom('once' as const, 'skip' as const, 'twice' as const)
    fc.assert(
      fc.property(
        anyCrontab,
        zone,
        dst,
        anyMoment,
        fc.nat(90 * 86_400_000),
        (options, timezone, policy, a, more) => {
          const schedule = crontab({ ...(options as CrontabOptions), timezone, dst: policy })
          const [first, second] = [schedule.next(a)!, schedule.next(a + more)!]
          expect(first).toBeGreaterThan(a)
          expect(second).toBeGreaterThanOrEqual(first)
          // Between a tick and the moment before it there is no other.
          expect(schedule.next(first - 1)).toBe(first)
          if (a + more < first) expect(second).toBe(first)
          expect(schedule.next(new Date(a))).toBe(first)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('what is no crontab is refused', () => {
  it.each<[unknown, string]>([
    [{ minute: 60 }, 'crontab: minute: expected 0 to 59, got 60.'],
    [{ minute: '5-60' }, 'crontab: minute: expected 0 to 59, got "5-60".'],
    [{ hour: 24 }, 'crontab: hour: expected 0 to 23, got 24.'],
    [{ dayOfMonth: 0 }, 'crontab: dayOfMonth: expected 1 to 31, got 0.'],
    [{ dayOfWeek: 7 }, 'crontab: dayOfWeek: expected 0 to 6, or sun to sat (Sunday is 0), got 7.'],
    [{ monthOfYear: [1, 13] }, 'crontab: monthOfYear: expected 1 to 12, or jan to dec, got 13.'],
    [{ minute: 1.5 }, 'crontab: minute: expected whole numbers, got 1.5.'],
    [
      { minute: [] },
      'crontab: minute: expected a number, a text such as "*/5" or a list of numbers, got an array of 0.',
    ],
    [
      { minute: true },
      'crontab: minute: expected a number, a text such as "*/5" or a list of numbers, got true.',
    ],
    [{ minute: '1,,2' }, 'crontab: minute: expected no empty part between commas, got "1,,2".'],
    [{ minute: '' }, 'crontab: minute: expected no empty part between commas, got "".'],
    [
      { minute: '5/15' },
      'crontab: minute: expected a range before the step, as in "5-59/15" or "*/15", got "5/15".',
    ],
    [{ minute: '*/0' }, 'crontab: minute: expected a whole number from 1 after the slash, got "*/0".'],
    [{ minute: '*/' }, 'crontab: minute: expected a whole number from 1 after the slash, got "*/".'],
    [
      { minute: '-5' },
      'crontab: minute: expected numbers from 0 to 59, with "*", ranges, steps and commas, got "-5".',
    ],
    [
      { minute: 'mon' },
      'crontab: minute: expected numbers from 0 to 59, with "*", ranges, steps and commas, got "mon".',
    ],
    [
      { dayOfWeek: 'mon#1' },
      'crontab: dayOfWeek: expected numbers from 0 to 6 or names from sun to sat (Sunday is 0), with "*", ranges, steps and commas, got "mon#1".',
    ],
    [
      { dayOfMonth: 'L' },
      'crontab: dayOfMonth: expected numbers from 1 to 31, with "*", ranges, steps and commas, got "L".',
    ],
    [
      '* * * *',
      'crontab: expected five fields (minute, hour, day of month, month, day of week), got "* * * *".',
    ],
    ['', 'crontab: expected five fields (minute, hour, day of month, month, day of week), got "".'],
    [
      '@daily',
      'crontab: expected five fields (minute, hour, day of month, month, day of week), got "@daily".',
    ],
    [7, 'crontab: expected fields such as { minute: 0, hour: 7 } or a text such as "0 7 * * *", got 7.'],
    [{ minutes: 5 }, 'crontab: there is no field "minutes". Did you mean minute?'],
    [
      { second: 5 },
      'crontab: there is no field "second". Expected minute, hour, dayOfMonth, monthOfYear, dayOfWeek, timezone, dst.',
    ],
    [
      { dayOfMonth: 31, monthOfYear: 2 },
      'crontab: dayOfMonth: expected a day that comes in monthOfYear "2", got "31", which never does.',
    ],
    [
      { dayOfMonth: '31', monthOfYear: 'apr,jun' },
      'crontab: dayOfMonth: expected a day that comes in monthOfYear "apr,jun", got "31", which never does.',
    ],
    [
      { timezone: 'Europe/Berln' },
      'crontab: timezone: expected an IANA time zone such as "Europe/Berlin", got "Europe/Berln". Did you mean Europe/Berlin?',
    ],
    [{ timezone: '' }, 'crontab: timezone: expected an IANA time zone such as "Europe/Berlin", got "".'],
    [{ timezone: 5 }, 'crontab: timezone: expected an IANA time zone such as "Europe/Berlin", got 5.'],
    [{ dst: 'never' }, 'crontab: dst: expected "once", "skip" or "twice", got "never".'],
  ])('%j', (given, sentence) => {
    expect(() => crontab(given as CrontabOptions)).toThrow(
      expect.objectContaining({ name: 'ImproperlyConfigured', message: sentence }),
    )
  })

  it('and so is a moment that is none', () => {
    expect(() => crontab().next(new Date(Number.NaN))).toThrow(
      'A schedule is asked with a valid Date or Unix milliseconds, and got an object of class Date.',
    )
  })
})
