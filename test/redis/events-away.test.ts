// A worker that tells events while its Redis is away and comes back: it remembers a bounded number, says so once, lives,
// and tells the rest in order. What it ran ends as if nothing had been.
import { expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { createLogger } from '../../src/log.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const many = 25_000

it('events of a Redis that was away', { timeout: 60_000 }, async () => {
  const server = await startRedis({ own: true, args: ['--appendonly', 'yes', '--appendfsync', 'always'] })
  const lines: string[] = []
  const log = createLogger({ level: 'WARNING', write: (line) => void lines.push(line) })
  const app = createApp('told', { broker: server.url, resultBackend: server.url, workerSendTaskEvents: true })
  let begun = false
  let goOn = (): void => undefined
  const isAway = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const chatty = app.task('told.chatty', async function (most: number) {
    begun = true
    await isAway
    for (let number = 0; number < most; number++) await this.sendEvent('task-said', { number })
    return 'said'
  })
  const worker = await app.worker({ log }).start()
  const result = await chatty.delay(many)
  await until(() => begun)
  await server.stop({ hard: true })
  goOn()
  await until(() => lines.some((line) => line.includes('task events wait for the broker')), {
    timeout: 20_000,
  })
  const numbers: number[] = []
  const types: string[] = []
  const events = app.events('*')
  await server.restart()
  await events.ready()
  void (async () => {
    for await (const event of events)
      if (event.type === 'task-said') numbers.push((event as unknown as { number: number }).number)
      else types.push(event.type)
  })()
  expect(await result.get({ timeout: 20 })).toBe('said')
  expect(await chatty.delay(100).get({ timeout: 20 })).toBe('said')
  await until(() => numbers.at(-1) === 99 && types.at(-1) === 'task-succeeded', { timeout: 20_000 })
  // Of the first run what was kept of the last ones and heard, in order; of the second all.
  const kept = numbers.length - 100
  expect(kept).toBeLessThanOrEqual(10_000)
  const upTo = (most: number, count: number) => Array.from({ length: count }, (_, i) => most - count + i)
  expect(numbers).toEqual([...upTo(many, kept), ...upTo(100, 100)])
  expect(lines.filter((line) => line.includes('task events wait for the broker'))).toHaveLength(1)
  expect(lines.filter((line) => line.includes('Cannot reach Redis'))).toHaveLength(1)
  await events.close()
  await worker.stop()
  await app.close()
  await server.stop()
})
