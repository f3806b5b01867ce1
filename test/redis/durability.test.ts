// Durability that is asked for: a publish counts when replicas and disks have it, and says so when they have
// not, in bounded time, with the message in the broker exactly once.
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { OperationalError } from '../../src/errors.js'
import { confirm } from '../../src/redis/confirm.js'
import { Link } from '../../src/redis/link.js'
import { scripts } from '../../src/redis/scripts.js'
import { maskUrl } from '../../src/mask.js'
import { parseAddress } from '../../src/redis/url.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { messages, push, useRoom } from './room.js'

const room = await useRoom(['--repl-diskless-sync-delay', '0'])
const { client, server } = room

const replica = await startRedis({
  own: true,
  args: ['--replicaof', server.host, String(server.port)],
})
const copy = new Redis(replica.url, { maxRetriesPerRequest: null })
copy.on('error', () => undefined)
afterAll(() => copy.disconnect())

/** The replica neither reads nor answers until it is woken. */
const freeze = (): void => void process.kill(replica.pid as number, 'SIGSTOP')
const wake = (): void => void process.kill(replica.pid as number, 'SIGCONT')

beforeAll(() => until(async () => /state=online/.test(await client.info('replication')), { timeout: 20_000 }))
afterEach(wake)

const durable = (timeout: number, replicas = 1) => ({ durability: { replicas, timeout } })

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable('it was confirmed'),
    (error: unknown) => error,
  )

/** Connections of durable publishers, and what each did last. */
const waiters = async (): Promise<readonly string[]> =>
  String(await client.client('LIST'))
    .split('\n')
    .filter((line) => line.includes(' name=lovage-durable '))

const isWaiting = async (): Promise<boolean> =>
  (await waiters()).some((line) => /cmd=wait\b/.test(line) && / flags=\w*b/.test(line))

describe('a durable publication', () => {
  it('counts when the replica has it', async () => {
    const { broker } = room.open()
    for (const name of ['a', 'b', 'c']) {
      await broker.publish(messages(name), durable(20))
      expect(await copy.lindex('q', 0)).toBe(name)
    }
    expect(await client.llen('q')).toBe(3)
  })

  it('of many pieces is confirmed whole', async () => {
    const pushes = Array.from({ length: 12_000 }, (_, i) => push(`m${i}`))
    await room.open().broker.publish({ pushes, chords: [] }, durable(20))
    expect(await copy.llen('q')).toBe(12_000)
  })

  it('that the replica does not confirm is an error in bounded time, and in the broker once', async () => {
    const { broker } = room.open()
    freeze()
    const start = Date.now()
    const error = await rejection(broker.publish(messages('a'), durable(0.5)))
    expect(Date.now() - start).toBeGreaterThanOrEqual(495)
    expect(error).toBeInstanceOf(OperationalError)
    expect((error as Error).message).toBe(
      `The message is in the broker (${maskUrl(server.url)}), but only 0 of 1 replicas confirmed it within 0.5 s.`,
    )
    expect(await client.lrange('q', 0, -1)).toEqual(['a'])
  })

  it('that asks for more replicas than there are says how many had it', async () => {
    const error = await rejection(room.open().broker.publish(messages('a'), durable(0.3, 2)))
    expect(String(error)).toMatch(/but only 1 of 2 replicas confirmed it within 0.3 s\.$/)
    expect(await client.lrange('q', 0, -1)).toEqual(['a'])
  })

  it('that waits keeps nobody else waiting', async () => {
    const { broker } = room.open({ timeout: 8 })
    freeze()
    const waiting = rejection(broker.publish(messages('slow'), durable(60)))
    await until(isWaiting)
    for (const name of ['a', 'b']) await broker.publish(messages(name))
    expect(await client.lrange('q', 0, -1)).toEqual(['b', 'a', 'slow'])
    wake()
    expect(await waiting.catch((reason: unknown) => String(reason))).toContain('it was confirmed')
  })

  it('gathers behind another’s wait, which takes nothing from its own patience', async () => {
    const { broker } = room.open({ timeout: 0.3 })
    freeze()
    const first = rejection(broker.publish(messages('a'), durable(1)))
    await until(isWaiting)
    const rest = Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        rejection(broker.publish(messages(`m${i}`), { ...durable(1), patience: i % 2 })),
      ),
    )
    const start = Date.now()
    const errors = [await first, ...(await rest)]
    // One after the other they would take 41 s.
    expect(Date.now() - start).toBeLessThan(20_000)
    for (const error of errors) expect(String(error)).toMatch(/only 0 of 1 replicas confirmed it within 1 s/)
    expect(await client.llen('q')).toBe(41)
  })
})

describe('a connection that is cut while a confirmation is awaited', () => {
  it('is made again: the same message is waited for once more', async () => {
    const { broker } = room.open()
    freeze()
    let isOver = false
    const publishing = broker.publish(messages('a'), durable(20)).finally(() => {
      isOver = true
    })
    for (let round = 0; round < 3; round++) {
      await until(isWaiting)
      await room.cut()
    }
    await until(isWaiting)
    expect(isOver).toBe(false)
    wake()
    await publishing
    expect(await client.lrange('q', 0, -1)).toEqual(['a'])
    expect(await copy.lrange('q', 0, -1)).toEqual(['a'])
  })

  it('to a server that took over without the message: it is written there, too, and confirmed', async () => {
    const { broker } = room.open({ timeout: 20 })
    freeze()
    // More than one call: each of them has to be made again.
    const publishing = Promise.all(
      Array.from({ length: 450 }, (_, i) => broker.publish(messages(`m${i}`), durable(20))),
    )
    await until(isWaiting)
    // Without persistence it comes back empty, as a replica that never heard of it would be.
    await server.restart({ hard: true })
    wake()
    await publishing
    expect(new Set(await copy.lrange('q', 0, -1)).size).toBe(450)
    expect(await client.llen('q')).toBe(450)
  })

  it('ends a publication of one attempt, which says that its message is there', async () => {
    const { broker } = room.open()
    freeze()
    const publishing = rejection(broker.publish(messages('a'), { ...durable(20), patience: 0 }))
    await until(isWaiting)
    await room.cut()
    expect(String(await publishing)).toMatch(/The message is in the broker, but it was not confirmed/)
    expect(await client.lrange('q', 0, -1)).toEqual(['a'])
  })

  it('and does not come back ends it in bounded time', async () => {
    const { broker } = room.open({ timeout: 0.5 })
    freeze()
    const publishing = rejection(broker.publish(messages('a'), durable(1)))
    await until(isWaiting)
    process.kill(server.pid as number, 'SIGSTOP')
    try {
      expect(String(await publishing)).toMatch(
        /The message is in the broker, but it was not confirmed within 1 s\. /,
      )
    } finally {
      process.kill(server.pid as number, 'SIGCONT')
    }
    expect(await client.lrange('q', 0, -1)).toEqual(['a'])
  })
})

it('a call that is sent again writes, so that a wait behind it covers what it wrote at first', async () => {
  const link = new Link({ address: parseAddress('broker', server.url), name: 'twice' })
  link.hold()
  await link.whenUp()
  const send = () => link.run(scripts.publish, [2, 'lovage:pub:me:0', 'q', 1, '0', '', 1, 'm', 0, 0])
  const offset = async () => Number(/master_repl_offset:(\d+)/.exec(await client.info('replication'))?.[1])
  expect(await send()).toBe(1)
  const before = await offset()
  expect(await send()).toBe(0)
  expect(await offset()).toBeGreaterThan(before)
  expect(await client.lrange('q', 0, -1)).toEqual(['m'])
  link.close()
})

it('a task may ask for it, too', async () => {
  await using app = createApp('proj', { broker: server.url })
  const inner = app.task('proj.inner', (x: number) => x + 1)
  const outer = app.task('proj.outer', async (timeout: number) => {
    const sent = await inner.applyAsync([1], { ...durable(timeout), queue: 'elsewhere' })
    return sent.id
  })
  await app.worker({ concurrency: 2 }).start()
  const id = await outer.delay(20).get({ timeout: 20 })
  expect(await copy.lindex('elsewhere', 0)).toContain(id)

  freeze()
  await expect(outer.delay(0.2).get({ timeout: 20 })).rejects.toThrow(
    /but only 0 of 1 replicas confirmed it within 0.2 s/,
  )
  expect(await client.llen('elsewhere')).toBe(2)
})

describe('disks', () => {
  it('that cannot be asked are told before anything is published', async () => {
    const { broker } = room.open()
    const error = await rejection(broker.publish(messages('a'), { durability: { aof: 1, timeout: 1 } }))
    expect(error).toBeInstanceOf(OperationalError)
    // Which of the two depends on the server that the tests found.
    expect((error as Error).message).toMatch(
      /^Not published\. durability\.aof needs (Redis 7\.2 or newer .* is older: leave aof out|an append-only file, .* keeps none: set appendonly yes)/,
    )
    expect(await client.exists('q')).toBe(0)
    await broker.publish(messages('b'))
  })

  /** A server that answers so, the last answer again and again. */
  const answering = (...replies: readonly (number | readonly number[])[]) => {
    const asked: unknown[] = []
    const send = async (...command: unknown[]) => {
      asked.push(command)
      return replies[Math.min(asked.length, replies.length) - 1]
    }
    return { link: { send } as unknown as Link, asked }
  }
  const need = (replicas: number, aof: number) => ({ replicas, aof, timeoutMs: 1000, key: '' })

  it('are asked together with the replicas, until all have it', async () => {
    const { link, asked } = answering([0, 0], [1, 1], [1, 2])
    expect(await confirm(link, need(2, 1), Date.now() + 60_000)).toBeNull()
    // Never longer at once than a connection may be silent.
    expect(asked).toEqual(Array.from({ length: 3 }, () => ['waitaof', [1, 2, 10_000]]))
  })

  it.each([
    [[0, 2], "not the server's own disk confirmed it"],
    [[1, 1], 'only 1 of 2 replicas confirmed it'],
    [[0, 0], "only 0 of 2 replicas and not the server's own disk confirmed it"],
  ])('that answer %j in time are missing: %s', async (reply, sentence) => {
    expect(await confirm(answering(reply).link, need(2, 1), Date.now())).toBe(sentence)
  })
})
