// One line of the timetable: a name, a schedule, the work, and how ticks become runs. Checked once, here,
// with sentences that name the entry; frozen afterwards.
import { asNode, type Node, type SignatureOptions } from '../canvas/node.js'
import { optionOf, readOptions, wireName } from '../canvas/options.js'
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured, isLovageError } from '../errors.js'
import { asSchedule, type ScheduleLike } from './as-schedule.js'
import { type Interval, intervalMs } from './interval.js'
import { readMoment } from './moment.js'
import type { DstPolicy, Schedule, ScheduleContext } from './schedule.js'
import { checkDst, checkZone } from './where.js'

/** What is done about ticks that nobody ran in time: nothing, the last of them, or all (the last 1000). */
export type CatchUp = 'skip' | 'last' | 'all'

/** What a tick does while the work of an earlier one still goes on. */
export type Overlap = 'allow' | 'skip' | 'queue'

/** Calling options of the work; the id of each run comes from the entry and the tick. */
export type CallOptions = Omit<SignatureOptions, 'taskId' | 'eta'>

/** An entry as a user writes it. */
export interface EntryOptions extends CallOptions {
  readonly schedule: ScheduleLike
  /** Any canvas: `report.si('daily')`, a chain, a chord. */
  readonly run: object
  /** IANA zone of a calendar schedule without its own; default: the app's. */
  readonly timezone?: string
  /** Default `once`. */
  readonly dst?: DstPolicy
  /** Default `last`. */
  readonly catchUp?: CatchUp
  /** Default `allow`. */
  readonly overlap?: Overlap
  /** Runs up to this much later, by entry and tick, so that not all start at once. */
  readonly jitter?: Interval
  /** No tick before; intervals count from here. null, here and below: none, which takes away what an entry has. */
  readonly startAt?: Date | string | null
  /** No tick after. */
  readonly endAt?: Date | string | null
  /** No more than so many runs in all. */
  readonly maxRuns?: number | null
  /** Starts paused. */
  readonly paused?: boolean
}

export interface ScheduleEntry {
  readonly name: string
  readonly schedule: Schedule
  readonly run: Node
  /** Calling options laid over those of `run`. */
  readonly options: CallOptions
  readonly timezone?: string
  readonly dst?: DstPolicy
  readonly catchUp: CatchUp
  readonly overlap: Overlap
  readonly jitterMs: number
  readonly startAtMs?: number
  readonly endAtMs?: number
  readonly maxRuns?: number
  readonly paused: boolean
  /** What another version wrote under this one's number and nobody here knows: written back as it came. */
  readonly unknownKeys?: Readonly<Record<string, unknown>>
}

/** What an entry says of its ticks, beside `schedule`: the rest of its options are those of a call. */
export const tickOptions = [
  'timezone',
  'dst',
  'catchUp',
  'overlap',
  'jitter',
  'startAt',
  'endAt',
  'maxRuns',
  'paused',
] as const satisfies readonly (keyof EntryOptions)[]

/** Checks what a user wrote. @throws ImproperlyConfigured, beginning with the entry's name. */
export function readEntry(name: string, given: EntryOptions): ScheduleEntry {
  if (typeof name !== 'string' || name.trim() === '')
    throw new ImproperlyConfigured(`A beat entry expects a name, got ${show(name)}.`)
  return naming(name, () => read(name, given))
}

/** Runs a check whose sentence does not know yet which entry it speaks of. */
export function naming<T>(name: string, check: () => T): T {
  try {
    return check()
  } catch (error) {
    if (!isLovageError(error)) throw error
    const begin = `Beat entry ${show(name)}: `
    if (error instanceof ImproperlyConfigured && error.message.startsWith(begin)) throw error
    throw new ImproperlyConfigured(begin + error.message, { cause: error })
  }
}

function read(name: string, given: EntryOptions): ScheduleEntry {
  if (typeof given !== 'object' || given === null)
    throw new ImproperlyConfigured(`expected { schedule, run, … }, got ${show(given)}.`)
  const { schedule, run, timezone, dst, catchUp, overlap, jitter, startAt, endAt, ...rest } = given
  const { maxRuns, paused, ...options } = rest
  if (run === undefined || run === null)
    throw new ImproperlyConfigured("it has no task. Expected `run`: a signature such as report.si('daily').")
  const startAtMs = moment(startAt, 'startAt')
  const endAtMs = moment(endAt, 'endAt')
  if (startAtMs !== undefined && endAtMs !== undefined && endAtMs < startAtMs)
    throw new ImproperlyConfigured('endAt: expected a moment after startAt, got one before it.')
  if (maxRuns !== undefined && maxRuns !== null && !(Number.isSafeInteger(maxRuns) && maxRuns >= 1))
    throw new ImproperlyConfigured(`maxRuns: expected a whole number from 1, got ${show(maxRuns)}.`)
  if (paused !== undefined && typeof paused !== 'boolean')
    throw new ImproperlyConfigured(`paused: expected true or false, got ${show(paused)}.`)
  const work = asNode(run, 'run')
  if (work.options.eta !== undefined) throw oneEta('run: eta')
  const call = callOptions(options)
  checkExpires(call.expires ?? work.options.expires)
  return Object.freeze({
    name,
    schedule: asSchedule(schedule),
    run: work,
    options: call,
    ...checkZone(timezone, 'timezone'),
    ...checkDst(dst, 'dst'),
    catchUp: oneOf(['last', 'skip', 'all'], catchUp, 'catchUp'),
    overlap: oneOf(['allow', 'skip', 'queue'], overlap, 'overlap'),
    jitterMs: jitter === undefined || jitter === null ? 0 : intervalMs(jitter, 'jitter'),
    ...(startAtMs === undefined ? {} : { startAtMs }),
    ...(endAtMs === undefined ? {} : { endAtMs }),
    ...(maxRuns === undefined || maxRuns === null ? {} : { maxRuns }),
    paused: paused ?? false,
  })
}

function callOptions(given: object): CallOptions {
  if ('taskId' in given)
    throw new ImproperlyConfigured(
      'taskId: expected none, since each run has an id of its own, made of the entry and the tick.',
    )
  if ('eta' in given) throw oneEta('eta')
  try {
    return Object.freeze(readOptions(given))
  } catch (error) {
    // The canvas knows calling options only; a misspelt `jitter` is nearer to the entry's own words.
    const unknown = Object.keys(given).find((name) => wireName(name) === name && optionOf(name) === undefined)
    const near = unknown === undefined ? undefined : nearest(unknown, ['schedule', 'run', ...tickOptions])
    if (near === undefined) throw error
    throw new ImproperlyConfigured(`there is no option "${unknown}". Did you mean ${near}?`)
  }
}

const oneEta = (place: string): ImproperlyConfigured =>
  new ImproperlyConfigured(
    `${place}: expected none, since it is one moment for all runs. Write countdown, in seconds after a run is sent.`,
  )

const checkExpires = (expires: unknown): void => {
  if (typeof expires === 'number' && !(expires > 0))
    throw new ImproperlyConfigured(
      `expires: expected seconds above 0, got ${show(expires)}: each run would be too late before it is sent.`,
    )
}

const moment = (given: Date | string | null | undefined, place: string): number | undefined =>
  given === undefined || given === null ? undefined : readMoment(given, place)

/** The first word is the default. */
function oneOf<T extends string>(words: readonly [T, ...T[]], given: unknown, place: string): T {
  if (given === undefined || given === null) return words[0]
  if (words.includes(given as T)) return given as T
  const all = words.map((word) => `"${word}"`)
  throw new ImproperlyConfigured(
    `${place}: expected ${all.slice(0, -1).join(', ')} or ${all.at(-1)}, got ${show(given)}.`,
  )
}

/** What the entry lends to its schedule. `timezone` is the app's. */
export function contextOf(entry: ScheduleEntry, timezone = 'UTC'): ScheduleContext {
  return {
    timezone: entry.timezone ?? timezone,
    ...(entry.dst === undefined ? {} : { dst: entry.dst }),
    ...(entry.startAtMs === undefined ? {} : { anchorMs: entry.startAtMs }),
  }
}
