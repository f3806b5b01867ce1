// Example 08 is run as a reader would run it, and checked for what it prints.
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { run } from '../support/processes.js'
import { startRedis } from '../support/redis.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const jiti = fileURLToPath(new URL('../../node_modules/jiti/lib/jiti-cli.mjs', import.meta.url))

const expected = `
solo: here, four waits come one after the other
fiber: here, four waits overlap
threads: elsewhere, four waits overlap
prefork: elsewhere, four waits overlap
  a crash: ended at attempt 2
  the soft limit: told: soft time limit (0.2s) exceeded
  the hard limit: TimeLimitExceeded: time limit (0.2s) exceeded
`.trim()

it('08-pools prints what it promises', async () => {
  const redis = await startRedis()
  const { stdout } = await run(process.execPath, [jiti, 'examples/08-pools/main.ts'], {
    cwd: root,
    env: { LOVAGE_BROKER_URL: redis.url },
  })
  expect(stdout().trimEnd()).toBe(expected)
  await redis.stop()
})
