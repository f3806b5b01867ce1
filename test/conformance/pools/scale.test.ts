// Pools that grow and shrink, by hand and by themselves. Tasks run until they are let go: how long a child takes to
// start decides nothing.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  const send = (count: number, gate: string) =>
    Promise.all(Array.from({ length: count }, () => bench.app.sendTask('sleepUntil', [gate])))
  const gateOf = (name: string): string => join(dirname(bench.ledger), `${name}-${pool}`)
  const ask = (what: { grow: number } | { shrink: number }): Promise<{ concurrency: number }> =>
    new Promise((resolve) => {
      worker.child.once('message', (message) => resolve(message as { concurrency: number }))
      worker.child.send(what)
    })

  it('grows and shrinks by hand, and disturbs nothing that runs', async () => {
    worker = await bench.work({ pool, concurrency: 1 })
    const gate = gateOf('by-hand')
    const results = await send(4, gate)
    await until(() => running() === 1)
    expect(await ask({ grow: 2 })).toEqual({ concurrency: 3 })
    await until(() => running() === 3)
    expect(await ask({ shrink: 5 })).toEqual({ concurrency: 1 })
    expect(running()).toBe(3)
    writeFileSync(gate, '')
    await Promise.all(results.map((result) => result.get({ timeout: 25 })))
    expect(running()).toBe(0)
    const from = bench.noted('sl').length
    const [last, behind] = [gateOf('last'), gateOf('behind')]
    const more = [...(await send(1, last)), ...(await send(1, behind))]
    await until(() => running() === 1)
    writeFileSync(last, '')
    await more[0]?.get({ timeout: 25 })
    writeFileSync(behind, '')
    await more[1]?.get({ timeout: 25 })
    const told = bench.noted('sl').slice(from)
    expect(told.map(([what]) => what)).toEqual(['sleeping', 'slept', 'sleeping', 'slept'])
    await worker.stop()
  })

  it('grows while work waits, and shrinks when it has been quiet for a while', async () => {
    worker = await bench.work({ pool, autoscale: { max: 3, min: 1, keepalive: 1 } })
    const gate = gateOf('by-itself')
    const results = await send(6, gate)
    await worker.line(/Scaling up \d slots?, to 3\./)
    await until(() => running() === 3)
    writeFileSync(gate, '')
    await Promise.all(results.map((result) => result.get({ timeout: 25 })))
    await worker.line(/Scaling down \d slots?, to 1\./)
    expect(await bench.call('add', [1, 2])).toBe(3)
    await worker.stop()
  })
})
