// Work that takes the place of a task, wherever the task stands: `this.replace`, and `this.addToChord`.
import { describe, expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { ChordError } from '../../../src/errors.js'
import type { TaskContext } from '../../../src/runtime/context.js'
import { until } from '../../support/until.js'
import { type Bench, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

const tasksOf = (app: App) => {
  const called: unknown[][] = []
  const note = (...args: unknown[]) => {
    called.push(args)
    return args
  }
  const add = app.task('add', (x: number, y: number) => x + y)
  const mul = app.task('mul', (x: number, y: number) => x * y)
  const sum = app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0))
  const list = app.task('list', (values: unknown) => values)
  const fail = app.task('fail', (..._inputs: unknown[]): number => {
    throw new TypeError('boom')
  })
  return { called, add, mul, sum, list, fail, note: app.task('note', note) }
}

const start = async (bench: Bench, settings = {}) => {
  const app = bench.app(settings)
  const tasks = tasksOf(app)
  await bench.work(app)
  return { app, ...tasks }
}

onEveryEngine('work in the place of a task', (bench) => {
  it('gives the result under the task’s own id, returned or thrown', async () => {
    const { app, add } = await start(bench())
    const returned = app.task('returned', function (x: number) {
      return this.replace(add.s(x, 10))
    })
    const thrown = app.task('thrown', function (x: number): number {
      throw this.replace(add.s(x, 10))
    })
    expect(await returned.delay(5).get(wait)).toBe(15)
    expect(await thrown.delay(6).get(wait)).toBe(16)
  })

  it('is the task’s child and knows its root; nothing is stored before it has ended', async () => {
    const { app } = await start(bench())
    const seen: unknown[] = []
    const heir = app.task('heir', function () {
      const { id, rootId, parentId, replacedTaskNesting } = this.request
      seen.push([id, rootId, parentId, replacedTaskNesting])
    })
    const replaced = app.task('replaced', function () {
      return this.replace(heir.si())
    })
    const result = await replaced.delay()
    await result.get(wait)
    expect(seen).toEqual([[result.id, result.id, result.id, 1]])
  })

  describe('may be', () => {
    it('a chain, a group, a chord, chunks, and each of them in the other', async () => {
      const { app, add, mul, sum } = await start(bench())
      const works: Record<string, () => any> = {
        chain: () => chain(add.s(1, 2), mul.s(3)),
        group: () => group(add.s(1, 1), add.s(2, 2)),
        'an empty group': () => (group as any)(),
        chord: () => chord([add.s(1, 1), add.s(2, 2)], sum.s()),
        chunks: () =>
          add.chunks(
            [
              [1, 1],
              [2, 2],
              [3, 3],
            ],
            2,
          ),
        starmap: () =>
          add.starmap([
            [1, 1],
            [2, 2],
          ]),
        'a chain that ends in a group': () => chain(add.s(1, 1), group(add.s(1), add.s(2))),
        'a chord with a group as its body': () => chord([add.s(1, 1)], group(sum.s(), sum.s())),
      }
      const replaced = app.task('replaced', function (name: string): unknown {
        return this.replace(works[name]!())
      })
      const given = await Promise.all(
        Object.keys(works).map(async (name) => [name, await replaced.delay(name).get(wait)]),
      )
      expect(Object.fromEntries(given)).toEqual({
        chain: 9,
        group: [2, 4],
        'an empty group': [],
        chord: 6,
        chunks: [[2, 4], [6]],
        starmap: [2, 4],
        'a chain that ends in a group': [3, 4],
        'a chord with a group as its body': [2, 2],
      })
    })

    it('replaced itself, again and again', async () => {
      const { app, add } = await start(bench())
      const nestings: number[] = []
      const down: any = app.task('down', function (this: TaskContext, n: number): any {
        nestings.push(this.request.replacedTaskNesting)
        return this.replace(n === 0 ? add.s(40, 2) : down.s(n - 1))
      })
      expect(await chain(down.s(5), add.s(1)).delay().get(wait)).toBe(43)
      expect(nestings).toEqual([0, 1, 2, 3, 4, 5])
    })

    it('of an id of its own, which counts for nothing', async () => {
      const { app, add } = await start(bench())
      const replaced = app.task('replaced', function () {
        return this.replace(chain(add.s(1, 1), add.s(1).set({ taskId: 'own', groupId: 'of-nobody' })))
      })
      expect(await replaced.delay().get(wait)).toBe(3)
    })
  })

  describe('has the place of the task', () => {
    it('in a chain', async () => {
      const { app, add, mul, sum } = await start(bench())
      const replaced = app.task('replaced', function (x: number): number {
        return this.replace(chain(add.s(x, 1), mul.s(10)))
      })
      const grouped = app.task('grouped', function (x: number): number[] {
        return this.replace(group(add.s(x, 1), add.s(x, 2)))
      })
      const result = await chain(add.s(1, 1), replaced.s(), add.s(5), grouped.s(), sum.s()).delay()
      expect(await result.get(wait)).toBe(36 + 37)
      expect(await result.parent?.get(wait)).toEqual([36, 37])
      expect(await result.parent?.parent?.parent?.get(wait)).toBe(30)
    })

    it('in a long chain, of which the rest lies in the broker', async () => {
      const { app, add, fail, sum } = await start(bench())
      const replaced = app.task('replaced', function (x: number): number {
        return this.replace(chain(add.s(x, 1), add.s(1)))
      })
      const grouped = app.task('grouped', function (x: number): number {
        return this.replace(chain(group(add.s(x, 1), add.s(x, 1)), sum.s()))
      })
      const failing = app.task('failing', function (): number {
        return this.replace(fail.s())
      })
      const many = (count: number) => Array.from({ length: count }, () => add.s(1))
      const work: any = (chain as any)(add.s(0, 0), ...many(80), replaced.s(), grouped.s(), ...many(120))
      expect(await work.delay().get(wait)).toBe((80 + 2 + 1) * 2 + 120)
      expect(
        await chord([work, add.s(1, 1)], sum.s())
          .delay()
          .get(wait),
      ).toBe(286 + 2)
      const ends: any = (chain as any)(add.s(0, 0), ...many(80), failing.si(), ...many(120))
      const result = await ends.delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      await expect(result.parent.parent.get(wait)).rejects.toThrow('boom')
    })

    it('in the header and in the body of a chord, and in one that is nested', async () => {
      const { app, add, sum, list } = await start(bench())
      const one = app.task('one', function (x: number): number {
        return this.replace(chain(add.s(x, 1), add.s(1)))
      })
      const two = app.task('two', function (x: number): number[] {
        return this.replace(group(add.s(x, 1), add.s(x, 2)))
      })
      const body = app.task('body', function (values: unknown[]): unknown {
        return this.replace(list.s([values.length, ...values]))
      })
      expect(
        await chord([one.s(1), add.s(4, 4), two.s(1)], body.s())
          .delay()
          .get(wait),
      ).toEqual([3, 3, 8, [2, 3]])
      const inner = chord([one.s(1), one.s(2)], sum.s())
      const outer = chord([inner, add.s(1, 1)], list.s())
      expect(await chain(outer, list.s()).delay().get(wait)).toEqual([7, 2])
    })

    it('by links: the callbacks and errbacks of both are called', async () => {
      const { app, add, fail, note, called } = await start(bench())
      const replaced = app.task('replaced', function (name: string): number {
        const work: any = name === 'fails' ? fail.s() : chain(add.s(1, 1), add.s(1).link(note.s('own')))
        return this.replace(work)
      })
      const linked = (name: string) =>
        replaced
          .s(name)
          .link(note.s('task’s'))
          .linkError(note.s('failed') as any)
      await linked('ends').delay().get(wait)
      await until(() => called.length === 2)
      expect(called.map((args) => args.join(' ')).sort()).toEqual(['3 own', '3 task’s'])
      const failing = await linked('fails').delay()
      await expect(failing.get(wait)).rejects.toThrow('boom')
      await until(() => called.length === 3)
      expect(called[2]).toEqual([failing.id, 'failed'])
    })

    it('by its end: a failure is the task’s, and that of all behind it', async () => {
      const { app, add, fail, sum } = await start(bench())
      const replaced = app.task('replaced', function (): number {
        return this.replace(chain(add.s(1, 1), fail.s(), add.s(2)) as any)
      })
      const result = await chain(replaced.s(), add.s(1)).delay()
      await expect(result.get(wait)).rejects.toThrow('boom')
      await expect(result.parent?.get(wait)).rejects.toThrow('boom')
      await expect(
        chord([replaced.s(), add.s(1, 1)], sum.s())
          .delay()
          .get(wait),
      ).rejects.toThrow(ChordError)
    })
  })

  it('is not replaced, where what this.replace gave was neither returned nor thrown; the log says so', async () => {
    const { app, add } = await start(bench())
    const forgetful = app.task('forgetful', function () {
      this.replace(add.s(1, 1))
      return 'mine'
    })
    expect(await forgetful.delay().get(wait)).toBe('mine')
    expect(bench().lines).toContainEqual(
      expect.stringMatching(/WARNING.*forgetful\[.*this\.replace\(…\) was called and not returned/),
    )
  })

  it('is retried as itself', async () => {
    const { app, add } = await start(bench())
    let tries = 0
    const flaky = app.task(
      'flaky',
      () => {
        tries += 1
        if (tries < 3) throw new Error('not yet')
        return tries
      },
      { autoretryFor: [Error], defaultRetryDelay: 0 },
    )
    const replaced = app.task('replaced', function () {
      return this.replace(flaky.si())
    })
    expect(
      await chord([replaced.s(), add.s(1, 1)], app.task('both', (v: number[]) => v).s())
        .delay()
        .get(wait),
    ).toEqual([3, 2])
  })

  it('inherits the stamps of the task, and its own are its own', async () => {
    const { app } = await start(bench())
    const seen: unknown[] = []
    const heir = app.task('heir', function () {
      seen.push(this.request.stamps)
    })
    const replaced = app.task('replaced', function () {
      return this.replace(chain(heir.si().stamp({ run: 2 }), heir.si()))
    })
    await replaced.s().stamp({ customer: 'acme', run: 1 }).delay().get(wait)
    expect(seen).toEqual([
      { customer: 'acme', run: 2 },
      { customer: 'acme', run: 1 },
    ])
  })

  describe('is shown to the task’s hook', () => {
    it('which may give other work instead', async () => {
      const { app, add } = await start(bench())
      const shown: unknown[] = []
      const replaced = app.task(
        'replaced',
        function (x: number): number {
          return this.replace(add.s(x, 1))
        },
        {
          onReplace: (heir, { args }) => {
            shown.push([heir.kind, args])
            return args[0] === 1 ? undefined : add.s(100, 1)
          },
        },
      )
      expect([await replaced.delay(1).get(wait), await replaced.delay(2).get(wait)]).toEqual([2, 101])
      expect(shown).toEqual([
        ['task', [1]],
        ['task', [2]],
      ])
    })

    it('which changes nothing when it throws', async () => {
      const { app, add } = await start(bench())
      const replaced = app.task(
        'replaced',
        function (): number {
          return this.replace(add.s(1, 1))
        },
        {
          onReplace: () => {
            throw new Error('hook')
          },
        },
      )
      expect(await replaced.delay().get(wait)).toBe(2)
    })
  })

  it('that cannot be sent is refused where it is given, and fails the task', async () => {
    const { app, add } = await start(bench())
    const replaced = app.task('replaced', function (name: string): unknown {
      if (name === 'chord') return this.replace(add.s(1, 1).set({ chord: add.s(1, 1) }))
      if (name === 'arguments') return this.replace(add.s(1))
      return this.replace(add as never)
    })
    const end = async (name: string) => String(await replaced.delay(name).get({ ...wait, propagate: false }))
    expect(await end('chord')).toMatch('a chord of its own')
    expect(await end('arguments')).toMatch('add takes 2 arguments, but this signature gives it 1')
    expect(await end('task')).toMatch('is the task add itself. Write add.s(…)')
  })
})

onEveryEngine('a chord that grows', (bench) => {
  it('waits for what its header tasks add, and for what that adds', async () => {
    const { app, add, sum, list } = await start(bench())
    const seen: unknown[] = []
    const grows = app.task('grows', async function (n: number): Promise<number> {
      if (n > 0) seen.push(this.addToChord(grows.s(n - 1) as any).id)
      return n
    })
    expect(
      await chord([grows.s(3), add.s(10, 10)], sum.s())
        .delay()
        .get(wait),
    ).toBe(3 + 2 + 1 + 0 + 20)
    expect(new Set(seen).size).toBe(3)
    const many = app.task('many', function () {
      for (const n of [1, 2, 3]) this.addToChord(add.s(n, n))
      this.addToChord(group(add.s(7, 0), add.s(8, 0)))
      this.addToChord(chain(add.s(1, 0), add.s(100)))
    })
    const joined = (await chord([many.s()], list.s()).delay().get(wait)) as unknown[]
    expect(joined.filter((value) => value !== null)).toHaveLength(5)
    expect(joined).toEqual(expect.arrayContaining([2, 4, 6, [7, 8], 101, null]))
  })

  it('gives a handle on what was added, which stands among the children', async () => {
    const { app, add, list } = await start(bench())
    let id = ''
    const grows = app.task('grows', function () {
      id = this.addToChord(add.s(1, 2)).id
      return 0
    })
    const result = await chord([grows.s()], list.s()).delay()
    expect(await result.get(wait)).toEqual(expect.arrayContaining([0, 3]))
    expect(await app.result(id).get(wait)).toBe(3)
    const [member] = (result.parent as any).results
    expect((await member.children()).map((child: { id: string }) => child.id)).toEqual([id])
  })

  it('by nothing of a try that fails: a task that is retried adds once', async () => {
    const { app, add, list } = await start(bench())
    let tries = 0
    const grows = app.task(
      'grows',
      function () {
        this.addToChord(add.s(1, 2))
        tries += 1
        if (tries < 3) throw new Error('not yet')
        return 0
      },
      { autoretryFor: [Error], defaultRetryDelay: 0 },
    )
    expect(await chord([grows.s()], list.s()).delay().get(wait)).toEqual(expect.arrayContaining([0, 3]))
    expect(tries).toBe(3)
  })

  it('also by a task that is replaced', async () => {
    const { app, add, sum } = await start(bench())
    const grows = app.task('grows', function (): number {
      this.addToChord(add.s(1, 2))
      return this.replace(add.s(10, 10))
    })
    expect(
      await chord([grows.s(), add.s(100, 0)], sum.s())
        .delay()
        .get(wait),
    ).toBe(123)
  })

  it('and fails with what was added', async () => {
    const { app, fail, sum } = await start(bench())
    const grows = app.task('grows', function () {
      this.addToChord(fail.s() as any)
      return 1
    })
    await expect(chord([grows.s()], sum.s()).delay().get(wait)).rejects.toThrow("raised TypeError('boom')")
  })

  it('only from its header: elsewhere there is no chord', async () => {
    const { app, add } = await start(bench())
    const grows = app.task('grows', function () {
      this.addToChord(add.s(1, 2))
    })
    await expect(grows.delay().get(wait)).rejects.toThrow("runs in no chord's header")
  })
})
