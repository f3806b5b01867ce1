// The rules of building (Celery's `|`), and what is refused.
import { describe, expect, it } from 'vitest'
import { chain, normalise } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node } from '../../src/canvas/node.js'
import { immutable, pipe, signature } from '../../src/canvas/signature.js'
import { InvalidSignature } from '../../src/errors.js'
import { add, mul, onError, task, tsum, upper } from './tasks.js'

// Any signatures in any order: what fits is a matter of types, and here of shapes.
const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((name) => signature(name)) as [any, any, any, any, any]
const loose = (value: unknown): any => value
const node = (value: unknown): Node => value as Node
const show = (value: unknown): string => String(value)

describe('a chain', () => {
  it('takes steps one by one or in an array', () => {
    expect(chain([a, b])).toEqual(chain(a, b))
    expect(loose(chain(a, b)).tasks).toEqual([a, b])
  })

  it('has nested chains spliced in', () => {
    expect(chain(chain(a, b), chain(c, chain(d, e)))).toEqual(chain(a, b, c, d, e))
    expect(chain(a, b).pipe(chain(c, d))).toEqual(chain(a, b, c, d))
  })

  it('of one step is a chain of one', () => {
    expect(chain(a)).toMatchObject({ kind: 'chain', tasks: [a] })
  })

  it('has a group of one as that task', () => {
    expect(chain(a, group(b), c)).toEqual(chain(a, b, c))
    expect(chain(group(a), b)).toEqual(chain(a, b))
    expect(chain(a, group(group(b)))).toEqual(chain(a, b))
    expect(chain(a, group(chain(b, c)))).toEqual(chain(a, b, c))
  })

  it('keeps a group at the end a group', () => {
    expect(chain(a, group(b, c))).toMatchObject({ kind: 'chain', tasks: [a, group(b, c)] })
    expect(chain(group(b, c))).toEqual(group(b, c))
  })

  it('makes a group with something behind it a chord, whose body is the rest', () => {
    expect(chain(group(a, b), c)).toEqual(chord([a, b], c))
    expect(chain(a, group(b, c), d)).toMatchObject({ kind: 'chain', tasks: [a, chord([b, c], d)] })
    expect(loose(chain(a, group(b, c), d, e)).tasks[1]).toEqual(chord([b, c], chain(d, e)))
    expect(a.pipe(group(b, c), d, e)).toEqual(chain(a, group(b, c), d, e))
    expect(a.pipe(group(b, c)).pipe(d).pipe(e)).toEqual(chain(a, group(b, c), d, e))
  })

  it('goes on from the body of a chord', () => {
    expect(chain(chord([a, b], c), d)).toEqual(chord([a, b], chain(c, d)))
    expect(chord([a, b], c).pipe(d, e)).toEqual(chord([a, b], chain(c, d, e)))
    expect(chain(chord([a, b], c), group(d, e))).toEqual(chord([a, b], chain(c, group(d, e))))
    expect(chain(chord([a, b], group(c, d)), e)).toEqual(chord([a, b], chord([c, d], e)))
  })

  it('puts one chord into the body of the other', () => {
    const expected = chord([a, b], chord([c, d], e))
    expect(chain(group(a, b), group(c, d), e)).toEqual(expected)
    expect(group(a, b).pipe(group(c, d)).pipe(e)).toEqual(expected)
    expect(chain(chord([a, b], c), chord([d, d], e))).toEqual(chord([a, b], chain(c, chord([d, d], e))))
  })

  it('lets an empty group stand: its chord runs the body with nothing', () => {
    expect(chain(a, group(), b)).toMatchObject({ tasks: [a, { kind: 'chord', header: [], body: b }] })
  })

  it('hands the options of a spliced chain to its ends', () => {
    const inner = chain(a, b).set({ queue: 'q', link: d, taskId: 'id-of-b' }).linkError(e)
    const steps = loose(chain(inner, c)).tasks
    expect(steps.map((step: Node) => step.options)).toEqual([
      { queue: 'q', linkError: [e] },
      { taskId: 'id-of-b', link: [d], linkError: [e] },
      {},
    ])
  })

  it('hands the arguments of a spliced chain to its first step', () => {
    const inner = loose(chain(signature('a', { args: [2] }), b)).clone([1])
    expect(loose(chain(c, inner)).tasks[1].args).toEqual([1, 2])
    expect(loose(chain(c, immutable(inner))).tasks[1]).toMatchObject({ args: [1, 2], immutable: true })
  })

  it('keeps the options of a group as those of the header', () => {
    expect(chain(group(a, b).set({ queue: 'q' }), c)).toMatchObject({
      headerOptions: { queue: 'q' },
      options: {},
    })
    expect(loose(chain(c, group(a).set({ queue: 'q' }))).tasks[1]).toEqual(a.set({ queue: 'q' }))
  })

  it('leaves its steps as they were', () => {
    const inner = chord([a, b], c)
    chain(inner, d)
    expect(inner).toEqual(chord([a, b], c))
  })

  it('does not share what may change: the result is frozen through', () => {
    expect(Object.isFrozen(loose(chain(a, group(b, c), d)).tasks[1].header)).toBe(true)
  })
})

describe('pipe', () => {
  it('from a group is a chord, even from a group of one', () => {
    expect(group(a, b).pipe(c)).toEqual(chord([a, b], c))
    expect(group(a).pipe(c, d)).toEqual(chord([a], chain(c, d)))
  })

  it('of nothing is the signature itself', () => {
    expect(a.pipe()).toBe(a)
  })

  it('is the same as a function', () => {
    expect(pipe(a, b, c)).toEqual(a.pipe(b, c))
  })
})

describe('a chord', () => {
  it('takes an array, a group or one signature as its header', () => {
    expect(chord(group(a, b), c)).toEqual(chord([a, b], c))
    expect(chord(a, c)).toEqual(chord([a], c))
    expect(chord([], c)).toMatchObject({ header: [], body: c })
  })

  it('keeps the options of a group that is its header', () => {
    expect(chord(group(a, b).set({ taskId: 'gid' }), c)).toMatchObject({ headerOptions: { taskId: 'gid' } })
  })
})

describe('a group', () => {
  it('takes members one by one, in an array, or none', () => {
    expect(group([a, b])).toEqual(group(a, b))
    expect(loose(group([])).tasks).toEqual([])
    expect(loose(group()).tasks).toEqual([])
  })

  it('keeps groups in it as they are', () => {
    expect(loose(group(a, group(b, c))).tasks).toEqual([a, group(b, c)])
  })
})

describe('maps', () => {
  it('know the task and the items, and take nothing from the left', () => {
    expect(upper.map(['x', 'y'])).toMatchObject({
      kind: 'xmap',
      task: upper.s(),
      it: ['x', 'y'],
      immutable: true,
    })
    expect(add.starmap([[1, 2]])).toMatchObject({ kind: 'xstarmap', it: [[1, 2]] })
    expect(add.chunks([[1, 2]], 10)).toMatchObject({ kind: 'chunks', n: 10 })
  })

  it.each([
    [() => loose(upper).map('xy'), 'xmap expects an array of items, but got "xy".'],
    [
      () => loose(add).starmap([[1, 2], 3]),
      'xstarmap expects an array of arguments for each call, but item 1 is 3.',
    ],
    [() => add.chunks([[1, 2]], 0), 'chunks expects the size of a chunk, a whole number from 1, but got 0.'],
    [() => loose(add).chunks([[1, 2]]), 'but got undefined.'],
  ])('refuse what they cannot call: %#', (build, words) => {
    expect(build).toThrow(words)
  })
})

describe('what is no signature', () => {
  it.each([
    [() => loose(chain)(), 'A chain needs at least one step, but it has none.'],
    [() => loose(chain)([]), 'A chain needs at least one step, but it has none.'],
    [() => chain(loose(undefined)), 'chain[0]: is not a signature, but undefined. Write task.s(…).'],
    [() => chain(a, loose(3)), 'chain[1]: is not a signature, but 3.'],
    [() => chain(a, loose([b, c])), 'chain[1]: is not a signature, but an array of 2.'],
    [
      () =>
        chain(
          a,
          loose(() => 1),
        ),
      'chain[1]: is not a signature, but the function (anonymous).',
    ],
    [
      () => chain(loose(callable), a),
      'chain[0]: is the task proj.double itself. Write double.s(…), or double.si(…) to take nothing from the left.',
    ],
    [
      () => chain(a, loose(Promise.resolve())),
      'chain[1]: is a promise: a call that was sent already. Write .s(…) for .delay(…).',
    ],
    [
      () => chain(a, loose({ ...b })),
      'chain[1]: has the data of a signature but not its methods. Was it copied with { ...sig }?',
    ],
    [
      () => chain(a, loose(b.toJSON())),
      "chain[1]: is a plain object. Read Celery's JSON with signature.from(json).",
    ],
    [() => a.pipe(loose(null)), 'pipe[0]: is not a signature, but null.'],
    [() => group(a, loose('b')), 'group[1]: is not a signature, but "b".'],
    [() => chord([a, loose(callable)], b), 'chord.header[1]: is the task proj.double itself.'],
    [() => chord(loose(undefined), b), 'chord.header[0]: is not a signature, but undefined.'],
    [() => chord([a], loose(undefined)), 'chord.body: is not a signature, but undefined.'],
    [() => a.link(loose(callable)), 'A callback is the task proj.double itself. Write double.s(…)'],
    [
      () => group(loose((function* () {})())),
      'group[0]: is not a signature, but an object of a class without a name.',
    ],
    [() => a.linkError(loose({})), 'An errback is not a signature, but an object.'],
    [() => loose(a.link).call({}, b), 'What link() is called on is not a signature, but an object.'],
  ])('is refused in a sentence: %#', (build, words) => {
    expect(build).toThrow(InvalidSignature)
    expect(build).toThrow(words)
  })

  const callable = Object.assign((x: number) => 2 * x, task<(x: number) => number>('proj.double'))
})

describe('normalise', () => {
  const byHand = (...tasks: unknown[]) =>
    node(signature.from({ task: 'celery.chain', subtask_type: 'chain', kwargs: { tasks }, options: {} }))

  it('gives a chain written by hand the shape of a built one', () => {
    expect(normalise(byHand(a, group(b, c), d))).toEqual(chain(a, group(b, c), d))
    expect(normalise(byHand(a, byHand(b, group(c)), d))).toEqual(chain(a, b, c, d))
    expect(normalise(byHand(group(a, b), c))).toEqual(chord([a, b], c))
    expect(normalise(byHand(chord([a], b), c))).toEqual(chord([a], chain(b, c)))
  })

  it('reaches every chain, however deep, those in links too', () => {
    const deep = byHand(a, group(b, c), d)
    expect(normalise(node(group(loose(deep), e)))).toEqual(group(chain(a, group(b, c), d), e))
    expect(normalise(node(chord([loose(deep)], loose(deep))))).toEqual(
      chord([chain(a, group(b, c), d)], chain(a, group(b, c), d)),
    )
    expect(normalise(node(a.link(deep)))).toEqual(a.link(chain(a, group(b, c), d)))
  })

  it('keeps the options of a chain that stays one, and hands them down where it does not', () => {
    const stays = loose(byHand(a, group(b, c), d)).set({ queue: 'q' })
    expect(normalise(stays)).toEqual(chain(a, group(b, c), d).set({ queue: 'q' }))
    const becomesChord = loose(byHand(group(a, b), c))
      .set({ queue: 'q', taskId: 'end' })
      .linkError(onError.s())
    expect(normalise(becomesChord)).toMatchObject({
      kind: 'chord',
      options: { queue: 'q', taskId: 'end' },
      body: { options: { linkError: [onError.s()] } },
    })
  })

  it('gives back the same object where nothing is to be done', () => {
    const built = node(chain(a, group(b, c), d).link(e))
    expect(normalise(built)).toBe(built)
  })

  it('refuses a chain without steps', () => {
    expect(() => normalise(byHand())).toThrow('A chain needs at least one step')
  })
})

// The limits are wide: they tell what grows with the square from what does not, on any machine.
describe('size', { timeout: 30_000 }, () => {
  const steps = Array.from({ length: 10_000 }, (_, i) => mul.s(i))
  const quickly = (work: () => void) => {
    const start = performance.now()
    work()
    expect(performance.now() - start).toBeLessThan(10_000)
  }

  it('a chain of 10 000 steps is built, written, read, normalised and printed', () => {
    quickly(() => {
      const long = chain(...loose(steps))
      const json = JSON.stringify(long)
      const again = signature.from(JSON.parse(json))
      expect(loose(again).tasks).toHaveLength(10_000)
      expect(normalise(node(again))).toBe(again)
      expect(show(again)).toBe(
        'proj.mul(0) | proj.mul(1) | proj.mul(2) | proj.mul(3) | proj.mul(4) | proj.mul(5) | … 9988 more | ' +
          'proj.mul(9994) | proj.mul(9995) | proj.mul(9996) | proj.mul(9997) | proj.mul(9998) | proj.mul(9999)',
      )
      expect(loose(long.linkError(onError.s()).pipe(upper.s() as never)).tasks).toHaveLength(10_001)
    })
  })

  it('a chain of 10 000 steps is built by one pipe after the other', () => {
    quickly(() => {
      let long = loose(mul.s(0))
      for (let i = 0; i < 10_000; i++) long = long.pipe(steps[i])
      expect(long.tasks).toHaveLength(10_001)
    })
  })

  it('a chain of 5 000 groups is a chord nested 4 999 deep, and everything can be done with it', () => {
    quickly(() => {
      const deep = chain(...loose(Array.from({ length: 5_000 }, (_, i) => group(add.s(i), mul.s(i)))))
      let depth = 0
      for (let at = loose(deep); at.kind === 'chord'; at = at.body) depth++
      expect(depth).toBe(4_999)
      const again = signature.from(deep.toJSON())
      expect(normalise(node(again))).toBe(again)
      expect(show(deep.pipe(tsum.s() as never)).endsWith(')')).toBe(true)
      deep.link(tsum.s()).linkError(onError.s())
    })
  })

  it('nesting of 1 000 kinds in turn is no matter', () => {
    let nested = loose(add.s(1, 1))
    for (let i = 0; i < 1_000; i++)
      nested = [group(nested, mul.s(1)), chord([nested], tsum.s()), chain(nested, mul.s(2))][i % 3]
    expect(signature.from(nested.toJSON()).toJSON()).toEqual(nested.toJSON())
    immutable(nested)
    nested.link(mul.s(1)).linkError(onError.s())
  })

  it('a signature in many places is written once for each and read back', () => {
    let doubled = loose(add.s(1, 1))
    for (let i = 0; i < 12; i++) doubled = group(doubled, doubled)
    expect(normalise(doubled)).toBe(doubled)
    expect(JSON.stringify(doubled).split('proj.add').length - 1).toBe(4096)
  })
})
