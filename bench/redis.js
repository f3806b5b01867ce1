// A Redis for the benchmark: an own process on a free port, nothing saved; found as the tests find theirs.
import { createJiti } from 'jiti'

const support = createJiti(import.meta.url)
const { startRedis: start } = await support.import('../test/support/redis.ts')

export const startRedis = async () => {
  const { port, pid, stop } = await start({ own: true })
  return { port, pid, stop: () => stop({ hard: true }) }
}
