// How a canvas is printed and drawn.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { toDot, toMermaid } from '../../src/canvas/draw.js'
import { group } from '../../src/canvas/group.js'
import { print } from '../../src/canvas/print.js'
import { signature } from '../../src/canvas/signature.js'
import { add, mul, onError, tsum, upper } from './tasks.js'

describe('a signature as text', () => {
  it.each([
    [add.s(1, 2), 'proj.add(1, 2)'],
    [add.signature({ args: [1], kwargs: { y: 2 } }), 'proj.add(1, y=2)'],
    [chain(add.s(1, 2), mul.s(10)), 'proj.add(1, 2) | proj.mul(10)'],
    [group(add.s(1, 2), mul.s(3, 4)), 'group(proj.add(1, 2), proj.mul(3, 4))'],
    [chord([add.s(1, 1), add.s(2, 2)], tsum.s()), 'chord([proj.add(1, 1), proj.add(2, 2)], proj.tsum())'],
    [upper.map(['a', 'b']), 'xmap(proj.upper(), 2 items)'],
    [add.chunks([[1, 2]], 10), 'chunks(proj.add(), 1 items, 10 at a time)'],
    [
      signature('t', { args: [[1, 2], { a: 1 }, new Map(), 'x'.repeat(80), null, 1n] }),
      `t(an array of 2, an object, an object of class Map, "${'x'.repeat(57)}...", null, 1)`,
    ],
  ])('is one line: %#', (sig, text) => {
    expect(String(sig)).toBe(text)
    expect(print(sig)).toBe(text)
  })
})

const canvas = chain(add.s(2, 2), group(add.s(1), add.s(2)), tsum.s()).linkError(onError.s())

describe('a picture', () => {
  it('in Mermaid', () => {
    expect(toMermaid(canvas)).toBe(`flowchart LR
  n0["proj.add(2, 2)"]
  n1["proj.add(1)"]
  n2["proj.add(2)"]
  n3["proj.tsum()"]
  n4["proj.errback_old()"]
  n1 --> n3
  n2 --> n3
  n0 --> n1
  n0 --> n2
  n3 -. on error .-> n4
`)
  })

  it('in DOT', () => {
    expect(toDot(add.s(1, 2).link(mul.s(3)))).toBe(`digraph canvas {
  rankdir=LR; node [shape=box];
  n0 [label="proj.add(1, 2)"];
  n1 [label="proj.mul(3)"];
  n0 -> n1 [style=dotted, label="on success"];
}
`)
  })

  it('has a box for each time a signature runs', () => {
    const same = mul.s(2)
    expect(toMermaid(chain(same, same))).toContain('n0 --> n1')
  })

  it('has quotes escaped, and boxes for what is empty', () => {
    expect(toMermaid(upper.s('say "x"'))).toContain('n0["proj.upper(#quot;say \\#quot;x\\#quot;#quot;)"]')
    expect(toDot(upper.s('say "x"'))).toContain('label="proj.upper(\\"say \\\\\\"x\\\\\\"\\")"')
    expect(toMermaid(chord([], tsum.s()))).toContain('["group()"]')
    expect(toMermaid(upper.map(['a']))).toContain('n0["xmap(proj.upper(), 1 items)"]')
  })

  it('of ten thousand steps is drawn without recursion', () => {
    expect(toMermaid(chain(Array.from({ length: 10_000 }, () => mul.s(1)))).split('\n')).toHaveLength(20_001)
  })
})
