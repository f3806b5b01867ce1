// A case of celery-vectors.py, and our answer to it.
import { type CrontabField, crontab } from '../../src/beat/crontab.js'
import { ImproperlyConfigured } from '../../src/errors.js'

/** Minute, hour, weekday, day of month, month, zone, after, next. Unix seconds; null where Celery raises. */
export type CrontabCase = [
  CrontabField,
  CrontabField,
  CrontabField,
  CrontabField,
  CrontabField,
  string,
  number,
  number | null,
]

/** In seconds; null for what we refuse. */
export function asCelery(vector: CrontabCase): number | null {
  const [minute, hour, dayOfWeek, dayOfMonth, monthOfYear, timezone, after] = vector
  try {
    const schedule = crontab({ minute, hour, dayOfWeek, dayOfMonth, monthOfYear, timezone })
    return schedule.next(after * 1000)! / 1000
  } catch (error) {
    if (error instanceof ImproperlyConfigured) return null
    throw error
  }
}
