// clocked(): once, at a moment.
import { readMoment } from './moment.js'
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
