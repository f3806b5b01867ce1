// Messages that could not end well, as a room that carries keeps them, and how one comes back.
import type { ChordPart } from './publication.js'

/** A message that could not end well. `raw` is as it came. */
export interface DeadLetter {
  readonly id: string
  readonly queue: string
  readonly reason: string
  readonly attempts: number
  readonly lastWorker: string | null
  readonly diedAt: Date
  readonly taskId: string | null
  readonly task: string | null
  readonly raw: Buffer
}

/** What the failure of a dead letter left behind, and its next end must not find. */
export interface Revival {
  /** Markers of its end. */
  readonly fences: readonly string[]
  /** Tasks of which a FAILURE is forgotten: its own first, then what waited behind it. */
  readonly taskIds: readonly string[]
  /** Its parts in chords, which are taken back. */
  readonly parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[]
}

/**
 * `gone`: somebody else sent or dropped it, or its time is over. `done`: its task has succeeded since. `joined`: a
 * chord went on without it. `blocked`: under its queue's name lies something else. In all but `sent` nothing was written.
 */
export type Revived = 'sent' | 'gone' | 'done' | 'joined' | 'blocked'
