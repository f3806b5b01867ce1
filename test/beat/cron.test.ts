// cron(): the standard expression. Its days are reckoned by our own calendar, so they are compared with what
// the parser's library finds by itself.
import { CronExpressionParser } from 'cron-parser'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cron } from '../../src/beat/cron.js'

function ticks(expression: string, after: string, n: number, timezone?: string): string[] {
  const schedule = cron(expression, { timezone })
  const found: string[] = []
  for (let ms = schedule.next(Date.parse(after)); ms !== null && found.length < n; ms = schedule.next(ms))
    found.push(new Date(ms).toISOString().replace('.000Z', 'Z'))
  return found
}

describe('cron', () => {
  it.each<[string, string, string[]]>([
    ['the third Friday', '0 9 * * 5#3', ['2026-01-16T09:00:00Z', '2026-02-20T09:00:00Z']],
    ['the third Friday by name', '0 9 * * fri#3', ['2026-01-16T09:00:00Z', '2026-02-20T09:00:00Z']],
    ['a fifth Sunday, when there is one', '0 0 * * 0#5', ['2026-03-29T00:00:00Z', '2026-05-31T00:00:00Z']],
    ['the last Friday', '0 9 * * 5L', ['2026-01-30T09:00:00Z', '2026-02-27T09:00:00Z']],
    ['the last day of the month', '0 0 L * *', ['2026-01-31T00:00:00Z', '2026-02-28T00:00:00Z']],
    ['the first and the last day', '0 0 1,L * *', ['2026-01-31T00:00:00Z', '2026-02-01T00:00:00Z']],
    [
      'day of month OR weekday',
      '0 0 13 * 5',
      ['2026-01-02T00:00:00Z', '2026-01-09T00:00:00Z', '2026-01-13T00:00:00Z'],
    ],
    [
      'seconds in front',
      '*/20 0 0 * * *',
      ['2026-01-01T00:00:20Z', '2026-01-01T00:00:40Z', '2026-01-02T00:00:00Z'],
    ],
    ['Sunday as 7', '0 0 * * 7', ['2026-01-04T00:00:00Z']],
    [
      'a step without a range',
      '50/5 0 1 1 *',
      ['2026-01-01T00:50:00Z', '2026-01-01T00:55:00Z', '2027-01-01T00:50:00Z'],
    ],
    ['a question mark', '0 0 ? * 1', ['2026-01-05T00:00:00Z']],
  ])('reads %s: %s', (_, expression, wanted) => {
    expect(ticks(expression, '2026-01-01T00:00:00Z', wanted.length)).toEqual(wanted)
  })

  it('has the zone and the rules of crontab() when the clocks change', () => {
    const at = (expression: string, after: string) => ticks(expression, after, 2, 'Europe/Paris')
    expect(at('30 2 * * *', '2026-03-28T12:00Z')).toEqual(['2026-03-29T01:30:00Z', '2026-03-30T00:30:00Z'])
    expect(at('30 2 * * *', '2026-10-24T12:00Z')).toEqual(['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'])
    expect(at('30 * * * *', '2026-10-25T00:00Z')).toEqual(['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'])
    const skip = cron('30 2 * * *', { timezone: 'Europe/Paris', dst: 'skip' })
    expect(skip.next(Date.parse('2026-03-28T12:00Z'))).toBe(Date.parse('2026-03-30T00:30Z'))
    expect(skip.toJSON()).toEqual({
      kind: 'cron',
      expression: '30 2 * * *',
      timezone: 'Europe/Paris',
      dst: 'skip',
    })
    expect(String(skip)).toBe('cron 30 2 * * * (Europe/Paris)')
  })

  it('finds what cron-parser finds', () => {
    const list = (min: number, max: number) =>
      fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 3 }).map((all) => all.join())
    const field = (min: number, max: number) =>
      fc.oneof(
        fc.constant('*'),
        list(min, max),
        fc.integer({ min: 1, max: 20 }).map((step) => `*/${step}`),
      )
    const expression = fc.tuple(
      field(0, 59),
      field(0, 59),
      field(0, 23),
      fc.oneof(fc.constant('*'), field(1, 28), fc.constant('L')),
      field(1, 12),
      fc.oneof(
        fc.constant('*'),
        field(0, 7),
        fc.tuple(fc.nat(7), fc.integer({ min: 1, max: 5 })).map(([day, nth]) => `${day}#${nth}`),
        fc.nat(7).map((day) => `${day}L`),
      ),
    )
    const moment = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2036, 0) })
    fc.assert(
      fc.property(expression, moment, (fields, after) => {
        const text = fields.join(' ')
        let theirs: number
        try {
          theirs = CronExpressionParser.parse(text, { currentDate: new Date(after), tz: 'UTC' })
            .next()
            .getTime()
        } catch {
          // It gives up on rare days; ours goes on.
          return
        }
        expect(cron(text).next(after), text).toBe(theirs)
      }),
      { numRuns: 300 },
    )
  })

  const fieldsAre =
    'expected five fields (minute, hour, day of month, month, weekday), or six with seconds first'
  const form = 'with "*", ranges, steps and commas'
  it.each<[unknown, string | RegExp]>([
    ['', `cron: ${fieldsAre}, got "".`],
    ['* * * *', `cron: ${fieldsAre}, got "* * * *".`],
    ['* * * * * * *', `cron: ${fieldsAre}, got "* * * * * * *".`],
    ['@daily', `cron: ${fieldsAre}, got "@daily".`],
    [5, 'cron: expected an expression such as "0 9 * * 1-5", got 5.'],
    [
      '61 * * * *',
      `cron: minute: expected 0 to 59, ${form}, got "61" in "61 * * * *" (Constraint error, got value 61 expected range 0-59).`,
    ],
    ['60 * * * * *', new RegExp('^cron: second: expected 0 to 59, .* got "60" in')],
    ['0 24 * * *', /^cron: hour: expected 0 to 23, .* got "24" in/],
    ['0 0 32 * *', /^cron: day of month: expected 1 to 31 or "L", .* got "32" in/],
    ['0 0 15W * *', /^cron: day of month: expected 1 to 31 or "L", .* got "15W" in/],
    ['0 0 * 13 *', /^cron: month: expected 1 to 12 or jan to dec, .* got "13" in/],
    ['0 0 * * 5#6', /^cron: weekday: expected 0 to 7 or sun to sat, "5#3" or "5L", .* got "5#6" in/],
    [`${'0'.repeat(600)}1 ${'0'.repeat(600)}1 * * *`, /^cron: Invalid cron expression, too long/],
    ['0 0 * * L', /^cron: weekday: /],
    ['H * * * *', 'cron: minute: expected no "H", which is Jenkins\' own, got "H".'],
    [
      '0 0 31 2 *',
      'cron: day of month: expected a day that comes in the months given, got "0 0 31 2 *", which never does.',
    ],
    [
      '0 0 31 4,6 *',
      'cron: day of month: expected a day that comes in the months given, got "0 0 31 4,6 *", which never does.',
    ],
  ])('refuses %j', (given, sentence) => {
    expect(() => cron(given as string)).toThrow(
      expect.objectContaining({
        name: 'ImproperlyConfigured',
        message: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
      }),
    )
  })

  it('refuses an unknown zone', () => {
    expect(() => cron('* * * * *', { timezone: 'Mars/Olympus' })).toThrow(
      'cron: timezone: expected an IANA time zone such as "Europe/Berlin", got "Mars/Olympus".',
    )
  })
})
