// Tests wait for conditions, never for time.

export interface UntilOptions {
  /** ms; the default is generous, because two cores are shared, and only a red test ever uses it up. */
  readonly timeout?: number
  /** ms between two looks. */
  readonly interval?: number
  /** What to say when time is up. */
  readonly message?: string | (() => string)
}

/** Resolves with the first truthy answer; an answer that throws ends the wait. */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeout = 25_000, interval = 10, message }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const end = performance.now() + timeout
  for (;;) {
    const answer = await condition()
    if (answer) return answer as NonNullable<T>
    if (performance.now() >= end) {
      const text = typeof message === 'function' ? message() : message
      throw new Error(text ?? `Not true within ${timeout} ms: ${condition.toString()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
}
