// Our client, a Python worker: what a program in TypeScript sees when its tasks run in Python.
import { createApp } from 'lovage'
import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { leftIn } from './left.js'
import { nodeCalls } from './node-starts/calls.js'
import { nodeCanvases } from './node-starts/canvases.js'
import { nodeEnds } from './node-starts/ends.js'
import type { NodeClient } from './node-starts/node-client.js'
import { declarePython } from './python-tasks.js'
import { expectUnharmed } from './unharmed.js'

const celery = await startCelery()

describe.skipIf(celery.missing)(`Node sends, Python Celery ${celery.version} runs`, async () => {
  if (celery.missing) return
  const redis = await startRedis()
  const worker = await celery.worker({ redisUrl: redis.url, conf: { task_track_started: true } })
  const app = createApp('sender', { broker: redis.url })
  const { left, close } = leftIn(redis.url)
  afterAll(async () => {
    close()
    await app.close()
    await worker.stop()
    await redis.stop()
  })

  const py = declarePython(app)
  const client: NodeClient = { app, py, left, redisUrl: redis.url, gaps: celery.gaps, get: { timeout: 20 } }

  describe('calls', () => nodeCalls(client))
  describe('canvases', () => nodeCanvases(client))
  describe('ends', () => nodeEnds(client))

  it('the Python worker is unharmed, and nothing of ours stays in Redis', async () => {
    expect(await py.add.delay(1, 1).get(client.get)).toBe(2)
    expectUnharmed(worker, {
      mayFail: ['fail', 'fail_key', 'flaky', 'flaky_max', 'mul', 'sleep'],
      hardLimits: 1,
    })
    expect(await leaks(redis.url)).toEqual([])
  })
})
