import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { signature } from '../../src/canvas/signature.js'
import { fromJSON, toJSON } from '../../src/canvas/wire.js'
import { InvalidSignature } from '../../src/errors.js'
import { add, mul, tsum } from './tasks.js'

const dict = (more: object = {}) => ({
  task: 'proj.add',
  args: [],
  kwargs: {},
  options: {},
  subtask_type: null,
  immutable: false,
  ...more,
})
const again = (json: unknown) => JSON.parse(JSON.stringify(toJSON(fromJSON(json))))
const composite = (kind: string, kwargs: object, more: object = {}) =>
  dict({ task: `celery.${kind}`, kwargs, subtask_type: kind, ...more })

describe('reading', () => {
  it('needs the task alone', () => {
    expect(fromJSON({ task: 'proj.add' })).toEqual(add.s())
    expect(fromJSON(dict({ args: null, kwargs: null, options: null, immutable: null }))).toEqual(add.s())
  })

  it('gives a signature with its methods, children too', () => {
    const read = signature.from(chain(add.s(1, 2), mul.s(3)).toJSON())
    expect(Object.isFrozen(read)).toBe(true)
    expect(read.pipe(add.s(4))).toEqual(chain(add.s(1, 2), mul.s(3), add.s(4)))
    expect(String((read as any).tasks[0])).toBe('proj.add(1, 2)')
  })

  it('takes a null option for none', () => {
    const options = { root_id: null, priority: null, chain: [], task_id: null, link: null, queue: 'q' }
    expect(fromJSON(dict({ options })).options).toEqual({ chain: [], queue: 'q' })
  })

  it('reads callbacks in an array or alone, and writes an array', () => {
    for (const link of [dict({ args: [1] }), [dict({ args: [1] })]]) {
      const read = fromJSON(dict({ options: { link, link_error: link } }))
      expect(read.options).toEqual({ link: [add.s(1)], linkError: [add.s(1)] })
      expect(toJSON(read).options).toEqual({ link: [dict({ args: [1] })], link_error: [dict({ args: [1] })] })
    }
  })

  it('tells stamps from options by stamped_headers', () => {
    const options = { stamped_headers: ['customer'], customer: 'acme', tenant: 7 }
    expect(fromJSON(dict({ options })).options).toEqual({
      stampedHeaders: ['customer'],
      stamps: { customer: 'acme' },
      other: { tenant: 7 },
    })
    expect(again(dict({ options })).options).toEqual(options)
  })

  it('keeps dates that the serializer has made of tagged values', () => {
    const eta = new Date(0)
    expect(fromJSON(dict({ options: { eta, expires: eta } })).options).toEqual({ eta, expires: eta })
  })

  it('takes signatures of this side where dicts are expected', () => {
    expect(fromJSON(composite('chain', { tasks: [add.s(1, 2), mul.s(3).toJSON()] }))).toEqual(
      chain(add.s(1, 2), mul.s(3)),
    )
    expect(fromJSON(add.s(1, 2))).toEqual(add.s(1, 2))
  })

  it('reads a header that is an array, a group or one signature', () => {
    const body = tsum.s().toJSON()
    const header = [add.s(1, 1).toJSON()]
    const expected = chord([add.s(1, 1)], tsum.s())
    expect(fromJSON(composite('chord', { kwargs: {}, header, body }))).toEqual(expected)
    expect(fromJSON(composite('chord', { header: header[0], body }))).toEqual(expected)
    const asGroup = composite('group', { tasks: header }, { options: { task_id: 'gid' } })
    expect(fromJSON(composite('chord', { header: asGroup, body }))).toMatchObject({
      header: [add.s(1, 1)],
      headerOptions: { taskId: 'gid' },
    })
  })

  it.each(['xmap', 'xstarmap', 'chunks'])('knows a map by its task or by its subtask_type: %s', (kind) => {
    const task = { xmap: 'celery.map', xstarmap: 'celery.starmap', chunks: 'celery.chunks' }[kind]!
    const json = dict({
      task,
      kwargs: { task: dict(), it: [[1, 2]], ...(kind === 'chunks' && { n: 2 }) },
      immutable: true,
    })
    expect(fromJSON(json)).toMatchObject({ kind, task: add.s(), it: [[1, 2]], kwargs: {} })
    expect(fromJSON({ ...json, subtask_type: kind })).toEqual(fromJSON(json))
    expect(again({ ...json, subtask_type: kind })).toEqual(json)
  })

  it('takes a map whose arguments are elsewhere for the task that it is', () => {
    const json = dict({ task: 'celery.map', args: [dict(), [1, 2]] })
    expect(fromJSON(json).kind).toBe('task')
    expect(again(json)).toEqual(json)
  })
})

describe('what nobody here knows', () => {
  it.each([
    ['top-level keys', dict({ chord_size: 2, lovage: { g: 1 } })],
    ['options', dict({ options: { my_option: { deep: [null] }, other: 1, stamps: 2 } })],
    ['a kind', dict({ subtask_type: 'abortable' })],
    ['a task name of a chain', composite('chain', { tasks: [dict()] }, { task: 'proj.my_chain' })],
    ['kwargs of a chain', composite('chain', { tasks: [dict()], extra: 1 })],
    [
      'kwargs of a chord',
      composite('chord', { kwargs: { k: 1 }, header: [dict()], body: dict(), interval: 5 }),
    ],
    [
      'keys of a header',
      composite('chord', {
        kwargs: {},
        header: composite('group', { tasks: [dict()] }, { args: [1], immutable: true, chord_size: 1 }),
        body: dict(),
      }),
    ],
    ['kwargs of a map', dict({ task: 'celery.map', kwargs: { task: dict(), it: [1], more: 2 } })],
    ['arguments of a group', composite('group', { tasks: [dict({ chord_size: 1 })] }, { args: [1] })],
  ])('is written as it was read: %s', (_what, json) => {
    expect(again(json)).toEqual(json)
  })

  it('stays through changes', () => {
    const read = signature.from(dict({ chord_size: 2, options: { mine: 1 } }))
    const changed = read.set({ queue: 'q' }).link(add.s(1)).clone([1])
    expect(changed.toJSON()).toMatchObject({ chord_size: 2, options: { mine: 1, queue: 'q' } })
  })
})

describe('keys of prototypes', () => {
  const poison = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}'

  it('are keys like any other, wherever they stand', () => {
    const json = JSON.parse(
      `{"task": "t", "__proto__": {"polluted": 1}, "kwargs": ${poison}, "options": ${poison}, "args": [${poison}]}`,
    )
    const read = signature.from(json).set({ queue: 'q' }).clone([1])
    for (const value of [read, read.kwargs, read.options, read.options.other, {}] as any[])
      expect(value.polluted).toBeUndefined()
    const { args, kwargs, options } = JSON.parse(JSON.stringify(read))
    expect(JSON.stringify(kwargs)).toBe(JSON.stringify(JSON.parse(poison)))
    expect(JSON.stringify(args[1])).toBe(JSON.stringify(JSON.parse(poison)))
    expect(Object.keys(options)).toEqual(['__proto__', 'constructor', 'queue'])
  })

  it('do not change what a stamp or a kwarg of a chord is', () => {
    const options = JSON.parse('{"stamped_headers": ["__proto__"], "__proto__": {"polluted": 1}}')
    const read = fromJSON(dict({ options }))
    expect(Object.keys(read.options.stamps!)).toEqual(['__proto__'])
    expect((read.options as any).polluted).toBeUndefined()
    const kwargs = JSON.parse('{"tasks": [], "__proto__": {"polluted": 1}}')
    expect(Object.keys(fromJSON(composite('group', kwargs)).kwargs)).toEqual(['__proto__'])
  })
})

describe('what cannot be read', () => {
  const link = dict({ options: { link: [dict(), { task: '' }] } })
  it.each([
    [null, 'A signature in JSON: expected an object with "task", but got null.'],
    [[], 'expected an object with "task", but got an array of 0.'],
    [{}, '"task" expects a task\'s name, but got undefined.'],
    [dict({ args: 'ab' }), 'args expects an array, but got "ab".'],
    [dict({ kwargs: [1] }), 'kwargs expects an object, but got an array of 1.'],
    [dict({ options: 'x' }), 'options expects an object, but got "x".'],
    [dict({ options: { priority: 'high' } }), 'options.priority expects a number, but got "high".'],
    [dict({ options: { link: 'x' } }), 'options.link expects an array, but got "x".'],
    [dict({ options: { chord: [] } }), 'options.chord expects a signature, but got an array of 0.'],
    [link, 'A signature in JSON, at options.link[1]: "task" expects a task\'s name, but got "".'],
    [composite('chain', { tasks: {} }), 'kwargs.tasks expects an array, but got an object.'],
    [composite('chain', { tasks: [dict(), 3] }), 'at tasks[1]: expected an object with "task", but got 3.'],
    [composite('chord', { header: [], body: null }), 'the chord has no body.'],
    [
      composite('chord', { header: 3, body: dict() }),
      'at header[0]: expected an object with "task", but got 3.',
    ],
    [
      composite('chord', { header: [dict(), composite('group', { tasks: [link] })], body: dict() }),
      'at header[1].tasks[0].options.link[1]:',
    ],
    [
      dict({ task: 'celery.chunks', kwargs: { task: dict(), it: [], n: 0 } }),
      'kwargs.n expects a whole number from 1, but got 0.',
    ],
  ])('is an InvalidSignature with its path: %#', (json, words) => {
    expect(() => fromJSON(json)).toThrow(InvalidSignature)
    expect(() => fromJSON(json)).toThrow(words)
  })

  it('is a dict that contains itself', () => {
    const json = composite('chain', { tasks: [] as unknown[] })
    ;(json.kwargs as { tasks: unknown[] }).tasks.push(composite('group', { tasks: [json] }))
    expect(() => fromJSON(json)).toThrow('A signature contains itself, at tasks[0].tasks[0].')
  })
})
