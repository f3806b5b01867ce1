// clocked(): once, at a moment.
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { millisecondsOf, type Schedule, type ScheduleJson } from './schedule.js'

export class Clocked implements Schedule {
  readonly kind = 'clocked'

  constructor(readonly atMs: number) {}

  next(after: Date | number): number | null {
    return millisecondsOf(after) < this.atMs ? this.atMs : null
  }

  toJSON(): ScheduleJson {
    return { kind: this.kind, at: new Date(this.atMs).toISOString() }
  }

  toString(): string {
    return `once at ${new Date(this.atMs).toISOString()}`
  }
}

/** `clocked(new Date('2027-01-01T00:00:00Z'))`; a text must carry its offset. @throws ImproperlyConfigured */
export function clocked(at: Date | string): Clocked {
  return new Clocked(readMoment(at, 'clocked'))
}

/** A Date, or ISO text with an offset: without one it would be another moment on each machine. */
export function readMoment(given: unknown, place: string): number {
  const isText = typeof given === 'string' && /T.*(Z|[+-]\d\d:?\d\d)$/i.test(given)
  const ms = isText || given instanceof Date ? new Date(given).getTime() : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new ImproperlyConfigured(
    `${place}: expected a valid Date or ISO text with an offset such as "2027-01-01T00:00:00Z", got ${show(given)}.`,
  )
}
