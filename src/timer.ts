// Timers for any time. One of Node's takes 24 days at most, and fires at once when it is told more.

export const longestTimerMs = 2 ** 31 - 1

/** Calls `act` after so many seconds, however many; returns what stops it. */
export const after = (seconds: number, act: () => void): (() => void) => {
  let timer: NodeJS.Timeout
  const set = (ms: number): void => {
    const partMs = Math.min(ms, longestTimerMs)
    timer = setTimeout(() => (ms > partMs ? set(ms - partMs) : act()), partMs)
  }
  set(seconds * 1000)
  return () => clearTimeout(timer)
}
