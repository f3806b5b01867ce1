// Where a message goes: the call's word is the strongest, then the task's, then a route's, then the setting's.
import { describe, expect, it } from 'vitest'
import { readSettings, type SettingsInput } from '../../src/config.js'
import type { Outgoing } from '../../src/runtime/plan.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'
import type { TaskOptions } from '../../src/runtime/task.js'

const now = Date.parse('2030-01-01T00:00:00Z')

const routed = (call: Partial<Outgoing>, own: TaskOptions = {}, settings: SettingsInput = {}) => {
  const registry = new Registry()
  registry.add({ name: 'proj.add', run: () => 1, options: own })
  const message: Outgoing = {
    task: 'proj.add',
    id: 'one',
    args: [],
    kwargs: {},
    embed: { callbacks: null, errbacks: null, chain: null, chord: null },
    rootId: 'one',
    parentId: null,
    ...call,
  }
  return new Router(readSettings(settings, {}), registry).route(message, now)
}

const place = (...given: Parameters<typeof routed>) => {
  const { queue, address } = routed(...given)
  return { queue, exchange: address.exchange, key: address.routingKey }
}

const inQueue = (queue: string) => ({ queue, exchange: '', key: queue })
const routes = { taskRoutes: { 'proj.add': { queue: 'route' } } }

describe('a message goes', () => {
  it('to the default queue where nobody says anything', () => {
    expect(place({})).toEqual(inQueue('celery'))
    expect(place({}, {}, { taskDefaultQueue: 'mine' })).toEqual(inQueue('mine'))
  })

  it('where the strongest says: call, task, route', () => {
    expect(place({}, {}, routes)).toEqual(inQueue('route'))
    expect(place({}, { queue: 'task' }, routes)).toEqual(inQueue('task'))
    expect(place({ queue: 'call' }, { queue: 'task' }, routes)).toEqual(inQueue('call'))
  })

  it('to an exchange, when a stronger word names one than names a queue', () => {
    const exchange = { exchange: 'media', routingKey: 'feed.image' }
    expect(place(exchange, { queue: 'task' }, routes)).toEqual({
      queue: undefined,
      exchange: 'media',
      key: 'feed.image',
    })
    expect(place({ queue: 'call' }, exchange, routes)).toEqual(inQueue('call'))
    expect(place({ routingKey: 'other' }, exchange)).toEqual({
      queue: undefined,
      exchange: 'media',
      key: 'other',
    })
  })

  it('to the queue that is the key of the anonymous exchange', () => {
    expect(place({ exchange: '', routingKey: 'videos' }, { queue: 'task' })).toEqual(inQueue('videos'))
  })

  it('where a map’s inner task goes', () => {
    const map = { task: 'celery.map', kwargs: { task: { task: 'proj.add' }, it: [1] } }
    expect(place(map, { queue: 'task' })).toEqual(inQueue('task'))
    expect(place(map, {}, routes)).toEqual(inQueue('route'))
  })

  it('nowhere that is not declared, if only declared queues may be used', () => {
    const closed = { taskCreateMissingQueues: false, taskQueues: { videos: {} } }
    expect(place({ queue: 'videos' }, {}, closed)).toEqual(inQueue('videos'))
    expect(() => place({ queue: 'vidoes' }, {}, closed)).toThrow(
      'Queue "vidoes" is not declared, and taskCreateMissingQueues is false. Declared: celery, videos.',
    )
  })
})

describe('what a task says of its messages', () => {
  it('counts where the call says nothing', () => {
    const own: TaskOptions = {
      priority: 6,
      expires: 60,
      timeLimit: 30,
      softTimeLimit: 20,
      compression: 'gzip',
      ignoreResult: true,
    }
    const { message, address } = routed({}, own)
    expect(address.priority).toBe(6)
    expect(message).toMatchObject({
      expires: { ms: now + 60_000 },
      timeLimit: 30,
      softTimeLimit: 20,
      compression: 'gzip',
      ignoreResult: true,
    })
    const said = { priority: 0, timeLimit: 5, softTimeLimit: 4, compression: 'zlib', ignoreResult: false }
    const called = routed(said, own)
    expect(called.address.priority).toBe(0)
    expect(called.message).toMatchObject({
      timeLimit: 5,
      softTimeLimit: 4,
      compression: 'zlib',
      ignoreResult: false,
    })
  })

  it('leaves a message as it is where it says nothing either', () => {
    const message = { task: 'elsewhere' }
    expect(routed(message).message).toMatchObject(message)
    expect(routed(message, {}, { taskIgnoreResult: true }).message.ignoreResult).toBeUndefined()
  })
})

describe('a task is run by our workers alone', () => {
  const routerOf = (settings: SettingsInput, hasCode: boolean): Router => {
    const registry = new Registry()
    registry.add({ name: 'proj.add', run: hasCode ? () => 1 : undefined, options: { queue: 'own' } })
    return new Router(readSettings(settings, {}), registry)
  }
  const isOurs = (settings: SettingsInput = {}, { hasCode = true } = {}): boolean =>
    routerOf(settings, hasCode).isOurs('proj.add')

  it('when this app has its code', () => {
    expect(isOurs()).toBe(true)
    expect(isOurs({ taskQueues: { own: {} } })).toBe(true)
  })

  it('not when it is only declared, or when Python consumes its queue as well', () => {
    expect(isOurs({}, { hasCode: false })).toBe(false)
    expect(isOurs({ taskQueues: { own: { shared: true } } })).toBe(false)
  })

  it.each([
    ['its code is here', {}, true, true],
    ['it is only declared', {}, false, false],
    ['its queue is ours alone', { shared: false }, false, true],
    ['Python reads nothing of its queue', { signed: 'hmac' }, false, true],
    ['Python may read all of its queue', { signed: 'auth' }, false, false],
    ['Python consumes its queue, too', { shared: true }, true, false],
  ] as const)('whatever is signed, by what is said of its queue: %s', (_what, own, hasCode, wanted) => {
    expect(routerOf({ taskQueues: { own } }, hasCode).runsHere('proj.add')).toBe(wanted)
  })

  it('and not where messages are signed: pages beside them are not', () => {
    expect(isOurs({ taskQueues: { own: { signed: 'hmac' } } })).toBe(false)
    expect(isOurs({ taskSerializer: 'auth' })).toBe(false)
  })
})
