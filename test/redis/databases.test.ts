// Messages in one database, results in another of the same server: still one script, on every path.
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../support/until.js'
import { end, messages, stored, success, useRoom } from './room.js'

const room = await useRoom()
const { client, keys, server } = room
const results = client.duplicate({ db: 5 })
afterAll(() => results.disconnect())

it('results, markers and messages lie where they belong', async () => {
  const { broker, backend } = room.open({ brokerUrl: server.database(2), backendUrl: server.database(5) })
  const messagesThere = client.duplicate({ db: 2 })
  await broker.publish(messages('a', 'b', 'c', 'd'))
  const consumer = await room.consume({ broker } as never)
  const { deliveries } = await consumer.step(0, [], 4)
  const [a, b, c, d] = deliveries
  expect(await consumer.store(a!.tag, stored('a', 'STARTED'))).toBe(true)
  await results.set(keys.result('c'), success('c').text)
  const reply = await consumer.step(
    1,
    [
      end(a!, { results: [success('a')] }),
      end(b!, { fence: 'b:0:0:', results: [stored('b', 'FAILURE')] }),
      end(c!, { results: [success('c', 2)] }),
      end(d!, { ending: { kind: 'back' } }),
    ],
    1,
  )
  expect(reply.refused).toEqual([2])
  expect(reply.deliveries).toHaveLength(1)
  expect(await backend.read(['a', 'b', 'c'])).toEqual([
    success('a').text,
    stored('b', 'FAILURE').text,
    success('c').text,
  ])
  expect((await results.keys('*')).sort()).toEqual(['a', 'b', 'c'].map(keys.result))
  expect(await messagesThere.exists(keys.done('b:0:0:'), keys.consumer(consumer.id))).toBe(2)
  expect(await client.dbsize()).toBe(0)
  messagesThere.disconnect()
})

describe('a database that the server does not have', () => {
  const url = (): string => server.database(99)
  const noDatabase = expect.objectContaining({
    name: 'ImproperlyConfigured',
    message: expect.stringMatching(
      /Redis at redis:.*\/99 has no database of that number \(.*out of range.*\)\. Expected one from 0 to 15/,
    ),
  })
  // A patience that no test outlives: nobody waits for what cannot come.
  const patient = 600

  it('is told to who publishes, at once, and nothing goes to another one', async () => {
    const { broker } = room.open({ brokerUrl: url(), backendUrl: url(), timeout: patient })
    const all = Array.from({ length: 60 }, () => broker.publish(messages('a')))
    for (const end of await Promise.allSettled(all)) expect(end).toMatchObject({ reason: noDatabase })
    await expect(broker.publish(messages('a'))).rejects.toEqual(noDatabase)
    expect(await client.dbsize()).toBe(0)
  })

  it('is told to who reads, waits or looks, at once', async () => {
    const { broker, backend } = room.open({ brokerUrl: url(), backendUrl: url(), timeout: patient })
    await expect(backend.read(['a'])).rejects.toEqual(noDatabase)
    await expect(broker.inspect()).rejects.toEqual(noDatabase)
    const heard = await new Promise((resolve) => backend.watch('a', () => undefined, resolve))
    expect(heard).toEqual(noDatabase)
  })

  it('is told before a worker takes its first message, where only results would go there', async () => {
    const { broker } = room.open({ brokerUrl: server.database(2), backendUrl: url(), timeout: patient })
    await expect(broker.inspect()).rejects.toEqual(noDatabase)
  })
})

it('a watch hears of results in its own database', async () => {
  const { broker, backend } = room.open({ brokerUrl: server.database(2), backendUrl: server.database(5) })
  const heard: string[] = []
  backend.watch('a', (text) => heard.push(text))
  await broker.publish(messages('a'))
  const consumer = await room.consume({ broker } as never)
  const { deliveries } = await consumer.step(0, [], 1)
  await consumer.step(0, [end(deliveries[0]!, { results: [success('a')] })], 0)
  await until(() => heard.length > 0)
  expect(heard[0]).toBe(success('a').text)
})
