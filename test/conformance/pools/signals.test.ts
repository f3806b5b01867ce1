// Signals and middleware in each pool: told in the process where the task runs, or in the worker's own.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, openBench, pools } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

describe.each(pools)('in the pool %s', (pool) => {
  const isApart = pool === 'prefork'
  let worker: Running
  let before: Record<string, number>
  const count = (name: string): number => bench.noted(name).length

  beforeAll(async () => {
    before = Object.fromEntries(
      ['workerReady', 'workerShutdown', 'workerProcessInit', 'workerProcessShutdown'].map((name) => [
        name,
        count(name),
      ]),
    )
    worker = await bench.work({ pool, ...(pool !== 'solo' && { concurrency: 1 }) })
  })
  afterAll(async () => void (await worker.stop()))

  it('a run is told of before and after, where it runs, and a listener that throws harms nobody', async () => {
    const id = `traced-${pool}`
    expect(await bench.call('traced', [1], { taskId: id })).toBe('<1>')
    await until(() => count(`taskPostrun:SUCCESS:${id}`) === 1)
    expect(count(`taskPrerun::${id}`)).toBe(1)
    expect(count(`taskSuccess::${id}`)).toBe(1)
    const { pid } = await bench.call('who')
    expect(bench.noted(`taskPrerun::${id}`)[0]![1]).toBe(pid)
    expect(bench.noted(`taskReceived::${id}`)[0]![1]).toBe(worker.pid)
    expect(pid === worker.pid).toBe(!isApart)
    await worker.line(
      /ERROR\/(MainProcess|ForkPoolWorker-\d+)\] .*taskPrerun: a listener failed: Error: a listener that throws/,
    )
  })

  it('a failure is told of', async () => {
    const id = `failed-${pool}`
    await expect(bench.call('traced', ['boom'], { taskId: id })).rejects.toThrow('traced')
    await until(() => count(`taskPostrun:FAILURE:${id}`) === 1)
    expect(count(`taskFailure::${id}`)).toBe(1)
    expect(count(`taskSuccess::${id}`)).toBe(0)
  })

  it('what a task sends goes through the layers of its process', async () => {
    const id = await bench.call('sendsOn')
    expect(await bench.app.result(id).get({ timeout: 25 })).toEqual({ traced: 'headers' })
  })

  it('a worker and its children tell of their lives', async () => {
    expect(count('workerReady')).toBe(before['workerReady']! + 1)
    expect(count('workerProcessInit')).toBe(before['workerProcessInit']! + 1)
    await worker.stop()
    expect(count('workerShutdown')).toBe(before['workerShutdown']! + 1)
    expect(count('workerProcessShutdown')).toBe(before['workerProcessShutdown']! + 1)
  })
})
