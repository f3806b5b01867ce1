// Waiting for results: one connection, batched names, nothing missed when it is cut.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { until } from '../support/until.js'
import { success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room

const write = (taskId: string, text = success(taskId).text) =>
  client.multi().set(keys.result(taskId), text).publish(keys.result(taskId), text).exec()

describe('a watch', () => {
  it('hears what is stored already, and each later text', async () => {
    const { backend } = room.open()
    await write('a', 'first')
    const heard: string[] = []
    const unwatch = backend.watch('a', (text) => heard.push(text))
    await until(() => heard.length === 1)
    await write('a', 'second')
    await until(() => heard.length === 2)
    unwatch()
    unwatch()
    await write('a', 'third')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heard).toEqual(['first', 'second'])
  })

  it('shares one connection and few commands with all others', async () => {
    const { backend } = room.open()
    const heard = new Set<string>()
    const stops: (() => void)[] = []
    await client.config('RESETSTAT')
    for (let i = 0; i < 1000; i++) stops.push(backend.watch(`t${i}`, () => heard.add(`t${i}`)))
    await until(async () => (await client.pubsub('NUMSUB', keys.result('t999')))[1] === 1)
    expect(await client.info('commandstats')).toMatch(/cmdstat_subscribe:calls=2,/)
    const list = String(await client.client('LIST'))
    expect(list.match(/name=lovage-client/g)).toHaveLength(1)
    for (let i = 0; i < 1000; i++) void write(`t${i}`)
    await until(() => heard.size === 1000)
    for (const stop of stops) stop()
    await until(async () => ((await client.pubsub('CHANNELS')) as string[]).length === 0)
    expect(await client.info('commandstats')).toMatch(/cmdstat_unsubscribe:calls=[23],/)
  })

  it('tells every listener of one result, and stops each by itself', async () => {
    const { backend } = room.open()
    const heard: string[] = []
    const first = backend.watch('a', () => heard.push('first'))
    backend.watch('a', () => heard.push('second'))
    await until(async () => (await client.pubsub('NUMSUB', keys.result('a')))[1] === 1)
    first()
    await write('a')
    await until(() => heard.length > 0)
    expect(heard).toEqual(['second'])
  })

  it('misses nothing that is written while it is cut off', async () => {
    const { backend } = room.open()
    const heard: string[] = []
    backend.watch('a', (text) => heard.push(text))
    await until(async () => (await client.pubsub('NUMSUB', keys.result('a')))[1] === 1)
    await client.client('KILL', 'TYPE', 'PUBSUB')
    await client.set(keys.result('a'), 'written silently')
    await until(() => heard.includes('written silently'))
  })

  describe('hears more than Redis sends to a listener at once', () => {
    const limit = (megabytes: number) =>
      client.config('SET', 'client-output-buffer-limit', `pubsub ${megabytes}mb 0 0`)
    const large = 'x'.repeat(300_000)
    beforeEach(() => limit(1))
    afterEach(() => limit(32))

    it('when it is one text, announced to all', async () => {
      const { backend } = room.open()
      const heard = new Set<number>()
      backend.watch('a', (text) => heard.add(text.length))
      backend.watch('b', () => undefined)
      await until(async () => (await client.pubsub('NUMSUB', keys.result('b')))[1] === 1)
      await write('a', large.repeat(8))
      await until(() => heard.has(large.length * 8))
    })

    it('when it is many texts that are there already', async () => {
      const { backend } = room.open()
      const ids = Array.from({ length: 250 }, (_, i) => `t${i}`)
      await Promise.all(ids.slice(0, 20).map((id) => client.set(keys.result(id), large)))
      const heard = new Set<string>()
      for (const id of ids) backend.watch(id, () => heard.add(id))
      await until(() => heard.size === 20)
      expect((await backend.read(ids)).filter((text) => text === large)).toHaveLength(20)
      await write('t249')
      await until(() => heard.size === 21)
    })
  })

  it('survives a restart of the server, and is told if that takes long', async () => {
    const { backend } = room.open({ timeout: 0.3 })
    const heard: string[] = []
    const troubles: string[] = []
    backend.watch(
      'a',
      (text) => heard.push(text),
      (error) => troubles.push(error.message),
    )
    await until(async () => (await client.pubsub('NUMSUB', keys.result('a')))[1] === 1)
    await server.stop()
    await until(() => troubles.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 600))
    await server.restart()
    await until(async () => (await client.pubsub('NUMSUB', keys.result('a')))[1] === 1)
    await write('a')
    // It may come twice: announced, and found by the look that the new connection is worth.
    await until(() => heard.length > 0)
    expect(troubles).toHaveLength(1)
    expect(troubles[0]).toMatch(/Cannot reach Redis/)
  })

  it('finds a text whose announcement was missed', async () => {
    const { backend } = room.open()
    const heard: string[] = []
    backend.watch('a', (text) => heard.push(text))
    await until(async () => (await client.pubsub('NUMSUB', keys.result('a')))[1] === 1)
    await client.set(keys.result('a'), 'not announced')
    await until(() => heard.length === 1)
  })
})

describe('a watch that was expected', () => {
  const calls = async (command: string) =>
    Number(new RegExp(`cmdstat_${command}:calls=(\\d+),`).exec(await client.info('commandstats'))?.[1] ?? 0)
  const listeners = async (id: string) => (await client.pubsub('NUMSUB', keys.result(id)))[1]

  it('sends nothing more, and hears what came before it and what comes after', async () => {
    const { backend } = room.open()
    await client.config('RESETSTAT')
    const end = backend.expect('a')
    await until(async () => (await listeners('a')) === 1)
    await write('a', 'first')
    await until(async () => (await calls('publish')) === 1)
    const heard: string[] = []
    const unwatch = backend.watch('a', (text) => heard.push(text))
    await until(() => heard.length === 1)
    await write('a', 'second')
    await until(() => heard.length === 2)
    expect(heard).toEqual(['first', 'second'])
    expect([await calls('subscribe'), await calls('mget')]).toEqual([1, 1])
    unwatch()
    end()
    await until(async () => (await listeners('a')) === 0)
  })

  it('keeps the subscription when the expectation ends first; without a watch it ends with it', async () => {
    const { backend } = room.open()
    const end = backend.expect('a')
    const endOther = backend.expect('b')
    const heard: string[] = []
    backend.watch('a', (text) => heard.push(text))
    await until(async () => (await listeners('b')) === 1)
    end()
    endOther()
    await until(async () => (await listeners('b')) === 0)
    expect(await listeners('a')).toBe(1)
    await write('a', 'text')
    await until(() => heard.includes('text'))
  })

  it('is not subscribed to when it was given up in the same turn', async () => {
    const { backend } = room.open()
    backend.watch('a', () => undefined)
    await until(async () => (await listeners('a')) === 1)
    await client.config('RESETSTAT')
    for (let i = 0; i < 600; i++) backend.expect(`e${i}`)()
    backend.watch('b', () => undefined)
    await until(async () => (await listeners('b')) === 1)
    expect(await client.pubsub('CHANNELS', keys.result('e*'))).toEqual([])
    expect(await calls('subscribe')).toBe(1)
  })

  it('leaves in one piece with the message whose result is waited for', async () => {
    const app = createApp('sender', { broker: server.url })
    const task = app.declare('elsewhere.task')
    await task.delay()
    const monitor = await client.duplicate().monitor()
    const seen: [source: string, command: string][] = []
    monitor.on('monitor', (_time: string, [command]: string[], source: string) =>
      seen.push([source, String(command).toLowerCase()]),
    )
    const waited = task.delay().get({ timeout: 0.5 })
    await expect(waited).rejects.toThrow('No result')
    // What the server did is told over another connection.
    await until(() => seen.some(([, command]) => command === 'mget'))
    const sender = seen.find(([, command]) => command === 'subscribe')?.[0]
    expect(seen.filter(([source]) => source === sender).map(([, command]) => command)).toEqual([
      'evalsha',
      'subscribe',
      'mget',
    ])
    // Whoever does not wait pays for no subscription.
    seen.length = 0
    await task.delay()
    await until(() => seen.length > 0)
    expect(seen.filter(([, command]) => command === 'subscribe')).toEqual([])
    monitor.disconnect()
    await app.close()
  })

  it('is heard through a cut', async () => {
    const { backend } = room.open()
    backend.expect('a')
    await until(async () => (await listeners('a')) === 1)
    await client.client('KILL', 'TYPE', 'PUBSUB')
    const heard: string[] = []
    backend.watch('a', (text) => heard.push(text))
    await client.set(keys.result('a'), 'written silently')
    await until(() => heard.includes('written silently'))
  })
})

describe('reading', () => {
  it('gives texts in order, null where nothing is; forgets', async () => {
    const { backend } = room.open()
    await write('a', 'A')
    await write('c', 'C')
    expect(await backend.read(['a', 'b', 'c'])).toEqual(['A', null, 'C'])
    expect(await backend.read([])).toEqual([])
    await backend.forget(['a', 'b'])
    expect(await backend.read(['a', 'c'])).toEqual([null, 'C'])
  })

  it('goes by hundreds', async () => {
    const { backend } = room.open()
    const ids = Array.from({ length: 1200 }, (_, i) => `t${i}`)
    await write('t1100', 'x')
    expect((await backend.read(ids)).filter((text) => text !== null)).toEqual(['x'])
  })

  it('fails in bounded time when nobody is there', async () => {
    const url = 'redis://127.0.0.1:1'
    const { backend } = room.open({ brokerUrl: url, backendUrl: url, timeout: 0.2 })
    await expect(backend.read(['a'])).rejects.toThrow(/Cannot reach Redis at redis:\/\/127.0.0.1:1\/0/)
  })
})
