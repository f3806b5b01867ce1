// Any canvas, nested in any way: a worker and the plain interpreter of canvases agree about its results, its
// errors, how often each of its tasks runs, and what runs after what. On both engines.
//
// CANVASES says how many are tried (`npm run test:long`: 1 000), SEED repeats a run.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { change, type Node } from '../../../src/canvas/node.js'
import { type AnySignature, signature } from '../../../src/canvas/signature.js'
import { mapNodes } from '../../../src/canvas/walk.js'
import { InvalidSignature, InvalidUsage, ResultIgnored } from '../../../src/errors.js'
import type { AnyResult } from '../../../src/runtime/result-source.js'
import { build, type Spec } from '../../support/canvases/build.js'
import { type Around, nested, shapes } from '../../support/canvases/deep.js'
import { found } from '../../support/canvases/found.js'
import { type End, inOrder, type Meaning, meaning, seen, withoutIds } from '../../support/canvases/meaning.js'
import { render, tidy } from '../../support/canvases/words.js'
import { anyWork, type Work } from '../../support/canvases/work.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const numRuns = Number(process.env['CANVASES'] ?? 100)
/** The same ones in each `npm test`; others where many are asked for. */
const seed = Number(
  process.env['SEED'] ?? (process.env['CANVASES'] === undefined ? 1 : Date.now() % 1_000_000),
)

type Send = (canvas: AnySignature, events: Event[]) => Promise<unknown>

type Event = readonly ['start' | 'end', string, stamps?: unknown]

/** The task of all canvases. */
const stepOf = (app: App, events: Event[], name = 'step') =>
  app.task(name, async function (...given: unknown[]) {
    const { label, way, heir, adds = [] } = given.pop() as Spec
    events.push(['start', label, this.request.stamps])
    for (const added of adds)
      try {
        this.addToChord(signature.from(added))
      } catch (error) {
        if (!(error instanceof InvalidUsage)) throw error // It stands in no header.
      }
    // Others get their turn, as in every real task.
    await Promise.resolve()
    events.push(['end', label])
    if (way === 'retries' && this.request.retries === 0) throw this.retry({ countdown: 0 })
    const boom = new TypeError(`boom ${label}`)
    if (way === 'gives up') throw this.retry({ countdown: 0, maxRetries: 1, error: boom })
    if (way === 'fails') throw boom
    if (heir !== undefined) return this.replace(signature.from(heir))
    return render(label, given)
  })

const observed = async (result: AnyResult, end: End): Promise<unknown> => {
  if (end.kind === 'row' && 'results' in result) {
    const members = (result as unknown as { results: readonly AnyResult[] }).results
    return Promise.all(members.map((member, i) => observed(member, end.ends[i] ?? end)))
  }
  try {
    return tidy(await result.get({ timeout: 30 }))
  } catch (error) {
    if (error instanceof ResultIgnored) return 'not stored'
    return withoutIds(`${(error as Error).name}: ${(error as Error).message}`)
  }
}

/** Whoever waits for a part on the way has an answer, too. */
const ended = (result: AnyResult): Promise<unknown> =>
  result.get({ timeout: 30, propagate: false }).catch((error: unknown) => {
    if (!(error instanceof ResultIgnored)) throw error
  })

const counted = (events: readonly Event[]): ReadonlyMap<string, number> => {
  const runs = new Map<string, number>()
  for (const [what, label] of events) if (what === 'start') runs.set(label, (runs.get(label) ?? 0) + 1)
  return runs
}

const total = (runs: ReadonlyMap<string, number>) => [...runs.values()].reduce((a, b) => a + b, 0)

/** What ran too early: [what should have waited, for what]. */
const hasty = (events: readonly Event[], { before }: Meaning) =>
  before.filter(([earlier, later]) => {
    const end = events.map(([what, label]) => what === 'end' && label === earlier).lastIndexOf(true)
    const start = events.findIndex(([what, label]) => what === 'start' && label === later)
    return end > start
  })

/** Every third level runs elsewhere. */
const farThird = (node: Node): Node => {
  if (node.kind !== 'task') return node
  const { label } = node.args.at(-1) as Spec
  if (Number(/\d+/.exec(label)?.[0] ?? 0) % 3 !== 1) return node
  return change(node, { task: 'far', options: { ...node.options, queue: 'far' } })
}

onEveryEngine('any canvas', (bench) => {
  /** With the path and the setting, and before anything was sent. */
  const refused = async (error: unknown): Promise<void> => {
    expect(error).toBeInstanceOf(InvalidSignature)
    expect((error as Error).message).toMatch(
      /^\S+ \(step\): is nested too deep: .*\(the setting canvasMaxLevels\)/,
    )
    // Workers of one name ask each other who they are.
    const { messages } = await bench().look()
    expect(Object.keys(messages).filter((queue) => !queue.endsWith('.pidbox'))).toEqual([])
  }

  const leftovers = async () => [...(await bench().unfinished()), ...(await bench().graphs())]

  const start = async (ballast = '') => {
    const app = bench().app()
    const events: Event[] = []
    stepOf(app, events)
    await bench().work(app)
    // A canvas that failed may leave something behind, which the next ones shall not be blamed for.
    let known: readonly string[] = []

    const play = async (work: Work, send: Send): Promise<void> => {
      events.length = 0
      const expected = meaning(work)
      const result = (await send(build(work, ballast), events)) as unknown as AnyResult
      expect(await observed(result, expected.end), 'results').toEqual(seen(expected.end))
      await until(() => total(counted(events)) >= total(expected.runs)).catch(() => {})
      const left = async () => (await leftovers()).filter((name) => !known.includes(name))
      await until(async () => (await left()).length === 0).catch(() => {})
      expect(await left(), 'what is not over').toEqual([])
      expect(inOrder(counted(events)), 'runs').toEqual(inOrder(expected.runs))
      expect(hasty(events, expected), 'order').toEqual([])
      for (const [what, label, stamps] of events)
        if (what === 'start' && expected.stamps.has(label))
          expect([label, stamps], 'stamps').toEqual([label, expected.stamps.get(label)])
      for (let step: AnyResult | null = result.parent; step !== null; step = step.parent) await ended(step)
    }

    return async (work: Work, send: Send = (canvas) => app.send(canvas)): Promise<void> => {
      try {
        await play(work, send)
      } catch (error) {
        known = await leftovers()
        throw error
      }
    }
  }

  it.each(found)('%s', async (_, work) => (await start())(work))

  // What is nested deep is right, or refused: here all of it is known to run on our workers, or a third of it to run
  // elsewhere, or nothing is known.
  describe.each(Object.keys(shapes))('%s in each other', (shape) => {
    const around = shapes[shape] as Around
    const isLong = process.env['CANVASES'] !== undefined
    // In short, as deep as makes it go by reference; that of the others stands among all of them.
    const short = ['headers', 'bodies', 'callbacks'].includes(shape) ? [] : [45]
    const depths = isLong ? [10, 60, 130, 250] : short

    it.each(depths)('%i deep, of our workers', async (depth) => {
      await (await start())(nested(around, depth))
    })

    const mixed = shape === 'all of them, behind failures' ? [45] : []
    it.each(isLong ? depths : mixed)('%i deep, some of it elsewhere', async (depth) => {
      const far = bench().app()
      const client = bench().app()
      client.task('step', () => 0)
      const play = await start()
      const elsewhere: Send = async (canvas, events) => {
        stepOf(far, events, 'far')
        await bench().work(far, { queues: ['far'] })
        return client.send(mapNodes(canvas as unknown as Node, farThird) as unknown as AnySignature)
      }
      await play(nested(around, depth), elsewhere).catch(refused)
    })

    it.each(isLong ? depths : shape === 'groups in chains' ? [30] : [])(
      '%i deep, of our workers, each of which knows its own tasks alone',
      async (depth) => {
        const far = bench().app()
        const client = bench().app()
        for (const name of ['step', 'far']) client.task(name, () => 0)
        const play = await start()
        await play(nested(around, depth), async (canvas, events) => {
          stepOf(far, events, 'far')
          await bench().work(far, { queues: ['far'] })
          return client.send(mapNodes(canvas as unknown as Node, farThird) as unknown as AnySignature)
        })
      },
    )

    // Chains in chains are one chain.
    const unknown = shape === 'chains' ? [] : [250]
    it.each(isLong ? depths : unknown)('%i deep, of workers that nobody knows', async (depth) => {
      const client = bench().app()
      const play = isLong ? await start() : undefined
      const work = nested(around, depth)
      if (play !== undefined) await play(work, (canvas) => client.send(canvas)).catch(refused)
      else await refused(await client.send(build(work)).catch((error: unknown) => error))
    })
  })

  it(`gives what its words say (${numRuns} canvases, SEED=${seed})`, {
    timeout: 60_000 + numRuns * 2000,
  }, async () => {
    console.log(`any canvas: ${numRuns} canvases, SEED=${seed}`)
    const play = await start()
    await fc.assert(
      fc.asyncProperty(anyWork, (work) => play(work)),
      { numRuns, seed },
    )
  })

  const heavyRuns = Math.ceil(numRuns / 2)

  it(`gives the same when its tasks are so heavy that all that would repeat itself lies in the broker (${heavyRuns} canvases, SEED=${seed})`, {
    timeout: 60_000 + heavyRuns * 2000,
  }, async () => {
    const play = await start('x'.repeat(33 * 1024))
    await fc.assert(
      fc.asyncProperty(anyWork, (work) => play(work)),
      { numRuns: heavyRuns, seed },
    )
  })
})
