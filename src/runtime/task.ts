// A task: a name, maybe the code, and its options. `app.task(…)` makes the callable that users hold.
import { didYouMean, isRecord, show, toCamel } from '../config-decode.js'
import { ImproperlyConfigured } from '../errors.js'
import type { TaskContext } from './context.js'

/** A class of errors, or a name of one. */
export type ErrorKind = (abstract new (...args: any[]) => Error) | string

/** What a hook is told of the run. */
export interface HookInfo {
  readonly context: TaskContext
  readonly args: readonly unknown[]
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
  /** Seconds; 0 keeps the result for ever. */
  resultExpires?: number
  /** Errors that belong to the task's business: logged as expected. */
  throws?: readonly ErrorKind[]
  /** Names of the positional parameters, so that keyword arguments from Python bind to them. */
  params?: readonly string[]
  /** `full`: called as an errback, the task gets (request, error, traceback) instead of the failed id. */
  errback?: 'full'
  /** Default true: with `params`, arguments are counted when the task is sent. */
  typing?: boolean
  onSuccess?: (value: R, info: { readonly context: TaskContext; readonly args: A }) => unknown
  onFailure?: (error: unknown, info: { readonly context: TaskContext; readonly args: A }) => unknown
  onRetry?: (error: unknown, info: { readonly context: TaskContext; readonly args: A }) => unknown
  afterReturn?: (
    end: { readonly state: 'SUCCESS' | 'FAILURE' | 'RETRY'; readonly value?: R; readonly error?: unknown },
    info: { readonly context: TaskContext; readonly args: A },
  ) => unknown
}

/** A task as the runtime knows it. `run` is absent where the code lives elsewhere. */
export interface TaskDefinition {
  readonly name: string
  readonly run: ((...args: any[]) => unknown) | undefined
  readonly options: TaskOptions
}

const kinds = {
  text: (value: unknown) => typeof value === 'string' && value !== '',
  flag: (value: unknown) => typeof value === 'boolean',
  seconds: (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  limit: (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  whole: (value: unknown) => Number.isInteger(value) && (value as number) >= 0,
  positive: (value: unknown) => Number.isInteger(value) && (value as number) >= 1,
  wholeOrNull: (value: unknown) => value === null || (Number.isInteger(value) && (value as number) >= 0),
  priority: (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9,
  errors: (value: unknown) =>
    Array.isArray(value) && value.every((item) => typeof item === 'function' || typeof item === 'string'),
  names: (value: unknown) =>
    Array.isArray(value) &&
    value.every((item) => typeof item === 'string') &&
    new Set(value).size === value.length,
  function: (value: unknown) => typeof value === 'function',
  backoff: (value: unknown) =>
    typeof value === 'boolean' || (Number.isFinite(value) && (value as number) >= 0),
  expires: (value: unknown) =>
    value instanceof Date ? !Number.isNaN(value.getTime()) : Number.isFinite(value) && (value as number) >= 0,
  full: (value: unknown) => value === 'full',
  json: (value: unknown) => value === 'json',
  zlib: (value: unknown) => value === 'zlib' || value === 'gzip',
  retry: (value: unknown) => isRecord(value),
} as const

const expected: Readonly<Record<keyof typeof kinds, string>> = {
  text: 'a text',
  flag: 'true or false',
  seconds: 'seconds, 0 or more',
  limit: 'seconds, more than 0',
  whole: 'a whole number, 0 or more',
  positive: 'a whole number of at least 1',
  wholeOrNull: 'a whole number or null (without limit)',
  priority: 'a whole number from 0 (most urgent) to 9',
  errors: 'a list of error classes or names of errors',
  names: 'a list of names, each once',
  function: 'a function',
  backoff: 'true, false or seconds',
  expires: 'seconds or a valid Date',
  full: '"full"',
  json: '"json", the only one there is',
  zlib: '"gzip" or "zlib"',
  retry: 'an object with countdown or maxRetries',
}

const optionKinds: Readonly<Record<keyof TaskOptions, keyof typeof kinds>> = {
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
  resultExpires: 'seconds',
  throws: 'errors',
  params: 'names',
  errback: 'full',
  typing: 'flag',
  onSuccess: 'function',
  onFailure: 'function',
  onRetry: 'function',
  afterReturn: 'function',
}

const later: Readonly<Record<string, string>> = {
  rateLimit: 'rate limits come with the pools',
  globalRateLimit: 'rate limits come with the pools',
  concurrencyKey: 'limits for each key come with the pools',
  concurrencyLimit: 'limits for each key come with the pools',
  onReplace: 'replace comes with the whole canvas',
}

/** Refuses what is no option, or no such option yet, or has a wrong type: each in one sentence. */
export const checkTaskOptions = (name: string, options: unknown): void => {
  if (!isRecord(options))
    throw new ImproperlyConfigured(`Options of task "${name}": expected an object, got ${show(options)}.`)
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (Object.hasOwn(later, key))
      throw new ImproperlyConfigured(`Option ${key} of task "${name}" is not there yet: ${later[key]}.`)
    if (!Object.hasOwn(optionKinds, key))
      throw new ImproperlyConfigured(
        `Unknown option ${key} of task "${name}".${didYouMean(toCamel(key), Object.keys(optionKinds))} ` +
          `Expected one of: ${Object.keys(optionKinds).join(', ')}.`,
      )
    const kind = optionKinds[key as keyof TaskOptions]
    if (!kinds[kind](value))
      throw new ImproperlyConfigured(
        `Option ${key} of task "${name}": expected ${expected[kind]}, got ${show(value)}.`,
      )
  }
}

/** Whether an error is of one of these kinds: by class, or by the name of its class or of one above. */
export const isOfKind = (error: unknown, kindsOfError: readonly ErrorKind[] | undefined): boolean =>
  kindsOfError?.some((kind) => (typeof kind === 'string' ? isNamed(error, kind) : error instanceof kind)) ===
  true

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
