// How often something may be started: the arithmetic behind every rate, pure. The port's `permit` is this on the
// server's clock, in lua/permit.lua or in the memory engine; a worker's own limit is this on its own.

export interface Pace {
  readonly intervalMs: number
  /**
   * Timers are a few milliseconds late. Who is allowed more starts than a timer can tell apart may make up for so
   * long a delay, and no longer; otherwise starts are evenly spaced, without bursts.
   */
  readonly slackMs: number
}

/** `nextMs` is when the next start may be: before, and after the granted ones. */
export const takeStarts = (
  { intervalMs, slackMs }: Pace,
  nextMs: number,
  wanted: number,
  nowMs: number,
): { readonly granted: number; readonly nextMs: number } => {
  // A clock that was set back must not close the way for long.
  const from = Math.max(Math.min(nextMs, nowMs + intervalMs), nowMs - slackMs)
  if (from > nowMs) return { granted: 0, nextMs: from }
  const granted = Math.min(wanted, Math.floor((nowMs - from) / intervalMs) + 1)
  return { granted, nextMs: from + granted * intervalMs }
}
