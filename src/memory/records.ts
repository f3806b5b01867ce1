// What the tables of the memory room hold: frozen values, each a record of its own.
import type { StepReply } from '../runtime/consumer.js'
import type { Gate } from '../runtime/gate.js'
import type { Deque } from './deque.js'

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
