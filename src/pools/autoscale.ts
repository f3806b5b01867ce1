// How large a pool should be: as much as there is to do, between two bounds. It grows at once and shrinks only
// after a pause, so that it does not follow every breath of the load.
import type { Load } from './pool.js'

export interface ScaleBounds {
  readonly max: number
  /** 0 keeps one all the same: somebody has to look for work. */
  readonly min: number
  /** Seconds without growth, after which it may shrink. */
  readonly keepalive: number
}

export const defaultKeepalive = 30

/** The concurrency that there should be now. */
export const scale = ({ max, min, keepalive }: ScaleBounds, load: Load): number => {
  const { concurrency, held, waiting, quietSeconds } = load
  const wanted = held + waiting
  if (concurrency > max) return Math.max(1, max)
  if (wanted > concurrency) return Math.max(concurrency, Math.min(max, wanted))
  if (quietSeconds < keepalive) return concurrency
  return Math.max(1, min, wanted)
}
