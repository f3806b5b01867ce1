// The state of the memory room: tables of frozen values, and the only ways to change them. A transition
// (engine.ts) reads a state and answers with edits; `apply` carries them out, in place for the room, on a
// `copyState` for an explorer. The cost of an edit does not depend on the size of the state.
import type { StepReply } from '../runtime/consumer.js'
import type { Binding } from '../runtime/binding.js'
import type { Gate } from '../runtime/gate.js'
import type { Deque } from './deque.js'
import type { Heap } from './heap.js'

/** A message and what is known of its earlier deliveries. */
export interface Message {
  readonly raw: Buffer
  readonly queue: string
  /** Which list of its queue: 0 (most urgent) to 3. */
  readonly step: number
  /** Deliveries whose execution had started and did not end. */
  readonly attempts: number
  /** `uncertain`: nobody knows whether the last delivery started. `lost`: acknowledged early, its worker gone. */
  readonly standing: 'clear' | 'uncertain' | 'lost'
  /** Who held it last. */
  readonly worker: string | null
  /** On the way to a worker: the gate that it is inside, where no header tells. */
  readonly gate?: Gate
}

/** A message in a consumer's hands. */
export interface Held {
  readonly message: Message
  readonly lane: number
  readonly request: number
  /** Its place in the claim. */
  readonly index: number
  /** Its start was noted. */
  readonly noted: boolean
  /** It was acknowledged early. */
  readonly released: boolean
  /** Its run is over and counted; only chord bodies are not published yet. */
  readonly joining: boolean
  /** It is inside this gate. */
  readonly gate?: Gate
}

/** Somebody in the line before a gate. */
export interface InLine {
  readonly gate: Gate
  readonly message: Message
}

export interface GateState {
  /** Who → the consumer that has it; null on the way to one. */
  readonly inside: Readonly<Record<string, string | null>>
  readonly line: Deque<InLine>
}

/** What one lane was answered last: said again when its request is sent again. */
export interface LaneMemory {
  readonly request: number
  readonly reply: StepReply
}

export interface ConsumerRecord {
  readonly hostname: string
  readonly queues: readonly string[]
  readonly leaseEndMs: number
  readonly lanes: readonly (LaneMemory | undefined)[]
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
  /** It looks for concurrency keys when it claims. */
  readonly gated: boolean
}

/** `expiresMs` null is "never". */
export interface Stored {
  readonly state: string
  readonly text: string
  readonly expiresMs: number | null
}

export interface Marker {
  readonly expiresMs: number | null
}

export interface SavedGroup {
  readonly text: string
  readonly expiresMs: number | null
}

export interface Chord {
  /** Null: nobody opened it yet, or its last part has come. */
  readonly size: number | null
  /** Parts that its header tasks added to that. */
  readonly added: number
  /** Parts counted since it was opened. */
  readonly count: number
  /** All members in order, from the last part until the body is published. */
  readonly taken: readonly string[] | null
  readonly expiresMs: number | null
}

/** A header task that has reported. The member is dropped when the chord is complete; the memory stays. */
export interface Part {
  readonly index: number | null
  readonly member: string | null
}

export interface Letter {
  readonly id: string
  readonly queue: string
  /** Which list of its queue: 0 (most urgent) to 3. */
  readonly step: number
  readonly reason: string
  readonly attempts: number
  readonly lastWorker: string | null
  readonly diedAtMs: number
  readonly expiresMs: number
  readonly taskId: string | null
  readonly task: string | null
  readonly raw: Buffer
}

/** A periodic entry. */
export interface Timetabled {
  readonly definition: string
  readonly revision: number
  readonly state: string
  readonly stateRevision: number
  /** The newest in front. */
  readonly lines: readonly string[]
}

/** Who fires of many beats. */
export interface Leader {
  readonly by: string
  readonly untilMs: number
}

/** A task's id, or a stamp as JSON text, that was revoked. */
export interface RevokedMark {
  readonly id: string | null
  readonly stamp: readonly [header: string, value: string] | null
  readonly atMs: number
  readonly expiresMs: number
}

/** Something with an `expiresMs` that is to be looked at when it is over. */
export interface Expiring {
  readonly table: 'results' | 'markers' | 'chords' | 'groups'
  readonly key: string
}

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

export const theOne = ''

/** A queue has a list for each priority step, and one for redeliveries that is popped before them. */
export const listKey = (queue: string, list: number | 'redo'): string => `${queue}\n${list}`

/** And one for each task whose messages wait for their rate. */
export const parkedKey = (queue: string, task: string): string => `${queue}\n${JSON.stringify(task)}`

export const queueOfList = (key: string): string => key.slice(0, key.lastIndexOf('\n'))

export const chordKey = (chord: { readonly groupId: string; readonly bodyId: string }): string =>
  `${chord.groupId}\n${chord.bodyId}`

export const entryKey = (scope: string, entry: string): string => `${scope}\n${entry}`

export const priorityLists = [0, 1, 2, 3] as const

/** Kombu's steps 0, 3, 6, 9: rounded down, and kept between 0 and 9. */
export const stepOf = (priority: number): number => Math.floor(Math.min(Math.max(priority, 0), 9) / 3)

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
