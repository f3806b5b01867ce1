import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { startRedis } from '../support/redis.js'

const celery = await startCelery()

describe.skipIf(celery.missing)(`Python Celery ${celery.version}, by itself`, async () => {
  const redis = await startRedis()
  afterAll(() => redis.stop())
  const redisUrl = redis.url

  it('gives what a snippet computed', async () => {
    const given = await celery.python(
      `
      sig = chain(add.s(2, 2), mul.s(4))
      if True:
          give([sig.tasks[0].task, {"n": 1.5, "text": "ü"}])
    `,
      { redisUrl },
    )
    expect(given).toEqual(['proj.add', { n: 1.5, text: 'ü' }])
  })

  it('shows the Python traceback of a snippet that fails', async () => {
    await expect(celery.python('add.nonsense()', { redisUrl })).rejects.toThrow(/AttributeError/)
  })

  it('runs a chain, a chord and a failure in a worker that is ready and then stops', async () => {
    const worker = await celery.worker({ redisUrl })
    const given = await celery.python(
      `
      failed = fail.delay()
      give([
          chain(add.s(2, 2), mul.s(4)).delay().get(timeout=25),
          chord([add.s(1, 1), add.s(2, 2)], tsum.s()).delay().get(timeout=25),
          repr(failed.get(timeout=25, propagate=False)),
      ])
    `,
      { redisUrl },
    )
    expect(given).toEqual([16, 6, "ValueError('boom', 42)"])
    await worker.stop()
    expect((await worker.exited).code).toBe(0)
  })
})
