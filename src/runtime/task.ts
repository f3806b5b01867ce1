// A task: a name, maybe the code, and its options. `app.task(…)` makes the callable that users hold.
import type { Node } from '../canvas/node.js'
import { checkOptions, type OptionKind } from './check-options.js'
import { ImproperlyConfigured } from '../errors.js'
import type { TaskContext } from './context.js'
import type { Rate } from '../config-rate.js'
import { ErrorElsewhere } from './error-elsewhere.js'

/** A class of errors, or a name of one. */
export type ErrorKind = (abstract new (...args: any[]) => Error) | string

/** What a hook is told of the run. */
export interface HookInfo<A extends readonly unknown[] = readonly any[]> {
  readonly context: TaskContext
  readonly args: A
}

/** Options of a task. Times in seconds. `R` is the function's (awaited) result. */
export interface TaskOptions<R = any, A extends readonly unknown[] = readonly any[]> {
  queue?: string
  exchange?: string
  routingKey?: string
  /** 0 (most urgent) to 9. */
  priority?: number
  serializer?: string
  /** `gzip` or `zlib`. */
  compression?: string
  /** Latest start: seconds from sending, or a date. */
  expires?: number | Date
  ignoreResult?: boolean
  storeErrorsEvenIfIgnored?: boolean
  trackStarted?: boolean
  /** Default true. False: no task events tell of it. */
  sendEvents?: boolean
  /** Default true: a message is acknowledged when its task has ended. False: at most once. */
  acksLate?: boolean
  /** Default true. False: a failed task's message is dropped without a result being lost elsewhere. */
  acksOnFailureOrTimeout?: boolean
  /** Default true: a message whose worker died is run again (up to `maxDeliveries`). */
  rejectOnWorkerLost?: boolean
  /** Starts without an end after which the message goes to the dead letters. */
  maxDeliveries?: number
  /** Default 3; null is without limit. */
  maxRetries?: number | null
  /** Default 180. */
  defaultRetryDelay?: number
  autoretryFor?: readonly ErrorKind[]
  dontAutoretryFor?: readonly ErrorKind[]
  /** Options of each automatic retry. */
  retryKwargs?: { readonly countdown?: number; readonly maxRetries?: number | null }
  retryBackoff?: boolean | number
  retryBackoffMax?: number
  retryJitter?: boolean
  softTimeLimit?: number
  timeLimit?: number
  /** Starts of this task in each worker: `'10/m'`, evenly spaced. What waits costs no slot. */
  rateLimit?: Rate
  /** Starts of this task in all workers together. */
  globalRateLimit?: Rate
  /**
   * Of messages with one key at most `concurrencyLimit` run at once, in their order; it is called with the task's
   * arguments. null: no limit for this message. Keys of different tasks have nothing to do with each other.
   */
  concurrencyKey?: (...args: A) => string | null | undefined
  /** Default 1. */
  concurrencyLimit?: number
  /** Seconds; 0 keeps the result for ever. */
  resultExpires?: number
  /** Errors that belong to the task's business: logged as expected. */
  throws?: readonly ErrorKind[]
  /**
   * Names of the positional parameters, so that keyword arguments from Python bind to them. `y?` is optional: the
   * task may be sent without it.
   */
  params?: readonly string[]
  /** `full`: called as an errback, the task gets (request, error, traceback) instead of the failed id. */
  errback?: 'full'
  /** Default true: with `params`, arguments are counted when the task is sent. */
  typing?: boolean
  onSuccess?: (value: R, info: HookInfo<A>) => unknown
  onFailure?: (error: unknown, info: HookInfo<A>) => unknown
  onRetry?: (error: unknown, info: HookInfo<A>) => unknown
  /** Told what takes its place (`this.replace`); may give another signature instead, such as a stamped one. */
  onReplace?: (signature: Node, info: HookInfo<A>) => unknown
  afterReturn?: (
    end: { readonly state: 'SUCCESS' | 'FAILURE' | 'RETRY'; readonly value?: R; readonly error?: unknown },
    info: HookInfo<A>,
  ) => unknown
}

/** A task as the runtime knows it. `run` is absent where the code lives elsewhere. */
export interface TaskDefinition {
  readonly name: string
  readonly run: ((...args: any[]) => unknown) | undefined
  readonly options: TaskOptions
  /** How many arguments it needs, where `params` says so. */
  readonly required?: number
}

/** The definition with plain names for parameters, and the number of those that are not optional. */
export const readParams = (definition: TaskDefinition): TaskDefinition => {
  const { params } = definition.options
  const first = params?.findIndex((name) => name.endsWith('?')) ?? -1
  if (params === undefined || first < 0) return definition
  const late = params.slice(first).find((name) => !name.endsWith('?'))
  if (late !== undefined)
    throw new ImproperlyConfigured(
      `task "${definition.name}": params: expected ${late} to be optional (${late}?), for it stands behind ${params[first]}.`,
    )
  const names = params.map((name) => name.replace(/\?$/, ''))
  return { ...definition, options: { ...definition.options, params: names }, required: first }
}

const optionKinds: Readonly<Record<keyof TaskOptions, OptionKind>> = {
  queue: 'text',
  exchange: 'text',
  routingKey: 'text',
  priority: 'priority',
  serializer: 'json',
  compression: 'zlib',
  expires: 'expires',
  ignoreResult: 'flag',
  storeErrorsEvenIfIgnored: 'flag',
  trackStarted: 'flag',
  sendEvents: 'flag',
  acksLate: 'flag',
  acksOnFailureOrTimeout: 'flag',
  rejectOnWorkerLost: 'flag',
  maxDeliveries: 'positive',
  maxRetries: 'wholeOrNull',
  defaultRetryDelay: 'seconds',
  autoretryFor: 'errors',
  dontAutoretryFor: 'errors',
  retryKwargs: 'retry',
  retryBackoff: 'backoff',
  retryBackoffMax: 'seconds',
  retryJitter: 'flag',
  softTimeLimit: 'limit',
  timeLimit: 'limit',
  rateLimit: 'rate',
  globalRateLimit: 'rate',
  concurrencyKey: 'function',
  concurrencyLimit: 'positive',
  resultExpires: 'seconds',
  throws: 'errors',
  params: 'names',
  errback: 'full',
  typing: 'flag',
  onSuccess: 'function',
  onFailure: 'function',
  onRetry: 'function',
  onReplace: 'function',
  afterReturn: 'function',
}

const later: Readonly<Record<string, string>> = {}

export const checkTaskOptions = (name: string, options: unknown): void =>
  checkOptions(`task "${name}"`, options, optionKinds, later)

/** Whether an error is of one of these kinds: by class, or by the name of its class or of one above. */
export const isOfKind = (error: unknown, kindsOfError: readonly ErrorKind[] | undefined): boolean =>
  kindsOfError?.some((kind) => {
    if (error instanceof ErrorElsewhere)
      return error.kinds.includes(typeof kind === 'string' ? kind : kind.name)
    return typeof kind === 'string' ? isNamed(error, kind) : error instanceof kind
  }) === true

const isNamed = (error: unknown, name: string): boolean => {
  if (!(error instanceof Error)) return false
  if (error.name === name) return true
  for (
    let proto: unknown = Object.getPrototypeOf(error);
    proto !== null;
    proto = Object.getPrototypeOf(proto)
  )
    if ((proto as Error).constructor.name === name) return true
  return false
}
