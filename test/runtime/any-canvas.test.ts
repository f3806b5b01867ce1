// Any canvas, nested in any way, run in any order: it ends with what its words say, every part of it has an
// end that can be waited for, each task runs once, and no chord is left open.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chain } from '../../src/canvas/chain.js'
import { chord } from '../../src/canvas/chord.js'
import { group } from '../../src/canvas/group.js'
import type { Node } from '../../src/canvas/node.js'
import { signature } from '../../src/canvas/signature.js'
import { decompose } from '../../src/runtime/decompose.js'
import type { ResultShape } from '../../src/runtime/plan.js'
import { counter, nowMs } from './plans.js'
import { World } from './world.js'

type Work =
  | { readonly kind: 'task'; readonly label: number; readonly immutable: boolean; readonly fails: boolean }
  | { readonly kind: 'chain' | 'group'; readonly parts: readonly Work[] }
  | { readonly kind: 'chord'; readonly parts: readonly Work[]; readonly body: Work }

const { work } = fc.letrec<{ work: Work; task: Work }>((tie) => ({
  task: fc.record({
    kind: fc.constant('task' as const),
    label: fc.nat(99),
    immutable: fc.boolean(),
    fails: fc.integer({ min: 0, max: 11 }).map((dice) => dice === 0),
  }),
  work: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    tie('task'),
    fc.record({
      kind: fc.constantFrom('chain' as const, 'group' as const),
      parts: fc.array(tie('work'), { minLength: 2, maxLength: 4 }),
    }),
    fc.record({
      kind: fc.constant('chord' as const),
      parts: fc.array(tie('work'), { minLength: 1, maxLength: 3 }),
      body: tie('work'),
    }),
  ),
}))

const build = (item: Work): any => {
  if (item.kind === 'task') {
    const { label, immutable, fails } = item
    return signature(fails ? 'fail' : 'mark', { args: [label], immutable })
  }
  const parts = item.parts.map(build)
  if (item.kind === 'chord') return chord(parts, build(item.body))
  return item.kind === 'chain' ? (chain as any)(...parts) : (group as any)(...parts)
}

const failed = 'failed'

/** Members of groups within groups stand in one row. */
const members = (parts: readonly Work[]): readonly Work[] =>
  parts.flatMap((part) => (part.kind === 'group' ? members(part.parts) : [part]))

/** What the words say: the value of each end, or that it failed. `input` is undefined where nothing comes in. */
const meaning = (item: Work, input: unknown): unknown => {
  switch (item.kind) {
    case 'task':
      if (item.fails) return failed
      return item.immutable || input === undefined ? [item.label] : [input, item.label]
    case 'chain': {
      let value = input
      for (const [index, part] of item.parts.entries()) {
        value = meaning(part, value)
        if (includesFailure(value) && index < item.parts.length - 1) return nothing(item)
      }
      return value
    }
    case 'group':
      return members(item.parts).map((part) => meaning(part, input))
    case 'chord': {
      const values = members(item.parts).map((part) => meaning(part, input))
      return values.some(includesFailure) ? nothing(item.body) : meaning(item.body, values)
    }
  }
}

const includesFailure = (value: unknown): boolean =>
  value === failed || (Array.isArray(value) && value.some(includesFailure))

/** The ends of what never ran. */
const nothing = (item: Work): unknown => {
  switch (item.kind) {
    case 'task':
      return failed
    case 'chain':
      return nothing(item.parts.at(-1) as Work)
    case 'group':
      return members(item.parts).map(nothing)
    case 'chord':
      return nothing(item.body)
  }
}

const tasks = {
  mark: (...args: unknown[]) => args,
  fail: () => {
    throw new Error('boom')
  },
  'celery.accumulate': (...args: unknown[]) => args[0],
}

const valueOf = (world: World, shape: ResultShape): unknown => {
  if (shape.kind === 'group') return shape.results.map((member) => valueOf(world, member))
  const text = world.results.get(shape.id)
  if (text === undefined) return `nobody ended ${shape.id}`
  const { status, result } = JSON.parse(text)
  return status === 'SUCCESS' ? result : failed
}

/** All ids that the sender has in hand. */
const ids = (shape: ResultShape): readonly string[] => [
  ...(shape.kind === 'group' ? shape.results.flatMap(ids) : [shape.id]),
  ...(shape.parent === null ? [] : ids(shape.parent)),
]

describe('any canvas', () => {
  it('ends with what its words say, whatever the order in which its tasks run', { timeout: 60_000 }, () => {
    const dice = fc.infiniteStream(fc.nat(1000))
    fc.assert(
      fc.property(work, dice, (item, orders) => {
        const mint = counter()
        const sent = decompose(build(item) as Node, [], {}, { mint, nowMs })
        const choose = (count: number) => (orders.next().value as number) % count
        const world = new World({ tasks, choose }, mint).play(sent)
        expect(valueOf(world, sent.result)).toEqual(meaning(item, undefined))
        expect([...world.chords.keys()], 'open chords').toEqual([])
        expect(new Set(world.ran).size, 'runs').toBe(world.ran.length)
        for (const id of ids(sent.result)) expect(world.results.has(id), `the end of ${id}`).toBe(true)
      }),
      { numRuns: 80 },
    )
  })
})
