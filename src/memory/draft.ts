// A transition at work: it reads through its own edits into the state and never touches it. What it has
// written at the end are the transition's changes.
import type { StoredText } from '../runtime/publication.js'
import type { Change, Flat, Nested, State } from './state.js'

type Edits = { [T in keyof Flat]?: Map<string, Flat[T] | undefined> } & {
  [T in keyof Nested]?: Map<string, Map<string, Nested[T] | undefined>>
}

const nested: ReadonlySet<string> = new Set<keyof Nested>(['held', 'parts', 'gated', 'graphs', 'timetable'])

export class Draft {
  /** Results that were written, for those who watch: each of them, also where a later one replaced it. */
  readonly announced: StoredText[] = []
  /** What was said to all who listen at an exchange. */
  readonly broadcast: { readonly exchange: string; readonly raw: string }[] = []
  readonly #edits: Edits = {}

  constructor(
    readonly state: State,
    readonly nowMs: number,
  ) {}

  get<T extends keyof Flat>(table: T, key: string): Flat[T] | undefined {
    const edits = this.#edits[table] as Map<string, Flat[T] | undefined> | undefined
    if (edits?.has(key)) return edits.get(key)
    return (this.state[table] as Map<string, Flat[T]>).get(key)
  }

  set<T extends keyof Flat>(table: T, key: string, value: Flat[T] | undefined): void {
    let edits = this.#edits[table] as Map<string, Flat[T] | undefined> | undefined
    if (edits === undefined) {
      edits = new Map()
      ;(this.#edits as Record<string, unknown>)[table] = edits
    }
    edits.set(key, value)
  }

  getIn<T extends keyof Nested>(table: T, key: string, inner: string): Nested[T] | undefined {
    const edits = this.#edited(table, key)
    if (edits?.has(inner)) return edits.get(inner)
    return (this.state[table] as Map<string, Map<string, Nested[T]>>).get(key)?.get(inner)
  }

  setIn<T extends keyof Nested>(table: T, key: string, inner: string, value: Nested[T] | undefined): void {
    let edits = this.#edited(table, key)
    if (edits === undefined) {
      edits = new Map()
      let keys = this.#edits[table] as Map<string, Map<string, Nested[T] | undefined>> | undefined
      if (keys === undefined) {
        keys = new Map()
        ;(this.#edits as Record<string, unknown>)[table] = keys
      }
      keys.set(key, edits)
    }
    edits.set(inner, value)
  }

  /** All values under a key: a copy. */
  allIn<T extends keyof Nested>(table: T, key: string): [string, Nested[T]][] {
    const all = new Map<string, Nested[T] | undefined>(
      (this.state[table] as Map<string, Map<string, Nested[T]>>).get(key),
    )
    for (const [inner, value] of this.#edited(table, key) ?? []) all.set(inner, value)
    return [...all].filter((entry): entry is [string, Nested[T]] => entry[1] !== undefined)
  }

  changes(): Change[] {
    const changes: unknown[] = []
    for (const [table, edits] of Object.entries(this.#edits))
      for (const [key, value] of edits as Map<string, unknown>)
        if (!nested.has(table)) changes.push({ table, key, value })
        else
          for (const [inner, each] of value as Map<string, unknown>)
            changes.push({ table, key, inner, value: each })
    return changes as Change[]
  }

  #edited<T extends keyof Nested>(table: T, key: string): Map<string, Nested[T] | undefined> | undefined {
    return (this.#edits[table] as Map<string, Map<string, Nested[T] | undefined>> | undefined)?.get(key)
  }
}
