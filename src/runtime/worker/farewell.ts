// Stopping while Redis is away. What has ended is sent until it is taken, as long as it can still be ours: a lease.
// Later, and soon at a cold stop, it is left: others run it again when Redis is back, and nothing is lost.
import { setTimeout as sleep } from 'node:timers/promises'

const lookMs = 100
const coldMs = 2000

export interface Circumstances {
  readonly leaseMs: number
  /** Something runs: that is waited for, however long it takes. */
  readonly isBusy: () => boolean
  readonly isCold: () => boolean
  /** Redis takes nothing, and it was said. One that is slow is waited for. */
  readonly isTroubled: () => boolean
}

/** True when it is drained: everything is committed. */
export const farewell = async (
  drained: Promise<void>,
  { leaseMs, isBusy, isCold, isTroubled }: Circumstances,
): Promise<boolean> => {
  let isDrained = false
  const drain = drained.then(() => {
    isDrained = true
  })
  for (let quietMs = 0; quietMs < (isCold() ? Math.min(coldMs, leaseMs) : leaseMs); ) {
    await Promise.race([drain, sleep(lookMs)])
    if (isDrained) return true
    quietMs = !isBusy() && isTroubled() ? quietMs + lookMs : 0
  }
  return false
}
