// PORT Broker: what carries messages. The words here and in the files that it names are the whole language between
// the runtime and a room that carries (redis, memory): publish, claim, complete. Each call is ONE atomic transition over
// there; nothing is ever half done (docs/guarantees.md).
import type { Durability } from '../canvas/node.js'
import type { Consumer, ConsumerOptions } from './consumer.js'
import type { DeadLetter, Revival, Revived } from './dead-letter.js'
import type { FireReply, Firing } from './firing.js'
import type { ChordOpening, Publication, StagedPiece, StoredText } from './publication.js'

export interface RouteOptions {
  /**
   * Seconds that it is tried again while the broker cannot be reached; 0 is one attempt, which may take a
   * second. Default: the broker's timeout.
   */
  readonly patience?: number
}

export interface PublishOptions extends RouteOptions {
  /** Who must have it before it counts as published. */
  readonly durability?: Durability
}

/** What the other side is, and what an operator should know about it. */
export interface ServerReport {
  /** `Redis 7.0.15`, `memory`. */
  readonly server: string
  /** Reasons not to start (an evicting policy, a version too old). */
  readonly refusals: readonly string[]
  /** Reasons to tell (no persistence …). */
  readonly warnings: readonly string[]
}

/** One thing that `lovage doctor` looked at. */
export interface Finding {
  readonly check: string
  /** `error`: work stands still or may be lost. */
  readonly level: 'ok' | 'warning' | 'error'
  readonly says: string
  /** What to do; null where all is well. */
  readonly mend: string | null
  /** What to type for it, each as it can be pasted. `-A …` stands for what leads to the app. */
  readonly commands: readonly string[]
}

/** Tasks that are not to be run any more. */
export interface Revocation {
  readonly ids: readonly string[]
  /** Header and value (JSON text) of stamps: a task that carries one is meant. */
  readonly stamps: readonly (readonly [header: string, value: string])[]
  /** Stored for those ids of which nothing is known yet, or only that they are to be tried again. */
  readonly results: readonly StoredText[]
  /** How many ids are remembered, the newest, and for how many seconds. */
  readonly most: number
  readonly seconds: number
}

/** What was revoked since a moment, the oldest first. */
export interface RevokedSince {
  readonly ids: readonly string[]
  readonly stamps: readonly (readonly [header: string, value: string])[]
  /** Ask from here next time, ms by the server's clock. */
  readonly nowMs: number
}

/** A message that is held back. */
export interface Deferred {
  readonly dueMs: number
  readonly raw: Buffer
}

/** How a sweep goes. */
export interface SweepTerms {
  /** Nobody has touched what it looks at for so long. */
  readonly silentSeconds: number
  /** What was found to be needed by no message is taken away when that has been so for this long, at each look. */
  readonly afterSeconds: number
  /** Others may look no sooner than this; 0: whenever they like. */
  readonly everySeconds: number
  /** Before anything is taken away, workers get this long to say that it is needed after all. */
  readonly settleSeconds: number
}

export interface Broker {
  /** Without passwords, for banners. */
  readonly url: string
  /** The server's clock, in ms since 1970: an estimate that is refreshed with every connection and lease. */
  now(): number
  /**
   * Resolves when it is in the broker, and as durable as asked. Rejects in bounded time (see `patience`) with
   * OperationalError (BrokerFull when it is full); the sentence says whether it is in the broker all the same.
   */
  publish(publication: Publication, options?: PublishOptions): Promise<void>
  /** Sends a piece ahead. Rejects as `publish` does. Absent where nothing is too big for one call. */
  stage?(piece: StagedPiece, options?: RouteOptions): Promise<void>
  /** Queues that workers of ours consume now. Absent where nothing is staged. */
  served?(options?: RouteOptions): Promise<ReadonlySet<string>>
  /**
   * Opens chords on the server of the results, where Python counts: nobody publishes them then. Sent again it changes
   * nothing. Rejects as `publish` does. Absent where results are with the messages.
   */
  readonly openFar?: (chords: readonly ChordOpening[], options?: RouteOptions) => Promise<void>
  /** Queues bound to a named exchange under this key. */
  route(exchange: string, routingKey: string, options?: RouteOptions): Promise<readonly string[]>
  consume(options: ConsumerOptions): Promise<Consumer>
  /** Each firing is one compare-and-set of (entry, tick) with all its messages; many share one call. Never rejects. */
  fire(firings: readonly Firing[]): Promise<readonly FireReply[]>
  /**
   * Which of many beats of this app fires; `leaseMs` 0 gives it back. It saves work and guards nothing.
   * Refreshes `now()`.
   */
  lead(scope: string, by: string, leaseMs: number): Promise<boolean>
  inspect(): Promise<ServerReport>
  /** Looks for what is wrong over there, and changes nothing. */
  examine(queues: readonly string[]): Promise<readonly Finding[]>
  /** Remembered for all workers, those that start later too. Sent again it changes nothing. */
  revoke(revocation: Revocation): Promise<void>
  /** Everything that is revoked and not forgotten, or what has come since `sinceMs`. */
  revoked(sinceMs?: number): Promise<RevokedSince>
  /** What a queue holds back, the earliest first. */
  deferred(queue: string, limit: number): Promise<readonly Deferred[]>
  /** Waiting messages, all priorities, redeliveries included. */
  length(queue: string): Promise<number>
  /** Drops what waits (not what is held), and tells nobody: returns how many. Users purge by `app.control.purge`. */
  purge(queue: string): Promise<number>
  /**
   * Moves what waits to `purgedQueue(queue)`, out of its gates: returns how many; null where something lies there
   * still, from a purge that was cut off: then nothing is moved.
   */
  setAside(queue: string): Promise<number | null>
  /**
   * Takes away the pages and chords to which no message leads any more: names of their graphs and groups; null where
   * it was not this one's turn, or where not all messages could be read. Absent where nobody can take messages away
   * but by our words.
   */
  sweep?(terms: SweepTerms): Promise<readonly string[] | null>
  readonly dead: {
    /** Newest first. */
    list(limit: number): Promise<readonly DeadLetter[]>
    /** The newest first, without their messages, which may be large: all of them, or those of one queue. */
    ids(queue?: string): Promise<readonly string[]>
    read(id: string): Promise<DeadLetter | null>
    /** Back into its queue as a new message, in one step with what is taken away for it. */
    revive(letter: DeadLetter, revival: Revival): Promise<Revived>
    /** Drops these, or all: how many there were. */
    purge(ids?: readonly string[]): Promise<number>
  }
  close(): Promise<void>
}
