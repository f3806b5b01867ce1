// solar(): the nine events of Celery's solar schedule. suncalc reckons a day's events (within seconds of what
// Celery's ephem gives); here they are put in order. On days when the sun does not get that far nothing ticks.
import { getTimes } from 'suncalc'
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { millisecondsOf, type Schedule, type ScheduleJson } from './schedule.js'

/** Celery's name of each event, and suncalc's. */
const events = {
  dawn_astronomical: 'nightEnd',
  dawn_nautical: 'nauticalDawn',
  dawn_civil: 'dawn',
  sunrise: 'sunrise',
  solar_noon: 'solarNoon',
  sunset: 'sunset',
  dusk_civil: 'dusk',
  dusk_nautical: 'nauticalDusk',
  dusk_astronomical: 'night',
} as const

export type SolarEvent = keyof typeof events

const dayMs = 86_400_000
/** Where something happens at all, it happens again within a year. */
const horizonDays = 370

export class Solar implements Schedule {
  readonly kind = 'solar'

  constructor(
    readonly event: SolarEvent,
    readonly latitude: number,
    readonly longitude: number,
  ) {}

  next(after: Date | number): number | null {
    const afterMs = millisecondsOf(after)
    const today = Math.floor(afterMs / dayMs)
    // An event of a place's day may lie in yesterday or tomorrow of UTC.
    for (let day = today - 2; day < today + horizonDays; day++) {
      const atMs = this.#onDay(day)
      if (atMs !== null && atMs > afterMs) return atMs
    }
    return null
  }

  #onDay(day: number): number | null {
    const noon = new Date(day * dayMs + dayMs / 2)
    const at = getTimes(noon, this.latitude, this.longitude)[events[this.event]]
    return at === null ? null : Math.floor(at.getTime() / 1000) * 1000
  }

  toJSON(): ScheduleJson {
    return { kind: this.kind, event: this.event, latitude: this.latitude, longitude: this.longitude }
  }

  toString(): string {
    return `solar ${this.event} at ${this.latitude}, ${this.longitude}`
  }
}

/**
 * `solar('sunset', 52.52, 13.4)`: an event, latitude (north is positive) and longitude (east is positive).
 * @throws ImproperlyConfigured, also for an event that never happens at that latitude.
 */
export function solar(event: SolarEvent, latitude: number, longitude: number): Solar {
  if (!Object.hasOwn(events, event)) {
    const near = typeof event === 'string' ? nearest(event, Object.keys(events)) : undefined
    throw new ImproperlyConfigured(
      `solar: event: expected one of ${Object.keys(events).join(', ')}, got ${show(event)}.${near === undefined ? '' : ` Did you mean ${near}?`}`,
    )
  }
  checkAngle('latitude', latitude, 90)
  checkAngle('longitude', longitude, 180)
  const schedule = new Solar(event, latitude, longitude)
  if (schedule.next(0) === null)
    throw new ImproperlyConfigured(
      `solar: ${event} never happens at latitude ${latitude}. Expected a place where it does.`,
    )
  return schedule
}

function checkAngle(name: string, angle: unknown, most: number): void {
  if (typeof angle === 'number' && angle >= -most && angle <= most) return
  throw new ImproperlyConfigured(
    `solar: ${name}: expected degrees from -${most} to ${most}, got ${show(angle)}.`,
  )
}
