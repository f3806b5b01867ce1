// Results with all that belongs to them: children, collect, graph, forget, and groups that are saved.
import { describe, expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import type { ResultGraph } from '../../../src/canvas/sender.js'
import { type Bench, gate, onEveryEngineAndApart } from './bench.js'

const wait = { timeout: 20 }

const tasksOf = (app: App) => {
  const add = app.task('add', (x: number, y: number) => x + y)
  const sum = app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  const fail = app.task('fail', (): number => {
    throw new TypeError('boom')
  })
  /** Sends a task, and a group of two. */
  const spawn = app.task('spawn', async (n: number) => {
    await add.delay(n, 1)
    await group(add.s(n, 2), add.s(n, 3)).delay()
    return n
  })
  return { add, sum, fail, spawn }
}

const start = async (bench: Bench, settings = {}) => {
  const app = bench.app(settings)
  const tasks = tasksOf(app)
  await bench.work(app)
  return { app, ...tasks }
}

/** `kind state [children] < parent`, without ids. */
const shapeOf = ({ kind, state, children, parent }: ResultGraph): unknown => [
  `${kind} ${state}`,
  children.map(shapeOf),
  ...(parent === null ? [] : [shapeOf(parent)]),
]

onEveryEngineAndApart('a tree of results', (bench) => {
  describe('collected', () => {
    it('gives everything that a task sent, breadth first, each with its value', async () => {
      const { spawn } = await start(bench())
      const got: unknown[] = []
      const result = await spawn.delay(10)
      for await (const [handle, value] of result.collect(wait)) got.push(['results' in handle, value])
      expect(got).toEqual([
        [false, 10],
        [false, 11],
        [true, [12, 13]],
        [false, 12],
        [false, 13],
      ])
    })

    it('goes through chains, from their first step on', async () => {
      const { app, add } = await start(bench())
      const result = await chain(add.s(1, 1), add.s(1), add.s(1)).delay()
      await result.get(wait)
      const values: unknown[] = []
      const first = app.result(result.parent!.parent!.id)
      for await (const [, value] of first.collect(wait)) values.push(value)
      expect(values).toEqual([2, 3, 4])
    })

    it('has the header of a chord, and the steps of a chain, that a task sent or that followed it', async () => {
      const { app, add, sum } = await start(bench())
      const work = chord([add.s(1, 1), add.s(2, 2)], sum.s())
      const sends = app.task('sends', async () => {
        await work.delay()
        await chain(add.s(3, 3), add.s(1)).delay()
        return 'sent'
      })
      const collected = async (first: {
        collect(options: typeof wait): AsyncIterable<readonly [unknown, unknown]>
      }) => {
        const values: unknown[] = []
        for await (const [, value] of first.collect(wait)) values.push(value)
        return values
      }
      expect(await collected(await sends.delay())).toEqual(['sent', [2, 4], 6, 6, 7, 2, 4])
      const last = await chain(add.s(0, 0), group(add.s(1), add.s(2)), sum.s(), add.s(5)).delay()
      await last.get(wait)
      expect(await collected(app.result(last.parent!.parent!.parent!.id))).toEqual([0, [1, 2], 3, 8, 1, 2])
    })

    it('gives each result once, also where a retry has left the task as its own child', async () => {
      const { app } = await start(bench())
      let tries = 0
      const flaky = app.task(
        'flaky',
        () => {
          tries += 1
          if (tries < 2) throw new Error('not yet')
          return tries
        },
        { autoretryFor: [Error], defaultRetryDelay: 0 },
      )
      const values: unknown[] = []
      for await (const [, value] of (await flaky.delay()).collect(wait)) values.push(value)
      expect(values).toEqual([2])
    })

    it('throws what a task threw', async () => {
      const { fail } = await start(bench())
      const collected = (await fail.delay()).collect(wait)
      await expect(collected.next()).rejects.toThrow('boom')
    })
  })

  describe('as a graph', () => {
    it('has the states of this moment, with what is to the left', async () => {
      const { app, add, sum } = await start(bench())
      const door = gate()
      const slow = app.task('slow', async (n: number) => {
        await door.passed
        return n
      })
      const result = await chain(add.s(1, 1), group(add.s(1), slow.s()), sum.s()).delay()
      const [done] = (result.parent as any).results
      await done.get(wait)
      const waiting = await result.graph()
      expect([waiting.state, waiting.parent?.state, waiting.parent?.kind]).toEqual([
        'PENDING',
        'PENDING',
        'group',
      ])
      door.open()
      await result.get(wait)
      expect(shapeOf(await result.graph())).toEqual([
        'task SUCCESS',
        [],
        [
          'group SUCCESS',
          [
            ['task SUCCESS', []],
            ['task SUCCESS', []],
          ],
          ['task SUCCESS', []],
        ],
      ])
      // From the first step on, what followed are its children.
      expect(shapeOf(await app.result(result.parent!.parent!.id).graph())).toEqual([
        'task SUCCESS',
        [
          [
            'task SUCCESS',
            [],
            [
              'group SUCCESS',
              [
                ['task SUCCESS', []],
                ['task SUCCESS', []],
              ],
            ],
          ],
        ],
      ])
    })

    it('shows which part has failed', async () => {
      const { add, fail, sum } = await start(bench())
      const result = await chord([add.s(1, 1), fail.s()], sum.s()).delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      const { state, parent } = await result.graph()
      expect([state, parent?.state, parent?.children.map((member) => member.state)]).toEqual([
        'FAILURE',
        'FAILURE',
        ['SUCCESS', 'FAILURE'],
      ])
    })

    it('of a body that is known by its id alone has its header, where results are extended', async () => {
      const { app, add, fail, sum } = await start(bench(), { resultExtended: true })
      const good = await chord([chord([add.s(1, 1), add.s(2, 2)], sum.s()), add.s(3, 3)], sum.s()).delay()
      await good.get(wait)
      expect(shapeOf(await app.result(good.id).graph())).toEqual([
        'task SUCCESS',
        [],
        [
          'group SUCCESS',
          [
            [
              'task SUCCESS',
              [],
              [
                'group SUCCESS',
                [
                  ['task SUCCESS', []],
                  ['task SUCCESS', []],
                ],
              ],
            ],
            ['task SUCCESS', []],
          ],
        ],
      ])
      const bad = await chord([add.s(1, 1), fail.s()], sum.s()).delay()
      await expect(bad.get(wait)).rejects.toThrow('boom')
      expect(shapeOf(await app.result(bad.id).graph())).toEqual([
        'task FAILURE',
        [],
        [
          'group FAILURE',
          [
            ['task SUCCESS', []],
            ['task FAILURE', []],
          ],
        ],
      ])
    })

    it('of a workflow that failed is whole from its beginning, where results are extended', async () => {
      const { app, add, fail, sum } = await start(bench(), { resultExtended: true })
      const chained = await chain(
        add.s(1, 1),
        fail.si(),
        add.s(1),
        group(add.s(1), add.s(2)),
        sum.s(),
      ).delay()
      await expect(chained.get(wait)).rejects.toThrow('boom')
      const leaf = ['task FAILURE', []]
      const header = ['group FAILURE', [leaf, leaf]]
      const first = await app.result(chained.parent!.parent!.parent!.parent!.id).graph()
      expect(shapeOf(first)).toEqual([
        'task SUCCESS',
        [['task FAILURE', [['task FAILURE', [['task FAILURE', [], header]]]]]],
      ])
      // Each leads to the one before it, up to the beginning.
      const parents: string[] = []
      for (let id: string | null = chained.id; id !== null; id = (await app.result(id).meta()).parentId)
        parents.push(id)
      expect(parents).toEqual([
        chained.id,
        chained.parent!.parent!.id,
        chained.parent!.parent!.parent!.id,
        chained.parent!.parent!.parent!.parent!.id,
      ])
      const joined = await chord([add.s(1, 1), fail.s()], chain(sum.s(), add.s(1))).delay()
      await expect(joined.get(wait)).rejects.toThrow('boom')
      expect(shapeOf(await app.result(joined.parent!.id).graph())).toEqual([
        'task FAILURE',
        [leaf],
        ['group FAILURE', [['task SUCCESS', []], leaf]],
      ])
    })

    it('takes no task for a body that a header task has sent', async () => {
      const { app, spawn, sum } = await start(bench(), { resultExtended: true })
      const result = await chord([spawn.s(1), spawn.s(2)], sum.s()).delay()
      await result.get(wait)
      const [sent] = await (result.parent as any).results[0].children()
      await sent.get(wait)
      expect(shapeOf(await app.result(sent.id).graph())).toEqual(['task SUCCESS', []])
    })

    it('has the names of the tasks where results are extended', async () => {
      const { spawn } = await start(bench(), { resultExtended: true })
      const result = await spawn.delay(1)
      for await (const _ of result.collect(wait));
      const { name, children } = await result.graph()
      expect([name, children.map((child) => [child.kind, child.name])]).toEqual([
        'spawn',
        [
          ['task', 'add'],
          ['group', null],
        ],
      ])
    })

    it('of a long chain is read at once', async () => {
      const { add } = await start(bench())
      const steps = [add.s(0, 0), ...Array.from({ length: 199 }, () => add.s(1))]
      const result = await (chain as any)(steps).delay()
      await result.get(wait)
      let length = 0
      for (let at: ResultGraph | null = await result.graph(); at !== null; at = at.parent) length += 1
      expect(length).toBe(200)
    })
  })

  describe('is forgotten', () => {
    it('with all steps before it, and the members of groups among them', async () => {
      const { add, sum } = await start(bench())
      const result = await chain(add.s(1, 1), group(add.s(1), add.s(2)), sum.s(), add.s(1)).delay()
      await result.get(wait)
      await result.forget()
      expect(shapeOf(await result.graph())).toEqual([
        'task PENDING',
        [],
        [
          'task PENDING',
          [],
          [
            'group PENDING',
            [
              ['task PENDING', []],
              ['task PENDING', []],
            ],
            ['task PENDING', []],
          ],
        ],
      ])
    })

    it('with what its tasks sent, where that is asked for', async () => {
      const { app, spawn } = await start(bench())
      const result = await spawn.delay(1)
      const ids: string[] = []
      for await (const [handle] of result.collect(wait)) if (!('results' in handle)) ids.push(handle.id)
      expect(ids).toHaveLength(4)
      await app.result(result.id).forget({ children: true })
      expect(await Promise.all(ids.map((id) => app.result(id).state()))).toEqual(Array(4).fill('PENDING'))
    })

    it('and the rest stays', async () => {
      const { app, spawn } = await start(bench())
      const result = await spawn.delay(1)
      for await (const _ of result.collect(wait));
      const [child] = await result.children()
      await app.result(result.id).forget()
      expect([await app.result(result.id).state(), await child!.state()]).toEqual(['PENDING', 'SUCCESS'])
    })
  })

  describe('of a group that was saved', () => {
    it('is found by its id', async () => {
      const { app, add } = await start(bench())
      const result = await group(add.s(1, 1), chain(add.s(1, 1), add.s(2))).delay()
      await result.save()
      const found = await app.groupResult.restore(result.id)
      expect(await found?.get(wait)).toEqual([2, 4])
      expect([found?.id, found?.results.map(({ id }) => id)]).toEqual([
        result.id,
        result.results.map(({ id }) => id),
      ])
      expect(found?.results[1]?.parent?.id).toBe(result.results[1]?.parent?.id)
    })

    it('is null where none is, and where it was forgotten', async () => {
      const { app, add } = await start(bench())
      expect(await app.groupResult.restore('nobody')).toBeNull()
      const result = await group(add.s(1, 1), add.s(1, 2)).delay()
      await result.save()
      await result.get(wait)
      await result.forget()
      expect(await app.groupResult.restore(result.id)).toBeNull()
    })

    it('changes nothing for a chord, whose header it is', async () => {
      const { app, add, sum } = await start(bench())
      const door = gate()
      const slow = app.task('slow', async (n: number) => {
        await door.passed
        return n
      })
      const result = await chord([slow.s(1), add.s(1, 1)], sum.s()).delay()
      await (result.parent as any).save()
      door.open()
      expect(await result.get(wait)).toBe(3)
    })
  })
})
