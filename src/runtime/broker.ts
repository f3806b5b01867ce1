// PORT Broker: what carries messages. The words here are the whole language between the runtime and a
// room that carries (redis, memory): publish, claim, complete. Each call is ONE atomic transition over
// there; nothing is ever half done (docs/guarantees.md).
import type { Durability } from '../canvas/node.js'
import type { Binding } from './binding.js'
import type { Gate } from './gate.js'
import type { Pace } from './pace.js'

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

/** A chord whose header messages are sent in the same call. `size` parts complete it. */
export interface ChordOpening {
  readonly groupId: string
  readonly bodyId: string
  readonly size: number
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

/** Names a chord whose last part was counted and whose body is not published yet. */
export interface ChordKey {
  readonly groupId: string
  readonly bodyId: string
}

/** What becomes of the message itself. */
export type Ending =
  /** Gone: it reached its end. */
  | { readonly kind: 'ack' }
  /** To the producing end of its queue (user code said `Reject(requeue)`). */
  | { readonly kind: 'requeue' }
  /** To the consuming end, uncounted (a stopping worker). */
  | { readonly kind: 'back' }
  /** Held until `dueMs` (server's clock), then at the consuming end. */
  | { readonly kind: 'defer'; readonly dueMs: number }
  /** Set aside until the rate of its task lets it through: `pull` gets it from there, first come, first served. */
  | { readonly kind: 'park'; readonly task: string }
  /** To the dead letters. */
  | { readonly kind: 'dead'; readonly reason: string; readonly taskId?: string; readonly task?: string }

/**
 * The end of one delivery, with everything that follows from it: results, next messages, chord parts.
 * Committed whole or refused whole.
 */
export interface Completion {
  readonly tag: string
  readonly ending: Ending
  /**
   * `<id>:<retries>:<nesting>:<parent>`: a second message with this marker is refused. Absent on a plain
   * SUCCESS (one result, nothing else: the stored result is the fence), where the only edge is a
   * chord part (the chord's memory of task ids is), on `back`, `requeue`, `defer`, `park`, and on `joined`.
   */
  readonly fence?: string
  readonly results: readonly StoredText[]
  readonly pushes: readonly Push[]
  readonly chords: readonly ChordOpening[]
  readonly errands?: readonly Errand[]
  /** Each makes its chord wait for one part more; counted before `parts`. */
  readonly grown?: readonly ChordKey[]
  readonly parts: readonly ChordPart[]
  /** Second act of a completion that got joins: these bodies are among `pushes`. Refused if published before. */
  readonly joined?: readonly ChordKey[]
  /** What the pushes refer to. */
  readonly pages?: readonly Page[]
  /** Pages that nobody refers to any more once this is committed. */
  readonly frees?: readonly PageKey[]
  /** What was staged for it. */
  readonly releases?: readonly Staged[]
}

/** A claimed message. */
export interface Delivery {
  /** Names our hold on it: unique within this consumer. */
  readonly tag: string
  readonly queue: string
  /** The envelope as it lay in the queue: it need not be UTF-8, let alone JSON. */
  readonly raw: Buffer
  /**
   * Deliveries before this one whose execution had started and did not end. When there are any, or when it is
   * `uncertain`, call `note` before running it: only then does this start count.
   */
  readonly attempts: number
  /** It was delivered before, to anybody. */
  readonly redelivered: boolean
  /** A delivery before this one may have started; nobody knows. */
  readonly uncertain: boolean
  /** It was acknowledged early and its worker is gone: do not run it, say that it is lost. */
  readonly lost: boolean
  /** Who held it before, for the dead letter. */
  readonly lastWorker: string | null
  /** It is inside the gate of its concurrency key (see Gate) until its end. */
  readonly gated?: boolean
}

/**
 * The last part of a chord came with a completion: these are all its members, in order. Where a Python client
 * saved the shape of a header with groups in it, its text, `{"result": <tuple>}`, stands before them.
 */
export interface Join extends ChordKey {
  /** Which completion of the step brought it. */
  readonly completion: number
  readonly members: readonly string[]
}

export interface StepReply {
  /** Indexes of completions that were refused: somebody else's run counted, nothing of these was written. */
  readonly refused: readonly number[]
  /** The tags of their completions stay held until the `joined` completion. */
  readonly joins: readonly Join[]
  readonly deliveries: readonly Delivery[]
}

/** What Redis knows about a redelivered message, and the note that its run starts now. */
export type Note =
  | { readonly kind: 'run' }
  /** Its end was committed before. `joins`: chord bodies that still have to be published. */
  | { readonly kind: 'done'; readonly joins: readonly Omit<Join, 'completion'>[] }
  /** We do not hold it any more. */
  | { readonly kind: 'lost' }

export interface Permit {
  readonly granted: number
  /** Until the next start may be. */
  readonly nextInMs: number
}

export interface ConsumerOptions {
  /** The node's name, for dead letters and lists of consumers. */
  readonly hostname: string
  /** In order of urgency or rotation; `strategy` says which. */
  readonly queues: readonly string[]
  /** Where queues are bound besides the direct exchange of their own name. */
  readonly bindings?: readonly Binding[]
  readonly strategy: 'round_robin' | 'sorted' | 'priority'
  readonly leaseMs: number
  /** The lease is lost: everything held is somebody else's now. The consumer has a new id when this is called. */
  readonly onLost: () => void
  /** Something is wrong over there (connection lost, server full …) or right again: once for each change. */
  readonly onTrouble: (trouble: { readonly ok: boolean; readonly message: string }) => void
  /** Look for concurrency keys when claiming (`gateHeader`): who may not run yet is put in line and not delivered. */
  readonly gated?: boolean
  /** Messages of these tasks are set aside in this queue (see the ending `park`): told each second while there are any. */
  readonly onParked?: (queue: string, tasks: readonly string[]) => void
  /** The message that brings the news of a silent errand to this queue. Absent: errands are not looked at. */
  readonly newsOf?: (silent: Silent, queue: string) => string
  /** A limit on dead letters: number kept, and seconds each is kept. */
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
}

/** One worker's hold on its queues. All calls survive a lost connection: they are sent again and count once. */
export interface Consumer {
  readonly id: string
  /** How many `step` calls may be in flight, one on each lane. */
  readonly lanes: number
  /**
   * Completes, and claims up to `slots` (0 claims nothing). Fewer deliveries than slots means: empty now.
   * Never rejects for trouble over there (it waits until that is over); rejects with LeaseLost when the lease
   * is gone: then none of `completions` was written.
   */
  step(lane: number, completions: readonly Completion[], slots: number): Promise<StepReply>
  /** Waits for work without taking more than `slots`; resolves empty after a while, on `interrupt`, or when another look is due. */
  wait(slots: number): Promise<readonly Delivery[]>
  /** Claims up to `slots` messages of those that were set aside for this task. */
  pull(queue: string, task: string, slots: number): Promise<readonly Delivery[]>
  /**
   * The same for a delivery without such a header: `wait` puts it in line, and it is delivered when its turn has
   * come. `lost`: it is not ours any more.
   */
  admit(delivery: Pick<Delivery, 'tag' | 'queue'>, gate: Gate): Promise<'run' | 'wait' | 'lost'>
  /** Starts of this task that all workers together may make now, at this pace. They count as made. */
  permit(task: string, pace: Pace, wanted: number): Promise<Permit>
  /**
   * From now on claims from these queues. What it holds of others stays its own until its end. Resolves when that is so.
   * Throws InvalidUsage for a queue that is shared with Python workers and was not among the first.
   */
  serve(queues: readonly string[], bindings: readonly Binding[]): Promise<void>
  /** Ends a `wait` now. What it claims in that instant is still delivered. */
  interrupt(): void
  /** Before running a delivery that may have been started before: notes the start, or tells that it ended long ago. */
  note(
    tag: string,
    fence: string,
    parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[],
  ): Promise<Note>
  /** The texts of pages; null for one that is gone. Waits while the broker cannot be reached. */
  recall(pages: readonly PageKey[]): Promise<readonly (string | null)[]>
  /** As Broker.stage; waits while the broker cannot be reached. Absent where nothing is too big for one call. */
  stage?(piece: StagedPiece): Promise<void>
  /** Moves a moment's worth of what was staged to where it belongs: how many, 0 when all are there. */
  unstage?(list: Unstaging): Promise<number>
  /** Acknowledge early: false means that it is not ours any more. The tag stays the name of the run until its completion. */
  release(tag: string): Promise<boolean>
  /** Store a passing state (STARTED, PROGRESS, …) while the task runs. False: not ours any more, nothing written. */
  store(tag: string, result: StoredText): Promise<boolean>
  /** Unregister; whatever is still held goes back, uncounted. */
  close(): Promise<void>
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
  /** What to do, best a command. */
  readonly mend: string | null
}

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

/** One tick of a periodic entry: its messages leave once, whoever fires it, however many try. */
export interface Firing {
  /** The app's name: apps of one broker keep their entries apart. */
  readonly scope: string
  readonly entry: string
  /** Unix ms. Refused before its time by the broker's clock. Null: no tick, somebody said "now". */
  readonly tickMs: number | null
  readonly publication: Publication
  /** Where entries lie in this broker: the state that this follows, the one that it makes, a line of history or ''. */
  readonly state?: { readonly revision: number; readonly text: string; readonly line: string }
  /** Where they lie elsewhere, the broker remembers the tick, and who fired it. */
  readonly by: string
}

/** `refused`: fired before, or changed, or gone. `early`: not due yet. In all but `fired` nothing was written. */
export type FireReply =
  | { readonly kind: 'fired' | 'refused' | 'early' }
  | { readonly kind: 'failed'; readonly error: Error }

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
  /** Drops what waits (not what is held): returns how many. */
  purge(queue: string): Promise<number>
  readonly dead: {
    /** Newest first. */
    list(limit: number): Promise<readonly DeadLetter[]>
    read(id: string): Promise<DeadLetter | null>
    /** Back into its queue as a new message, in one step with what is taken away for it. */
    revive(letter: DeadLetter, revival: Revival): Promise<Revived>
    /** Drops these, or all: how many there were. */
    purge(ids?: readonly string[]): Promise<number>
  }
  close(): Promise<void>
}
