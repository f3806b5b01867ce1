// Signatures as Python wrote them: read and written again they are the same, and built with our own words
// they come out the same.
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import { xmap } from '../../src/canvas/map.js'
import { signature } from '../../src/canvas/signature.js'
import { add, mul, onError, tsum } from '../canvas/tasks.js'
import { caseOf } from './read.js'
import { claims } from './signatures.claims.js'

type Case = (typeof claims.signatures)[number]

/** What Python wrote, without its nulls in options: null says the same there as nothing. */
function withoutNulls(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) =>
    key === 'options' || key.endsWith('Options')
      ? Object.fromEntries(Object.entries(value as object).filter(([, option]) => option !== null))
      : value,
  )
}

const jsonOf = (name: Case): string => caseOf('signatures', name).json as string

describe('a signature that Python wrote', () => {
  it.each(claims.signatures)('is written as it was read, key order included: %s', (name) => {
    const json = jsonOf(name)
    const again = JSON.stringify(signature.from(JSON.parse(json)))
    expect(again).toBe(JSON.stringify(withoutNulls(json)))
  })
})

const built: Record<Exclude<Case, 'chain-frozen' | 'chord-frozen'>, () => unknown> = {
  task: () => add.s(1, 2),
  'task-kwargs': () => add.signature({ args: [1], kwargs: { y: 2 } }),
  immutable: () => add.si(1, 2),
  options: () => add.s(1).set({ queue: 'videos', countdown: 10, expires: 60, priority: 5, taskId: 'tid-1' }),
  'by-name': () => signature('node.add', { args: [1, 2], kwargs: { k: 1 }, immutable: true }),
  linked: () => add.s(1).linkError(onError.s()),
  chain: () => add.s(1, 2).pipe(mul.s(3)).pipe(add.s(4)),
  'chain-with-group-tail': () => add.s(1, 2).pipe(group(mul.s(3), mul.s(4))),
  group: () => group(add.s(1, 1), add.s(2, 2)),
  'group-then-task': () => group(add.s(1, 1), add.s(2, 2)).pipe(tsum.s()),
  chord: () => chord([add.s(1, 1), add.s(2, 2)], tsum.s()),
  'chord-in-chain': () => chain(add.s(1, 2), chord([add.s(1), add.s(2)], tsum.s()), mul.s(2)),
  // `add(x, y=0)` in Python: with the y of ours one item would not be enough.
  map: () => xmap(signature('proj.add'), [1, 2, 3]),
  starmap: () =>
    add.starmap([
      [1, 2],
      [3, 4],
    ]),
  chunks: () =>
    add.chunks(
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      2,
    ),
  'empty-group': () => group(),
  'nested-group': () => group(add.s(1, 1), group(add.s(2, 2), add.s(3, 3))),
}

describe('a signature built here', () => {
  it.each(Object.entries(built))('is what Celery builds: %s', (name, build) => {
    expect(JSON.parse(JSON.stringify(build()))).toEqual(JSON.parse(jsonOf(name as Case)))
  })

  it('equals the one that was read', () => {
    expect(built.chain()).toEqual(signature.from(JSON.parse(jsonOf('chain'))))
  })
})
