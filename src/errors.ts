// The whole error family on one page. A user meets these and no others: each says what was expected,
// what came, and what to do. `excModule` and `args` are what Python sees (see runtime/failure).

/** The root of everything that Lovage throws on purpose. */
export class LovageError extends Error {
  override get name(): string {
    return this.constructor.name
  }
}

// ---------------------------------------------------------------------------------------------------
// What is wrong with the program or its settings

/** A setting, URL or combination of them that cannot work; nothing was sent. */
export class ImproperlyConfigured extends LovageError {}

/** A signature that cannot be built or sent as it stands; the message names the culprit's path. */
export class InvalidSignature extends LovageError {}

/** The name of a task is not known in this process. Python knows it by the same name. */
export class NotRegistered extends LovageError {
  static excModule = 'celery.exceptions'
  readonly args: readonly [string]
  constructor(taskName: string, message?: string) {
    super(message ?? taskName)
    this.args = [taskName]
  }
}

/** Two tasks of one name. */
export class AlreadyRegistered extends LovageError {}

/** A queue that is not declared while `taskCreateMissingQueues` is false. */
export class QueueNotFound extends LovageError {}

/** A call that would make a worker wait for itself, or a word that belongs to another moment. */
export class InvalidUsage extends LovageError {}

// ---------------------------------------------------------------------------------------------------
// What is wrong with a value or a message

/** A value that cannot travel. */
export class EncodeError extends LovageError {
  static excModule = 'kombu.exceptions'
}

/** A text that cannot be read. */
export class DecodeError extends LovageError {
  static excModule = 'kombu.exceptions'
}

/** A message that is not signed as it must be, or whose signer nobody trusts. It was not run. */
export class SecurityError extends LovageError {
  static excModule = 'celery.exceptions'
}

/** A content type that this side refuses to read, pickle above all. */
export class ContentDisallowed extends LovageError {
  static excModule = 'kombu.exceptions'
}

// ---------------------------------------------------------------------------------------------------
// What went wrong on the way

/** The broker or the result store cannot be reached or refuses; what was promised did not happen. */
export class OperationalError extends LovageError {
  static excModule = 'kombu.exceptions'
}

/** Redis is full (`maxmemory`): nothing was written. Try again when there is room. */
export class BrokerFull extends OperationalError {}

/** `get()` waited as long as it was told to. The task itself goes on. */
export class TimeoutError extends LovageError {
  static excModule = 'celery.exceptions'
}

/** `get()` was called on a result that nobody stores. */
export class ResultIgnored extends LovageError {}

// ---------------------------------------------------------------------------------------------------
// How a task ends other than by returning

/** Thrown by `this.retry(…)`: the task will be sent again. Internal outcome, never stored as failure. */
export class Retry extends LovageError {
  static excModule = 'celery.exceptions'
  constructor(
    readonly options: RetryOptions,
    message: string,
  ) {
    super(message)
  }
}

/**
 * Returned or thrown, `this.replace(…)`: another piece of work takes this task's place. Internal outcome, never
 * stored as failure.
 */
export class Replace extends LovageError {
  constructor(
    /** The signature that takes its place. */
    readonly signature: object,
  ) {
    super('replaced by another piece of work')
  }
}

/** What a retry may change. Times in seconds. */
export interface RetryOptions {
  /** The error that caused the retry; stored with the RETRY state, and thrown when retries are used up. */
  error?: unknown
  /** Seconds to wait. Default: the task's `defaultRetryDelay` or backoff. */
  countdown?: number
  /** Earliest moment of the next try, instead of `countdown`. */
  eta?: Date
  /** Overrides the task's limit for this message; null is without limit. */
  maxRetries?: number | null
  /** New positional arguments. */
  args?: readonly unknown[]
  /** New keyword arguments. */
  kwargs?: Readonly<Record<string, unknown>>
  queue?: string
  priority?: number
  expires?: number | Date
  timeLimit?: number
  softTimeLimit?: number
  headers?: Readonly<Record<string, unknown>>
}

/** End without a result: nothing is stored, nothing follows. */
export class Ignore extends LovageError {
  static excModule = 'celery.exceptions'
}

/** Refuse the message: nothing is stored; `requeue` puts it back at the end of its queue. */
export class Reject extends LovageError {
  static excModule = 'celery.exceptions'
  readonly requeue: boolean
  readonly args: readonly [string, boolean]
  constructor(reason = '', options: { requeue?: boolean } = {}) {
    super(reason)
    this.requeue = options.requeue ?? false
    this.args = [reason, this.requeue]
  }
}

export class MaxRetriesExceededError extends LovageError {
  static excModule = 'celery.exceptions'
}

/** The task's soft limit passed: `this.signal` aborts with this. `seconds` is the limit. */
export class SoftTimeLimitExceeded extends LovageError {
  static excModule = 'billiard.exceptions'
  readonly args: readonly [] = []
  constructor(readonly seconds?: number) {
    super(seconds === undefined ? 'soft time limit exceeded' : `soft time limit (${seconds}s) exceeded`)
  }
}

/** The task's hard limit passed: the task is a failure, whatever it does afterwards. */
export class TimeLimitExceeded extends LovageError {
  static excModule = 'billiard.exceptions'
  readonly args: readonly [number]
  constructor(seconds: number) {
    super(`time limit (${seconds}s) exceeded`)
    this.args = [seconds]
  }
}

/** The process that ran the task is gone and the task may not, or may no longer, be run again. */
export class WorkerLostError extends LovageError {
  static excModule = 'billiard.exceptions'
}

/** The worker lost its lease on the message: somebody else runs it now, and this run's end counts for nothing. */
export class LeaseLost extends LovageError {}

/** The worker is stopping cold: the task is aborted and its message given back. */
export class WorkerShutdown extends LovageError {
  static excModule = 'celery.exceptions'
}

/** Revoked, expired or terminated before its end. */
export class TaskRevokedError extends LovageError {
  static excModule = 'celery.exceptions'
  readonly args: readonly [string]
  /** `signal`: how a child process that runs it is to be ended. */
  constructor(
    reason: string,
    readonly signal?: NodeJS.Signals,
  ) {
    super(reason)
    this.args = [reason]
  }
}

/** A chord's header failed, or its results could not be joined. */
export class ChordError extends LovageError {
  static excModule = 'celery.exceptions'
}

/** A message whose parts do not make a task. */
export class InvalidTaskError extends LovageError {
  static excModule = 'celery.exceptions'
}

/** A task failed elsewhere with an error that is not registered here (`app.errors(…)`). */
export class RemoteTaskError extends LovageError {
  readonly excType: string
  readonly excModule: string | null
  readonly excMessage: readonly unknown[]
  /** The text of the stack on the failing side, as it was stored. */
  readonly traceback: string | null
  constructor(fields: {
    excType: string
    excModule: string | null
    excMessage: readonly unknown[]
    traceback: string | null
  }) {
    super(
      fields.excMessage.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(', '),
    )
    this.excType = fields.excType
    this.excModule = fields.excModule
    this.excMessage = fields.excMessage
    this.traceback = fields.traceback
  }
  override get name(): string {
    return this.excType
  }
}

// ---------------------------------------------------------------------------------------------------
// Guards: an app may meet two copies of this library, so these look at names and not at classes.

const isNamed =
  (name: string) =>
  (error: unknown): boolean => {
    for (let proto = error; proto !== null && typeof proto === 'object'; proto = Object.getPrototypeOf(proto))
      if ((proto as { constructor?: { name?: string } }).constructor?.name === name) return true
    return false
  }

export const isLovageError = isNamed('LovageError') as (error: unknown) => error is LovageError
export const isRetry = isNamed('Retry') as (error: unknown) => error is Retry
export const isReplace = isNamed('Replace') as (error: unknown) => error is Replace
export const isIgnore = isNamed('Ignore') as (error: unknown) => error is Ignore
export const isReject = isNamed('Reject') as (error: unknown) => error is Reject
export const isTimeoutError = isNamed('TimeoutError') as (error: unknown) => error is TimeoutError
export const isOperationalError = isNamed('OperationalError') as (error: unknown) => error is OperationalError
export const isRemoteTaskError = isNamed('RemoteTaskError') as (error: unknown) => error is RemoteTaskError
export const isRevoked = isNamed('TaskRevokedError') as (error: unknown) => error is TaskRevokedError
