// An entry of RedBeat (a scheduler for Python's Celery) → one of ours, with the moment of its last run: a tick
// that was missed while the one gave way to the other is caught up.
import { isRecord } from '../canvas/options.js'
import { show } from '../canvas/words.js'
import { DecodeError, isLovageError } from '../errors.js'
import { readDictEntry } from './beat-schedule.js'
import type { Desk } from './desk.js'
import { naming, type ScheduleEntry } from './entry.js'
import { isMoment } from './moment.js'
import { newState, type RunState } from './record.js'
import type { RedBeatText } from './store.js'
import type { TroubleView } from './view.js'
import { zoneOf } from './zone.js'

export interface RedBeatImport {
  readonly imported: readonly string[]
  readonly refused: readonly TroubleView[]
}

/** Into our store, but for what is there under the same name already, or cannot be one of ours. */
export const importRedBeat = async (texts: readonly RedBeatText[], desk: Desk): Promise<RedBeatImport> => {
  const imported: string[] = []
  const refused: TroubleView[] = []
  for (const { name, definition, meta } of texts)
    try {
      const { entry, state } = readRedBeatEntry(name, definition, meta, Math.round(desk.parts.now()))
      if (await desk.adopt(entry, state)) imported.push(name)
      else refused.push({ name, trouble: `There is a beat entry named ${show(name)} already.` })
    } catch (error) {
      if (!isLovageError(error)) throw error
      refused.push({ name, trouble: error.message })
    }
  return { imported, refused }
}

export interface RedBeatEntry {
  readonly entry: ScheduleEntry
  readonly state: RunState
}

/** @throws ImproperlyConfigured or DecodeError, for what cannot be one of ours. */
function readRedBeatEntry(
  name: string,
  definition: string,
  meta: string | null,
  nowMs: number,
): RedBeatEntry {
  const { name: _name, ...rest } = recordOf(definition, name)
  const entry = readDictEntry(name, rest)
  const { last_run_at: last, total_run_count: runs } = meta === null ? {} : recordOf(meta, name)
  const lastMs = naming(name, () => momentOf(last))
  return { entry, state: { ...newState(lastMs ?? nowMs), lastTickMs: lastMs, runs: countOf(runs) } }
}

const countOf = (value: unknown): number => (Number.isSafeInteger(value) ? Math.max(0, value as number) : 0)

function recordOf(text: string, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // Told below.
  }
  throw new DecodeError(
    `RedBeat's entry ${JSON.stringify(name)}: expected a JSON object, got ${text.slice(0, 60)}.`,
  )
}

/** Fields of a wall clock and its zone: a name, or an offset in seconds. */
function momentOf(value: unknown): number | null {
  if (!isRecord(value)) return null
  const { year, month, day, hour, minute, second, microsecond, timezone } = value as Record<string, number>
  const wall = Date.UTC(
    year!,
    month! - 1,
    day,
    hour ?? 0,
    minute ?? 0,
    second ?? 0,
    (microsecond ?? 0) / 1000,
  )
  if (!isMoment(wall)) return null
  const zone: unknown = timezone
  if (typeof zone === 'number') return wall - zone * 1000
  const there = zoneOf(typeof zone === 'string' ? zone : 'UTC')
  const offsetAt = (ms: number): number => there.stretchAt(ms).offsetMs
  return wall - offsetAt(wall - offsetAt(wall))
}
