// Remote control of workers with each pool: what runs is shown and ended, and the pool's size is moved.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, isAlive, openBench, pools } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const target = { destination: 'w@host', timeout: 10 }

describe.each(pools)('a worker with the pool %s', (pool) => {
  const isApart = pool === 'prefork' || pool === 'threads'
  let worker: Running
  const inspect = () => bench.app.control.inspect(target)

  beforeAll(async () => {
    worker = await bench.work({ pool, ...(pool !== 'solo' && { concurrency: 2 }) })
  })
  afterAll(async () => void (await worker.stop()))

  it('answers, and tells of its pool', async () => {
    expect(await inspect().ping()).toEqual({ 'w@host': { ok: 'pong' } })
    const stats = (await inspect().stats())['w@host']!
    expect(stats.pool).toMatchObject({
      implementation: `lovage:${pool}`,
      'max-concurrency': pool === 'solo' ? 1 : 2,
    })
    expect(stats.pool.processes.length).toBeGreaterThan(0)
  })

  it('tells which process runs a task', async () => {
    const before = bench.noted('waiting').length
    const result = await bench.app.sendTask('aborted', [])
    await until(() => bench.noted('waiting').length > before)
    const [, pid] = bench.noted('waiting').at(-1)!
    const [task] = (await inspect().active())['w@host']!
    expect(task).toMatchObject({ id: result.id, worker_pid: pid })
    expect(pid === worker.pid).toBe(pool !== 'prefork')
    await bench.app.control.terminate(result.id, { ...target, reply: true })
  })

  it('ends what runs: its signal aborts, and the slot is free', async () => {
    const before = bench.noted('aborted:').length
    const result = await bench.app.sendTask('aborted', [])
    await until(async () => (await inspect().active())['w@host']!.length === 1)
    const reply = await bench.app.control.terminate(result.id, { ...target, reply: true })
    expect(reply).toEqual([{ 'w@host': { ok: `terminate: ${result.id}` } }])
    await until(() => bench.noted('aborted:').length > before)
    expect(bench.noted('aborted:').at(-1)![0]).toBe('aborted:TaskRevokedError')
    await expect(bench.app.result(result.id).get({ timeout: 25 })).rejects.toThrow(/revoked|terminated/)
    expect(await bench.call('add', [1, 2])).toBe(3)
  })

  const itApart = isApart ? it : undefined
  itApart?.('kills a child whose task listens to nobody', async () => {
    const before = bench.noted('spinning').length
    const result = await bench.app.sendTask('spin', [60])
    await until(() => bench.noted('spinning').length > before)
    const [, pid] = bench.noted('spinning').at(-1)!
    await bench.app.control.terminate(result.id, { ...target, signal: 'SIGKILL', reply: true })
    if (pool === 'prefork') await until(() => !isAlive(pid))
    await expect(bench.app.result(result.id).get({ timeout: 25 })).rejects.toThrow(/revoked|terminated/)
    expect(await bench.call('add', [1, 2])).toBe(3)
    // Killed on purpose: nobody runs it again.
    expect(bench.noted('spinning')).toHaveLength(before + 1)
    expect(worker.child.exitCode).toBeNull()
  })

  it('restarts its children, where workerPoolRestarts allows it', async () => {
    const reply = await bench.app.control.poolRestart({ ...target, reply: true })
    if (!isApart)
      return expect(reply).toEqual([
        { 'w@host': { error: `The pool ${pool} runs tasks in the worker itself: restart the worker.` } },
      ])
    expect(reply).toEqual([{ 'w@host': { ok: 'reload started' } }])
    const ids = async (): Promise<readonly number[]> => (await inspect().stats())['w@host']!.pool.processes
    await until(async () => (await ids()).length === 2)
    const before = await ids()
    const running = bench.noted('sleeping').length
    const result = await bench.app.sendTask('sleep', [0.5])
    await until(() => bench.noted('sleeping').length > running)
    await bench.app.control.poolRestart({ ...target, reply: true })
    // What runs ends where it runs; then nobody is left of those who were there.
    expect(await result.get({ timeout: 25 })).toBe(0.5)
    await until(async () => {
      const now = await ids()
      return now.length === 2 && !now.some((id) => before.includes(id))
    })
    expect(await bench.call('add', [1, 2])).toBe(3)
  })

  it('grows and shrinks, or says that it has one size', async () => {
    const sized = async (): Promise<number> => (await inspect().stats())['w@host']!.pool['max-concurrency']
    const reply = await bench.app.control.poolGrow(2, { ...target, reply: true })
    if (pool === 'solo') {
      const error = `AttributeError("'TaskPool' object has no attribute 'grow'")`
      return expect(reply).toEqual([{ 'w@host': { error } }])
    }
    expect(reply).toEqual([{ 'w@host': { ok: 'pool will grow' } }])
    expect(await sized()).toBe(4)
    await bench.app.control.poolShrink(3, { ...target, reply: true })
    expect(await sized()).toBe(1)
    expect(await bench.call('add', [1, 2])).toBe(3)
  })

  it('stops when it is told to', async () => {
    await bench.app.control.shutdown(target)
    expect(await worker.exited).toEqual({ code: 0, signal: null })
  })
})

it('a pool is not restarted where nobody allowed it', async () => {
  const worker = await bench.work({ pool: 'prefork', concurrency: 1 }, { RESTARTS: 'no' })
  expect(await bench.app.control.poolRestart({ ...target, reply: true })).toEqual([
    { 'w@host': { error: "ValueError('Pool restarts not enabled')" } },
  ])
  await worker.stop()
})

describe('autoscale', () => {
  it('is moved from afar', async () => {
    const worker = await bench.work({ pool: 'fiber', autoscale: { max: 3, min: 1 } })
    const reply = await bench.app.control.autoscale(5, 2, { ...target, reply: true })
    expect(reply).toEqual([{ 'w@host': { ok: 'autoscale now max=5 min=2' } }])
    const stats = await bench.app.control.inspect(target).stats()
    expect(stats['w@host']!.autoscaler).toMatchObject({ max: 5, min: 2, current: 1 })
    await worker.stop()
  })
})
