// What waits for its rate, as one worker fetches it.
import { expect, test } from 'vitest'
import { createLogger } from '../../src/log.js'
import type { Delivery } from '../../src/runtime/consumer.js'
import { Limits } from '../../src/runtime/worker/limits.js'
import { until } from '../support/until.js'

const delivery = (tag: string): Delivery => ({
  tag,
  queue: 'q',
  raw: Buffer.from(tag),
  attempts: 0,
  redelivered: false,
  uncertain: false,
  lost: false,
  lastWorker: null,
})

const scene = (isBlocked = (): boolean => false) => {
  const waiting = ['1', '2']
  const pulls: number[] = []
  const started: string[] = []
  const limits = new Limits({
    consumer: {
      pull: async (_queue, _task, many) => {
        pulls.push(many)
        return waiting.splice(0, many).map(delivery)
      },
      permit: async (_task, _pace, wanted) => ({ granted: wanted, nextInMs: 0 }),
    },
    ratesOf: () => ({ own: { intervalMs: 1, slackMs: 20 }, global: null }),
    start: (deliveries) => {
      for (const { tag } of deliveries)
        if (isBlocked()) limits.goesBack(tag)
        else {
          limits.begins(tag)
          started.push(tag)
        }
    },
    log: createLogger({ level: 'CRITICAL' }),
  })
  return { limits, pulls, started }
}

test('nothing is fetched before the worker has begun: nobody would run it', async () => {
  const { limits, pulls, started } = scene()
  limits.parked('q', ['t'])
  // Any timer that this had set is due before this one.
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(pulls).toEqual([])
  limits.start()
  await until(() => started.length === 2)
  limits.stop()
})

test('nor after it has stopped', async () => {
  const { limits, pulls } = scene()
  limits.start()
  limits.parked('q', ['t'])
  limits.stop()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(pulls).toEqual([])
})

test('what was fetched and goes back before it began keeps nothing else from being fetched', async () => {
  let blocked = 0
  const { limits, pulls, started } = scene(() => ++blocked === 1)
  limits.start()
  limits.parked('q', ['t'])
  await until(() => started.length === 1)
  const before = pulls.length
  limits.parked('q', ['t'])
  await until(() => pulls.length > before)
  limits.stop()
})
