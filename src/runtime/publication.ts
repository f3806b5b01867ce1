// What is written into a room that carries, whoever writes it: messages and what goes with them (chords, errands, pages,
// results). A publication is one atomic write: all of it arrives, once, or none of it.

/** One message on its way into a queue. */
export interface Push {
  readonly queue: string
  /** 0 (most urgent) to 9; the room rounds down to its steps (0, 3, 6, 9). */
  readonly priority: number
  /** The envelope, as text. */
  readonly raw: string
  /** Hold it back until then (ms, the server's clock) instead of queueing it now. Only for queues that we consume. */
  readonly dueMs?: number
  /** To all who listen at this exchange now (see Mailbox), and into no queue; `queue` is '' then. */
  readonly fanout?: { readonly exchange: string; readonly routingKey: string }
}

/** The text of a result on its way into the store. */
export interface StoredText {
  readonly taskId: string
  /** `SUCCESS`, `FAILURE`, `STARTED`, …: what `text` starts with. */
  readonly state: string
  /** Celery's result JSON; begins with `{"status": "<state>"`. Set and announced as it is. */
  readonly text: string
  /** Seconds; 0 keeps it for ever. */
  readonly expires: number
}

/** Names a chord whose last part was counted and whose body is not published yet. */
export interface ChordKey {
  readonly groupId: string
  readonly bodyId: string
}

/** A chord whose header messages are sent in the same call. `size` parts complete it. */
export interface ChordOpening {
  readonly groupId: string
  readonly bodyId: string
  readonly size: number
}

/** A header task's report to its chord. A part counts once for each task id. */
export interface ChordPart {
  readonly groupId: string
  readonly bodyId: string
  readonly taskId: string
  /** Place in the joined list; null is "at the end". */
  readonly index: number | null
  /** `[1, "<task id>", "<state>", <result>]` in Python's style. */
  readonly member: string
}

/**
 * A task for whose end a chord waits, and which goes to workers that are not ours: they may never tell. Where such
 * workers can be, its stored result is looked at until the chord has its part, or is over.
 */
export interface Errand extends ChordKey {
  /** The task. */
  readonly id: string
  /** The task id that the chord is told: of the task, or of the end of what waits behind it. */
  readonly part: string
  readonly index: number | null
  /** ms, the server's clock. */
  readonly sentMs: number
  /** What the news of its end are made of. Many errands of a chord may have the same. */
  readonly text: string
}

/** An errand that has ended while its chord has no part of it. */
export interface Silent extends Omit<Errand, 'sentMs'> {
  /** Its stored result. */
  readonly meta: string
}

/** Names a page: a part of a canvas that lies in the broker until it is carried on (docs/references.md). */
export interface PageKey {
  readonly graph: string
  readonly page: number
}

/** A page on its way into the broker. */
export interface Page extends PageKey {
  readonly text: string
}

/**
 * Messages too many for one call are staged: sent ahead under a name, piece by piece, where nobody sees them; a
 * publication or a completion releases them. What is not released within a day is forgotten.
 */
export interface StagedPiece {
  readonly stage: string
  /** A stage has a list for each queue and priority. */
  readonly list: number
  /** How many were sent ahead to this list: a piece that is sent again counts once. */
  readonly offset: number
  readonly raws: readonly string[]
}

/** All that was sent ahead to one list of a stage. */
export interface Staged {
  readonly stage: string
  readonly list: number
  readonly count: number
}

/** Where the messages of a staged list belong. */
export interface Unstaging extends Pick<Staged, 'stage' | 'list'> {
  readonly queue: string
  readonly priority: number
}

/** One atomic publish: all of it arrives, once, or none of it. */
export interface Publication {
  readonly pushes: readonly Push[]
  readonly chords: readonly ChordOpening[]
  readonly errands?: readonly Errand[]
  /** What the messages refer to. */
  readonly pages?: readonly Page[]
  /** What was staged for it. It is there, or the publication is refused. */
  readonly releases?: readonly Staged[]
}
