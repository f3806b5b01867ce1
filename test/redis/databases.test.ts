// Messages in one database, results in another of the same server: still one script, on every path.
import { afterAll, expect, it } from 'vitest'
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

it('a database that the server does not have is told, and nothing goes to another one', async () => {
  const url = server.database(99)
  const { broker } = room.open({ brokerUrl: url, backendUrl: url, timeout: 0.5 })
  await expect(broker.publish(messages('a'))).rejects.toThrow(/DB index is out of range/)
  // At whatever moment between two attempts the patience of one ends.
  const hasty = Array.from({ length: 60 }, (_, i) => {
    const one = room.open({ brokerUrl: url, backendUrl: url, timeout: 0.3 + i / 100 })
    return expect(one.broker.publish(messages('a'))).rejects.toThrow(/DB index is out of range/)
  })
  await Promise.all(hasty)
  expect(await client.dbsize()).toBe(0)
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
