// Work that is made of work, from the call to the last result.
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { signature } from '../../../src/canvas/signature.js'
import { ChordError } from '../../../src/errors.js'
import type { App } from '../../../src/app.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngineAndApart } from './bench.js'

const tasksOf = (app: App) => {
  const called: unknown[][] = []
  return {
    called,
    add: app.task('add', (x: number, y: number) => x + y),
    mul: app.task('mul', (x: number, y: number) => x * y),
    sum: app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)),
    list: app.task('list', (values: unknown) => values),
    fail: app.task('fail', (..._inputs: unknown[]): number => {
      throw new TypeError('boom')
    }),
    note: app.task('note', function (...args: unknown[]) {
      called.push(args)
      return args
    }),
    noteError: app.task(
      'noteError',
      (
        request: { id: string; task: string | null },
        error: Error,
        traceback: string | null,
        ...own: unknown[]
      ) => {
        called.push([request.id, request.task, error.name, error.message, traceback !== null, ...own])
      },
      { errback: 'full' },
    ),
  }
}

const wait = { timeout: 20 }

onEveryEngineAndApart('a canvas', (bench) => {
  const start = async (concurrency = 10) => {
    const app = bench().app()
    const tasks = tasksOf(app)
    const worker = await bench().work(app, { concurrency })
    return { app, worker, ...tasks }
  }

  describe('chains', () => {
    it('hand the result from step to step', async () => {
      const { add, mul } = await start()
      expect(await chain(add.s(2, 2), mul.s(4), add.s(1)).delay().get(wait)).toBe(17)
      expect(await add.s(2, 2).pipe(add.s(4), add.s(8)).delay().get(wait)).toBe(16)
    })

    it('carry arguments that contain themselves, and refuse what is nested too deep in a sentence', async () => {
      const { app, list } = await start()
      const round: { self?: unknown } = {}
      round.self = round
      const isRound = app.task('isRound', (_: unknown, value: typeof round) => value.self === value)
      const step = isRound.s(round)
      expect(await chain(list.s(1), step).delay().get(wait)).toBe(true)
      expect(
        await chord([list.s(1), list.s(2)], step)
          .delay()
          .get(wait),
      ).toBe(true)
      const deep = Array.from({ length: 20_000 }).reduce<unknown>((inner) => [inner], 1)
      await expect(chain(list.s(1), isRound.s(deep as any)).delay()).rejects.toThrow(
        'nested deeper than 256 levels',
      )
    })

    it('take keyword arguments of the call where they take its other arguments', async () => {
      const { app, list } = await start()
      const named = app.task('named', (x: unknown, y: unknown) => [x, y], { params: ['x', 'y'] })
      const call = { kwargs: { y: 'y' } }
      const missing = (x: unknown): any => signature('named', { args: [x] })
      const kept = signature('named', { args: [0], kwargs: { y: 'own' }, immutable: true })
      const row = group(chain(missing(1), list.s()), group(missing(2)), named.si(3, 4), kept)
      const given = [
        [1, 'y'],
        [2, 'y'],
        [3, 4],
        [0, 'own'],
      ]
      expect(await row.applyAsync([], call).get(wait)).toEqual(given)
      expect(await chord(row, list.s()).applyAsync([], call).get(wait)).toEqual(given)
      expect(await app.send(signature('named', { kwargs: { y: 1 } }), ['x'], call).get(wait)).toEqual([
        'x',
        'y',
      ])
    })

    it('have the steps before as parents of their results', async () => {
      const { add } = await start()
      const result = await chain(add.si(2, 2), add.si(4, 4), add.si(8, 8)).delay()
      expect(await result.get(wait)).toBe(16)
      expect([await result.parent?.get(wait), await result.parent?.parent?.get(wait)]).toEqual([8, 4])
      expect(result.parent?.parent?.parent).toBeNull()
    })

    it('end with the first failure, for every step behind', async () => {
      const { add, fail } = await start()
      const result = await chain(add.s(1, 1), fail.s(), add.s(1), add.s(1)).delay()
      await expect(result.get(wait)).rejects.toMatchObject({ name: 'TypeError', message: 'boom' })
      expect(await result.parent?.state()).toBe('FAILURE')
      expect(await result.parent?.parent?.state()).toBe('FAILURE')
      expect(await result.parent?.parent?.parent?.state()).toBe('SUCCESS')
    })

    it('of 300 steps', async () => {
      const { add } = await start(1)
      const steps = [add.s(0, 0), ...Array.from({ length: 299 }, () => add.s(1))]
      expect(await (chain as any)(steps).delay().get(wait)).toBe(299)
    })

    it('may have groups and chords anywhere', async () => {
      const { add, sum } = await start()
      const four = chain(add.s(1, 1), group(add.s(1), add.s(2)), sum.s(), group(add.s(1), add.s(2), add.s(3)))
      expect(await four.delay().get(wait)).toEqual([8, 9, 10])
      expect(
        await chain(four as any, sum.s() as any, add.s(1) as any)
          .delay()
          .get(wait),
      ).toBe(28)
    })
  })

  describe('groups', () => {
    it('give their results in order, whatever order they end in', async () => {
      const { app } = await start()
      const gates = [gate(), gate(), gate()]
      const held = app.task('held', async (n: number) => {
        await gates[n]!.passed
        return n
      })
      const result = await group(held.s(0), held.s(1), held.s(2)).delay()
      const ended: number[] = []
      const heard = (async () => {
        for await (const member of result) ended.push(result.results.indexOf(member))
      })()
      for (const n of [1, 2, 0]) {
        gates[n]!.open()
        await until(() => ended.includes(n))
      }
      await heard
      expect(ended).toEqual([1, 2, 0])
      expect(await result.get(wait)).toEqual([0, 1, 2])
      expect([await result.completedCount(), await result.ready(), await result.successful()]).toEqual([
        3,
        true,
        true,
      ])
    })

    it('that are empty have an empty result at once', async () => {
      const { app, sum } = await start()
      expect(await app.send(group()).get(wait)).toEqual([])
      expect(await chain(group(), sum.s()).delay().get(wait)).toBe(0)
    })

    it('within groups are one row', async () => {
      const { add } = await start()
      expect(
        await group(add.s(1, 1), group(add.s(2, 2), group(add.s(3, 3))))
          .delay()
          .get(wait),
      ).toEqual([2, 4, 6])
    })

    it('in chains in groups', async () => {
      const { add } = await start()
      const inner = chain(add.s(1, 1), group(add.s(10), add.s(20)))
      expect(await group(inner, add.s(5, 5)).delay().get(wait)).toEqual([[12, 22], 10])
    })

    it('of which a member fails reject, while the others have their results', async () => {
      const { add, fail } = await start()
      const result = await group(add.s(1, 1), fail.s(), add.s(2, 2)).delay()
      await expect(result.get(wait)).rejects.toMatchObject({ name: 'TypeError' })
      const settled = await result.get({ ...wait, propagate: false })
      expect(settled).toEqual([2, expect.objectContaining({ name: 'TypeError' }), 4])
      expect(await result.state()).toBe('FAILURE')
    })

    it('of 1 000 members, that report to a body', async () => {
      const { add, sum } = await start(50)
      const members = Array.from({ length: 1000 }, (_, i) => add.s(i, 0))
      expect(await chord(members, sum.s()).delay().get(wait)).toBe(499_500)
    })
  })

  describe('chords', () => {
    it('call the body with all results, in order', async () => {
      const { add, list } = await start()
      expect(
        await chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], list.s())
          .delay()
          .get(wait),
      ).toEqual([2, 4, 6])
    })

    it('of one and of none', async () => {
      const { add, list } = await start()
      expect(
        await chord([add.s(1, 1)], list.s())
          .delay()
          .get(wait),
      ).toEqual([2])
      expect(await chord([], list.s()).delay().get(wait)).toEqual([])
      expect(
        await chain(add.s(1, 1), chord([], list.s()) as any)
          .delay()
          .get(wait),
      ).toEqual([])
    })

    it('have the header as the parent of the result', async () => {
      const { add, sum } = await start()
      const result = await chord([add.s(1, 1), add.s(2, 2)], sum.s()).delay()
      expect(await result.get(wait)).toBe(6)
      expect(await result.parent?.get(wait)).toEqual([2, 4])
    })

    it('within chords: in headers, in bodies, in chains', async () => {
      const { add, sum, list } = await start()
      const inner = chord([add.s(1, 1), add.s(2, 2)], sum.s())
      expect(
        await chord([inner, add.s(3, 3)], list.s())
          .delay()
          .get(wait),
      ).toEqual([6, 6])
      const inBody = chord([add.s(1, 1)], chord([list.s(), list.s()], list.s()) as any)
      expect(await inBody.delay().get(wait)).toEqual([[2], [2]])
      const member = chain(add.s(1, 1), chord([add.s(1), add.s(2)], sum.s()))
      expect(
        await chord([member, add.s(3, 3)], list.s())
          .delay()
          .get(wait),
      ).toEqual([7, 6])
    })

    it('with a header chain that ends in a group get that as one result', async () => {
      const { add, list } = await start()
      const member = chain(add.s(1, 1), group(add.s(2), add.s(3)))
      expect(
        await chord([member, add.s(4, 4)], list.s())
          .delay()
          .get(wait),
      ).toEqual([[4, 5], 8])
    })

    it('with a chain as the body', async () => {
      const { add, sum, mul } = await start()
      const result = await chord([add.s(1, 1), add.s(2, 2)], chain(sum.s(), mul.s(10), add.s(1))).delay()
      expect(await result.get(wait)).toBe(61)
      expect(await result.parent?.get(wait)).toBe(60)
    })

    it('with a group as the body', async () => {
      const { add, sum, list } = await start()
      expect(
        await chord([add.s(1, 1), add.s(2, 2)], group(sum.s(), list.s()))
          .delay()
          .get(wait),
      ).toEqual([6, [2, 4]])
    })

    it('with a failing header fail with its reason, once all parts are in', async () => {
      const { add, fail, sum } = await start()
      const result = await chord([add.s(1, 1), fail.s()], sum.s()).delay()
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ChordError)
      expect((error as Error).message).toMatch(/^Dependency [-0-9a-f]{36} raised TypeError\('boom'\)$/)
    })

    it('that fail within chords fail to the outermost, and whoever waits for a part hears of it', async () => {
      const { add, fail, sum } = await start()
      const inner = chord([add.s(1, 1), fail.s()], sum.s())
      const member = chain(fail.s(), chord([add.s(1), add.s(2)], sum.s()))
      const result = await chord(
        [chord([inner, add.s(1, 1)], sum.s()), member],
        chain(sum.s(), add.s(1)),
      ).delay()
      await until(async () => (await result.state()) === 'FAILURE')
      const header = result.parent?.parent as any
      for (const part of [
        result.parent,
        header.results[0],
        header.results[1],
        header.results[1].parent.results[0],
      ])
        expect(await part.state()).toBe('FAILURE')
    })
  })

  describe('callbacks', () => {
    it('run with the result in front of their own arguments', async () => {
      const { add, note, called } = await start()
      await add.s(1, 1).link(note.s('own')).delay().get(wait)
      await until(() => called.length === 1)
      expect(called).toEqual([[2, 'own']])
    })

    it('two of them', async () => {
      const { add, note, called } = await start()
      await add.s(1, 1).link(note.s('a')).link(note.si('b')).delay().get(wait)
      await until(() => called.length === 2)
      expect(called).toEqual(expect.arrayContaining([[2, 'a'], ['b']]))
    })

    it('of a chain run after its end, those of a chord after its body', async () => {
      const { add, sum, note, called } = await start()
      await chain(add.s(1, 1), add.s(5))
        .applyAsync([], { link: note.s('chain') as any })
        .get(wait)
      await chord([add.s(1, 1), add.s(2, 2)], sum.s())
        .link(note.s('chord'))
        .delay()
        .get(wait)
      await until(() => called.length === 2)
      expect(called).toEqual(
        expect.arrayContaining([
          [7, 'chain'],
          [6, 'chord'],
        ]),
      )
    })
  })

  describe('errbacks', () => {
    it('are called with the id of what failed, or with all that is known of it', async () => {
      const { fail, note, noteError, called } = await start()
      const work = fail
        .s()
        .linkError(note.s('own'))
        .linkError(noteError.s('own') as any)
      const result = await work.delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      await until(() => called.length === 2)
      expect(called).toEqual(
        expect.arrayContaining([
          [result.id, 'own'],
          [result.id, 'fail', 'TypeError', 'boom', true, 'own'],
        ]),
      )
    })

    it('of a chain are those of the step that fails', async () => {
      const { add, fail, note, called } = await start()
      const result = await chain(add.s(1, 1), fail.s(), add.s(1)).linkError(note.s()).delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      await until(() => called.length === 1)
      expect(called).toEqual([[result.parent?.id]])
    })

    it('of a group are called for each member that fails', async () => {
      const { add, fail, note, called } = await start()
      const result = await group(fail.s(), add.s(1, 1), fail.s()).linkError(note.s()).delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      await until(() => called.length === 2)
      const [first, , third] = result.results
      expect(called).toEqual(expect.arrayContaining([[first?.id], [third?.id]]))
    })

    it('of a chord are called with the id of the body, for a failing header and for a failing body', async () => {
      const { add, fail, sum, noteError, called } = await start()
      const work = chord([add.s(1, 1), fail.s()], sum.s()).linkError(noteError.s() as any)
      const result = await work.delay()
      await expect(result.get(wait)).rejects.toThrow('Dependency')
      await until(() => called.length === 1)
      expect(called[0]).toMatchObject([
        result.id,
        null,
        'ChordError',
        expect.stringContaining('Dependency'),
        true,
      ])
      const second = await chord([add.s(1, 1)], fail.s())
        .linkError(noteError.s() as any)
        .delay()
      await until(() => called.length === 2)
      expect(called[1]).toMatchObject([second.id, 'fail', 'TypeError', 'boom', true])
    })
  })

  describe('work that a task sends', () => {
    it('has its root and itself as the parent, and stands among its children', async () => {
      const { app, add } = await start()
      const ids = app.task('ids', function () {
        return [this.request.id, this.request.rootId, this.request.parentId]
      })
      const send = app.task('send', async () => {
        const one = await ids.delay()
        const two = await chain(add.s(1, 1), ids.si()).delay()
        return [one.id, two.id]
      })
      const result = await chain(add.s(1, 1), send.si()).delay()
      const sent = (await result.get(wait)) as string[]
      const root = result.parent?.id
      expect(await app.result(sent[0] as string).get(wait)).toEqual([sent[0], root, result.id])
      const [first, second] = await result.children()
      expect([first?.id, second?.id]).toEqual(sent)
      expect(await second?.get(wait)).toEqual([sent[1], root, second?.parent?.id])
    })
  })
})
