// Which of our keys would stay in Redis for ever? After a suite the answer must be: none but the dead
// letters that a test made on purpose.
import { Redis } from 'ioredis'

export interface LeakOptions {
  /** The prefix of what is ours. */
  readonly prefix?: string
  /** Keys that may live for ever. */
  readonly allowed?: RegExp
}

/** Names of the keys under the prefix that have no TTL, sorted. */
export async function leaks(
  url: string,
  { prefix = 'lovage:', allowed = /^lovage:dead\b/ }: LeakOptions = {},
): Promise<string[]> {
  const redis = new Redis(url)
  try {
    const found: string[] = []
    let cursor = '0'
    do {
      const [next, keys] = await redis.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1000)
      cursor = next
      const ttls = await Promise.all(keys.map((key) => redis.pttl(key)))
      found.push(...keys.filter((key, index) => ttls[index] === -1 && !allowed.test(key)))
    } while (cursor !== '0')
    return [...new Set(found)].sort()
  } finally {
    redis.disconnect()
  }
}
