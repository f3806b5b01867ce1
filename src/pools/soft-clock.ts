// Tells once that a soft limit has passed. What runs learns it by its signal; this is for whoever watches.
import { after } from '../timer.js'

/** Call the answer when the run is over: if it took too long and no timer had its turn, that is told now. */
export const softClock = (seconds: number, tell: () => void): (() => void) => {
  const dueAt = performance.now() + seconds * 1000
  let isTold = false
  const once = (): void => {
    if (!isTold) tell()
    isTold = true
  }
  const stop = after(seconds, once)
  return () => {
    stop()
    if (performance.now() >= dueAt) once()
  }
}
