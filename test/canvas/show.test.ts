// How a canvas is printed and drawn.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { toDot, toMermaid } from '../../src/canvas/draw.js'
import { group } from '../../src/canvas/group.js'
import { print } from '../../src/canvas/print.js'
import type { ResultGraph } from '../../src/canvas/sender.js'
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

describe('many that are alike', () => {
  const many = <S>(make: (i: number) => S): S[] => Array.from({ length: 1000 }, (_, i) => make(i))

  it('are one in a line of text', () => {
    expect(print(group(many(() => add.s(1, 1))))).toBe('group(proj.add(1, 1) × 1 000)')
  })

  it('are one box, also where they differ in their arguments alone', () => {
    expect(toMermaid(group(many(() => add.s(1, 1))))).toBe('flowchart LR\n  n0["proj.add(1, 1) × 1 000"]\n')
    expect(
      toDot(
        chord(
          many((i) => add.s(i, i)),
          tsum.s(),
        ),
      ),
    ).toBe(`digraph canvas {
  rankdir=LR; node [shape=box];
  n0 [label="proj.add(…) × 1 000"];
  n1 [label="proj.tsum()"];
  n0 -> n1;
}
`)
  })

  it('may be chains, and have links', () => {
    const picture = toMermaid(group(many((i) => chain(add.s(i, 1), mul.s(2)).linkError(onError.s()))))
    expect(picture.match(/× 1 000"/g)).toHaveLength(3)
  })

  it('are one box wherever they stand, if there are too many places', () => {
    const mixed = toMermaid(group(many((i) => (i % 2 === 0 ? add.s(i, i) : mul.s(i, 1)))))
    expect(mixed).toBe('flowchart LR\n  n0["proj.add(…) × 500"]\n  n1["proj.mul(…) × 500"]\n')
  })

  it('are one box as steps in a row, and what is around them stands beside it', () => {
    const row = toMermaid(chain(add.s(1, 1), ...many(() => mul.s(2)), add.s(3)))
    expect(row).toContain('n1["proj.mul(2), 1 000 in turn"]')
    expect(row.match(/\[/g)).toHaveLength(3)
    expect(toMermaid(chain(many((i) => mul.s(i))))).toContain('n0["proj.mul(…), 1 000 in turn"]')
    const rows = group([1, 2].map(() => chain(Array.from({ length: 9 }, () => mul.s(1, 1)))))
    expect(toMermaid(rows)).toContain('n0["proj.mul(1, 1), 9 in turn × 2"]')
  })

  it('as steps with an inside are drawn one by one', () => {
    const both = group(mul.s(1), mul.s(1))
    const stages = chain(signature('t'), ...Array.from({ length: 10 }, () => both))
    expect(toMermaid(stages).match(/proj\.mul\(1\) × 2/g)).toHaveLength(10)
  })

  it('in each other are a line that can be read', () => {
    const thirty = <S>(make: (i: number) => S): S[] => Array.from({ length: 30 }, (_, i) => make(i))
    const inner = (i: number) =>
      chord(
        thirty((j) => add.s(i, j)),
        tsum.s(),
      )
    const middle = (i: number) =>
      chord(
        thirty((j) => inner(30 * i + j)),
        tsum.s(),
      )
    const text = print(chord(thirty(middle), tsum.s()))
    expect(text.length).toBeLessThan(1500)
    expect(text).toContain('… 28 more')
  })

  it('are drawn one by one as long as they are few', () => {
    expect(toMermaid(group([1, 2, 3].map((i) => add.s(i, i)))).match(/\[/g)).toHaveLength(3)
  })
})

describe('results', () => {
  const result = (id: string, more: object = {}): ResultGraph => ({
    kind: 'task',
    id,
    name: `proj.${id}`,
    state: 'SUCCESS',
    children: [],
    parent: null,
    ...more,
  })

  it('are drawn with their states: steps, what a task sent, and members', () => {
    const first = result('first')
    const header: ResultGraph = {
      ...result('header', { parent: first }),
      kind: 'group',
      children: [result('a'), result('b', { state: 'FAILURE', name: null })],
    }
    const last = result('last', { state: 'PENDING', parent: header, children: [result('sent')] })
    expect(toMermaid(last)).toBe(`flowchart LR
  n0["proj.last<br/>PENDING"]
  n1["proj.a<br/>SUCCESS"]
  n2["b…<br/>FAILURE"]
  n3["proj.sent<br/>SUCCESS"]
  n4["proj.first<br/>SUCCESS"]
  n1 --> n0
  n2 --> n0
  n0 -. sent .-> n3
  n4 --> n1
  n4 --> n2
  style n0 fill:#eeeeee
  style n1 fill:#c8e6c9
  style n2 fill:#ffcdd2
  style n3 fill:#c8e6c9
  style n4 fill:#c8e6c9
`)
  })

  it('of many steps in a row that are in one state are one box', () => {
    const step = (i: number, parent: ResultGraph | null) =>
      result(`s${i}`, { name: 'proj.add', state: i < 300 ? 'SUCCESS' : 'FAILURE', parent })
    const steps = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => from + i).reduce<ResultGraph | null>(
        (parent, i) => step(i, parent),
        null,
      ) as ResultGraph
    const row = toMermaid(steps(0, 309))
    expect(row.match(/\[.*\]/g)).toEqual([
      '["proj.add, 9 in turn<br/>FAILURE"]',
      '["proj.add, 300 in turn<br/>SUCCESS"]',
    ])
    expect(row).toContain('n308 --> n8')
    expect(toMermaid(steps(0, 8)).match(/\[/g)).toHaveLength(8)
    // Where a branch leaves, the row ends.
    const sender = result('s', { name: 'proj.add', parent: steps(0, 20), children: [result('sent')] })
    expect(toMermaid(result('last', { name: 'proj.add', parent: sender })).match(/\[.*\]/g)).toEqual([
      '["proj.add<br/>SUCCESS"]',
      '["proj.sent<br/>SUCCESS"]',
      '["proj.add, 21 in turn<br/>SUCCESS"]',
    ])
  })

  it('of many members in one state are one box', () => {
    const children = Array.from({ length: 1000 }, (_, i) => result(`m${i}`, { name: 'proj.add' }))
    expect(toDot({ ...result('all'), kind: 'group', children })).toContain(
      'label="proj.add × 1 000\\nSUCCESS"',
    )
  })
})

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
  n0 -. on error .-> n4
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
    expect(toMermaid(signature('<b>#1&'))).toContain('n0["#lt;b#gt;#35;1#amp;()"]')
    expect(toMermaid(chord([], tsum.s()))).toContain('["group()"]')
    expect(toMermaid(upper.map(['a']))).toContain('n0["xmap(proj.upper(), 1 items)"]')
  })

  it('of ten thousand steps is drawn without recursion', () => {
    expect(
      toMermaid(chain(Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? mul : add).s(1)))).split('\n'),
    ).toHaveLength(20_001)
  })
})
