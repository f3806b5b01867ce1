// PORT Consumer: one worker's hold on its queues. It claims messages, and completes each with everything that follows
// from its end, in ONE atomic transition over there (docs/guarantees.md).
import type { Binding } from './binding.js'
import type { Gate } from './gate.js'
import type { Pace } from './pace.js'
import type {
  ChordKey,
  ChordOpening,
  ChordPart,
  Errand,
  Page,
  PageKey,
  Push,
  Silent,
  Staged,
  StagedPiece,
  StoredText,
  Unstaging,
} from './publication.js'

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

/** What becomes of the message itself. */
export type Ending =
  /** Gone: it reached its end. */
  | { readonly kind: 'ack' }
  /** To the producing end of its queue (user code said `Reject(requeue)`). */
  | { readonly kind: 'requeue' }
  /** To the consuming end, uncounted (a stopping worker); `starts` as below. */
  | { readonly kind: 'back'; readonly starts?: number }
  /** Held until `dueMs` (server's clock), then at the consuming end. */
  | { readonly kind: 'defer'; readonly dueMs: number }
  /** Set aside until the rate of its task lets it through: `pull` gets it from there, first come, first served. */
  | { readonly kind: 'park'; readonly task: string }
  /** To the dead letters. `starts`: so many its worker has counted, if more than were known when it was delivered. */
  | {
      readonly kind: 'dead'
      readonly reason: string
      readonly taskId?: string
      readonly task?: string
      readonly starts?: number
    }

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
  /** Chords that others take part in from now on. Where those tell their parts to another server, they move there. */
  readonly mixed?: readonly ChordKey[]
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

/**
 * The last part of a chord came with a completion: these are all its members, in order. Where a Python client
 * saved the shape of a header with groups in it, its text, `{"result": <tuple>}`, stands before them.
 */
export interface Join extends ChordKey {
  /** Which completion of the step brought it. */
  readonly completion: number
  /** None: somebody else has sent the body before the answer came, and only the message is left to be ended. */
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
  /** Tasks run on its own event loop, and may block it: `begins` is asked of each message, and `rests` told. */
  readonly blocks?: boolean
  /** Look for concurrency keys when claiming (`gateHeader`): who may not run yet is put in line and not delivered. */
  readonly gated?: boolean
  /** Messages of these tasks are set aside in this queue (see the ending `park`): told each second while there are any. */
  readonly onParked?: (queue: string, tasks: readonly string[]) => void
  /** The message that brings the news of a silent errand to this queue. Absent: errands are not looked at. */
  readonly newsOf?: (silent: Silent, queue: string) => string | undefined
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
  /**
   * This message begins now, and nothing else does before the next call of `begins` or `rests`. False: it went back,
   * uncounted, while this process was blocked: end it with `back` (which may be refused), and forget it. Absent where
   * nobody else could take what waits behind a blocked loop.
   */
  begins?(tag: string): boolean
  /** Nothing waits for what runs to end. */
  rests?(): void
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
