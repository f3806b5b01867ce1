// The entries of the program: what its code declares, and what its setting `beatSchedule` says. Code goes first. One that is
// wrong is told of and passed over.
import { isLovageError } from '../errors.js'
import type { ScheduleEntry } from './entry.js'

/** The setting, read. */
export interface Configured {
  readonly entries: readonly ScheduleEntry[]
  /** What is wrong in it. */
  readonly errors: readonly Error[]
}

export interface Program {
  /** All of them; what is declared later is among them. */
  readonly entries: () => readonly ScheduleEntry[]
  readonly get: (name: string) => ScheduleEntry | undefined
}

/** `check` throws for what cannot be sent as it stands. */
export const programOf = (
  declared: ReadonlyMap<string, ScheduleEntry>,
  { entries, errors }: Configured,
  check: (entry: ScheduleEntry) => void,
  passOver: (error: Error) => void,
): Program => {
  errors.forEach(passOver)
  const configured = entries.filter((entry) => {
    if (declared.has(entry.name)) return false
    try {
      check(entry)
      return true
    } catch (error) {
      if (!isLovageError(error)) throw error
      passOver(error)
      return false
    }
  })
  const settled = new Map(configured.map((entry) => [entry.name, entry]))
  return {
    entries: () => [...configured, ...declared.values()],
    get: (name) => declared.get(name) ?? settled.get(name),
  }
}
