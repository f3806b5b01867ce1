// The dict form of entries, as Python's `beat_schedule` has it: { name: { task, schedule, args, kwargs, options } }.
// Each entry stands for itself: what is wrong with one is an error of its own beside the others.
import { signature } from '../canvas/signature.js'
import { isRecord, wireName } from '../canvas/options.js'
import { nearest, show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { type EntryOptions, naming, readEntry, type ScheduleEntry, tickOptions } from './entry.js'
import { optionsFromJSON } from './entry-json.js'
import { camelKeys, readSchedule } from './read-schedule.js'

export interface BeatScheduleRead {
  readonly entries: readonly ScheduleEntry[]
  /** What is wrong, one error for each entry that cannot be; each names its entry. */
  readonly errors: readonly ImproperlyConfigured[]
}

/** Reads the setting `beatSchedule`. @throws ImproperlyConfigured when it is no dict at all. */
export function readBeatSchedule(config: unknown): BeatScheduleRead {
  if (!isRecord(config))
    throw new ImproperlyConfigured(
      `beatSchedule: expected { name: { task, schedule, … } }, got ${show(config)}.`,
    )
  const entries: ScheduleEntry[] = []
  const errors: ImproperlyConfigured[] = []
  for (const [name, given] of Object.entries(config)) {
    try {
      entries.push(readDictEntry(name, given))
    } catch (error) {
      if (!(error instanceof ImproperlyConfigured)) throw error
      errors.push(error)
    }
  }
  return { entries, errors }
}

/** One entry. Besides Python's keys it may have ours (`timezone`, `catchUp`, `maxRuns` …), in either spelling. */
export function readDictEntry(name: string, given: unknown): ScheduleEntry {
  return naming(name, () => {
    if (!isRecord(given))
      throw new ImproperlyConfigured(`expected { task, schedule, … }, got ${show(given)}.`)
    const { task, schedule, args, kwargs, options, ...rest } = camelKeys(given)
    // Ticks lie on round moments anyway, whether `relative` or not.
    const { relative: _, enabled, ...own } = rest
    if (typeof task !== 'string' || task === '')
      throw new ImproperlyConfigured(`task: expected a task's name, got ${show(task)}.`)
    if (schedule === undefined || schedule === null)
      throw new ImproperlyConfigured('schedule: expected seconds or a crontab, got none.')
    for (const key of Object.keys(own)) {
      if (ourKeys.includes(key)) continue
      const near = nearest(key, [...pythonKeys, ...ourKeys])
      throw new ImproperlyConfigured(
        `there is no key "${key}". ${near === undefined ? `Expected ${[...pythonKeys, ...ourKeys].join(', ')}.` : `Did you mean ${near}?`}`,
      )
    }
    return readEntry(name, {
      ...callOptions(options),
      ...own,
      ...(enabled === false ? { paused: true } : {}),
      schedule: readSchedule(schedule),
      run: signature(task, {
        args: listOf(args),
        kwargs: recordOf(kwargs),
        immutable: true,
      }),
    } as EntryOptions)
  })
}

const pythonKeys = ['task', 'schedule', 'args', 'kwargs', 'options', 'relative']
const ourKeys: readonly string[] = tickOptions

/** Known options in either spelling; names that nobody knows are refused with the entry. */
function callOptions(options: unknown): Record<string, unknown> {
  const known: Record<string, unknown> = {}
  const unknown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(recordOf(options, 'options'))) {
    const wire = wireName(name)
    const read = optionsFromJSON({ [wire]: value })
    if ('other' in read) unknown[name] = value
    else Object.assign(known, read)
  }
  return { ...known, ...unknown }
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new ImproperlyConfigured(`args: expected an array, got ${show(value)}.`)
}

function recordOf(value: unknown, place = 'kwargs'): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {}
  if (isRecord(value)) return value
  throw new ImproperlyConfigured(`${place}: expected an object, got ${show(value)}.`)
}
