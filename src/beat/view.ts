// Entries as people and programs see them: what `app.beat.list()` answers and `lovage beat list` prints.
import { isRecord } from '../canvas/options.js'
import { contextOf, type ScheduleEntry } from './entry.js'
import { entryToJSON, type EntryJson } from './entry-json.js'
import { isMoment } from './moment.js'
import { type BeatRecord, parsed, type Source, workOf } from './record.js'
import type { Schedule, ScheduleContext } from './schedule.js'
import type { HistoryLine } from './shot.js'
import { decide } from './tick.js'

export interface EntryView {
  readonly name: string
  /** In words: `every 30 s`, `crontab 15 2 * * * (Europe/Berlin)`. */
  readonly schedule: string
  /** The task's name, or `chain`, `group` … */
  readonly task: string
  readonly timezone: string
  /** `code`: a program declares it, and declares it again with its next start. */
  readonly source: Source
  readonly paused: boolean
  /** When it runs next, jitter included; null: never, as things stand. */
  readonly nextRun: Date | null
  /** When it was sent last. */
  readonly lastRun: Date | null
  readonly lastTaskId: string | null
  /** Of that task: SUCCESS, FAILURE, PENDING …; null for a group, which has none of its own. */
  readonly lastState: string | null
  /** Seconds between the tick and its sending, the last time. */
  readonly drift: number | null
  readonly runs: number
  /** Ticks passed over because an earlier run went on. */
  readonly skipped: number
  /** All that was declared, as data. */
  readonly definition: EntryJson
}

/** What lies in the store under this name and cannot be run. */
export interface TroubleView {
  readonly name: string
  readonly trouble: string
}

export interface RunView {
  /** `run` at its tick, `now` because somebody said so, `skipped` because an earlier run went on. */
  readonly kind: 'run' | 'now' | 'skipped'
  readonly tick: Date | null
  readonly sentAt: Date
  readonly drift: number
  readonly taskId: string | null
}

const dateOf = (ms: number | null | undefined): Date | null => (ms == null ? null : new Date(ms))

export const viewOf = (
  record: BeatRecord,
  nowMs: number,
  timezone: string,
  lastState: string | null,
): EntryView => {
  const { entry, state, source } = record
  const { lastRun } = state
  return {
    name: entry.name,
    schedule: entry.schedule.toString(),
    task: workOf(entry.run),
    timezone: entry.timezone ?? timezone,
    source,
    paused: entry.paused,
    nextRun: nextRunOf(record, nowMs, timezone),
    lastRun: dateOf(lastRun?.atMs),
    lastTaskId: lastRun?.id ?? null,
    // A group is no task: only its members have states.
    lastState: entry.run.kind === 'group' || entry.run.kind === 'chunks' ? null : lastState,
    drift: lastRun === null ? null : lastRun.lateMs / 1000,
    runs: state.runs,
    skipped: state.skipped,
    definition: entryToJSON(entry),
  }
}

function nextRunOf({ entry, state }: BeatRecord, nowMs: number, timezone: string): Date | null {
  try {
    const { due, wakeMs } = decide(entry, state, nowMs, { timezone })
    return dateOf(due[0]?.startMs ?? wakeMs)
  } catch {
    return null
  }
}

/** Undefined: it is none of ours. */
export const readLine = (text: string): RunView | undefined => {
  const line = parsed(text)
  if (!isLine(line)) return undefined
  const { kind, tickMs, atMs, lateMs, id } = line
  return { kind, tick: dateOf(tickMs), sentAt: new Date(atMs), drift: lateMs / 1000, taskId: id }
}

const isLine = (value: unknown): value is HistoryLine =>
  isRecord(value) &&
  ['run', 'now', 'skipped'].includes(value.kind as string) &&
  (value.tickMs === null || isMoment(value.tickMs)) &&
  isMoment(value.atMs) &&
  typeof value.lateMs === 'number' &&
  (value.id === null || typeof value.id === 'string')

/** The coming ticks of an entry, as far as `endAt` and `maxRuns` let it. */
export function comingOf(
  { entry, state }: Pick<BeatRecord, 'entry' | 'state'>,
  nowMs: number,
  timezone: string,
  count: number,
): Date[] {
  const left = entry.paused ? 0 : Math.min(count, (entry.maxRuns ?? Number.POSITIVE_INFINITY) - state.runs)
  const afterMs = Math.max(nowMs, (entry.startAtMs ?? Number.NEGATIVE_INFINITY) - 1)
  return coming(entry.schedule, afterMs, contextOf(entry, timezone), left).filter(
    (tick) => tick.getTime() <= (entry.endAtMs ?? Number.POSITIVE_INFINITY),
  )
}

export function coming(schedule: Schedule, afterMs: number, context: ScheduleContext, count: number): Date[] {
  const ticks: Date[] = []
  let tick = count > 0 ? schedule.next(afterMs, context) : null
  while (tick !== null) {
    ticks.push(new Date(tick))
    tick = ticks.length < count ? schedule.next(tick, context) : null
  }
  return ticks
}

/** What a user would write to get this entry: what changes are laid over. */
export const optionsOf = (entry: ScheduleEntry) => ({
  ...entry.options,
  schedule: entry.schedule,
  run: entry.run,
  ...(entry.timezone !== undefined && { timezone: entry.timezone }),
  ...(entry.dst !== undefined && { dst: entry.dst }),
  catchUp: entry.catchUp,
  overlap: entry.overlap,
  ...(entry.jitterMs > 0 && { jitter: entry.jitterMs / 1000 }),
  ...(entry.startAtMs !== undefined && { startAt: new Date(entry.startAtMs) }),
  ...(entry.endAtMs !== undefined && { endAt: new Date(entry.endAtMs) }),
  ...(entry.maxRuns !== undefined && { maxRuns: entry.maxRuns }),
  paused: entry.paused,
})
