// taskRoutes and taskQueues: the forms that Celery users write.
import { describe, expect, it } from 'vitest'
import { readSettings, type SettingsInput } from '../../src/config.js'

const route = (taskRoutes: unknown, name: string) => {
  const { taskRoutes: routers } = readSettings({ taskRoutes } as SettingsInput, {})
  for (const router of routers) {
    const answer = router(name, [], {}, {})
    if (answer !== null) return answer
  }
  return null
}
const refusal = (input: Record<string, unknown>): string => {
  try {
    readSettings(input as SettingsInput, {})
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

describe('taskRoutes', () => {
  const map = {
    'feed.*': 'feeds',
    'feed.add': { queue: 'adds', routing_key: 'a.b', priority: 3 },
    '*': 'rest',
  }

  it('takes the exact name first, then patterns in their order', () => {
    expect(route(map, 'feed.add')).toEqual({ queue: 'adds', routingKey: 'a.b', priority: 3 })
    expect(route(map, 'feed.import')).toEqual({ queue: 'feeds' })
    expect(route(map, 'other')).toEqual({ queue: 'rest' })
  })

  it('reads `*` as any text and a dot as a dot, over the whole name', () => {
    expect(route({ 'a.*': 'q' }, 'ab.c')).toBeNull()
    expect(route({ '*.add': 'q' }, 'x.addition')).toBeNull()
    expect(route({ '*.add': 'q' }, 'x.y.add')).toEqual({ queue: 'q' })
  })

  it('takes RegExps in a Map or in pairs, with or without flags that remember', () => {
    const pattern = /(video|image)\.tasks\..*/g
    expect(route(new Map([[pattern, 'media']]), 'video.tasks.encode')).toEqual({ queue: 'media' })
    expect(
      route(
        [
          [pattern, 'media'],
          ['x', 'y'],
        ],
        'image.tasks.a',
      ),
    ).toEqual({ queue: 'media' })
    expect(route([[pattern, 'media']], 'image.tasks.a')).toEqual({ queue: 'media' })
    expect(route([[[pattern, 'media']], { x: 'y' }], 'x')).toEqual({ queue: 'y' })
  })

  it('takes functions, and lists in which the first answer counts', () => {
    const byPrefix = (name: string) => (name.startsWith('io.') ? 'io' : null)
    expect(route(byPrefix, 'io.read')).toEqual({ queue: 'io' })
    expect(route([byPrefix, { 'io.*': 'never', x: 'y' }], 'io.read')).toEqual({ queue: 'io' })
    expect(route([byPrefix, { x: 'y' }], 'x')).toEqual({ queue: 'y' })
    expect(route([byPrefix, { x: 'y' }], 'z')).toBeNull()
  })

  it('says what a function answered wrongly, when it does', () => {
    expect(() => route(() => 5, 'x')).toThrow(
      'taskRoutes for the task x: expected the name of a queue or an object such as { queue: "io" }, got 5',
    )
  })

  it('names the place of what it cannot read', () => {
    expect(refusal({ taskRoutes: { a: { que: 'x' } } })).toBe(
      'taskRoutes["a"]: unknown option "que". Did you mean queue?',
    )
    expect(refusal({ taskRoutes: [{ a: 'b' }, 'proj.routers.Router'] })).toBe(
      'taskRoutes[1]: expected an object of routes, a Map, a list of [name, route] pairs or a function, got "proj.routers.Router"',
    )
  })
})

describe('taskQueues', () => {
  const queues = (taskQueues: unknown) => [
    ...readSettings({ taskQueues } as SettingsInput, {}).taskQueues.values(),
  ]
  const plain = (name: string) => ({
    name,
    exchange: name,
    exchangeType: 'direct',
    routingKey: name,
    shared: undefined,
  })

  it('takes names, objects with names, and declarations by name, in order', () => {
    expect(queues(['b', 'a'])).toEqual([plain('b'), plain('a')])
    expect(queues('b, a')).toEqual([plain('b'), plain('a')])
    expect(queues([{ name: 'b' }])).toEqual([plain('b')])
    expect(queues({ b: {}, a: { exchange: 'x', routing_key: 'k' } })).toEqual([
      plain('b'),
      { name: 'a', exchange: 'x', exchangeType: 'direct', routingKey: 'k', shared: undefined },
    ])
  })

  it('may be shared with Python workers', () => {
    expect(queues({ legacy: { shared: true } })).toEqual([{ ...plain('legacy'), shared: true }])
  })

  it('refuses what is not available with a sentence', () => {
    expect(refusal({ taskQueues: { legacy: { shared: 'yes' } } })).toBe(
      'taskQueues.legacy.shared: expected true or false, got "yes"',
    )
    expect(refusal({ taskQueues: { q: { signed: 'md5' } } })).toBe(
      'taskQueues.q.signed: expected "hmac" or "auth", got "md5"',
    )
    expect(refusal({ taskQueues: ['a', 3] })).toBe('taskQueues[1]: expected the name of a queue, got 3')
    expect(refusal({ taskQueues: { q: { exchangeType: 'headers' } } })).toBe(
      'taskQueues.q.exchangeType: expected "direct", "topic" or "fanout", got "headers"',
    )
    expect(refusal({ taskQueues: { q: { exchangeType: 'fanout', shared: true } } })).toBe(
      'taskQueues.q: a fanout queue cannot be shared: each worker has its own copies.',
    )
  })
})
