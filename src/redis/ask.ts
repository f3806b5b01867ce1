// One question to Redis, asked again until there is an answer or nobody has patience any more. For all that is not a worker's
// loop (patience.ts) and no publishing (publisher.ts).
import { setTimeout as sleep } from 'node:timers/promises'
import type { Link, Reply } from './link.js'
import { toOperational, troubleOf } from './trouble.js'

const pauseMs = 50

/** A command, and its reply. */
export type Ask = (command: string, args: readonly (string | number)[]) => Promise<Reply>

/** Sends until there is an answer or the time is up; rejects with OperationalError. */
export const ask = async <T>(
  link: Link,
  url: string,
  timeoutSeconds: number,
  send: () => Promise<T>,
): Promise<T> => {
  const deadlineMs = Date.now() + timeoutSeconds * 1000
  link.hold()
  let timer: NodeJS.Timeout | undefined
  /** What Redis said instead of an answer. */
  let refusal: Error | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(refusal ?? (link.up ? new Error('no answer in time') : link.lastError)),
      timeoutSeconds * 1000,
    )
  })
  try {
    for (;;) {
      try {
        await Promise.race([link.whenUp(), late])
        return await Promise.race([send(), late])
      } catch (error) {
        if (Date.now() + pauseMs >= deadlineMs || link.closed) throw error
        const trouble = troubleOf(error)
        if (trouble !== 'connection' && trouble !== 'unready') throw error
        if (trouble === 'unready') refusal = error as Error
        await sleep(pauseMs)
      }
    }
  } catch (error) {
    throw toOperational(url, link.reasonOf(error))
  } finally {
    clearTimeout(timer)
    late.catch(() => undefined)
    link.free()
  }
}

/** One attempt takes a second, and timers know no eternity. */
export const withinReason = (patience: number): number => Math.min(Math.max(patience, 1), 2_000_000)
