// How long a publish is tried: its own patience, from one attempt to no end.
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { OperationalError } from '../../src/errors.js'
import { until } from '../support/until.js'
import { messages, useRoom } from './room.js'

const room = await useRoom()
const { client, server } = room

const dead = 'redis://127.0.0.1:1/0'
/** Tells what ends by itself from what waits for its whole timeout, which is 30 s here. */
const soonMs = 15_000
const atDead = { brokerUrl: dead, backendUrl: dead }

const timed = async (promise: Promise<unknown>): Promise<{ ms: number; error: unknown }> => {
  const start = Date.now()
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  return { ms: Date.now() - start, error }
}

describe('one attempt', () => {
  it('fails at once where nobody listens, time and again', async () => {
    const { broker } = room.open({ ...atDead, timeout: 30 })
    for (let round = 0; round < 5; round++) {
      const { ms, error } = await timed(broker.publish(messages('a'), { patience: 0 }))
      expect(error).toBeInstanceOf(OperationalError)
      expect(String(error)).toMatch(/Not published\. Cannot reach Redis at .*ECONNREFUSED/)
      expect(ms).toBeLessThan(soonMs)
    }
  })

  it('fails at once although others wait for the same connection, and is not held up by their pauses', async () => {
    const { broker } = room.open({ timeout: 20 })
    await broker.publish(messages('first'))
    await server.stop()
    const patient = broker.publish(messages('patient'))
    for (let round = 0; round < 8; round++)
      await expect(broker.publish(messages('lost'), { patience: 0 })).rejects.toThrow(/Not published\./)
    await server.restart()
    await broker.publish(messages('b'), { patience: 0 })
    await patient
    expect((await client.lrange('q', 0, -1)).sort()).toEqual(['b', 'patient'])
  })

  it('takes a second where nobody answers', async () => {
    const deaf = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => deaf.once('listening', resolve))
    const url = `redis://127.0.0.1:${(deaf.address() as { port: number }).port}/0`
    const { broker } = room.open({ brokerUrl: url, backendUrl: url, timeout: 30 })
    const { ms, error } = await timed(broker.publish(messages('a'), { patience: 0 }))
    expect(String(error)).toMatch(/Not published within 1 s\. /)
    expect(ms).toBeLessThan(soonMs)
    await broker.close()
    deaf.close()
  })

  it('that left and lost its connection does not know whether it arrived', async () => {
    const { broker } = room.open({ timeout: 30 })
    await broker.publish(messages('a'))
    process.kill(server.pid as number, 'SIGSTOP')
    const publishing = timed(broker.publish(messages('b'), { patience: 0 }))
    await new Promise((resolve) => setImmediate(resolve))
    await server.stop({ hard: true })
    const { ms, error } = await publishing
    await server.restart()
    expect(String(error)).toMatch(/No answer: it may have arrived or not\. /)
    expect(ms).toBeLessThan(soonMs)
  })

  it('goes through where all is well', async () => {
    const { broker } = room.open()
    await Promise.all(['a', 'b', 'c'].map((name) => broker.publish(messages(name), { patience: 0 })))
    expect(await client.llen('q')).toBe(3)
  })

  it('asks for the queues of an exchange no longer than that, either', async () => {
    const { ms, error } = await timed(
      room.open({ ...atDead, timeout: 30 }).broker.route('logs', 'a.b', { patience: 0 }),
    )
    expect(error).toBeInstanceOf(OperationalError)
    expect(ms).toBeLessThan(soonMs)
  })
})

describe('patience', () => {
  it('is shorter than the timeout where it says so', async () => {
    const { broker } = room.open({ ...atDead, timeout: 30 })
    const { ms, error } = await timed(broker.publish(messages('a'), { patience: 0.3 }))
    expect(String(error)).toMatch(/Not published within 0\.3 s\. /)
    expect(ms).toBeGreaterThanOrEqual(295)
    expect(ms).toBeLessThan(soonMs)
  })

  it('may be longer, or without limit', async () => {
    const { broker } = room.open({ timeout: 0.2 })
    await broker.publish(messages('a'))
    await server.stop()
    const long = broker.publish(messages('long'), { patience: 60 })
    const endless = broker.publish(messages('endless'), { patience: Number.POSITIVE_INFINITY })
    await expect(broker.publish(messages('lost'))).rejects.toThrow(/Not published within 0\.2 s/)
    await server.restart()
    await Promise.all([long, endless])
    expect((await client.lrange('q', 0, -1)).sort()).toEqual(['endless', 'long'])
  })

  it('ends with the broker', async () => {
    const { broker } = room.open(atDead)
    const publishing = timed(broker.publish(messages('a'), { patience: Number.POSITIVE_INFINITY }))
    await broker.close()
    expect((await publishing).error).toBeInstanceOf(OperationalError)
  })

  it('bears a server that does not take commands now as long', async () => {
    const { broker } = room.open({ timeout: 30 })
    await broker.publish(messages('a'))
    const other = new Redis(server.url)
    await other.replicaof('127.0.0.1', '1')
    try {
      const { ms, error } = await timed(broker.publish(messages('b'), { patience: 0 }))
      expect(error).toBeInstanceOf(OperationalError)
      expect(ms).toBeLessThan(soonMs)
    } finally {
      await other.replicaof('NO', 'ONE')
      other.disconnect()
    }
    await until(async () => /role:master/.test(await client.info('replication')))
  })
})

it('a call says it in Celery’s words', async () => {
  await using app = createApp('proj', { broker: dead, brokerConnectionTimeout: 30 })
  const task = app.task('proj.task', () => 1)
  expect((await timed(task.applyAsync([], { retry: false }))).ms).toBeLessThan(soonMs)
  const { ms, error } = await timed(
    task.applyAsync([], { retryPolicy: { maxRetries: 2, intervalStart: 0.2, intervalStep: 0 } }),
  )
  expect(String(error)).toMatch(/Not published within 0\.4 s/)
  expect(ms).toBeLessThan(soonMs)
})
