// One worker as it ships and one publisher, under a Redis that does one wrong thing after the other: the worker lives,
// says once what is wrong, and goes on when it is over; what it was running ends as if nothing had been; publishers and
// readers hear a typed error in bounded time.
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, createApp } from '../../../src/app.js'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { Scene } from '../support/scene.js'
import { serverArgs, misdeeds } from './misdeeds.js'

const queue = 'faults'
/** Of the client. */
const timeoutSeconds = 1
/** What a call may take beyond that, on a machine that others use as well. */
const graceMs = 15_000

let scene: Scene
let admin: Redis
let app: App
let worker: Running
beforeAll(async () => {
  // One without a password: that it wants one is a misdeed.
  scene = await Scene.open(1, serverArgs, { password: null })
  admin = new Redis(scene.redis.url.replace('//', '//admin:admin@'), { retryStrategy: () => 50 })
  admin.on('error', () => undefined)
  const urls = { broker: scene.redis.url, resultBackend: scene.redis.url }
  app = createApp('faults', { ...urls, taskDefaultQueue: queue, brokerConnectionTimeout: timeoutSeconds })
  worker = await scene.worker({ logLevel: 'INFO' })
})
afterAll(async () => {
  await app.close()
  admin.disconnect()
  await scene.close()
})

/** What it is told, and that it is told in time; '' when it goes through. */
const told = async (call: Promise<unknown>): Promise<string> => {
  const startedAt = performance.now()
  const error = await call.then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  expect(performance.now() - startedAt).toBeLessThan(timeoutSeconds * 1000 + graceMs)
  return error === undefined ? '' : `${error.name}: ${error.message}`
}

const nap = (value: number, ms: number) => app.sendTask('faults.nap', [value, ms])

/** Of all that it printed, what is about Redis. */
const complaints = (text: string): readonly string[] =>
  text.split('\n').filter((line) => /(ERROR|WARNING)\/MainProcess/.test(line))

test('what it may do is the table in docs/guarantees.md', () => {
  const docs = readFileSync(new URL('../../../docs/guarantees.md', import.meta.url), 'utf8')
  expect(misdeeds.filter(({ name }) => !docs.includes(`\n| ${name} |`))).toEqual([])
})

test.each(misdeeds)(
  '$name',
  { timeout: 60_000 },
  async ({ begin, end, says, publisher, reader, forgets }) => {
    const place = { server: scene.redis, admin, queue }
    const running = await nap(1, 400)
    await until(() => scene.ledger.starts().some(({ id }) => id === running.id))
    const mark = worker.output().length
    const said = (): string => worker.output().slice(mark)

    const began = await begin(place)
    try {
      expect(await told(nap(2, 1))).toMatch(publisher ?? /^$/)
      expect(await told(running.state())).toMatch(reader ?? /^$/)
      if (says !== null)
        await until(() => says.test(said()), { timeout: 20_000, message: () => `It says only: ${said()}` })
    } finally {
      await end(place, began)
    }

    const next = await until(() => nap(3, 1).catch(() => undefined), { timeout: 20_000 })
    expect(await next.get({ timeout: 30 })).toBe(3)
    /** Who waits for work sees that all is well when something comes. */
    const isOver = async (): Promise<boolean> => {
      await nap(4, 1)
      return /Connected to redis:.* again/.test(said())
    }
    if (!forgets) expect(await running.get({ timeout: 30 })).toBe(1)
    if (says !== null && !forgets)
      await until(isOver, { timeout: 30_000, interval: 100, message: () => said() })
    expect(complaints(said()).filter((line) => says?.test(line))).toHaveLength(says === null ? 0 : 1)
    // That a connection broke may be told before it is known why.
    expect(complaints(said()).length, said()).toBeLessThanOrEqual(says === null ? 0 : 2)
    expect(said().match(/Connected to redis:.* again/g) ?? []).toHaveLength(says === null || forgets ? 0 : 1)
  },
)
