// PORT Schedule: when something is due. A schedule is pure: it has no clock and no state, and next() asked
// twice with the same moment says the same. All kinds lie behind it; beat asks nothing else of them.

import { show } from '../canvas/words.js'
import { InvalidUsage } from '../errors.js'

/**
 * What a calendar schedule does at a fixed hour when the clocks change (docs/beat.md):
 * - `once`: a time that does not exist runs later by the gap (02:30 at 03:30); one that exists twice runs the first time
 * - `skip`: a time that does not exist does not run; one that exists twice runs the first time
 * - `twice`: as `once`, but a time that exists twice runs both times
 */
export type DstPolicy = 'once' | 'skip' | 'twice'

/** What an entry lends to its schedule; the schedule's own choice goes first. */
export interface ScheduleContext {
  /** IANA zone of calendar schedules; default UTC. */
  readonly timezone?: string
  /** Default `once`. */
  readonly dst?: DstPolicy
  /** From where intervals count, in Unix milliseconds; default 0: `every('1h')` ticks on the hour in UTC. */
  readonly anchorMs?: number
}

/** A schedule as it lies in a store; `kind` says how to read the rest. */
export interface ScheduleJson {
  readonly kind: string
  readonly [field: string]: unknown
}

export interface Schedule {
  /** `every`, `crontab`, `cron`, `solar`, `clocked`, or `custom`. */
  readonly kind: string
  /**
   * The first tick strictly after `after`, in Unix milliseconds; null: never again.
   * Never goes backwards: a later `after` never gives an earlier tick.
   */
  next(after: Date | number, context?: ScheduleContext): number | null
  toJSON(): ScheduleJson
  /** For logs and lists: `every 30 s`, `crontab 15 2 * * *`. */
  toString(): string
}

/** @throws InvalidUsage for what is no moment. */
export function millisecondsOf(moment: Date | number): number {
  const ms = Number(moment)
  if (Number.isFinite(ms)) return ms
  throw new InvalidUsage(
    `A schedule is asked with a valid Date or Unix milliseconds, and got ${show(moment)}.`,
  )
}

/** The ticks in (after, upTo], the earliest `limit` of them. */
export function ticksBetween(
  schedule: Schedule,
  after: Date | number,
  upTo: Date | number,
  limit: number,
  context?: ScheduleContext,
): number[] {
  const ticks: number[] = []
  const end = millisecondsOf(upTo)
  let tick = schedule.next(after, context)
  while (tick !== null && tick <= end && ticks.length < limit) {
    ticks.push(tick)
    tick = schedule.next(tick, context)
  }
  return ticks
}

/**
 * The last tick in (after, upTo], or null. By halving, since a beat that was away for a year must not walk
 * through thirty million seconds: about 40 questions, however many ticks there were.
 */
export function lastTick(
  schedule: Schedule,
  after: Date | number,
  upTo: Date | number,
  context?: ScheduleContext,
): number | null {
  const end = millisecondsOf(upTo)
  let found: number | null = null
  let low = millisecondsOf(after)
  let high = end
  // Whoever asks from `low` gets a tick in time; whoever asks from `high` does not.
  while (low < high) {
    const middle = found === null ? low : Math.floor((low + high) / 2)
    const tick = schedule.next(middle, context)
    if (tick !== null && tick <= end) {
      found = tick
      low = Math.max(tick, middle + 1)
    } else if (found === null) return null
    else high = middle
  }
  return found
}

/** The last `limit` ticks in (after, upTo], in order, and whether there were more before them. */
export function lastTicks(
  schedule: Schedule,
  after: Date | number,
  upTo: Date | number,
  limit: number,
  context?: ScheduleContext,
): { readonly ticks: readonly number[]; readonly more: boolean } {
  const start = millisecondsOf(after)
  const all = ticksBetween(schedule, start, upTo, limit + 1, context)
  if (all.length <= limit) return { ticks: all, more: false }
  // The latest moment from which there are still `limit` ticks or more.
  let low = start
  let high = millisecondsOf(upTo)
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (ticksBetween(schedule, middle, upTo, limit, context).length === limit) low = middle
    else high = middle
  }
  return { ticks: ticksBetween(schedule, low, upTo, limit, context), more: true }
}
