// When a failed task is tried again: the delay of the next try, and whether there is one. Pure; `random`
// is given.

/** A task's words on retries. Times in seconds. */
export interface RetryPolicy {
  /** null: without limit. */
  readonly maxRetries: number | null
  readonly defaultRetryDelay: number
  /** true is 1: the first delay; it doubles with each retry. */
  readonly retryBackoff: boolean | number
  readonly retryBackoffMax: number
  readonly retryJitter: boolean
}

/** Seconds before the try number `retries + 1`, by exponential backoff with full jitter, as Celery's. */
export const backoffDelay = (policy: RetryPolicy, retries: number, random: () => number): number => {
  const factor = Number(policy.retryBackoff)
  const delay = Math.min(policy.retryBackoffMax, factor * 2 ** Math.min(retries, 60))
  return Math.max(0, policy.retryJitter ? Math.floor(random() * (delay + 1)) : delay)
}

export const hasRetriesLeft = (maxRetries: number | null, retries: number): boolean =>
  maxRetries === null || retries < maxRetries

/** The policy in a task's options, with Celery's defaults. */
export const retryPolicyOf = (options: Partial<RetryPolicy>): RetryPolicy => ({
  maxRetries: options.maxRetries === undefined ? 3 : options.maxRetries,
  defaultRetryDelay: options.defaultRetryDelay ?? 180,
  retryBackoff: options.retryBackoff ?? false,
  retryBackoffMax: options.retryBackoffMax ?? 600,
  retryJitter: options.retryJitter ?? true,
})
