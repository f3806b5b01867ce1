// Options of tasks and workers, checked when they are given: each mistake is one sentence with the option, what
// was expected and what came.
import { didYouMean, isRecord, show, toCamel } from '../config-decode.js'
import { expectedRate, readRate } from '../config-rate.js'
import { ImproperlyConfigured } from '../errors.js'

const kinds = {
  text: (value: unknown) => typeof value === 'string' && value !== '',
  // It stands in lines of logs, names of files and keys.
  name: (value: unknown) => typeof value === 'string' && /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u.test(value),
  flag: (value: unknown) => typeof value === 'boolean',
  seconds: (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  limit: (value: unknown) => typeof value === 'number' && Number.isFinite(value) && value > 0,
  whole: (value: unknown) => Number.isInteger(value) && (value as number) >= 0,
  positive: (value: unknown) => Number.isInteger(value) && (value as number) >= 1,
  wholeOrNull: (value: unknown) => value === null || (Number.isInteger(value) && (value as number) >= 0),
  priority: (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 9,
  errors: (value: unknown) =>
    Array.isArray(value) && value.every((item) => typeof item === 'function' || typeof item === 'string'),
  texts: (value: unknown) =>
    Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
  names: (value: unknown) =>
    Array.isArray(value) &&
    value.every((item) => typeof item === 'string') &&
    new Set(value).size === value.length,
  function: (value: unknown) => typeof value === 'function',
  backoff: (value: unknown) =>
    typeof value === 'boolean' || (Number.isFinite(value) && (value as number) >= 0),
  expires: (value: unknown) =>
    value instanceof Date ? !Number.isNaN(value.getTime()) : Number.isFinite(value) && (value as number) >= 0,
  rate: (value: unknown) => readRate(value) !== undefined,
  full: (value: unknown) => value === 'full',
  json: (value: unknown) => value === 'json' || value === 'auth',
  zlib: (value: unknown) => value === 'zlib' || value === 'gzip',
  retry: (value: unknown) => isRecord(value),
  logger: (value: unknown) => typeof (value as { enabled?: unknown } | null)?.enabled === 'function',
  autoscale: (value: unknown) => {
    if (!isRecord(value)) return false
    const { max, min, keepalive = 1 } = value
    return (
      Number.isInteger(max) &&
      Number.isInteger(min) &&
      (min as number) >= 0 &&
      (max as number) >= 1 &&
      (min as number) <= (max as number) &&
      typeof keepalive === 'number' &&
      keepalive > 0
    )
  },
  heartbeat: (value: unknown) =>
    value === false || (typeof value === 'number' && Number.isFinite(value) && value > 0),
  any: () => true,
} as const

const expected: Readonly<Record<keyof typeof kinds, string>> = {
  text: 'a text',
  name: 'a text of one line, without control characters',
  flag: 'true or false',
  seconds: 'seconds, 0 or more',
  limit: 'seconds, more than 0',
  whole: 'a whole number, 0 or more',
  positive: 'a whole number of at least 1',
  wholeOrNull: 'a whole number or null (without limit)',
  priority: 'a whole number from 0 (most urgent) to 9',
  errors: 'a list of error classes or names of errors',
  texts: 'a list of names',
  names: 'a list of names, each once',
  function: 'a function',
  backoff: 'true, false or seconds',
  expires: 'seconds or a valid Date',
  rate: expectedRate,
  full: '"full"',
  json: '"json", or "auth" (signed)',
  zlib: '"gzip" or "zlib"',
  retry: 'an object with countdown or maxRetries',
  logger: 'a Logger, such as createLogger() makes',
  autoscale: '{ max, min }, whole numbers with max of at least 1 and min from 0 to max',
  heartbeat: 'seconds, more than 0, or false',
  any: 'anything',
}

/** What an option may hold. */
export type OptionKind = keyof typeof kinds

/**
 * Refuses what is no option, or no such option yet, or has a wrong type. `later` tells for known names when
 * they come. Throws ImproperlyConfigured.
 */
export const checkOptions = (
  owner: string,
  options: unknown,
  known: Readonly<Record<string, OptionKind>>,
  later: Readonly<Record<string, string>> = {},
): void => {
  if (!isRecord(options))
    throw new ImproperlyConfigured(`Options of ${owner}: expected an object, got ${show(options)}.`)
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (Object.hasOwn(later, key))
      throw new ImproperlyConfigured(`Option ${key} of ${owner} is not there yet: ${later[key]}.`)
    const kind = Object.hasOwn(known, key) ? known[key] : undefined
    if (kind === undefined)
      throw new ImproperlyConfigured(
        `Unknown option ${key} of ${owner}.${didYouMean(toCamel(key), Object.keys(known))} ` +
          `Expected one of: ${Object.keys(known).join(', ')}.`,
      )
    if (!kinds[kind](value))
      throw new ImproperlyConfigured(
        `Option ${key} of ${owner}: expected ${expected[kind]}, got ${show(value)}.`,
      )
  }
}
