import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { xmap } from '../../src/canvas/map.js'
import { signature } from '../../src/canvas/signature.js'
import { type SignatureJson } from '../../src/canvas/wire.js'
import { readSettings, type SettingsInput } from '../../src/config.js'
import { decompose } from '../../src/runtime/decompose.js'
import type { Outgoing } from '../../src/runtime/plan.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'

const routerOf = (settings: SettingsInput = {}): Router => {
  const registry = new Registry()
  registry.add({ name: 'py.add', run: undefined, options: { queue: 'python' } })
  registry.add({ name: 'js.add', run: () => 0, options: {} })
  registry.add({ name: 'far.add', run: undefined, options: { exchange: 'far', routingKey: 'away' } })
  registry.add({ name: 'celery.accumulate', run: () => 0, options: {} })
  return new Router(readSettings(settings), registry)
}

const s = (task: string, options = {}) => signature(task, { options })

/** The messages of a canvas, each with its place decided. */
const routed = (node: object, settings?: SettingsInput): readonly Outgoing[] => {
  let ids = 0
  const plan = decompose(node as never, [], {}, { mint: () => `id-${(ids += 1)}`, nowMs: 0 })
  const router = routerOf(settings)
  return plan.steps.flatMap((step) => (step.do === 'publish' ? [router.route(step.message, 0).message] : []))
}

/** task → queue, for every plain task in a signature's dict, wherever it stands. */
const queues = (value: unknown, found: Record<string, unknown> = {}): Record<string, unknown> => {
  if (value === null || typeof value !== 'object') return found
  const { task, subtask_type: kind, options } = value as Partial<SignatureJson>
  if (typeof task === 'string' && kind === null) found[task] = options?.['queue']
  for (const part of Object.values(value)) queues(part, found)
  return found
}

describe('a step that travels inside another message', () => {
  it('says the queue of its task, which the worker before it may not know', () => {
    const [first] = routed(chain(s('js.add'), s('py.add'), s('nobody')))
    expect(queues(first?.embed)).toEqual({ 'py.add': 'python', nobody: undefined })
  })

  it('says the queue of a route', () => {
    const [first] = routed(chain(s('js.add'), s('nobody')), { taskRoutes: { nobody: { queue: 'routed' } } })
    expect(queues(first?.embed)).toEqual({ nobody: 'routed' })
  })

  it("says the app's default queue for the tasks of the app, unless it is Celery's own", () => {
    const canvas = chain(s('py.add'), s('js.add'), s('nobody'))
    expect(queues(routed(canvas, { taskDefaultQueue: 'js' })[0]?.embed)).toEqual({
      'js.add': 'js',
      nobody: undefined,
    })
    expect(queues(routed(canvas)[0]?.embed)).toEqual({ 'js.add': undefined, nobody: undefined })
  })

  it('keeps the place that it names itself', () => {
    const [first] = routed(chain(s('js.add'), s('py.add', { queue: 'own' }), s('far.add')))
    expect(queues(first?.embed)).toEqual({ 'py.add': 'own', 'far.add': undefined })
    const [other] = routed(chain(s('js.add'), s('py.add', { exchange: 'own', routingKey: 'key' })))
    expect(queues(other?.embed)).toEqual({ 'py.add': undefined })
  })

  it('does so in links, errbacks, groups, chords and bodies, at any depth', () => {
    const linked = s('nobody').link(s('py.add').linkError(s('js.add')))
    const [message] = routed(linked, { taskDefaultQueue: 'js' })
    expect(queues(message?.embed)).toEqual({ 'py.add': 'python', 'js.add': 'js' })

    const nested = chain(
      s('nobody'),
      chord([group(s('py.add'), s('js.add'))], chain(s('nobody'), s('py.add'))),
    )
    const [start] = routed(nested, { taskDefaultQueue: 'js' })
    expect(queues(start?.embed)).toEqual({ 'py.add': 'python', 'js.add': 'js', nobody: undefined })
  })

  it('leaves the tasks that every worker has to whoever sends them', () => {
    const [first] = routed(chain(s('nobody'), s('celery.accumulate')), { taskDefaultQueue: 'js' })
    expect(queues(first?.embed)).toEqual({ 'celery.accumulate': undefined })
  })
})

describe('a map', () => {
  it('goes where the task goes that it calls', () => {
    const [message] = decompose(xmap(s('py.add'), [1]) as never, [], {}, { mint: () => 'id', nowMs: 0 }).steps
    const place = routerOf().route((message as { message: Outgoing }).message, 0)
    expect(place.queue).toBe('python')
  })
})
