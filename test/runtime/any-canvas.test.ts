// Any canvas, nested in any way, run in any order: it ends with what its words say, every part of it has an
// end that can be waited for, each task runs as often as it shall, and no chord is left open.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Node } from '../../src/canvas/node.js'
import { fromJSON } from '../../src/canvas/wire.js'
import { Replace, Retry } from '../../src/errors.js'
import { decompose } from '../../src/runtime/decompose.js'
import { ignoredIds } from '../../src/runtime/ignored.js'
import type { ResultShape } from '../../src/runtime/plan.js'
import { build, type Spec } from '../support/canvases/build.js'
import { found } from '../support/canvases/found.js'
import { type End, inOrder, meaning, seen, withoutIds } from '../support/canvases/meaning.js'
import { render, tidy } from '../support/canvases/words.js'
import { anyWork, type Work } from '../support/canvases/work.js'
import { contextOf, counter, nowMs, outgoingOf } from './plans.js'
import { type Running, World } from './world.js'

const tasksOf = (runs: Map<string, number>, stamps: (readonly [label: string, stamps: unknown])[]) => {
  const step = (message: Pick<Running, 'retries'> & Partial<Running>, args: readonly unknown[]): unknown => {
    const { label, way, heir, adds = [] } = args.at(-1) as Spec
    if (message.stamps !== undefined) stamps.push([label, message.stamps])
    for (const added of adds) message.addToChord?.(fromJSON(added))
    runs.set(label, (runs.get(label) ?? 0) + 1)
    if (message.retries === 0 && (way === 'retries' || way === 'gives up')) throw new Retry({}, 'again')
    if (way === 'fails' || way === 'gives up') throw new TypeError(`boom ${label}`)
    return heir === undefined ? render(label, args.slice(0, -1)) : new Replace(fromJSON(heir))
  }
  return {
    step(this: Running, ...args: unknown[]) {
      return step(this, args)
    },
    'celery.map': ({ it: items }: { it: unknown[] }) => items.map((item) => step({ retries: 0 }, [item])),
    'celery.starmap': ({ it: rows }: { it: unknown[][] }) => rows.map((row) => step({ retries: 0 }, row)),
    'celery.accumulate': (...args: unknown[]) => args[0],
  }
}

const told = (world: World, shape: ResultShape, end: End): unknown => {
  if (shape.kind === 'group')
    return shape.results.map((member, i) => told(world, member, (end.kind === 'row' && end.ends[i]) || end))
  if (end.kind !== 'row' && !end.stored) return 'not stored'
  const text = world.results.get(shape.id)
  if (text === undefined) return `nobody ended ${shape.id}`
  const { status, result } = JSON.parse(text)
  return status === 'SUCCESS' ? tidy(result) : withoutIds(`${result.exc_type}: ${result.exc_message.join()}`)
}

/** All ids that the sender has in hand. */
const ids = (shape: ResultShape): readonly string[] => [
  ...(shape.kind === 'group' ? shape.results.flatMap(ids) : [shape.id]),
  ...(shape.parent === null ? [] : ids(shape.parent)),
]

const play = (work: Work, choose: (count: number) => number) => {
  const expected = meaning(work)
  const mint = counter()
  const sent = decompose(build(work) as unknown as Node, [], {}, { mint, nowMs })
  const ignored = ignoredIds(outgoingOf(sent), [], contextOf().ignores)
  const runs = new Map<string, number>()
  const stamps: (readonly [label: string, stamps: unknown])[] = []
  const world = new World({ tasks: tasksOf(runs, stamps), choose }, mint).play(sent)
  expect(told(world, sent.result, expected.end), 'results').toEqual(seen(expected.end))
  expect(inOrder(runs), 'runs').toEqual(inOrder(expected.runs))
  for (const [label, each] of stamps)
    if (expected.stamps.has(label))
      expect([label, each], 'stamps').toEqual([label, expected.stamps.get(label)])
  expect([...world.chords.keys()], 'open chords').toEqual([])
  for (const id of ids(sent.result))
    if (!ignored.has(id)) expect(world.results.has(id), `the end of ${id}`).toBe(true)
}

describe('any canvas', () => {
  it.each(found)('%s', (_, work) => play(work, () => 0))

  it('ends with what its words say, whatever the order in which its tasks run', { timeout: 60_000 }, () => {
    const dice = fc.infiniteStream(fc.nat(1000))
    fc.assert(
      fc.property(anyWork, dice, (work, orders) =>
        play(work, (count) => (orders.next().value as number) % count),
      ),
      // The same ones in each `npm test`; others where many are asked for.
      process.env['CANVASES'] === undefined
        ? { numRuns: 100, seed: 1 }
        : { numRuns: Number(process.env['CANVASES']) },
    )
  })
})
