// An entry as it lies in a store, and back. It has a version, so that an old beat beside a new one says what it
// cannot read instead of running half of it. Arguments of the work stay the values they are: a store that keeps
// text encodes them as messages are encoded.
import { make, type SignatureOptions } from '../canvas/node.js'
import { isRecord } from '../canvas/options.js'
import { fromJSON, type SignatureJson, toJSON } from '../canvas/wire.js'
import { show } from '../canvas/words.js'
import { DecodeError, isLovageError } from '../errors.js'
import { type EntryOptions, readEntry, type ScheduleEntry, tickOptions } from './entry.js'
import { scheduleFromJSON } from './read-schedule.js'
import type { DstPolicy, ScheduleJson } from './schedule.js'

/** Raised when an older Lovage could misread what a newer one writes; a new field alone does not raise it. */
const entryVersion = 1

/** Nothing is wrong with it, but this Lovage is too old for it: it is left as it is. */
export class WrittenByNewer extends DecodeError {
  override get name(): string {
    return 'DecodeError'
  }
}

/** Times are ISO texts, lengths of time seconds. */
export interface EntryJson {
  readonly version: number
  readonly name: string
  readonly schedule: ScheduleJson
  /** The work in Celery's JSON form. */
  readonly run: SignatureJson
  /** Calling options by their names on the wire. */
  readonly options: Readonly<Record<string, unknown>>
  readonly timezone?: string
  readonly dst?: DstPolicy
  readonly catchUp: string
  readonly overlap: string
  /** Seconds. */
  readonly jitter: number
  readonly startAt?: string
  readonly endAt?: string
  readonly maxRuns?: number
  readonly paused: boolean
  readonly [unknownKey: string]: unknown
}

export function entryToJSON(entry: ScheduleEntry): EntryJson {
  const { name, schedule, run, options, timezone, dst, maxRuns, startAtMs, endAtMs, jitterMs } = entry
  return {
    ...entry.unknownKeys,
    version: entryVersion,
    name,
    schedule: schedule.toJSON(),
    run: toJSON(run),
    options: optionsToJSON(options),
    ...(timezone === undefined ? {} : { timezone }),
    ...(dst === undefined ? {} : { dst }),
    catchUp: entry.catchUp,
    overlap: entry.overlap,
    jitter: jitterMs / 1000,
    ...(startAtMs === undefined ? {} : { startAt: new Date(startAtMs).toISOString() }),
    ...(endAtMs === undefined ? {} : { endAt: new Date(endAtMs).toISOString() }),
    ...(maxRuns === undefined ? {} : { maxRuns }),
    paused: entry.paused,
  }
}

/** @throws DecodeError that names the entry, for what is none or was written by a newer Lovage. */
export function entryFromJSON(json: unknown): ScheduleEntry {
  if (!isRecord(json))
    throw new DecodeError(`A stored beat entry is expected to be an object, got ${show(json)}.`)
  const { version, name, schedule, run, options, ...rest } = json
  const fail = (problem: string, cause?: unknown): never => {
    throw new DecodeError(`Beat entry ${show(name)}, as stored: ${problem}`, { cause })
  }
  if (typeof version === 'number' && version > entryVersion)
    throw new WrittenByNewer(
      `Beat entry ${show(name)}, as stored: it is of version ${version}, and this Lovage reads versions up to ${entryVersion}. Upgrade this beat, or remove the entry.`,
    )
  if (version !== entryVersion) return fail(`version: expected ${entryVersion}, got ${show(version)}.`)
  if (typeof name !== 'string' || name.trim() === '') return fail('name: expected a text that is not empty.')
  try {
    const given: Record<string, unknown> = { ...optionsFromJSON(options) }
    const unknownKeys: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(rest)) (storedNames.has(key) ? given : unknownKeys)[key] = value
    const entry = readEntry(name, {
      ...given,
      schedule: scheduleFromJSON(schedule),
      run: fromJSON(run),
    } as EntryOptions)
    return Object.keys(unknownKeys).length === 0 ? entry : Object.freeze({ ...entry, unknownKeys })
  } catch (error) {
    if (!isLovageError(error)) throw error
    return fail(error.message.replace(`Beat entry ${show(name)}: `, ''), error)
  }
}

const storedNames: ReadonlySet<string> = new Set(tickOptions)

// Options may hold callbacks, which are signatures themselves: so they go to the wire on a signature's back.
const carrier = '-'

const optionsToJSON = (options: SignatureOptions): Readonly<Record<string, unknown>> =>
  toJSON(make({ kind: 'task', task: carrier, args: [], kwargs: {}, options, immutable: true })).options

/** Calling options from their names on the wire. */
export const optionsFromJSON = (wire: unknown): SignatureOptions =>
  // Most entries have none, and a store may have 100 000 of them.
  isRecord(wire) && Object.keys(wire).length === 0 ? {} : fromJSON({ task: carrier, options: wire }).options
