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

/** One run of one task. */
export interface Job {
  readonly id: string
  readonly task: string
  /** Seconds; undefined is without limit. */
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
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
}

export interface Pool<J extends Job> {
  readonly name: string
  /** How many jobs may run at once. */
  readonly concurrency: number
  run(job: J): Running
  /** Resolves when nothing runs any more. */
  stop(): Promise<void>
}
