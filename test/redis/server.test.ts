import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'

describe('the Redis of a test file', async () => {
  const server = await startRedis({ own: true })
  const client = new Redis(server.url, { maxRetriesPerRequest: null })
  client.on('error', () => {
    // Expected: it is restarted below.
  })
  afterAll(() => client.disconnect())

  it('is fresh, writes nothing to disk and is not the one of another file', async () => {
    const other = await startRedis({ own: true })
    expect(other.port).not.toBe(server.port)
    expect(await client.dbsize()).toBe(0)
    expect(await client.config('GET', 'save')).toEqual(expect.arrayContaining(['save', '']))
    await other.stop()
  })

  it('comes back on the same port, empty, after a restart', async () => {
    await client.set('key', 'value')
    const before = server.pid
    await server.restart({ hard: true })
    expect(server.pid).not.toBe(before)
    expect(await client.get('key')).toBeNull()
  })

  it('lends no database that has anything in it', async () => {
    await new Redis(server.database(0)).set('precious', '1')
    process.env.TEST_REDIS_URL = server.database(0)
    try {
      const lent = await startRedis()
      expect(lent.url).toBe(server.database(1))
      const second = await startRedis()
      expect(second.url).toBe(server.database(2))
      await new Redis(lent.url).set('mine', '1')
      await lent.stop()
      await second.stop()
      await expect(lent.restart()).rejects.toThrow('own: true')
      expect(await client.dbsize()).toBe(1)
      expect(await new Redis(server.database(1)).dbsize()).toBe(0)
    } finally {
      delete process.env.TEST_REDIS_URL
    }
  })

  it('tells which of our keys would stay for ever', async () => {
    await client.mset({ 'lovage:forgotten': 1, 'lovage:dead:celery': 1, 'someone-else': 1 })
    await client.set('lovage:short', 1, 'EX', 60)
    expect(await leaks(server.url)).toEqual(['lovage:forgotten'])
  })
})
