// The file of entries as a document: what lies in it, and its text, which a person can read: indented JSON in
// which definitions and states stand as JSON, too. Pure.
import { isRecord } from '../canvas/options.js'
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'
import { historyLimit, type ScheduleStore, type Stored, type StoredEntry } from './store.js'

const version = 1

export interface Kept extends StoredEntry {
  readonly history: readonly string[]
}

export interface Unreadable {
  readonly name: string
  readonly trouble: string
  /** Written back as it came. */
  readonly raw: unknown
}

export type Document = Map<string, Kept | Unreadable>

export type Saved = Parameters<ScheduleStore['save']>[0][number]

export const plain = (found: Kept | Unreadable): Stored => {
  if ('trouble' in found) return { name: found.name, trouble: found.trouble }
  const { history: _history, ...entry } = found
  return entry
}

export const withStates = (document: Document, states: readonly Saved[]): Document => {
  const result: Document = new Map(document)
  for (const { name, state, revision, line } of states) {
    const found = result.get(name)
    if (found === undefined || 'trouble' in found || found.stateRevision > revision) continue
    const history =
      line === undefined || line === '' ? found.history : [line, ...found.history].slice(0, historyLimit)
    result.set(name, { ...found, state, stateRevision: revision + 1, history })
  }
  return result
}

/** Names whose definitions are not the same. */
export const differing = (before: Document, after: Document): readonly string[] => {
  const word = (document: Document, name: string): unknown => {
    const found = document.get(name)
    return found === undefined || 'trouble' in found ? found?.trouble : found.definition
  }
  return [...new Set([...before.keys(), ...after.keys()])].filter(
    (name) => word(before, name) !== word(after, name),
  )
}

// ---------------------------------------------------------------------------------------------------
// The text

/** As JSON where nothing is lost by it; else (a bigint in it, say) as the text that it is. */
const embedded = (text: string): unknown => {
  try {
    const value: unknown = JSON.parse(text)
    return JSON.stringify(value) === text && typeof value !== 'string' ? value : text
  } catch {
    return text
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

export const print = (document: Document): string => {
  const entries = [...document].map(([name, kept]) => {
    if ('trouble' in kept) return [name, kept.raw]
    const { definition, revision, state, stateRevision, history } = kept
    const lines = history.map(embedded)
    return [
      name,
      { definition: embedded(definition), revision, state: embedded(state), stateRevision, history: lines },
    ]
  })
  return `${JSON.stringify({ version, entries: Object.fromEntries(entries) }, null, 2)}\n`
}

export const parse = (text: string, path: string): Document => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = undefined
  }
  if (!isRecord(value) || !isRecord(value.entries))
    throw new ImproperlyConfigured(
      `The beat file ${path} is broken: expected JSON with "entries". Move it away, or name another; then a new one is begun.`,
    )
  if (typeof value.version !== 'number' || value.version > version)
    throw new ImproperlyConfigured(
      `The beat file ${path} is of version ${show(value.version)}, and this Lovage reads up to ${version}. Upgrade this beat, or name another file.`,
    )
  return new Map(
    Object.entries(value.entries).map(([name, raw]): [string, Kept | Unreadable] => {
      if (!isRecord(raw) || raw.definition === undefined || !isRecord(raw.state))
        return [name, { name, trouble: `expected { definition, state } in ${path}, got ${show(raw)}`, raw }]
      const { definition, revision, state, stateRevision, history } = raw
      return [
        name,
        {
          name,
          definition: textOf(definition),
          revision: Number(revision) || 1,
          state: textOf(state),
          stateRevision: Number(stateRevision) || 1,
          history: Array.isArray(history) ? history.map(textOf) : [],
        },
      ]
    }),
  )
}
