// A schedule from data: from our own JSON in a store, and from what Python writes in beat_schedule and RedBeat
// keeps in Redis (`day_of_week`, `__type__: 'crontab'`, a plain number of seconds).
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { asSchedule } from './as-schedule.js'
import { clocked } from './clocked.js'
import { cron } from './cron.js'
import { type CrontabOptions, crontab } from './crontab.js'
import { every } from './every.js'
import type { Interval } from './interval.js'
import { readMoment } from './moment.js'
import type { Schedule, ScheduleJson } from './schedule.js'
import { sharing } from './shared.js'
import { type SolarEvent, solar } from './solar.js'
import type { WhereOptions } from './where.js'

type Fields = Readonly<Record<string, unknown>>

/** By `kind`, what `toJSON()` of that kind wrote. */
const readers: Readonly<Record<string, (fields: Fields) => Schedule>> = {
  every: ({ seconds, anchor }) =>
    every(seconds as number, anchor === undefined ? {} : { anchor: readMoment(anchor, 'every: anchor') }),
  crontab: (fields) => crontab(fields as CrontabOptions),
  cron: ({ expression, ...where }) => cron(expression as string, where as WhereOptions),
  solar: ({ event, latitude, longitude }) =>
    solar(event as SolarEvent, latitude as number, longitude as number),
  clocked: ({ at }) => clocked(at as string),
}

const shared = sharing<Schedule>()

/** Reads what `toJSON()` wrote. @throws ImproperlyConfigured for what it cannot be. */
export function scheduleFromJSON(json: unknown): Schedule {
  return shared(JSON.stringify(json) ?? '', () => read(json))
}

function read(json: unknown): Schedule {
  if (typeof json !== 'object' || json === null || typeof (json as ScheduleJson).kind !== 'string')
    throw new ImproperlyConfigured(`schedule: expected an object with "kind", got ${show(json)}.`)
  const { kind, ...fields } = json as ScheduleJson
  if (kind === 'custom')
    throw new ImproperlyConfigured(
      `schedule: ${show(fields.text)} is an object of the program that declared it. Expected a beat that loads that program.`,
    )
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined
  if (reader !== undefined) return reader(fields)
  throw new ImproperlyConfigured(
    `schedule: kind: expected ${Object.keys(readers).join(', ')} or custom, got ${show(kind)}.`,
  )
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

export const camelKeys = (fields: Fields): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]))

/** Reads a schedule as Python-style configuration has it. @throws ImproperlyConfigured for what is none. */
export function readSchedule(given: unknown): Schedule {
  if (typeof given === 'string' && given.trim().split(/\s+/).length === 5) return crontab(given)
  if (typeof given !== 'object' || given === null || 'next' in given) return asSchedule(given)
  const { __type__: type, kind, ...rest } = given as Fields
  if (kind !== undefined) return scheduleFromJSON(given)
  const fields = camelKeys(rest)
  if (type === 'crontab' || (type === undefined && crontabNames.some((name) => name in fields)))
    return crontab(fields)
  if (type === 'interval' || (type === undefined && 'every' in fields)) return every(fields.every as Interval)
  if (type === 'solar' || (type === undefined && 'event' in fields))
    return solar(
      fields.event as SolarEvent,
      (fields.lat ?? fields.latitude) as number,
      (fields.lon ?? fields.longitude) as number,
    )
  if (type === undefined) return asSchedule(given)
  if (type === 'rrule')
    throw new ImproperlyConfigured(
      'schedule: RedBeat’s rrule is not read. Write what it means as crontab(…), cron(…) or every(…), with startAt, endAt and maxRuns for its dtstart, until and count.',
    )
  throw new ImproperlyConfigured(
    `schedule: __type__: expected "crontab", "interval" or "solar", got ${show(type)}.`,
  )
}

const crontabNames = ['minute', 'hour', 'dayOfWeek', 'dayOfMonth', 'monthOfYear']
