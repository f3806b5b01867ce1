// Events of workers with each pool: what runs in a child is told as what runs here.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EventStream, OwnEvent } from '../../../src/index.js'
import type { Running } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, openBench, pools } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

describe.each(pools)('a worker with the pool %s', (pool) => {
  let worker: Running
  let stream: EventStream<'*'>
  const heard: OwnEvent[] = []

  beforeAll(async () => {
    stream = await bench.app.events('*').ready()
    void (async () => {
      for await (const event of stream) heard.push(event)
    })()
    worker = await bench.work({ pool, taskEvents: true, ...(pool !== 'solo' && { concurrency: 1 }) })
  })
  afterAll(async () => {
    await worker.stop()
    await stream.close()
  })

  /** All that was told of a task, its end included. */
  const told = (id: string): Promise<readonly OwnEvent[]> =>
    until(() => {
      const mine = heard.filter(({ uuid }) => uuid === id)
      return mine.some(({ type }) => /-(succeeded|failed|revoked)$/.test(type)) ? mine : undefined
    })
  const typesOf = (events: readonly OwnEvent[]) => events.map(({ type }) => type)

  it('tells how a task went', async () => {
    const { id } = await bench.app.sendTask('add', [2, 3])
    const events = await told(id)
    expect(typesOf(events)).toEqual(['task-received', 'task-started', 'task-succeeded'])
    expect(events.at(-1)).toMatchObject({ hostname: 'w@host', pid: worker.pid, result: '5' })
  })

  it('tells why one failed', async () => {
    const { id } = await bench.app.sendTask('fail', [])
    const events = await told(id)
    expect(typesOf(events)).toEqual(['task-received', 'task-started', 'task-failed'])
    expect(events.at(-1)).toMatchObject({
      exception: "TypeError('boom')",
      traceback: expect.stringContaining('RangeError: deep'),
    })
  })

  it('tells what a task says of itself, and from which process', async () => {
    const result = await bench.app.sendTask('tell', [{ percent: 50 }])
    const pid = await result.get({ timeout: 25 })
    const events = await told(result.id)
    expect(typesOf(events)).toEqual(['task-received', 'task-started', 'task-progress', 'task-succeeded'])
    expect(events[2]).toMatchObject({ hostname: 'w@host', pid, percent: 50 })
    expect(pid === worker.pid).toBe(pool !== 'prefork')
  })

  it('what a task says wrongly is its own failure', async () => {
    const call = (fields: object) => bench.call('tell', [fields])
    await expect(call({ children: [] })).rejects.toThrow(
      '"children" of task-progress has a meaning of its own',
    )
    await expect(call({ cannot: 'travel' })).rejects.toThrow(/task-progress/)
  })

  it('tells that one was ended from afar', async () => {
    const before = bench.noted('waiting').length
    const { id } = await bench.app.sendTask('aborted', [])
    await until(() => bench.noted('waiting').length > before)
    await bench.app.control.terminate(id)
    const events = await told(id)
    expect(typesOf(events)).toEqual(['task-received', 'task-started', 'task-revoked'])
    expect(events.at(-1)).toMatchObject({ terminated: true, signum: 15, expired: false })
  })
})
