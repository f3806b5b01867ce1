// crontab(): Celery's calendar schedule. A day runs when day of week AND day of month AND month match, so
// `dayOfMonth: 13, dayOfWeek: 'fri'` is Friday the 13th; cron() has the OR of the classic cron.
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { calendar, maskOf, type NextWall, weekdaysOfMonth } from './calendar.js'
import { type CrontabField, type FieldName, type ReadField, ranges, readField } from './crontab-fields.js'
import type { DstPolicy, Schedule, ScheduleContext, ScheduleJson } from './schedule.js'
import { millisecondsOf } from './schedule.js'
import { sharing } from './shared.js'
import { checkDst, checkZone, type WhereOptions } from './where.js'
import { nextInZone, policies, realTime } from './walk.js'
import { zoneOf } from './zone.js'

export type { CrontabField } from './crontab-fields.js'

/** All fields default to `*`. */
export interface CrontabOptions extends WhereOptions {
  /** 0 to 59. */
  readonly minute?: CrontabField
  /** 0 to 23. */
  readonly hour?: CrontabField
  /** 0 (Sunday) to 6, or names. */
  readonly dayOfWeek?: CrontabField
  /** 1 to 31. */
  readonly dayOfMonth?: CrontabField
  /** 1 to 12, or names. */
  readonly monthOfYear?: CrontabField
}

/** What the five fields mean, without a place. */
interface Timetable {
  readonly texts: Readonly<Record<FieldName, string>>
  readonly nextWall: NextWall
  readonly isRoundTheClock: boolean
}

export class Crontab implements Schedule {
  readonly kind = 'crontab'
  readonly timezone: string | undefined
  readonly dst: DstPolicy | undefined
  readonly #timetable: Timetable

  constructor(timetable: Timetable, { timezone, dst }: WhereOptions) {
    this.timezone = timezone
    this.dst = dst
    this.#timetable = timetable
  }

  next(after: Date | number, context: ScheduleContext = {}): number | null {
    const zone = zoneOf(this.timezone ?? context.timezone ?? 'UTC')
    const { isRoundTheClock, nextWall } = this.#timetable
    const policy = isRoundTheClock ? realTime : policies[this.dst ?? context.dst ?? 'once']
    return nextInZone(zone, millisecondsOf(after), nextWall, policy)
  }

  toJSON(): ScheduleJson {
    return {
      kind: this.kind,
      ...this.#timetable.texts,
      ...(this.timezone === undefined ? {} : { timezone: this.timezone }),
      ...(this.dst === undefined ? {} : { dst: this.dst }),
    }
  }

  toString(): string {
    const fields = Object.values(this.#timetable.texts).map((text) => text.replace(/\s+/g, ''))
    return `crontab ${fields.join(' ')}${this.timezone === undefined ? '' : ` (${this.timezone})`}`
  }
}

/**
 * An hour field of `*` or with a step means "all round the clock", and follows real time; a list of hours
 * means those times of day. A step that leaves one hour is a time of day, too.
 */
export const isRoundTheClock = ({ text, members }: ReadField): boolean =>
  members.size === 24 || (members.size > 1 && /[*/]/.test(text))

/**
 * Celery's crontab: `crontab({ minute: 0, hour: 7, dayOfWeek: 'mon-fri' })`, or as text in the order minute,
 * hour, day of month, month, day of week: `crontab('15 2 * * *', { timezone: 'Europe/Berlin' })`.
 * @throws ImproperlyConfigured naming the field, what was expected and what came.
 */
export function crontab(expression: string, options?: WhereOptions): Crontab
export function crontab(options?: CrontabOptions): Crontab
export function crontab(given: string | CrontabOptions = {}, where: WhereOptions = {}): Crontab {
  const options = typeof given === 'string' ? { ...fromText(given), ...where } : given
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ImproperlyConfigured(
      `crontab: expected fields such as { minute: 0, hour: 7 } or a text such as "0 7 * * *", got ${show(given)}.`,
    )
  const known = [...Object.keys(ranges), 'timezone', 'dst']
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const near = nearest(name, known)
    throw new ImproperlyConfigured(
      `crontab: there is no field "${name}". ${near === undefined ? `Expected ${known.join(', ')}.` : `Did you mean ${near}?`}`,
    )
  }
  const fields = Object.fromEntries(
    (Object.keys(ranges) as FieldName[]).map((name) => [name, readField(name, options[name] ?? '*')]),
  ) as Record<FieldName, ReadField>
  const key = Object.values(fields).map(({ text }) => text)
  const timetable = shared(key.join(' '), () => timetableOf(fields))
  return new Crontab(timetable, {
    ...checkZone(options.timezone, 'crontab: timezone'),
    ...checkDst(options.dst, 'crontab: dst'),
  })
}

const shared = sharing<Timetable>()

function timetableOf(fields: Readonly<Record<FieldName, ReadField>>): Timetable {
  refuseNever(fields)
  const { minute, hour, dayOfMonth, monthOfYear, dayOfWeek } = fields
  const days = maskOf(dayOfMonth.members)
  const weekdays = maskOf(dayOfWeek.members)
  return {
    texts: {
      minute: minute.text,
      hour: hour.text,
      dayOfMonth: dayOfMonth.text,
      monthOfYear: monthOfYear.text,
      dayOfWeek: dayOfWeek.text,
    },
    nextWall: calendar({
      seconds: [0],
      minutes: minute.members,
      hours: hour.members,
      months: monthOfYear.members,
      days: (first, length) => days & weekdaysOfMonth(weekdays, first, length),
    }),
    isRoundTheClock: isRoundTheClock(hour),
  }
}

function fromText(expression: string): CrontabOptions {
  const texts = expression.trim().split(/\s+/)
  if (texts.length !== 5 || texts[0] === '')
    throw new ImproperlyConfigured(
      `crontab: expected five fields (minute, hour, day of month, month, day of week), got ${show(expression)}.`,
    )
  return Object.fromEntries(Object.keys(ranges).map((name, index) => [name, texts[index]!]))
}

const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

function refuseNever({ dayOfMonth, monthOfYear }: Record<FieldName, ReadField>): void {
  const day = Math.min(...dayOfMonth.members)
  if ([...monthOfYear.members].some((month) => day <= longest[month - 1]!)) return
  throw new ImproperlyConfigured(
    `crontab: dayOfMonth: expected a day that comes in monthOfYear ${show(monthOfYear.text)}, got ${show(dayOfMonth.text)}, which never does.`,
  )
}
