// PORT ScheduleStore: where entries lie with what is known of their runs, and who may fire. A store knows
// texts and revisions, never what they mean (record.ts reads them): so one that cannot be read spoils nothing
// but itself, and every change is a compare-and-set. Fired in the broker, whatever the store is: guarantees 13.

/** An entry as it lies there. */
export interface StoredEntry {
  readonly name: string
  /** What is to be done and when; written by people and by programs. */
  readonly definition: string
  /** Grows with each change of the definition. */
  readonly revision: number
  /** What has become of it; written with each fire. */
  readonly state: string
  readonly stateRevision: number
}

/** A value in the place of an entry that is none. */
export interface StoredTrouble {
  readonly name: string
  readonly trouble: string
}

export type Stored = StoredEntry | StoredTrouble

export interface PutOptions {
  /** Only if the definition has this revision; 0: only if there is none. Without it: whatever is there. */
  readonly expect?: number
  /** The first state; one that is there already stays. */
  readonly state: string
}

/** Entries in one page, about: a page that is read from a socket in one piece leaves little behind. */
export const pageSize = 60

export interface ScheduleStore {
  /** Without passwords, for banners: `redis://…`, `file celerybeat-schedule.json`. */
  readonly url: string
  /** `broker`: a fire writes the state here in one act with its messages. `apart`: the state follows by `save`. */
  readonly place: 'broker' | 'apart'
  /** Everything, in pieces, so that nobody needs room for all of it; one that is changed meanwhile may come twice. */
  pages(): AsyncIterable<readonly Stored[]>
  get(names: readonly string[]): Promise<readonly (Stored | undefined)[]>
  /** False: the definition is not the expected one. */
  put(name: string, definition: string, options: PutOptions): Promise<boolean>
  /** False: it is not there, or not the expected one. Takes state and history with it. */
  remove(name: string, expect?: number): Promise<boolean>
  /** States that did not travel with a fire; each only if it follows the one that lies there. */
  save(
    states: readonly {
      readonly name: string
      readonly state: string
      readonly revision: number
      readonly line?: string
    }[],
  ): Promise<void>
  /** Lines of `Firing.line`, newest first. */
  history(name: string, limit: number): Promise<readonly string[]>
  /**
   * Calls `changed` with null soon, and within a second of each change of definitions with their names, or with null for "anything
   * may have changed" (after an outage), until the returned function is called. Keeps the process alive.
   * `troubled` is told once why changes cannot be heard of until a person has mended something.
   */
  watch(changed: (names: readonly string[] | null) => void, troubled: (error: Error) => void): () => void
  close(): Promise<void>
}

/** How many lines of history are kept for each entry. */
export const historyLimit = 20

/** One tick of one entry, to be fired if nobody was first. `M` are its messages, in the broker's own words. */
export interface Firing<M> {
  readonly entry: string
  /** Unix ms. Refused before its time by the broker's clock. Null: no tick, somebody said "now". */
  readonly tickMs: number | null
  readonly messages: M
  /** Where the store is the broker: the state that this follows, the one that it makes, a line of history or ''. */
  readonly state?: { readonly revision: number; readonly text: string; readonly line: string }
  /** Where it is not, the broker remembers the tick and who fired it. */
  readonly by: string
}

/**
 * - `fired`: all messages are in their queues
 * - `refused`: somebody else fired it, or the entry was changed or taken away
 * - `early`: by the broker's clock it is not due yet
 * - `failed`: the broker is away or full, or one of the queues is none
 *
 * In all but the first nothing was written.
 */
export type FireReply =
  | { readonly kind: 'fired' | 'refused' | 'early' }
  | { readonly kind: 'failed'; readonly error: Error }

/** An entry of RedBeat, another scheduler, as it lies in the broker. */
export interface RedBeatText {
  readonly name: string
  readonly definition: string
  /** Null: it never ran. */
  readonly meta: string | null
}
