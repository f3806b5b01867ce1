// What the Python tasks `record` and `errback` left in Redis: that they ran, and with what.
import { Redis } from 'ioredis'
import { until } from '../support/until.js'

export interface Left {
  /** At least so many entries, in order; they are taken away. */
  readonly left: (list: 'record' | 'errback', count?: number) => Promise<any[]>
  readonly close: () => void
}

export function leftIn(redisUrl: string): Left {
  const redis = new Redis(redisUrl)
  return {
    left: async (list, count = 1) => {
      const key = `proj:${list}`
      await until(async () => (await redis.llen(key)) >= count, { timeout: 20_000 })
      const texts = await redis.lrange(key, 0, -1)
      await redis.del(key)
      return texts.map((text) => JSON.parse(text))
    },
    close: () => redis.disconnect(),
  }
}
