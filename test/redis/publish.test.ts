// Producing: idempotent, coalesced, bounded in time, and nothing half done.
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { BrokerFull, OperationalError } from '../../src/errors.js'
import { Link } from '../../src/redis/link.js'
import { scripts } from '../../src/redis/scripts.js'
import { parseAddress } from '../../src/redis/url.js'
import { mark, planted } from '../support/planted.js'
import { until } from '../support/until.js'
import { messages, push, useRoom } from './room.js'

const room = await useRoom()
const { client, server } = room

describe('a publication', () => {
  it('lies as Celery’s would: the oldest on the right, one list for each priority step, its binding beside', async () => {
    await room.open().broker.publish({
      pushes: [0, 2, 3, 5, 6, 9, 42, -1].map((priority) => push(`p${priority}`, { priority })),
      chords: [],
    })
    expect(await client.lrange('q', 0, -1)).toEqual(['p-1', 'p2', 'p0'])
    expect(await client.lrange('q\x06\x163', 0, -1)).toEqual(['p5', 'p3'])
    expect(await client.lrange('q\x06\x166', 0, -1)).toEqual(['p6'])
    expect(await client.lrange('q\x06\x169', 0, -1)).toEqual(['p42', 'p9'])
    expect(await client.smembers('_kombu.binding.q')).toEqual(['q\x06\x16\x06\x16q'])
  })

  it('opens its chords with the same call, and never changes a size that stands', async () => {
    const { broker } = room.open()
    await broker.publish({ pushes: [push('a')], chords: [{ groupId: 'g', bodyId: 'b', size: 3 }] })
    await broker.publish({ pushes: [push('a')], chords: [{ groupId: 'g', bodyId: 'c', size: 2 }] })
    expect(await client.get('celery-taskset-meta-g.s')).toBe('3')
    expect(await client.ttl('celery-taskset-meta-g.s')).toBe(-1)
  })

  it('shares its call with others of its turn', async () => {
    const { broker } = room.open()
    await broker.publish(messages('warm'))
    await client.config('RESETSTAT')
    await Promise.all(Array.from({ length: 150 }, (_, i) => broker.publish(messages(`m${i}`))))
    expect(await client.info('commandstats')).toMatch(/cmdstat_evalsha:calls=[1-4],/)
    expect(await client.llen('q')).toBe(151)
    expect((await client.lrange('q', 0, -1)).reverse().slice(1, 101)).toEqual(
      Array.from({ length: 100 }, (_, i) => `m${i}`),
    )
  })

  it('may be larger than one script should be', async () => {
    const pushes = Array.from({ length: 12_000 }, (_, i) => push(`m${i}`))
    await room.open().broker.publish({ pushes, chords: [{ groupId: 'g', bodyId: 'b', size: 12_000 }] })
    expect(await client.llen('q')).toBe(12_000)
  })

  it('is sent to the end by a broker that is closed meanwhile', async () => {
    const { broker } = room.open()
    const pushes = Array.from({ length: 12_000 }, (_, i) => push(`m${i}`))
    const sent = broker.publish({ pushes, chords: [] })
    await broker.close()
    await sent
    expect(await client.llen('q')).toBe(12_000)
  })

  it('holds nobody who closes longer than its time, where nobody answers', async () => {
    const { broker } = room.open({ brokerUrl: 'redis://127.0.0.1:1/0', timeout: 0.2 })
    const refused = expect(broker.publish(messages('a'), { patience: 600 })).rejects.toThrow('Not published')
    await broker.close()
    await refused
  })

  it('counts once however often its call is sent', async () => {
    const link = new Link({ address: parseAddress('broker', server.url), name: 'twice' })
    link.hold()
    await link.whenUp()
    const send = (number: number) =>
      link.run(scripts.publish, [2, 'lovage:pub:me:0', 'q', number, '0', '', 1, `m${number}`, 0, 0])
    expect([await send(1), await send(1), await send(2), await send(1)]).toEqual([1, 0, 1, 0])
    expect(await client.lrange('q', 0, -1)).toEqual(['m2', 'm1'])
    expect(await client.ttl('lovage:pub:me:0')).toBe(86_400)
    link.close()
  })

  it('arrives once although its connection is cut again and again', async () => {
    const { broker } = room.open()
    let running = true
    const cutting = (async () => {
      while (running) {
        await room.cut()
        await new Promise((resolve) => setTimeout(resolve, 15))
      }
    })()
    for (let round = 0; round < 40; round++)
      await Promise.all(Array.from({ length: 50 }, (_, i) => broker.publish(messages(`${round}-${i}`))))
    running = false
    await cutting
    const arrived = await client.lrange('q', 0, -1)
    expect(arrived).toHaveLength(2000)
    expect(new Set(arrived).size).toBe(2000)
  })

  it('survives SCRIPT FLUSH', async () => {
    const { broker } = room.open()
    await broker.publish(messages('a'))
    await client.script('FLUSH')
    await broker.publish(messages('b'))
    expect(await client.lrange('q', 0, -1)).toEqual(['b', 'a'])
  })

  it('to a key that is no queue fails alone, with a sentence', async () => {
    await client.set('wrong', 'x')
    const { broker } = room.open()
    const good = broker.publish(messages('good'))
    const bad = broker.publish({ pushes: [push('q', {}), push('x', { queue: 'wrong' })], chords: [] })
    await expect(bad).rejects.toThrow(/queue "wrong": the key "wrong" .* holds something that is no queue/)
    await expect(bad).rejects.toBeInstanceOf(OperationalError)
    await good
    expect(await client.lrange('q', 0, -1)).toEqual(['good'])
  })

  it('waits for nothing when there is nothing in it', async () => {
    await room
      .open({ brokerUrl: 'redis://localhost:1', backendUrl: 'redis://localhost:1' })
      .broker.publish(messages())
  })
})

describe('a publication that cannot be', () => {
  it('fails in bounded time when nobody listens there, without the password in what it says', async () => {
    const url = `redis://user:${planted('nobody')}@127.0.0.1:1/0`
    const { broker } = room.open({ brokerUrl: url, backendUrl: url, timeout: 0.3 })
    const start = Date.now()
    const error = await broker.publish(messages('a')).catch((reason: Error) => reason)
    expect(error).toBeInstanceOf(OperationalError)
    expect(String(error)).toMatch(
      /within 0.3 s.*redis:\/\/user:\*\*@127.0.0.1:1\/0 .*ECONNREFUSED.*Is it running/,
    )
    expect(String(error)).not.toContain(mark)
    expect(Date.now() - start).toBeLessThan(15_000)
  })

  it('fails in bounded time when nobody answers there', async () => {
    const deaf = createServer(() => undefined).listen(0, '127.0.0.1')
    await new Promise((resolve) => deaf.once('listening', resolve))
    const url = `redis://127.0.0.1:${(deaf.address() as { port: number }).port}/0`
    const { broker } = room.open({ brokerUrl: url, backendUrl: url, timeout: 0.3 })
    await expect(broker.publish(messages('a'))).rejects.toBeInstanceOf(OperationalError)
    await broker.close()
    deaf.close()
  })

  it('is told apart: the server is full, and nothing was written', async () => {
    const { broker } = room.open()
    await broker.publish(messages('a'))
    await client.config('SET', 'maxmemory', '1')
    try {
      const error = await broker.publish(messages('b')).catch((reason: Error) => reason)
      expect(error).toBeInstanceOf(BrokerFull)
      expect(String(error)).toMatch(/is full .*maxmemory/)
    } finally {
      await client.config('SET', 'maxmemory', '0')
    }
    expect(await client.llen('q')).toBe(1)
    await broker.publish(messages('c'))
    expect(await client.lrange('q', 0, -1)).toEqual(['c', 'a'])
  })

  it('fails at once when the password is wrong', async () => {
    const url = server.as('', planted('wrong'))
    await client.config('SET', 'requirepass', planted('right'))
    try {
      const { broker } = room.open({ brokerUrl: url, backendUrl: url, timeout: 30 })
      const start = Date.now()
      await expect(broker.publish(messages('a'))).rejects.toThrow(/refuses us .*Check user and password/)
      expect(Date.now() - start).toBeLessThan(15_000)
    } finally {
      await client.config('SET', 'requirepass', '')
    }
  })

  it('goes through when the server comes back in time', async () => {
    const { broker } = room.open({ timeout: 10 })
    await broker.publish(messages('a'))
    await server.stop()
    const publishing = broker.publish(messages('b'))
    await new Promise((resolve) => setTimeout(resolve, 200))
    await server.restart()
    await publishing
    expect(await client.lrange('q', 0, -1)).toEqual(['b'])
  })

  it('leaves no timed-out message behind that arrives later', async () => {
    const { broker } = room.open({ timeout: 0.2 })
    await broker.publish(messages('a'))
    await server.stop()
    await expect(broker.publish(messages('late'))).rejects.toThrow(OperationalError)
    await server.restart()
    await until(() =>
      broker.publish(messages('b')).then(
        () => true,
        () => false,
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await client.lrange('q', 0, -1)).toEqual(['b'])
  })
})
