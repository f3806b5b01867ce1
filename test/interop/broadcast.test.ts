// One Broadcast queue, workers in both languages: whoever sends, each of them runs it.
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { silentLogger } from '../../src/log.js'
import { startCelery } from '../support/celery.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const celery = await startCelery()
const program = new URL('../support/python/everybody.py', import.meta.url).pathname

describe.skipIf(celery.missing)('a message for all workers', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const app = createApp('everybody', {
    broker: redis.url,
    taskQueues: { celery: {}, everybody: { exchangeType: 'fanout' } },
    taskRoutes: { reload: 'everybody' },
  })
  const reload = app.task('reload', async (what: string) => void (await client.rpush('ran', `node ${what}`)))

  const ours = await app.worker({ hostname: 'node@host', log: silentLogger }).start()
  const theirs = await celery.worker({ redisUrl: redis.url, program, queues: ['everybody'] })
  afterAll(async () => {
    await ours.stop()
    await app.close()
    await theirs.stop()
    client.disconnect()
    await redis.stop()
  })

  const ran = async (): Promise<readonly string[]> => (await client.lrange('ran', 0, -1)).sort()

  it('is run by both when Node sends it', async () => {
    await reload.applyAsync(['from node'], { ignoreResult: true })
    await until(async () => (await ran()).length === 2)
    expect(await ran()).toEqual(['node from node', 'python from node'])
    await client.del('ran')
  })

  it('is run by both when Python sends it', async () => {
    await celery.python(
      `
      from everybody import app, reload
      with app.connection_or_acquire() as connection:
          app.amqp.queues["everybody"](connection.default_channel).declare()
          reload.apply_async(["from python"], ignore_result=True, connection=connection)
      give(True)
    `,
      { redisUrl: redis.url },
    )
    await until(async () => (await ran()).length === 2)
    expect(await ran()).toEqual(['node from python', 'python from python'])
  })
})
