// A Python client, our worker: what an application in Python sees when its tasks run in Node.
import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { runPython } from './cases.js'
import { makeNodeApp } from './node-app.js'
import { calls } from './python-starts/calls.js'
import { canvases } from './python-starts/canvases.js'
import { ends } from './python-starts/ends.js'

const celery = await startCelery()

describe.skipIf(celery.missing)(`Python Celery ${celery.version} sends, Node runs`, async () => {
  if (celery.missing) return
  const redis = await startRedis()
  const node = makeNodeApp(redis.url)
  const extended = makeNodeApp(redis.url, { resultExtended: true })
  afterAll(async () => {
    await node.app.close()
    await extended.app.close()
    await redis.stop()
  })
  await node.app.worker({ queues: ['js'] }).start()
  await extended.app.worker({ queues: ['js-extended'], hostname: 'extended@test' }).start()

  const tables = { calls, canvases, ends }
  const check = await runPython(celery, Object.values(tables).flat(), { redisUrl: redis.url })

  for (const [name, cases] of Object.entries(tables))
    describe(name, () => {
      for (const wanted of cases)
        it.skipIf(wanted.newer === true && celery.gaps.length > 0)(wanted.shape, () => check(wanted))
    })

  it('leaves nothing of ours in Redis but the dead letters', async () => {
    await node.app.close()
    await extended.app.close()
    expect(await leaks(redis.url)).toEqual([])
  })
})
