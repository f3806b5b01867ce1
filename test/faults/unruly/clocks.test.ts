// Hosts whose clocks are an hour apart, and a reaper that stalls: moments count by the clock of Redis, and one who
// stands still keeps nobody from the work of the dead.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { Proxy } from '../support/proxy.js'
import { range, Scene } from '../support/scene.js'

const hourMs = 3_600_000

let scene: Scene
beforeAll(async () => {
  scene = await Scene.open(1)
})
afterAll(() => scene.close())

const runs = (ids: readonly string[]): readonly number[] =>
  ids.map((id) => scene.ledger.starts().filter((entry) => entry.id === id).length)

const leasesLost = (...workers: readonly Running[]): readonly string[] =>
  workers.flatMap((worker) => worker.output().split('\n')).filter((line) => /lease was lost/.test(line))

test('clocks of hosts an hour apart: etas, expiries, retries and leases are kept', {
  timeout: 90_000,
}, async () => {
  const { stubborn, nap } = scene.client('clocks')
  const workers = await Promise.all(
    [hourMs, -hourMs].map((clockMs) => scene.worker({ queues: ['clocks'], clockMs, concurrency: 4 })),
  )
  const at = performance.now()
  const later = await Promise.all(range(8).map((value) => nap.applyAsync([value, 300], { countdown: 2 })))
  const soon = await Promise.all(range(8).map((value) => nap.applyAsync([value, 300], { expires: 60 })))
  const again = await Promise.all(range(4).map((value) => stubborn.delay(value, 3, 1)))
  const all = [...later, ...soon, ...again]
  expect(await Promise.all(soon.map((each) => each.get({ timeout: 40 })))).toEqual(range(8))
  expect(await Promise.all(again.map((each) => each.get({ timeout: 40 })))).toEqual(range(4))
  expect(await Promise.all(later.map((each) => each.get({ timeout: 40 })))).toEqual(range(8))
  expect(performance.now() - at).toBeGreaterThanOrEqual(2000)
  expect(runs(all.map(({ id }) => id))).toEqual([...range(16).map(() => 1), ...range(4).map(() => 3)])
  expect(new Set(scene.ledger.starts().map(({ pid }) => pid)).size).toBe(2)
  expect(leasesLost(...workers)).toEqual([])
  // Each tells its own time, an hour off: so they were.
  const clocks = workers.map(({ pid }) => scene.ledger.starts().find((entry) => entry.pid === pid)?.at ?? 0)
  expect(Math.abs(clocks[0]! - clocks[1]!)).toBeGreaterThan(1.9 * hourMs)
  await Promise.all(workers.map((worker) => scene.stop(worker)))
})

test('a reaper that stalls while it gives back what a dead one held: another does it, and nothing comes twice', {
  timeout: 90_000,
}, async () => {
  const { nap } = scene.client('stalled')
  let stalled = false
  let release: () => void = () => undefined
  const stall = new Promise<void>((resolve) => {
    release = resolve
  })
  let isArmed = false
  const proxy = await Proxy.open(scene.redis.url, {
    onCall: ({ what }) => {
      if (what !== 'reap' || !isArmed) return 'pass'
      stalled = true
      return stall
    },
  })
  const victim = await scene.worker({ queues: ['stalled'], concurrency: 8 })
  const sent = await Promise.all(range(8).map((value) => nap.delay(value, 60_000)))
  await until(() => runs(sent.map(({ id }) => id)).every((count) => count === 1))
  const reaper = await scene.worker({ queues: ['another'], url: proxy.url })
  isArmed = true
  await scene.kill(victim)
  await until(() => stalled, { timeout: 30_000 })
  // Past every lease; another one comes, finds the dead one, and does its work.
  const heir = await scene.worker({ queues: ['stalled'], concurrency: 8 })
  await until(() => runs(sent.map(({ id }) => id)).every((count) => count === 2), { timeout: 30_000 })
  release()
  await until(async () => (await scene.outside.zcard('lovage:consumers')) === 2, { timeout: 30_000 })
  expect(await (await scene.client('another').nap.delay(1, 1)).get({ timeout: 30 })).toBe(1)
  expect(runs(sent.map(({ id }) => id))).toEqual(range(8).map(() => 2))
  await scene.kill(heir)
  await scene.stop(reaper)
  proxy.close()
})
