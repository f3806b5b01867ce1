// A shot: one due tick as it is fired, with the state that it makes of its entry and its line of history. The
// shots of one entry follow one another: each is refused when the one before was.
import { isOperationalError } from '../errors.js'
import type { BeatParts, Prepared } from './parts.js'
import { type BeatRecord, type RunState, writeState } from './record.js'
import type { Firing } from './store.js'
import type { Due } from './tick.js'

export interface Shot {
  readonly due: Due
  /** What it follows. */
  readonly record: BeatRecord
  readonly next: RunState
  /** Null: passed over, because an earlier run still goes on. */
  readonly prepared: Prepared | null
  readonly line: string
  readonly firing: Firing<unknown>
}

export interface HistoryLine {
  /** `now`: somebody said so, at no tick. */
  readonly kind: 'run' | 'skipped' | 'now'
  readonly tickMs: number | null
  readonly atMs: number
  readonly lateMs: number
  readonly id: string | null
}

export const writeLine = (line: HistoryLine): string => JSON.stringify(line)

export interface Aimed {
  readonly shots: readonly Shot[]
  /** The record after them; not the last shot's when work could not be prepared. */
  readonly record: BeatRecord
  /** Why the rest was not prepared, where trying again may help. */
  readonly error?: Error
}

/** `skip`: an earlier run goes on, and the policy is to pass these over. */
export async function aim(
  start: BeatRecord,
  dues: readonly Due[],
  skip: boolean,
  parts: BeatParts,
  by: string,
  now: () => number,
): Promise<Aimed> {
  const shots: Shot[] = []
  let record = start
  for (const due of dues) {
    const isSkipped = skip || (record.entry.overlap === 'skip' && shots.length > 0)
    let prepared: Prepared | null = null
    try {
      if (!isSkipped) prepared = await parts.prepare(record.entry, due.taskId, Math.round(now()))
    } catch (error) {
      if (isOperationalError(error)) return { shots, record, error }
      const message = error instanceof Error ? error.message : String(error)
      parts.log.error(`Scheduler: task ${record.entry.name} cannot be sent: ${message}`)
      record = { ...record, state: { ...record.state, lastTickMs: due.tickMs } }
      continue
    }
    const shot = shotOf(record, due, prepared, parts, by, Math.round(now()))
    shots.push(shot)
    record = { ...record, state: shot.next, stateRevision: record.stateRevision + 1 }
  }
  return { shots, record }
}

function shotOf(
  record: BeatRecord,
  due: Due,
  prepared: Prepared | null,
  { nothing, store }: BeatParts,
  by: string,
  atMs: number,
): Shot {
  const { entry, state, stateRevision } = record
  const { tickMs, startMs } = due
  const lateMs = Math.max(0, Math.round(atMs - startMs))
  const next: RunState =
    prepared === null
      ? { ...state, lastTickMs: tickMs, skipped: state.skipped + 1 }
      : { ...ran(record, prepared, { tickMs, atMs, lateMs }), lastTickMs: tickMs }
  const kind = prepared === null ? 'skipped' : 'run'
  const line = writeLine({ kind, tickMs, atMs, lateMs, id: prepared?.id ?? null })
  const firing = {
    entry: entry.name,
    tickMs,
    messages: prepared?.messages ?? nothing,
    by,
    ...(store.place === 'broker' && { state: { revision: stateRevision, text: writeState(next), line } }),
  }
  return { due, record, next, prepared, line, firing }
}

/** The state after a run. What its result looks like is kept only where somebody will ask for its end. */
export const ran = (
  { entry, state }: BeatRecord,
  { id, result }: Prepared,
  when: { readonly tickMs: number | null; readonly atMs: number; readonly lateMs: number },
): RunState => ({
  ...state,
  runs: state.runs + 1,
  lastRun: { id, ...when, ...(entry.overlap === 'allow' ? {} : { result }) },
})
