// How often a publish is tried again, in Celery's words: the setting taskPublishRetryPolicy and the option
// retryPolicy of a call are read here, and become the seconds that a publish may keep trying.
import { type Either, right } from './either.js'
import { type Decode, isRecord, refuse, seconds, shape, toCamel } from './config-decode.js'

export interface PublishRetryPolicy {
  /** Times that it is tried again; null is without limit. */
  readonly maxRetries?: number | null
  /** Seconds before the first of them. */
  readonly intervalStart?: number
  /** Seconds more before each next one. */
  readonly intervalStep?: number
  /** The longest pause, in seconds. */
  readonly intervalMax?: number
}

/** Celery's, for what a policy leaves open. */
const usual = { maxRetries: 3, intervalStart: 0, intervalStep: 0.2, intervalMax: 1 } as const

const retries: Decode<number> = (value, at) =>
  Number.isSafeInteger(value) && (value as number) >= 0
    ? right(value as number)
    : refuse(at, 'a whole number from 0, or null (without limit)', value)

const members = shape<Required<PublishRetryPolicy>>(
  {
    maxRetries: retries,
    intervalStart: seconds(),
    intervalStep: seconds(),
    intervalMax: seconds(),
  },
  { retryErrors: 'a lost connection is what is tried again, and nothing else; leave it out' },
)

/** What is not said stays absent; a `maxRetries` of null is said. */
export const decodeRetryPolicy: Decode<PublishRetryPolicy> = (value, at) => {
  const decoded: Either<string, PublishRetryPolicy> = members(value, at)
  const isEndless =
    isRecord(value) &&
    Object.entries(value).some(([name, member]) => member === null && toCamel(name) === 'maxRetries')
  return decoded._tag === 'Right' && isEndless ? right({ ...decoded.right, maxRetries: null }) : decoded
}

/** The sum of a policy's pauses, in seconds. */
export const patienceOf = (policy: PublishRetryPolicy): number => {
  const { maxRetries, intervalStart, intervalStep, intervalMax } = { ...usual, ...policy }
  if (maxRetries === null) return Number.POSITIVE_INFINITY
  // The pauses grow until they are the longest; from there on they stay.
  const growing = intervalStep > 0 ? Math.ceil((intervalMax - intervalStart) / intervalStep) : maxRetries
  const rising = intervalStart >= intervalMax ? 0 : Math.min(maxRetries, growing)
  const sum = rising * intervalStart + (intervalStep * rising * (rising - 1)) / 2
  return sum + (maxRetries - rising) * intervalMax
}
