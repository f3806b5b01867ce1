// What `this.retry` may be told: each mistake is one sentence.
import { checkHeaders } from '../canvas/headers.js'
import { didYouMean, isRecord, show } from '../config-decode.js'
import { InvalidUsage, type RetryOptions } from '../errors.js'

const isSeconds = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0
const isLimit = (value: unknown): boolean => isSeconds(value) && value !== 0
const isMoment = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

const expectations: Readonly<
  Record<keyof RetryOptions, readonly [words: string, holds: (value: unknown) => boolean]>
> = {
  error: ['anything', () => true],
  countdown: ['seconds, 0 or more', isSeconds],
  eta: ['a valid Date', isMoment],
  maxRetries: ['a whole number, or null (without limit)', (value) => value === null || isCount(value)],
  args: ['a list', Array.isArray],
  kwargs: ['an object', isRecord],
  queue: ['the name of a queue', (value) => typeof value === 'string' && value !== ''],
  priority: ['a whole number from 0 (most urgent) to 9', (value) => isCount(value) && (value as number) <= 9],
  expires: ['seconds or a valid Date', (value) => isMoment(value) || isSeconds(value)],
  timeLimit: ['seconds, more than 0', isLimit],
  softTimeLimit: ['seconds, more than 0', isLimit],
  headers: ['an object', isRecord],
}
const names = Object.keys(expectations)

/** Throws InvalidUsage. */
export const checkRetry = (options: RetryOptions): void => {
  if (!isRecord(options))
    throw new InvalidUsage(
      `this.retry: expected an object such as { error, countdown: 5 }, got ${show(options)}.`,
    )
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(expectations, name))
      throw new InvalidUsage(
        `this.retry: unknown option ${name}.${didYouMean(name, names)} It has ${names.join(', ')}.`,
      )
    const [words, holds] = expectations[name as keyof RetryOptions]
    if (value !== undefined && !holds(value))
      throw new InvalidUsage(`this.retry: expected ${name} to be ${words}, got ${show(value)}.`)
  }
  const { headers } = options as RetryOptions
  if (headers !== undefined) checkHeaders(headers)
}
