// What is nested too deep to be written as it is, written flat, and as it was again.
import { expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { type AnySignature, signature } from '../../src/canvas/signature.js'
import { toJSON } from '../../src/canvas/wire.js'
import { decompose } from '../../src/runtime/decompose.js'
import { flatten, unflatten } from '../../src/runtime/flat.js'
import { flatIn } from '../../src/runtime/reference.js'
import { originOf, outgoingOf } from './plans.js'

const task = (name: string, ...args: unknown[]): AnySignature => signature(name, { args })

const guarded = (depth: number): AnySignature =>
  Array.from({ length: depth }).reduce<AnySignature>(
    (inner, _, i) => task(`e${i}`, i).linkError(inner) as AnySignature,
    task('last'),
  )

it('every kind of signature comes back as it was', () => {
  const all = chain(
    task('a', { list: [0, 1] })
      .link(task('b'))
      .linkError(task('c', 1)),
    group([task('d'), chain(task('e'), task('f')) as AnySignature]),
    chord([task('g'), task('h')], task('i')).linkError(task('j')),
    task('k').set({ chord: task('l'), chain: [task('m'), task('n')] } as never),
  )
  const json = toJSON(all as never)
  expect(unflatten(JSON.parse(JSON.stringify(flatten(json))))).toEqual(json)
})

it('a thousand errbacks in each other are text of a few levels, and as long as written out', () => {
  const json = toJSON(guarded(1000) as never)
  const list = flatten(json)
  const levels = (value: unknown): number =>
    value === null || typeof value !== 'object' ? 0 : 1 + Math.max(0, ...Object.values(value).map(levels))
  expect(levels(list)).toBeLessThan(6)
  expect(JSON.stringify(list).length).toBeLessThan(1.05 * JSON.stringify(json).length)
  expect(unflatten(list)).toEqual(json)
})

it.each([
  ['a number that stands twice', [{ task: 'a', options: { link: [1, 1] } }, { task: 'b' }]],
  ['itself', [{ task: 'a', options: { link: [0] } }]],
  [
    'one before it',
    [
      { task: 'a', options: { link: [1] } },
      { task: 'b', options: { link: [0] } },
    ],
  ],
  ['what is no number', [{ task: 'a', options: { link: ['length'] } }]],
  ['nothing', []],
])('%s is refused', (_name, list) => {
  expect(() => unflatten(list)).toThrow(/A signature that was written flat/)
})

it('goes to the queue of the first task that our workers run, and stays as it is where there is none', () => {
  const errbackOf = (ours: string) =>
    outgoingOf(
      decompose(
        task('t').linkError(guarded(60).set({ queue: 'far' })) as never,
        [],
        {},
        originOf({ isOurs: (name: string) => name === ours }),
      ),
    )[0]?.embed.errbacks?.[0]
  expect(errbackOf('e59')).toMatchObject({ task: 'lovage.resume', kwargs: { $lv: { t: 'e59', q: 'far' } } })
  expect(errbackOf('e30')).toMatchObject({ task: 'lovage.resume', kwargs: { $lv: { t: 'e30' } } })
  expect(errbackOf('nobody')).toMatchObject({ task: 'e59' })
  expect(flatIn(errbackOf('e59') as never)?.list).toHaveLength(61)
})
