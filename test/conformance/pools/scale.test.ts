// Pools that grow and shrink, by hand and by themselves.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, openBench } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

describe.each(['prefork', 'threads', 'fiber'] as const)('the pool %s', (pool) => {
  let worker: Running
  const running = (): number => bench.noted('sleeping').length - bench.noted('slept').length
  const send = (count: number, seconds: number) =>
    Promise.all(Array.from({ length: count }, () => bench.app.sendTask('sleep', [seconds])))
  const ask = (what: { grow: number } | { shrink: number }): Promise<{ concurrency: number }> =>
    new Promise((resolve) => {
      worker.child.once('message', (message) => resolve(message as { concurrency: number }))
      worker.child.send(what)
    })

  it('grows and shrinks by hand, and disturbs nothing that runs', async () => {
    worker = await bench.work({ pool, concurrency: 1 })
    const results = await send(4, 1.5)
    await until(() => running() === 1)
    expect(await ask({ grow: 2 })).toEqual({ concurrency: 3 })
    await until(() => running() === 3)
    expect(await ask({ shrink: 5 })).toEqual({ concurrency: 1 })
    expect(await Promise.all(results.map((result) => result.get({ timeout: 25 })))).toEqual([
      1.5, 1.5, 1.5, 1.5,
    ])
    const more = await send(2, 0.3)
    await until(async () => (await more[0]?.ready()) === true || (await more[1]?.ready()) === true)
    expect(running()).toBeLessThanOrEqual(1)
    await Promise.all(more.map((result) => result.get({ timeout: 25 })))
    await worker.stop()
  })

  it('grows while work waits, and shrinks when it has been quiet for a while', async () => {
    worker = await bench.work({ pool, autoscale: { max: 3, min: 1, keepalive: 1 } })
    const results = await send(6, 1)
    await worker.line(/Scaling up 2 slots, to 3\./)
    await until(() => running() === 3)
    expect(await Promise.all(results.map((result) => result.get({ timeout: 25 })))).toEqual(Array(6).fill(1))
    await worker.line(/Scaling down \d slots?, to 1\./)
    expect(await bench.call('add', [1, 2])).toBe(3)
    await worker.stop()
  })
})
