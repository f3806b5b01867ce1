// What is refused before anything is sent, and by which path it is named.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { chunks, xmap, xstarmap } from '../../src/canvas/map.js'
import { type AnySignature, type Node, signature } from '../../src/canvas/signature.js'
import { checkCanvas, checkLimits, usualLimits } from '../../src/runtime/check-canvas.js'
import { Registry } from '../../src/runtime/registry.js'
import type { TaskOptions } from '../../src/runtime/task.js'

const registryOf = (
  tasks: Record<string, [run: ((...args: any[]) => unknown) | undefined, TaskOptions?]>,
) => {
  const registry = new Registry()
  for (const [name, [run, options = {}]] of Object.entries(tasks)) registry.add({ name, run, options })
  return registry
}

const registry = registryOf({
  'proj.add': [(x: number, y: number) => x + y],
  'proj.upper': [(text: string) => text],
  'proj.scale': [(x: number, factor = 2) => x * factor],
  'proj.all': [(...all: unknown[]) => all],
  'proj.greet': [(name: string, title?: string) => [title, name], { params: ['name', 'title?'] }],
  'proj.free': [(x: number, y?: number) => [x, y], { typing: false }],
  'py.mul': [undefined, { params: ['x', 'y', 'z?'] }],
})

const sig = (task: string, ...args: unknown[]) => signature(task, { args })
const add = (...args: unknown[]) => sig('proj.add', ...args)
const upper = (...args: unknown[]) => sig('proj.upper', ...args)
const any = (build: unknown) => build as (...parts: unknown[]) => AnySignature

const said = (canvas: unknown, limits = usualLimits): string => {
  try {
    checkCanvas(canvas as Node, 0, registry, limits)
    return 'nothing'
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

describe('a missing argument', () => {
  it.each<[string, unknown, string]>([
    ['of a task', add(1), 'proj.add takes 2 arguments, but this signature gives it 1.'],
    ['of a step', chain(add(1, 2), add(1), add()), 'chain[2] (proj.add): takes 2 arguments, but'],
    [
      'of a member of a group in a chain',
      chain(add(1, 2), add(1), group(signature('proj.upper', { immutable: true }), add(1))),
      'chain[2].group[0] (proj.upper): takes 1 argument, but this signature gives it 0.',
    ],
    [
      'of a group of one, which the chain has taken out of it',
      chain(add(1, 2), add(1), any(group)(add())).linkError(upper()),
      'chain[2].group[0] (proj.add): takes 2 arguments, but this signature gives it 1.',
    ],
    [
      'of a header and of a body',
      chord([chain(add(1, 2), add())], add(1)),
      'chord.header[0].chain[1] (proj.add): takes',
    ],
    [
      'of a body that is a chain',
      chord([add(1, 2)], chain(upper(), add())),
      'chord.body.chain[1] (proj.add):',
    ],
    [
      'of a callback',
      chain(upper('a'), upper().link(add())),
      'chain[1].link[0] (proj.add): takes 2 arguments',
    ],
    ['of an errback', upper('a').linkError(add()), 'linkError[0] (proj.add): takes 2 arguments'],
    [
      'of a call of a map',
      xmap(sig('proj.add'), [1, 2]),
      'xmap calls proj.add, which takes 2 arguments, but item 0',
    ],
    [
      'of a row',
      group(any(chunks)(add(), [[1, 2], [3]], 1)),
      'group[0] (chunks): calls proj.add, which takes 2 arguments, but item 1 gives it fewer.',
    ],
    [
      'that params do not call optional',
      sig('py.mul', 1),
      'py.mul takes 3 arguments (x, y, z), but this signature gives it no y.',
    ],
  ])('%s', (_, canvas, words) => {
    expect(said(canvas)).toContain(`InvalidSignature: ${words}`)
  })

  it.each<[string, unknown]>([
    ['a default', sig('proj.scale', 1)],
    ['a rest parameter', sig('proj.all')],
    ['a mark in params', sig('proj.greet', 'you')],
    ['a mark in the params of a task that runs elsewhere', sig('py.mul', 1, 2)],
    ['typing: false', sig('proj.free')],
    ['a name that nobody knows here', sig('py.other')],
    ['keyword arguments', signature('proj.greet', { kwargs: { name: 'you' } })],
    ['what comes from the left', chain(upper('a'), upper(), add(1))],
    [
      'a header for its body, and a group of callbacks',
      chord([upper('a')], upper()).link(any(group)(upper(), add(1))),
    ],
    ['rows', any(xstarmap)(add(), [[1, 2]])],
  ])('is none where it is covered by %s', (_, canvas) => {
    expect(said(canvas)).toBe('nothing')
  })

  it('names that may stand behind an optional one must be optional', () => {
    expect(() => registryOf({ x: [undefined, { params: ['a?', 'b'] }] })).toThrow(
      'task "x": params: expected b to be optional (b?), for it stands behind a?.',
    )
  })
})

describe('data made by hand', () => {
  const brand = { [Symbol.for('lovage.signature')]: true }
  const common = { ...brand, args: [], kwargs: {}, options: {}, immutable: false }

  it('of no known kind', () => {
    const odd = { ...common, kind: 'choir', tasks: [] }
    expect(said(chain(add(1, 2), odd as never))).toContain(
      'chain[1] (choir): is of no known kind, but "choir".',
    )
  })

  it('a chord without a body', () => {
    const bodiless = { ...common, kind: 'chord', header: [add(1, 2)] }
    expect(said(group(bodiless as never))).toContain(
      'group[0] (chord): has no body: write chord(header, body)',
    )
    expect(() => any(chord)([add(1, 2)])).toThrow('chord.body: is not a signature, but undefined.')
    expect(() =>
      signature.from({ task: 'celery.chord', subtask_type: 'chord', kwargs: { header: [] } }),
    ).toThrow('the chord has no body')
  })

  it('a place where no signature stands', () => {
    const holed = { ...common, kind: 'group', tasks: [add(1, 2), undefined] }
    expect(said(chain(add(1, 2), holed as never))).toBe(
      'InvalidSignature: chain[1].group[1]: is not a signature, but undefined. Write task.s(…).',
    )
  })

  it('a chain without steps', () => {
    const empty = { ...common, kind: 'chain', tasks: [] }
    expect(said(group(add(1, 2), empty as never))).toBe(
      'InvalidSignature: group[1] (chain): has no steps, and needs at least one.',
    )
  })

  it('two tasks of one id, for a chord counts them once and waits', () => {
    const named = (...args: unknown[]) => add(...args).set({ taskId: 'mine' })
    expect(said(chord([named(1, 2), chain(upper('a'), named(1))], sig('proj.all')))).toBe(
      'InvalidSignature: chord.header[0] (proj.add): has the id "mine", as another task of this canvas has: ' +
        'each needs one of its own, or none.',
    )
    const told = sig('proj.all').set({ taskId: 'errback' })
    expect(said(group(named(1, 2).linkError(told), add(1, 2).linkError(told)))).toBe('nothing')
  })

  it('a canvas that contains itself', () => {
    const tasks: unknown[] = []
    const group = { ...common, kind: 'group', tasks }
    tasks.push({ ...common, kind: 'chain', tasks: [group] })
    expect(said(group)).toMatch(
      /^InvalidSignature: group\[0\]\.chain\[0\].*: contains itself: a canvas is a tree\.$/,
    )
    const json: Record<string, unknown> = { task: 'celery.chain', subtask_type: 'chain' }
    json['kwargs'] = { tasks: [json] }
    expect(() => signature.from(json)).toThrow('A signature contains itself')
  })
})

describe('limits', () => {
  const nested = (depth: number): AnySignature =>
    Array.from({ length: depth }).reduce<AnySignature>((body) => any(chord)([add(1, 2)], body), upper())

  it('on depth', () => {
    expect(said(nested(4), { ...usualLimits, canvasMaxDepth: 5 })).toBe('nothing')
    expect(said(nested(5), { ...usualLimits, canvasMaxDepth: 5 })).toContain(
      'chord.body.chord.body.chord.body.chord.body.chord.body (proj.upper): stands deeper than 5 signatures in each other.',
    )
  })

  it('on size', () => {
    const wide = any(group)(Array.from({ length: 100 }, () => add(1, 2)))
    expect(said(wide, { ...usualLimits, canvasMaxSize: 101 })).toBe('nothing')
    expect(said(wide, { ...usualLimits, canvasMaxSize: 100 })).toMatch(
      /is one too many: a canvas has at most 100/,
    )
  })

  it('hold for what comes from the wire, whose arguments nobody counts', () => {
    expect(() => checkLimits(chain(add(), add()) as unknown as Node, usualLimits)).not.toThrow()
    expect(() => checkLimits(nested(5) as unknown as Node, { ...usualLimits, canvasMaxDepth: 5 })).toThrow(
      'stands deeper than 5',
    )
  })
})
