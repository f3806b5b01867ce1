// PORT Pool: runs one job. It knows nothing of queues, results or Redis.

/** How a job ended. Errors are kept as they were thrown: what they look like on the wire is decided elsewhere. */
export type Outcome =
  | { readonly kind: 'success'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly error: unknown }
  /** Thrown `Retry`, `Ignore`, `Reject`. */
  | { readonly kind: 'retry'; readonly error: unknown }
  | { readonly kind: 'ignore'; readonly error: unknown }
  | { readonly kind: 'reject'; readonly error: unknown }
  /** Returned or thrown `Replace`: what takes its place. */
  | { readonly kind: 'replace'; readonly signature: unknown }
  /** Aborted by us (a lost lease, a cold stop): its message goes to somebody else, nothing is stored. */
  | { readonly kind: 'aborted'; readonly error: unknown }
  /** What ran it is gone, and nobody knows how far it came. `how`: `signal 9 (SIGKILL)`, `exit code 1`. */
  | { readonly kind: 'lost'; readonly how: string }

/** One run of one task. */
export interface Job {
  readonly id: string
  readonly task: string
  /** Seconds; undefined is without limit. */
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
  /** Called once when the soft limit has passed, whatever the code does about it. */
  readonly onSoftLimit?: (() => void) | undefined
}

/** Runs the user's function: never rejects. The signal aborts with the reason (limit, lost lease, stop). */
export type Execute<J extends Job> = (job: J, signal: LazySignal) => Promise<Outcome>

/** An AbortSignal that costs nothing until somebody reads it. */
export interface LazySignal {
  readonly signal: AbortSignal
  /** Why it aborted; undefined while it has not. */
  readonly reason: unknown
  /** The outcome is known. Code that still runs then (after a hard limit, an abort) counts for nothing. */
  readonly over: boolean
}

export interface Running {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>
  /** Aborts the run: its outcome is `aborted` at once, whatever user code still does. */
  abort(reason: Error): void
  /** Nobody runs it yet: it waits for a child. */
  readonly waits?: () => boolean
  /** The process that runs it, where that is not this one; looked up when it is asked for. */
  readonly pid?: () => number | undefined
}

export interface Pool<J extends Job> {
  readonly name: string
  /** Processes or threads of its own, where it has some. */
  readonly ids?: readonly number[]
  /** How many jobs may run at once. */
  readonly concurrency: number
  /** Resolves when it can run something. Rejects with ImproperlyConfigured when it never will. */
  start(): Promise<void>
  run(job: J): Running
  /** From now on so many at once. What runs is not disturbed. */
  resize(concurrency: number): void
  /** What runs jobs is replaced by new ones, which load their modules again; what runs now ends first. */
  restart?(): void
  /** Resolves when nothing runs any more, and nobody is left who could. */
  stop(): Promise<void>
}

/** What JSON holds: all that crosses between a pool's parent and its children. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** A line that user code wrote, or that is about it. */
export interface ChildLine {
  readonly level: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'
  readonly text: string
  readonly fields: Readonly<Record<string, Json>>
}

/** What a pool whose jobs run elsewhere is given: jobs and outcomes as JSON, and somebody to answer and to log. */
export interface Courier<J extends Job> {
  pack(job: J): Json
  /** `processName` is the log's name of what ran it, where that has one. */
  unpack(job: J, outcome: Json, processName: string | undefined): Outcome
  /** What user code asks for, on behalf of a job or of none. May reject. */
  answer(job: J | undefined, question: Json): Promise<Json>
  log(line: ChildLine, processName?: string): void
}

/** How much there is to do. */
export interface Load {
  readonly concurrency: number
  /** Messages in hand. */
  readonly held: number
  /** Messages that wait in the queues for a free slot. */
  readonly waiting: number
  /** Since it last grew. */
  readonly quietSeconds: number
}
