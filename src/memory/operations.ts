// Everything that can be asked of the engine, as data: what is sent, and what is answered. Time (`nowMs`) and
// ids come with the operation; the engine knows neither a clock nor chance, so that an explorer can walk it
// and a differential test can play the same operations against Redis.
import type { Binding } from '../runtime/binding.js'
import type { Gate } from '../runtime/gate.js'
import type { Pace } from '../runtime/pace.js'
import type { Deferred, Revocation, RevokedSince } from '../runtime/broker.js'
import type { Completion, Note, Permit, StepReply } from '../runtime/consumer.js'
import type { Revival, Revived } from '../runtime/dead-letter.js'
import type { Firing } from '../runtime/firing.js'
import type { ChordOpening, ChordPart, Page, PageKey, Push, StoredText } from '../runtime/publication.js'
import type { Letter, Timetabled } from './records.js'

/** Bytes where a test or a Python peer puts something into a queue that is no text. */
export type AnyPush = Omit<Push, 'raw'> & { readonly raw: string | Buffer }

export interface Operations {
  /** Sent again it changes nothing but the lease. */
  register: {
    asked: {
      readonly consumer: string
      readonly hostname: string
      readonly queues: readonly string[]
      readonly leaseMs: number
      readonly deadLetterMax: number
      readonly deadLetterExpires: number
      readonly gated?: boolean
      readonly bindings?: readonly Binding[]
    }
    reply: null
  }
  /** False: it is gone. */
  renew: { asked: { readonly consumer: string; readonly leaseMs: number }; reply: boolean }
  /** Whatever is held goes back, uncounted. */
  unregister: { asked: { readonly consumer: string }; reply: { readonly moved: number } }
  /** One consumer whose lease has ended: what it held goes to the redo lists. Also takes away what has expired. */
  reap: {
    asked: object
    /** `consumer` null: no lease has ended. */
    reply: { readonly consumer: string | null; readonly hostname: string | null; readonly moved: number }
  }
  /** With `sender` and its next number it counts once, however often it is sent: true the first time. */
  publish: {
    asked: {
      readonly pushes: readonly AnyPush[]
      readonly chords: readonly ChordOpening[]
      readonly pages?: readonly Page[]
      readonly sender?: string
      readonly number?: number
    }
    reply: boolean
  }
  step: {
    asked: {
      readonly consumer: string
      readonly lane: number
      /** Greater than any before of this consumer: claims are named and ordered by it. */
      readonly request: number
      readonly completions: readonly Completion[]
      readonly slots: number
      /** The consumer's queues in the order in which they are looked at now. */
      readonly queues: readonly string[]
      /** Claims nothing but what was set aside for this task. */
      readonly parkedFor?: string
    }
    reply: { readonly kind: 'lost' } | { readonly kind: 'stale' } | ({ readonly kind: 'done' } & StepReply)
  }
  note: {
    asked: {
      readonly consumer: string
      readonly tag: string
      readonly fence: string
      readonly parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[]
    }
    reply: Note
  }
  /** Texts of pages. */
  recall: { asked: { readonly pages: readonly PageKey[] }; reply: readonly (string | null)[] }
  /** A delivery whose gate stands in no header. */
  admit: {
    asked: { readonly consumer: string; readonly tag: string; readonly gate: Gate }
    reply: 'run' | 'wait' | 'lost'
  }
  /** Acknowledge early. False: not ours any more. */
  release: { asked: { readonly consumer: string; readonly tag: string }; reply: boolean }
  /** A passing state. False: not ours any more. */
  store: {
    asked: { readonly consumer: string; readonly tag: string; readonly result: StoredText }
    reply: boolean
  }
  /** Deferred messages of one queue whose moment has come. */
  promote: {
    asked: { readonly queue: string; readonly most: number }
    reply: { readonly moved: number; readonly nextMs: number | null }
  }
  /** Tasks with messages that wait for their rate. */
  parked: { asked: { readonly queue: string }; reply: readonly string[] }
  permit: {
    asked: { readonly task: string; readonly pace: Pace; readonly wanted: number }
    reply: Permit
  }
  revoke: { asked: Revocation; reply: null }
  revoked: { asked: { readonly sinceMs: number }; reply: RevokedSince }
  /** Due moment and text, the earliest first. */
  deferred: { asked: { readonly queue: string; readonly most: number }; reply: readonly Deferred[] }
  purge: { asked: { readonly queue: string }; reply: number }
  /** Null where something lies there still. */
  setAside: { asked: { readonly queue: string }; reply: number | null }
  length: { asked: { readonly queue: string }; reply: number }
  read: { asked: { readonly taskIds: readonly string[] }; reply: readonly (string | null)[] }
  forget: {
    asked: { readonly taskIds: readonly string[]; readonly groupIds: readonly string[] }
    reply: null
  }
  /** `expires` in seconds; 0 keeps it for ever. */
  saveGroup: {
    asked: { readonly groupId: string; readonly text: string; readonly expires: number }
    reply: null
  }
  readGroup: { asked: { readonly groupId: string }; reply: string | null }
  /** Newest first. */
  deadLetters: { asked: { readonly most: number }; reply: readonly Letter[] }
  deadLetter: { asked: { readonly id: string }; reply: Letter | null }
  revive: { asked: { readonly id: string } & Revival; reply: Revived }
  /** Without `ids`: all. */
  purgeDead: { asked: { readonly ids?: readonly string[] }; reply: number }
  /** Ticks of periodic entries, each at most once. */
  fire: {
    asked: { readonly firings: readonly Firing[] }
    reply: readonly ('fired' | 'refused' | 'early')[]
  }
  /** `leaseMs` 0 gives it back. */
  lead: {
    asked: { readonly scope: string; readonly by: string; readonly leaseMs: number }
    reply: boolean
  }
  /** Without `names`: all. */
  entries: {
    asked: { readonly scope: string; readonly names?: readonly string[] }
    reply: readonly (readonly [name: string, entry: Timetabled | undefined])[]
  }
  /** False: it is not the expected one. `state` is the first; one that is there stays. */
  putEntry: {
    asked: {
      readonly scope: string
      readonly name: string
      readonly expect: number | undefined
      readonly definition: string
      readonly state: string
    }
    reply: boolean
  }
  removeEntry: {
    asked: { readonly scope: string; readonly name: string; readonly expect: number | undefined }
    reply: boolean
  }
  history: {
    asked: { readonly scope: string; readonly name: string; readonly most: number }
    reply: readonly string[]
  }
}

export type Kind = keyof Operations

export type OperationOf<K extends Kind> = {
  [Each in K]: { readonly kind: Each; readonly nowMs: number } & Operations[Each]['asked']
}[K]

export type ReplyTo<K extends Kind> = Operations[K]['reply']
