// Any object with `next(after)` as a schedule: what it answers is checked, for a tick that is not later than
// the moment asked about would be sent for ever.
import { show } from '../canvas/words.js'
import { InvalidUsage } from '../errors.js'
import { isMoment } from './moment.js'
import { millisecondsOf, type Schedule, type ScheduleContext, type ScheduleJson } from './schedule.js'

/** What a user may write: the first tick strictly after `after`, or null when there is none. */
export interface CustomSchedule {
  next(after: Date, context?: ScheduleContext): Date | number | null
}

export class Custom implements Schedule {
  readonly kind = 'custom'

  constructor(readonly own: CustomSchedule) {}

  next(after: Date | number, context: ScheduleContext = {}): number | null {
    const afterMs = millisecondsOf(after)
    const tick = this.own.next(new Date(afterMs), context)
    if (tick === null) return null
    const ms = typeof tick === 'number' || tick instanceof Date ? Math.ceil(Number(tick)) : Number.NaN
    if (ms > afterMs && isMoment(ms)) return ms
    throw new InvalidUsage(
      `${this.toString()}: next(${new Date(afterMs).toISOString()}) expected a later Date, later Unix milliseconds or null, got ${show(tick instanceof Date && !Number.isNaN(ms) ? tick.toISOString() : tick)}.`,
    )
  }

  /** Enough to show it. Only the program that has the object can run it. */
  toJSON(): ScheduleJson {
    return { kind: this.kind, text: this.toString() }
  }

  toString(): string {
    const own = this.own as { toString?: () => string; constructor?: { name: string } }
    const name = own.constructor?.name ?? 'Object'
    return wordsOf(own) ?? (name === 'Object' ? 'custom schedule' : `custom schedule ${name}`)
  }
}

/** Its own words if it has some; Object's say nothing, and one that cannot say itself may still tick. */
const wordsOf = (own: { toString?: () => string }): string | undefined => {
  if (own.toString === undefined || own.toString === Object.prototype.toString) return undefined
  try {
    return String(own)
  } catch {
    return undefined
  }
}
