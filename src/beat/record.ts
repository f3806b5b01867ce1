// What lies in a store as text, and back: a definition (the entry, and whether the program or somebody at run
// time made it) and a state (what became of it). Each is read for itself: one that is broken or was written by a
// newer version is trouble with a name, and no trouble for the others.
import type { Node } from '../canvas/node.js'
import { isRecord } from '../canvas/options.js'
import { show } from '../canvas/words.js'
import { DecodeError, isLovageError } from '../errors.js'
import { naming, type ScheduleEntry } from './entry.js'
import { entryFromJSON, entryToJSON, WrittenByNewer } from './entry-json.js'
import { isMoment } from './moment.js'
import type { Stored } from './store.js'
import { type EntryState, freshState } from './tick.js'

/** The JSON of messages, in which arguments of any type travel. */
export interface Codec {
  readonly write: (value: unknown) => string
  readonly read: (text: string) => unknown
}

/** `code`: the program declares it, and its word goes over what lies there. */
export type Source = 'code' | 'runtime'

/** The run that was sent last. Moments in Unix milliseconds. */
export interface LastRun {
  readonly id: string
  /** Null: somebody said "now". */
  readonly tickMs: number | null
  readonly atMs: number
  readonly lateMs: number
  /** Celery's tuple of its result, where overlap is asked about. */
  readonly result?: unknown
}

export interface RunState extends EntryState {
  readonly lastRun: LastRun | null
  /** Ticks that were passed over because an earlier run went on. */
  readonly skipped: number
}

/** An entry with all that is known of it. */
export interface BeatRecord {
  readonly entry: ScheduleEntry
  readonly source: Source
  readonly revision: number
  readonly state: RunState
  readonly stateRevision: number
}

export interface Trouble {
  readonly name: string
  readonly trouble: string
  /** A newer Lovage wrote it: it is not broken, and not ours to replace. */
  readonly isNewer?: boolean
}

const stateVersion = 1

export const newState = (sinceMs: number): RunState => ({ ...freshState(sinceMs), lastRun: null, skipped: 0 })

/** @throws ImproperlyConfigured, naming the entry, for arguments that cannot be written. */
export const writeDefinition = (entry: ScheduleEntry, source: Source, codec: Codec): string =>
  naming(entry.name, () => codec.write({ source, entry: entryToJSON(entry) }))

/** Tells without reading it that somebody made an entry at run time: false where that can be. */
export const isPlainlyRuntime = (stored: Stored): boolean =>
  'definition' in stored && stored.definition.startsWith('{"source":"runtime",')

export const writeState = ({ sinceMs, lastTickMs, runs, lastRun, skipped }: RunState): string =>
  JSON.stringify({ version: stateVersion, sinceMs, lastTickMs, runs, skipped, lastRun })

/** `declared` finds an entry of this program, for schedules that are objects of it. */
export function readRecord(
  stored: Stored,
  codec: Codec,
  declared: (name: string) => ScheduleEntry | undefined,
): BeatRecord | Trouble {
  const { name } = stored
  if ('trouble' in stored) return { name, trouble: `Beat entry ${show(name)}: ${stored.trouble}.` }
  try {
    const own = declared(name)
    const isOwn = own !== undefined && writeDefinition(own, 'code', codec) === stored.definition
    const { source, entry } = isOwn
      ? { source: 'code' as const, entry: own }
      : readDefinition(name, codec.read(stored.definition), own)
    return {
      entry,
      source,
      revision: stored.revision,
      state: stateOf(name, stored.state),
      stateRevision: stored.stateRevision,
    }
  } catch (error) {
    if (!isLovageError(error)) throw error
    const { message } = error
    return {
      name,
      trouble: message.startsWith('Beat entry') ? message : `Beat entry ${show(name)}, as stored: ${message}`,
      isNewer: error instanceof WrittenByNewer,
    }
  }
}

function readDefinition(
  name: string,
  value: unknown,
  own: ScheduleEntry | undefined,
): { readonly source: Source; readonly entry: ScheduleEntry } {
  if (!isRecord(value) || !isRecord(value.entry))
    throw new DecodeError(`expected { source, entry }, got ${show(value)}.`)
  if (value.entry.name !== name)
    throw new DecodeError(`name: expected ${show(name)}, got ${show(value.entry.name)}.`)
  return { source: value.source === 'code' ? 'code' : 'runtime', entry: entryOf(value.entry, own) }
}

/** A custom schedule is an object of the program: the stored text only shows it. */
function entryOf(json: Readonly<Record<string, unknown>>, own: ScheduleEntry | undefined): ScheduleEntry {
  const { kind } = (json.schedule ?? {}) as { kind?: unknown }
  if (kind !== 'custom' || own?.schedule.kind !== 'custom') return entryFromJSON(json)
  const rest = entryFromJSON({ ...json, schedule: { kind: 'every', seconds: 1 } })
  return Object.freeze({ ...rest, schedule: own.schedule })
}

function stateOf(name: string, text: string): RunState {
  const value = parsed(text)
  const fail = (problem: string): never => {
    throw new DecodeError(`the state of ${show(name)}: ${problem}`)
  }
  if (!isRecord(value))
    return fail(`expected an object, got ${show(text)}. Remove the entry and add it again.`)
  const { version, sinceMs, lastTickMs, runs, skipped, lastRun } = value
  if (typeof version === 'number' && version > stateVersion)
    throw new WrittenByNewer(
      `the state of ${show(name)}: it is of version ${version}, and this Lovage reads up to ${stateVersion}. Upgrade this beat.`,
    )
  if (!isMoment(sinceMs) || !Number.isSafeInteger(runs) || !(lastTickMs === null || isMoment(lastTickMs)))
    return fail(
      'expected moments in sinceMs and lastTickMs, and a number in runs. Remove the entry and add it again.',
    )
  return {
    sinceMs,
    lastTickMs,
    runs: runs as number,
    skipped: typeof skipped === 'number' ? skipped : 0,
    lastRun: isLastRun(lastRun) ? lastRun : null,
  }
}

const isLastRun = (value: unknown): value is LastRun =>
  isRecord(value) &&
  typeof value.id === 'string' &&
  (value.tickMs === null || isMoment(value.tickMs)) &&
  isMoment(value.atMs) &&
  typeof value.lateMs === 'number'

/** Undefined: it is no JSON. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export const isTrouble = (read: BeatRecord | Trouble): read is Trouble => 'trouble' in read

/** What an entry runs, in a word: for logs and lists. */
export const workOf = (run: Node): string => (run.kind === 'task' ? run.task : run.kind)
