// A worker as it ships and a publisher, each behind a wire that misbehaves: everything sent runs once, the worker goes
// on, and whoever publishes hears of it in bounded time.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type App, createApp } from '../../../src/app.js'
import { OperationalError } from '../../../src/errors.js'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { range, Scene } from '../support/scene.js'
import { Wire } from './wire.js'

const graceMs = 15_000

let scene: Scene
const wires: Wire[] = []
const apps: App[] = []
beforeAll(async () => {
  scene = await Scene.open(1)
})
afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()))
  for (const wire of wires) wire.close()
  await scene.close()
})

const aWire = async (): Promise<Wire> => {
  const wire = await Wire.open(scene.redis.url)
  wires.push(wire)
  return wire
}

/** A worker and a client on a queue of their own, each at the end of its wire. */
const place = async (queue: string, timeoutSeconds: number) => {
  const [near, far] = [await aWire(), await aWire()]
  const app = createApp('faults', {
    broker: near.url,
    resultBackend: near.url,
    taskDefaultQueue: queue,
    brokerConnectionTimeout: timeoutSeconds,
  })
  apps.push(app)
  const worker: Running = await scene.worker({ queues: [queue], url: far.url, logLevel: 'INFO', lease: 5 })
  return { app, worker, toClient: near, toWorker: far }
}

const nap = (app: App, value: number, ms = 1) => app.sendTask('faults.nap', [value, ms])

const runs = (ids: readonly string[]): readonly number[] =>
  ids.map((id) => scene.ledger.starts().filter((entry) => entry.id === id).length)

const complaints = (worker: Running): readonly string[] =>
  worker
    .output()
    .split('\n')
    .filter((line) => /ERROR/.test(line))

test.concurrent('connections that are half open: a publisher hears of it in its time and goes on at once, a worker within 20 s', {
  timeout: 90_000,
}, async () => {
  const { app, worker, toClient, toWorker } = await place('half-open', 1)
  expect(await (await nap(app, 1)).get({ timeout: 20 })).toBe(1)
  toWorker.goDead()
  toClient.goDead()
  const startedAt = performance.now()
  await expect(nap(app, 2)).rejects.toThrow(OperationalError)
  expect(performance.now() - startedAt).toBeLessThan(1000 + graceMs)
  const after = await until(() => nap(app, 3).catch(() => undefined))
  expect(await after.get({ timeout: 60 })).toBe(3)
  expect(runs([after.id])).toEqual([1])
  // It has two connections with calls on them: one may find out when the other is well again.
  const told = complaints(worker).filter((line) => line.includes('Cannot reach Redis')).length
  expect([1, 2]).toContain(told)
})

test.concurrent('a wire that delays each way by 150 ms: slower, and nothing else', {
  timeout: 60_000,
}, async () => {
  const { app, worker, toClient, toWorker } = await place('delayed', 4)
  toClient.delayMs = 150
  toWorker.delayMs = 150
  const sent = await Promise.all(range(20).map((value) => nap(app, value)))
  expect(await Promise.all(sent.map((each) => each.get({ timeout: 40 })))).toEqual(range(20))
  expect(runs(sent.map(({ id }) => id))).toEqual(range(20).map(() => 1))
  expect(complaints(worker)).toEqual([])
})

test.concurrent('a wire that cuts in the middle of answers: each task runs once, and each publication counts once', {
  timeout: 60_000,
}, async () => {
  const { app, worker, toClient, toWorker } = await place('cut', 20)
  toClient.shortest = 4
  const results: number[] = []
  const ids: string[] = []
  for (const value of range(20)) {
    toWorker.cuts = 1
    toClient.cuts = value % 2
    const sent = await nap(app, value, 20)
    ids.push(sent.id)
    results.push((await sent.get({ timeout: 40 })) as number)
  }
  toWorker.cuts = 0
  expect(results).toEqual(range(20))
  await until(async () => (await scene.outside.llen('cut')) === 0)
  expect(runs(ids)).toEqual(range(20).map(() => 1))
  expect(worker.child.exitCode).toBe(null)
})

test.concurrent('answers that come late: the publisher is told that its message may have arrived, and it counts once', {
  timeout: 60_000,
}, async () => {
  const { app, toClient, toWorker } = await place('late', 1)
  expect(await (await nap(app, 1)).get({ timeout: 20 })).toBe(1)
  let release: () => void = () => undefined
  toClient.holdAnswers = new Promise<void>((resolve) => {
    release = resolve
  })
  toWorker.holdAnswers = toClient.holdAnswers
  const startedAt = performance.now()
  await expect(nap(app, 22)).rejects.toThrow(/No answer within 1 s: it may have arrived or not/)
  expect(performance.now() - startedAt).toBeLessThan(1000 + graceMs)
  await sleep(1000)
  release()
  toClient.holdAnswers = undefined
  toWorker.holdAnswers = undefined
  const after = await until(() => nap(app, 3).catch(() => undefined))
  expect(await after.get({ timeout: 40 })).toBe(3)
  const starts = scene.ledger.starts().filter(({ args }) => args?.[0] === 22)
  expect(starts.length).toBeLessThanOrEqual(1)
})
