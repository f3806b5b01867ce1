// What a user may give as a schedule, made into one: our own kinds, a length of time, or any object with next().
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { Custom, type CustomSchedule } from './custom.js'
import { every } from './every.js'
import type { Interval } from './interval.js'
import type { Schedule } from './schedule.js'

export type ScheduleLike = Schedule | CustomSchedule | Interval

const ownKinds: ReadonlySet<unknown> = new Set(['every', 'crontab', 'cron', 'solar', 'clocked', 'custom'])

/** @throws ImproperlyConfigured for what is no schedule. */
export function asSchedule(given: unknown): Schedule {
  if (given !== null && typeof given === 'object' && !Array.isArray(given)) {
    const { next, kind, toJSON } = given as Record<string, unknown>
    if (typeof next === 'function')
      return ownKinds.has(kind) && typeof toJSON === 'function'
        ? (given as Schedule)
        : new Custom(given as CustomSchedule)
    if (!(given instanceof Date)) return every(given as Interval)
  }
  if (typeof given === 'number') return every(given)
  if (typeof given === 'string' && given.trim().split(/\s+/).length < 5) return every(given)
  if (typeof given === 'string')
    throw new ImproperlyConfigured(
      `schedule: expected crontab(${show(given)}), with Celery's rules, or cron(${show(given)}), with the standard ones, got the text alone.`,
    )
  throw new ImproperlyConfigured(
    `schedule: expected every(…), crontab(…), cron(…), solar(…), clocked(…), a length of time or an object with next(after), got ${show(given)}.`,
  )
}
