// Workers in both languages, a queue for all of them, one for each, and some by topic: whoever sends, all run it, or those
// that were meant.
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
    taskQueues: {
      celery: {},
      everybody: { exchangeType: 'fanout' },
      images: { exchange: 'media', exchangeType: 'topic', routingKey: '*.image' },
    },
    taskRoutes: { reload: 'everybody' },
    workerDirect: true,
  })
  const reload = app.task(
    'reload',
    async (what: string | number) => void (await client.rpush('ran', `node ${what}`)),
  )

  const ours = await app.worker({ hostname: 'node@host', log: silentLogger }).start()
  const ears = async (): Promise<number> => Number(await client.call('PUBSUB', 'NUMPAT'))
  const earsOfOurs = await ears()
  const args = ['--without-gossip']
  const theirs = await celery.worker({ redisUrl: redis.url, program, queues: ['everybody', 'news'], args })
  // It says that it is ready, and listens a moment later: to remote control, and to the broadcast.
  await until(async () => (await ears()) >= earsOfOurs + 2)
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
    await client.del('ran')
  })

  it('is run by those whose topic it is, whoever sends it', async () => {
    const topics = ['news.image', 'news.text.late', 'old.image']
    for (const routingKey of topics)
      await reload.applyAsync([routingKey], { exchange: 'media', routingKey, ignoreResult: true })
    const expected = ['node news.image', 'node old.image', 'python news.image', 'python news.text.late']
    await until(async () => (await ran()).length >= expected.length)
    expect(await ran()).toEqual(expected)
    await client.del('ran')
    await celery.python(
      `
      from everybody import app, reload
      with app.connection_or_acquire() as connection:
          app.amqp.queues["news"](connection.default_channel).declare()
          for key in ${JSON.stringify(topics)}:
              reload.apply_async([key], exchange="media", routing_key=key, ignore_result=True, connection=connection)
      give(True)
    `,
      { redisUrl: redis.url },
    )
    await until(async () => (await ran()).length >= expected.length)
    expect(await ran()).toEqual(expected)
    await client.del('ran')
  })

  it('is taken by its priority, whoever sent it', async () => {
    for (const priority of [9, 3, 0])
      await reload.applyAsync([priority], { queue: 'theirs', priority, ignoreResult: true })
    const taken = await celery.python(
      `
      from everybody import app, reload
      for priority in [9, 3, 0]:
          reload.apply_async([priority], queue="ours", priority=priority, ignore_result=True)
      with app.connection_or_acquire() as connection:
          take = connection.default_channel.basic_get
          give([take("theirs", no_ack=True).decode()[0] for _ in range(3)])
    `,
      { redisUrl: redis.url },
    )
    expect(taken).toEqual([[0], [3], [9]])
    const worker = await app
      .worker({ hostname: 'one@host', queues: ['ours'], concurrency: 1, log: silentLogger })
      .start()
    await until(async () => (await ran()).length === 3)
    expect(await client.lrange('ran', 0, -1)).toEqual(['node 0', 'node 3', 'node 9'])
    await worker.stop()
    await client.del('ran')
  })

  it('is run by the one that is meant, when it is sent to the queue that is its own', async () => {
    await reload.applyAsync(['by its exchange'], { exchange: 'C.dq2', routingKey: theirs.hostname }).get()
    await reload.applyAsync(['by its queue'], { queue: `${theirs.hostname}.dq2` }).get()
    await celery.python(
      `
      from celery.utils.nodenames import worker_direct
      from everybody import reload
      reload.apply_async(["by its queue"], queue=worker_direct("node@host")).get(timeout=60)
      reload.apply_async(["by its exchange"], exchange="C.dq2", routing_key="node@host").get(timeout=60)
      give(True)
    `,
      { redisUrl: redis.url },
    )
    expect(await ran()).toEqual([
      'node by its exchange',
      'node by its queue',
      'python by its exchange',
      'python by its queue',
    ])
  })
})
