// The state of the memory room: tables of frozen values (records.ts), and the only ways to change them. A transition
// (engine.ts) reads a state and answers with edits; `apply` carries them out, in place for the room, on a
// `copyState` for an explorer. The cost of an edit does not depend on the size of the state.
import type { Binding } from '../runtime/binding.js'
import type { Deque } from './deque.js'
import type { Heap } from './heap.js'
import type {
  Chord,
  ConsumerRecord,
  Expiring,
  GateState,
  Held,
  Leader,
  Letter,
  Marker,
  Message,
  Part,
  RevokedMark,
  SavedGroup,
  Stored,
  Timetabled,
} from './records.js'

/** Tables with one value for each key. */
export interface Flat {
  consumers: ConsumerRecord
  /** By exchange: the queues that were ever consumed; each is bound to the exchange of its own name, too. */
  bindings: readonly Binding[]
  /** See `listKey`. */
  lists: Deque<Message>
  /** By queue: tasks with messages that wait for their rate. */
  limited: readonly string[]
  /** By name. */
  gates: GateState
  /** By task: when all workers together may start it again. */
  rates: number
  /** By queue: what is held back, by the moment when it is due. */
  deferred: Heap<Message>
  results: Stored
  /** Shapes of groups that were saved, by group id. */
  groups: SavedGroup
  /** By fence. */
  markers: Marker
  /** By `chordKey`. */
  chords: Chord
  /** By sender: the last number of its publications. */
  senders: number
  /** Under `theOne`, the oldest in front. */
  dead: Deque<Letter>
  /** Under `theOne`, the oldest in front. */
  revoked: readonly RevokedMark[]
  /** Under `theOne`. */
  expiry: Heap<Expiring>
  /** By `entryKey`: the last tick that was fired of an entry that lies elsewhere, or who said "now". */
  fired: number
  /** By scope. */
  leaders: Leader
}

/** Tables with a table of values for each key. */
export interface Nested {
  /** By consumer, then by tag. */
  held: Held
  /** By `chordKey`, then by task id. */
  parts: Part
  /** By queue, then by the gate's name: how many of its messages stand in that line. */
  gated: number
  /** Periodic entries: by scope, then by name. */
  timetable: Timetabled
  /** Texts of pages: by graph, then by number. */
  graphs: string
}

export type State = { readonly [T in keyof Flat]: Map<string, Flat[T]> } & {
  readonly [T in keyof Nested]: Map<string, Map<string, Nested[T]>>
}

/** One edit; without a value it takes the key away. */
export type Change =
  | {
      [T in keyof Flat]: { readonly table: T; readonly key: string; readonly value: Flat[T] | undefined }
    }[keyof Flat]
  | {
      [T in keyof Nested]: {
        readonly table: T
        readonly key: string
        readonly inner: string
        readonly value: Nested[T] | undefined
      }
    }[keyof Nested]

export const emptyState = (): State => ({
  consumers: new Map(),
  bindings: new Map(),
  lists: new Map(),
  limited: new Map(),
  rates: new Map(),
  gates: new Map(),
  deferred: new Map(),
  results: new Map(),
  groups: new Map(),
  markers: new Map(),
  chords: new Map(),
  senders: new Map(),
  dead: new Map(),
  revoked: new Map(),
  expiry: new Map(),
  fired: new Map(),
  leaders: new Map(),
  held: new Map(),
  parts: new Map(),
  gated: new Map(),
  timetable: new Map(),
  graphs: new Map(),
})

const nestedCopy = <T>(table: Map<string, Map<string, T>>): Map<string, Map<string, T>> =>
  new Map([...table].map(([key, values]) => [key, new Map(values)]))

export const copyState = (state: State): State => ({
  consumers: new Map(state.consumers),
  bindings: new Map(state.bindings),
  lists: new Map(state.lists),
  limited: new Map(state.limited),
  rates: new Map(state.rates),
  gates: new Map(state.gates),
  deferred: new Map(state.deferred),
  results: new Map(state.results),
  groups: new Map(state.groups),
  markers: new Map(state.markers),
  chords: new Map(state.chords),
  senders: new Map(state.senders),
  dead: new Map(state.dead),
  revoked: new Map(state.revoked),
  expiry: new Map(state.expiry),
  fired: new Map(state.fired),
  leaders: new Map(state.leaders),
  held: nestedCopy(state.held),
  parts: nestedCopy(state.parts),
  gated: nestedCopy(state.gated),
  timetable: nestedCopy(state.timetable),
  graphs: nestedCopy(state.graphs),
})

const put = (table: Map<string, unknown>, key: string, value: unknown): void => {
  if (value === undefined) table.delete(key)
  else table.set(key, value)
}

export const apply = (state: State, changes: readonly Change[]): void => {
  for (const change of changes) {
    if (!('inner' in change)) {
      put(state[change.table], change.key, change.value)
      continue
    }
    const table: Map<string, Map<string, unknown>> = state[change.table]
    const values = table.get(change.key) ?? new Map<string, unknown>()
    put(values, change.inner, change.value)
    if (values.size === 0) table.delete(change.key)
    else table.set(change.key, values)
  }
}
