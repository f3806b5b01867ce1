// Durability that was asked for: WAIT and WAITAOF tell who has what their connection wrote last.
import type { PublishOptions } from '../runtime/broker.js'
import type { Link } from './link.js'

/** What must be confirmed before a publish counts. */
export interface Need {
  readonly replicas: number
  readonly aof: number
  readonly timeoutMs: number
  /** The same for the same need: publications that share it share a wait. */
  readonly key: string
}

/** Undefined: nothing is asked for. */
export const needOf = (
  { replicas = 0, aof = 0, timeout }: NonNullable<PublishOptions['durability']>,
  defaultSeconds: number,
): Need | undefined => {
  if (replicas === 0 && aof === 0) return undefined
  const timeoutMs = (timeout ?? defaultSeconds) * 1000
  return { replicas, aof, timeoutMs, key: `${replicas} ${aof} ${timeoutMs}` }
}

/** A silent connection counts as dead, so that no single wait may be longer. */
const sliceMs = 10_000

/**
 * Waits until what this connection wrote last is where it must be, or until `byMs`. Null, or what is missing.
 * A replica that is behind may come up again: the count of the end is what counts.
 */
export const confirm = async (link: Link, { replicas, aof }: Need, byMs: number): Promise<string | null> => {
  for (;;) {
    const leftMs = Math.min(sliceMs, Math.max(1, Math.ceil(byMs - Date.now())))
    const reply =
      aof === 0
        ? [0, await link.send('wait', [replicas, leftMs])]
        : await link.send('waitaof', [aof, replicas, leftMs])
    const [disks, copies] = (reply as readonly unknown[]).map(Number) as [number, number]
    if (disks >= aof && copies >= replicas) return null
    if (Date.now() < byMs) continue
    const missing = [
      ...(copies < replicas ? [`only ${copies} of ${replicas} replicas`] : []),
      ...(disks < aof ? ["not the server's own disk"] : []),
    ]
    return `${missing.join(' and ')} confirmed it`
  }
}

/** Rejects where WAITAOF is not to be had; before anything is written, a connection is answered at once. */
export const assertAof = async (link: Link): Promise<void> => void (await link.send('waitaof', [1, 0, 1]))
