// What `this.retry` may be told: each mistake is one sentence.
import { checkHeaders } from '../canvas/headers.js'
import { isRecord, show } from '../config-decode.js'
import { InvalidUsage, type RetryOptions } from '../errors.js'

/** Throws InvalidUsage. */
export const checkRetry = ({
  countdown,
  eta,
  maxRetries,
  args,
  kwargs,
  expires,
  headers,
}: RetryOptions): void => {
  const wrong = (name: string, expected: string, value: unknown): never => {
    throw new InvalidUsage(`this.retry: expected ${name} to be ${expected}, got ${show(value)}.`)
  }
  const isMoment = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime())
  const isSeconds = (value: unknown): boolean => Number.isFinite(value) && (value as number) >= 0
  if (countdown !== undefined && !isSeconds(countdown)) wrong('countdown', 'seconds, 0 or more', countdown)
  if (eta !== undefined && !isMoment(eta)) wrong('eta', 'a valid Date', eta)
  if (expires !== undefined && !isMoment(expires) && !isSeconds(expires))
    wrong('expires', 'seconds or a valid Date', expires)
  if (maxRetries !== undefined && maxRetries !== null && !(Number.isInteger(maxRetries) && maxRetries >= 0))
    wrong('maxRetries', 'a whole number, or null (without limit)', maxRetries)
  if (args !== undefined && !Array.isArray(args)) wrong('args', 'a list', args)
  if (kwargs !== undefined && !isRecord(kwargs)) wrong('kwargs', 'an object', kwargs)
  if (headers === undefined) return
  if (isRecord(headers)) checkHeaders(headers)
  else wrong('headers', 'an object', headers)
}
