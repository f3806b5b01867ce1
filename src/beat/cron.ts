// cron(): the standard expression: optional seconds, `L` and `#`, day of month OR weekday. cron-parser reads the
// fields; the days are then reckoned by the same calendar and the same zones as crontab(), so that both treat a
// change of the clocks alike.
import { createRequire } from 'node:module'
import type { CronExpressionParser, CronFieldCollection } from 'cron-parser'
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { allDays, calendar, type DaysOfMonth, maskOf, type NextWall, weekdaysOfMonth } from './calendar.js'
import { isRoundTheClock } from './crontab.js'
import { type DstPolicy, millisecondsOf } from './schedule.js'
import type { Schedule, ScheduleContext, ScheduleJson } from './schedule.js'
import { nextInZone, policies, realTime } from './walk.js'
import { checkDst, checkZone, type WhereOptions } from './where.js'
import { zoneOf } from './zone.js'

export class Cron implements Schedule {
  readonly kind = 'cron'
  readonly timezone: string | undefined
  readonly dst: DstPolicy | undefined
  readonly #nextWall: NextWall
  readonly #isRoundTheClock: boolean

  constructor(
    readonly expression: string,
    nextWall: NextWall,
    roundTheClock: boolean,
    { timezone, dst }: WhereOptions,
  ) {
    this.#nextWall = nextWall
    this.#isRoundTheClock = roundTheClock
    this.timezone = timezone
    this.dst = dst
  }

  next(after: Date | number, context: ScheduleContext = {}): number | null {
    const zone = zoneOf(this.timezone ?? context.timezone ?? 'UTC')
    const policy = this.#isRoundTheClock ? realTime : policies[this.dst ?? context.dst ?? 'once']
    return nextInZone(zone, millisecondsOf(after), this.#nextWall, policy)
  }

  toJSON(): ScheduleJson {
    return {
      kind: this.kind,
      expression: this.expression,
      ...(this.timezone === undefined ? {} : { timezone: this.timezone }),
      ...(this.dst === undefined ? {} : { dst: this.dst }),
    }
  }

  toString(): string {
    return `cron ${this.expression}${this.timezone === undefined ? '' : ` (${this.timezone})`}`
  }
}

/**
 * `cron('0 9 * * 5#3')`: minute, hour, day of month, month, weekday (0 and 7 are Sunday), with seconds in front
 * of them if there are six fields. When day of month and weekday are both given, either is enough.
 * @throws ImproperlyConfigured naming the field that is wrong.
 */
export function cron(expression: string, where: WhereOptions = {}): Cron {
  if (typeof expression !== 'string')
    throw new ImproperlyConfigured(
      `cron: expected an expression such as "0 9 * * 1-5", got ${show(expression)}.`,
    )
  const texts = expression.trim().split(/\s+/)
  if (texts.length !== 5 && texts.length !== 6)
    throw new ImproperlyConfigured(
      `cron: expected five fields (minute, hour, day of month, month, weekday), or six with seconds first, got ${show(expression)}.`,
    )
  const fields = parse(texts, expression)
  const nextWall = calendar({
    seconds: numbers(fields.second.values),
    minutes: numbers(fields.minute.values),
    hours: numbers(fields.hour.values),
    months: numbers(fields.month.values),
    days: daysOf(fields),
  })
  const hour = { text: texts.at(-4)!, members: new Set(numbers(fields.hour.values)) }
  return new Cron(texts.join(' '), nextWall, isRoundTheClock(hour), {
    ...checkZone(where.timezone, 'cron: timezone'),
    ...checkDst(where.dst, 'cron: dst'),
  })
}

// Loaded when the first expression is read: cron-parser and its luxon take 40 ms, and most programs have none.
const require = createRequire(import.meta.url)

const fieldNames = ['second', 'minute', 'hour', 'day of month', 'month', 'weekday'] as const

/** A field is tried by itself first, since the parser's sentence does not say which one it means. */
function parse(texts: readonly string[], expression: string): CronFieldCollection {
  const { CronExpressionParser: parser } = require('cron-parser') as {
    CronExpressionParser: typeof CronExpressionParser
  }
  const six = texts.length === 6 ? texts : ['0', ...texts]
  for (const [index, text] of six.entries()) {
    const name = fieldNames[index]!
    if (/H/.test(text))
      throw new ImproperlyConfigured(
        `cron: ${name}: expected no "H", which is Jenkins' own, got ${show(text)}.`,
      )
    try {
      parser.parse(fieldNames.map((_, at) => (at === index ? text : '*')).join(' '))
    } catch (error) {
      throw new ImproperlyConfigured(
        `cron: ${name}: expected ${forms[name]}, got ${show(text)} in ${show(expression)} (${(error as Error).message}).`,
      )
    }
  }
  try {
    return parser.parse(six.join(' ')).fields
  } catch (error) {
    // Each field by itself is well; together their days may not be in their months.
    if (/day of month/.test((error as Error).message))
      throw new ImproperlyConfigured(
        `cron: day of month: expected a day that comes in the months given, got ${show(expression)}, which never does.`,
      )
    throw new ImproperlyConfigured(`cron: ${(error as Error).message}, got ${show(expression)}.`)
  }
}

const forms: Readonly<Record<(typeof fieldNames)[number], string>> = {
  second: '0 to 59, with "*", ranges, steps and commas',
  minute: '0 to 59, with "*", ranges, steps and commas',
  hour: '0 to 23, with "*", ranges, steps and commas',
  'day of month': '1 to 31 or "L", with "*", ranges, steps and commas',
  month: '1 to 12 or jan to dec, with "*", ranges, steps and commas',
  weekday: '0 to 7 or sun to sat, "5#3" or "5L", with "*", ranges, steps and commas',
}

/** The numbers of a field, without `L` and `5L`. */
const numbers = (values: readonly unknown[]): number[] =>
  values.filter((value): value is number => typeof value === 'number')

function daysOf({ dayOfMonth: ofMonth, dayOfWeek: ofWeek }: CronFieldCollection): DaysOfMonth {
  const days = maskOf(numbers(ofMonth.values))
  const hasLastDay = ofMonth.values.some((value) => value === 'L')
  const weekdays = maskOf(numbers(ofWeek.values).map((day) => day % 7))
  const lastWeekdays = maskOf(lastOnes(ofWeek.values))
  const nth = ofWeek.nthDay
  const byDay: DaysOfMonth = (_, length) => (days | (hasLastDay ? 1 << length : 0)) & allDays(length)
  const byWeekday: DaysOfMonth = (first, length) => {
    const found = weekdaysOfMonth(weekdays, first, length)
    const last = weekdaysOfMonth(lastWeekdays, first, length) & week(length - 6)
    return (nth === 0 ? found : found & week(nth * 7 - 6)) | last
  }
  if (ofMonth.isWildcard) return byWeekday
  if (ofWeek.isWildcard) return byDay
  return (first, length) => byDay(first, length) | byWeekday(first, length)
}

/** The seven days from `day`, as a mask; what lies after the 31st falls off. */
const week = (day: number): number => 0b111_1111 << day

/** `5L`, the last Friday, as 5. */
const lastOnes = (values: readonly unknown[]): number[] =>
  values
    .filter((value): value is string => typeof value === 'string')
    .map((value) => Number.parseInt(value, 10) % 7)
