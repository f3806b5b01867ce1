// Workers and tasks as a monitor sees them, from events in whatever order they come.
import { describe, expect, it } from 'vitest'
import { Cluster } from '../../src/monitor/cluster.js'
import type { OwnEvent } from '../../src/runtime/events.js'

const event = (type: string, more: Record<string, unknown> = {}): OwnEvent => ({
  type,
  hostname: 'w@host',
  timestamp: 100,
  ...more,
})
const state = (...types: string[]) => {
  const cluster = new Cluster(10)
  for (const type of types) cluster.hear(event(type, { uuid: 'id' }), 0)
  return cluster.task('id')?.state
}

describe('a task', () => {
  it.each([
    ['PENDING', ['task-sent']],
    ['SUCCESS', ['task-sent', 'task-received', 'task-started', 'task-succeeded']],
    ['RECEIVED', ['task-received', 'task-sent']],
    ['SUCCESS', ['task-succeeded', 'task-started', 'task-received', 'task-progress']],
    ['PROGRESS', ['task-received', 'task-started', 'task-progress']],
    ['STARTED', ['task-started', 'task-retried', 'task-received', 'task-started']],
    ['RETRY', ['task-started', 'task-retried']],
    ['RECEIVED', ['task-started', 'task-cancelled', 'task-received']],
    ['REVOKED', ['task-received', 'task-started', 'task-revoked']],
    ['REJECTED', ['task-rejected']],
    ['FAILURE', ['task-failed', 'task-revoked']],
  ])('is %s after %j', (expected, types) => {
    expect(state(...types)).toBe(expected)
  })

  it('is filled by what comes late', () => {
    const cluster = new Cluster(10)
    cluster.hear(event('task-succeeded', { uuid: 'id', result: '5', runtime: 0.5, timestamp: 103 }), 0)
    cluster.hear(
      event('task-received', { uuid: 'id', name: 't', args: '(2, 3)', kwargs: '{}', retries: 1 }),
      0,
    )
    cluster.hear(event('task-sent', { uuid: 'id', hostname: 'gen1@client', timestamp: 99 }), 0)
    expect(cluster.task('id')).toMatchObject({
      name: 't',
      args: '(2, 3)',
      result: '5',
      runtime: 0.5,
      retries: 1,
      worker: 'w@host',
      firstAt: 99,
      lastAt: 103,
    })
  })

  it('is forgotten when there are too many', () => {
    const cluster = new Cluster(2)
    for (const uuid of ['a', 'b', 'c']) cluster.hear(event('task-started', { uuid }), 0)
    expect(cluster.tasks(10).map(({ uuid }) => uuid)).toEqual(['c', 'b'])
    expect(cluster.tasks(1).map(({ uuid }) => uuid)).toEqual(['c'])
  })

  it('is counted once for each state', () => {
    const cluster = new Cluster(10)
    for (const type of ['task-started', 'task-succeeded', 'task-started'])
      cluster.hear(event(type, { uuid: 'a' }), 0)
    expect(Object.fromEntries(cluster.totals)).toEqual({ STARTED: 1, SUCCESS: 1 })
  })
})

describe('a worker', () => {
  const beat = {
    freq: 2,
    active: 1,
    processed: 7,
    loadavg: [1, 2, 3],
    sw_ident: 'lovage',
    sw_ver: '1',
    pid: 9,
  }

  it('is alive for two heartbeats', () => {
    const cluster = new Cluster(10)
    cluster.hear(event('worker-heartbeat', beat), 50)
    expect(cluster.workers(53.9)).toEqual([
      {
        hostname: 'w@host',
        alive: true,
        software: 'lovage 1',
        pid: 9,
        active: 1,
        processed: 7,
        load: [1, 2, 3],
        heardAt: 50,
      },
    ])
    expect(cluster.workers(54)[0]).toMatchObject({ alive: false })
    expect(cluster.workers(5000)).toEqual([])
  })

  it('says goodbye, and comes back', () => {
    const cluster = new Cluster(10)
    cluster.hear(event('worker-online', beat), 0)
    cluster.hear(event('worker-offline', beat), 1)
    expect(cluster.workers(1)[0]).toMatchObject({ alive: false })
    cluster.hear(event('worker-online', beat), 2)
    expect(cluster.workers(2)[0]).toMatchObject({ alive: true })
  })

  it('that answers shortly keeps what it said at length', () => {
    const cluster = new Cluster(10)
    cluster.hear(event('worker-heartbeat', { ...beat, freq: 10 }), 0)
    cluster.hear(event('worker-heartbeat', { freq: 5 }), 1)
    expect(cluster.workers(20)[0]).toMatchObject({ alive: true, active: 1, processed: 7 })
  })
})
