import { expect, it } from 'vitest'
import fc from 'fast-check'
import { DistinctNodes } from '../../src/canvas/distinct.js'
import { isEqual } from '../../src/canvas/equal.js'
import type { Node } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'

const told = (...args: unknown[]): Node => signature('told', { args }) as unknown as Node

it('takes two signatures for one just when they are equal', () => {
  const plain = [undefined, null, true, 0, -0, 1, Number.NaN, '', '1', '0,', 'a', 1n]
  const others = [[], {}, [undefined], { a: undefined }, new Map(), new Map(), new Date(0), new Date(0)]
  const leaf = fc.constantFrom<unknown>(...plain, ...others)
  const data = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', '1'), tie('any')),
    ),
  })).any
  fc.assert(
    fc.property(data, data, (one, other) => {
      const there = new DistinctNodes()
      there.add(told(one))
      expect([there.has(told(one)), there.has(told(other))]).toEqual([true, isEqual(told(one), told(other))])
    }),
    { numRuns: 2000 },
  )
})

it('does not mind the order of names, nor how deep a callback stands in a callback', () => {
  const deep = (end: string): Node => {
    let node = told(end)
    for (let level = 0; level < 20_000; level += 1) node = { ...told(level), options: { link: [node] } }
    return node
  }
  const there = new DistinctNodes()
  for (const node of [told({ a: 1, b: 2 }), deep('x'), told({ b: 2, a: 1 }), deep('x'), deep('y')])
    there.add(node)
  expect([...there]).toHaveLength(3)
})
