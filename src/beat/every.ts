// every(): a fixed interval, anchored: ticks lie at anchor + k × interval whoever runs them and since when,
// so nothing drifts, a restart changes nothing, and any number of beats agree without asking each other.
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { type Interval, intervalMs, showInterval } from './interval.js'
import { isMoment } from './moment.js'
import { millisecondsOf, type Schedule, type ScheduleContext, type ScheduleJson } from './schedule.js'

export interface EveryOptions {
  /** A moment at which it ticks. Default: the entry's `startAt`, else 1970 in UTC, so that `1h` is on the hour. */
  readonly anchor?: Date | number | undefined
}

/** Two ticks closer than this are a loop, not a schedule. */
const leastMs = 10

export class Every implements Schedule {
  readonly kind = 'every'

  constructor(
    readonly intervalMs: number,
    readonly anchorMs: number | undefined,
  ) {}

  next(after: Date | number, context: ScheduleContext = {}): number | null {
    const afterMs = Math.floor(millisecondsOf(after))
    const anchorMs = this.anchorMs ?? context.anchorMs ?? 0
    return anchorMs + (Math.floor((afterMs - anchorMs) / this.intervalMs) + 1) * this.intervalMs
  }

  toJSON(): ScheduleJson {
    const anchor = this.anchorMs === undefined ? {} : { anchor: new Date(this.anchorMs).toISOString() }
    return { kind: this.kind, seconds: this.intervalMs / 1000, ...anchor }
  }

  toString(): string {
    return `every ${showInterval(this.intervalMs)}`
  }
}

/**
 * `every(30)` seconds, `every('1h30m')`, `every({ minutes: 5 })`. Follows real time, whatever the clocks do.
 * @throws ImproperlyConfigured for what is no interval, or one under 10 ms.
 */
export function every(interval: Interval, { anchor }: EveryOptions = {}): Every {
  const ms = intervalMs(interval, 'every')
  if (ms < leastMs)
    throw new ImproperlyConfigured(
      `every: expected an interval of at least 0.01 seconds, got ${show(interval)}.`,
    )
  const anchorMs = anchor === undefined ? undefined : Number(anchor)
  if (anchorMs !== undefined && !isMoment(anchorMs))
    throw new ImproperlyConfigured(
      `every: anchor: expected a valid Date or Unix milliseconds, got ${show(anchor)}.`,
    )
  return new Every(ms, anchorMs === undefined ? undefined : Math.floor(anchorMs))
}
