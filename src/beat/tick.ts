// The decision about one entry: (entry, state, now) → what is due, and when to look again. Pure: the same
// question has the same answer in every beat, and who may act on it is decided by the store's compare-and-set.
import { contextOf, type ScheduleEntry } from './entry.js'
import { lastTick, lastTicks, type ScheduleContext } from './schedule.js'
import { jitterOf, tickId } from './tick-id.js'

/** What is remembered of an entry. Moments in Unix milliseconds. */
export interface EntryState {
  /** Ticks up to here do not count: the entry was made, resumed, or given another schedule then. */
  readonly sinceMs: number
  /** The last tick that was run or passed over. */
  readonly lastTickMs: number | null
  /** How many runs were sent; `maxRuns` counts these. */
  readonly runs: number
}

export interface Due {
  readonly entry: ScheduleEntry
  readonly tickMs: number
  /** When it was to start: the tick and its jitter. */
  readonly startMs: number
  readonly taskId: string
}

export interface Decision {
  /** In the order of their ticks. */
  readonly due: readonly Due[]
  /** The state once these were run: the same object when nothing happened. */
  readonly state: EntryState
  /** When to ask again; null: never, unless the entry changes. */
  readonly wakeMs: number | null
  /** The first tick that is passed over by `catchUp`, for the log; null: none. */
  readonly missedMs: number | null
}

export interface TickOptions {
  /** The app's zone, for entries without one. Default UTC. */
  readonly timezone?: string
  /** Goes into task ids: the app's name. */
  readonly scope?: string
  /** How late a tick may be and still be in time for `catchUp: 'skip'`. Default 15 000: a leader may die in between. */
  readonly graceMs?: number
  /** `catchUp: 'all'` runs the last so many. Default 1000. */
  readonly catchUpLimit?: number
}

/** The state of an entry that was never run. */
export const freshState = (sinceMs: number): EntryState => ({ sinceMs, lastTickMs: null, runs: 0 })

/**
 * Whether a change gives an entry ticks in the past that it did not have then: nobody missed those. It was closed
 * (paused, not begun, over, spent) and is not any more, or its calendar hangs on the wall of another zone.
 */
export const hasOtherPast = (
  before: ScheduleEntry,
  after: ScheduleEntry,
  { runs }: EntryState,
  nowMs: number,
): boolean => {
  const isClosed = ({ paused, startAtMs, endAtMs, maxRuns }: ScheduleEntry): boolean =>
    paused ||
    nowMs < (startAtMs ?? -Infinity) ||
    nowMs > (endAtMs ?? Infinity) ||
    runs >= (maxRuns ?? Infinity)
  return before.timezone !== after.timezone || (isClosed(before) && !isClosed(after))
}

export function decide(
  entry: ScheduleEntry,
  state: EntryState,
  nowMs: number,
  options: TickOptions = {},
): Decision {
  const runsLeft = entry.paused ? 0 : (entry.maxRuns ?? Infinity) - state.runs
  if (runsLeft <= 0) return { due: [], state, wakeMs: null, missedMs: null }
  const context = contextOf(entry, options.timezone)
  const afterMs = Math.max(state.sinceMs, state.lastTickMs ?? -Infinity, (entry.startAtMs ?? -Infinity) - 1)
  const first = entry.schedule.next(afterMs, context)
  const wake = (tickMs: number | null): number | null =>
    tickMs === null || tickMs > (entry.endAtMs ?? Infinity) ? null : startOf(entry, tickMs)
  const endMs = first === null ? -Infinity : startedUntil(entry, afterMs, nowMs, context)
  if (first === null || first > endMs) return { due: [], state, wakeMs: wake(first), missedMs: null }

  const ticks = chosen(entry, { first, afterMs, endMs, nowMs }, context, options).slice(0, runsLeft)
  const lastTickMs = ticks.at(-1) ?? lastTick(entry.schedule, afterMs, endMs, context)!
  const runs = state.runs + ticks.length
  const isSpent = runs >= (entry.maxRuns ?? Infinity)
  return {
    due: ticks.map((tickMs) => ({
      entry,
      tickMs,
      startMs: startOf(entry, tickMs),
      taskId: tickId(options.scope ?? '', entry.name, tickMs),
    })),
    state: { ...state, lastTickMs, runs },
    wakeMs: isSpent ? null : wake(entry.schedule.next(lastTickMs, context)),
    missedMs: ticks[0] === first ? null : first,
  }
}

const startOf = ({ name, jitterMs }: ScheduleEntry, tickMs: number): number =>
  tickMs + jitterOf(name, tickMs, jitterMs)

/**
 * The end of what may have started. Ticks start in order: one whose jitter is not over holds up those after it.
 */
function startedUntil(
  entry: ScheduleEntry,
  afterMs: number,
  nowMs: number,
  context: ScheduleContext,
): number {
  const lastMs = Math.min(nowMs, entry.endAtMs ?? Infinity)
  if (entry.jitterMs === 0) return lastMs
  let untilMs = Math.max(afterMs, Math.min(lastMs, nowMs - entry.jitterMs))
  while (true) {
    const tickMs = entry.schedule.next(untilMs, context)
    if (tickMs === null || tickMs > lastMs || startOf(entry, tickMs) > nowMs) return untilMs
    untilMs = tickMs
  }
}

interface Backlog {
  readonly first: number
  readonly afterMs: number
  readonly endMs: number
  readonly nowMs: number
}

/** The ticks to run, of those in (after, end]; there is one at least. */
function chosen(
  entry: ScheduleEntry,
  { first, afterMs, endMs, nowMs }: Backlog,
  context: ScheduleContext,
  { graceMs = 15_000, catchUpLimit = 1000 }: TickOptions,
): readonly number[] {
  if (entry.catchUp === 'all') return lastTicks(entry.schedule, afterMs, endMs, catchUpLimit, context).ticks
  const second = entry.schedule.next(first, context)
  const last = second === null || second > endMs ? first : lastTick(entry.schedule, first, endMs, context)!
  return entry.catchUp === 'last' || nowMs - startOf(entry, last) <= graceMs ? [last] : []
}
