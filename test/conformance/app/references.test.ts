// Big canvases: what would repeat itself lies in the broker once, messages refer to it, and when the work has
// ended, however it ends, nothing of it is left.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import type { signature } from '../../../src/canvas/signature.js'
import { ChordError, Ignore } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }
/** Canvases of computed length have no types of their own. */
type Loose = ReturnType<typeof signature>
const chained = (...steps: readonly unknown[]) =>
  (chain as unknown as (steps: readonly unknown[]) => Loose)(steps)
const grouped = (members: readonly unknown[]) =>
  (group as unknown as (members: readonly unknown[]) => Loose)(members)
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))

const tasksOf = (app: App) => {
  const ran: string[] = []
  let tries = 0
  return {
    ran,
    add: app.task('add', (x: number, y: number) => x + y),
    sum: app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)),
    fail: app.task('fail', (_input: unknown): number => {
      throw new TypeError('boom')
    }),
    unsteady: app.task('unsteady', function (x: number): number {
      tries += 1
      if (tries < 3) throw this.retry({ countdown: 0 })
      return x
    }),
    leave: app.task('leave', (_input: unknown): number => {
      throw new Ignore('no more')
    }),
    note: app.task('note', (text: string) => void ran.push(text)),
    noteFailed: app.task('noteFailed', (id: string) => void ran.push(id)),
  }
}

onEveryEngine('a canvas by reference', (bench) => {
  const start = async () => {
    const app = bench().app()
    const tasks = tasksOf(app)
    await bench().work(app)
    return { app, ...tasks }
  }

  it('a long chain is stored once, in the order in which it runs, and is gone at its end', async () => {
    const { add } = await start()
    const result = await chain(add.s(0, 1), ...many(299, () => add.s(1))).delay()
    expect(await bench().graphs()).toHaveLength(1)
    expect(await result.get(wait)).toBe(300)
    expect(await bench().graphs()).toEqual([])
    let steps = 1
    for (let at = result.parent; at !== null; at = at.parent) steps += 1
    expect(steps).toBe(300)
  })

  it('a chain of ordinary length travels inline', async () => {
    const app = bench().app()
    const { add } = tasksOf(app)
    await chain(add.s(0, 1), ...many(14, () => add.s(1))).delay()
    await chord(
      many(20, (i) => add.s(i, i)),
      tasksOf(bench().app()).sum.s(),
    ).delay()
    expect(await bench().graphs()).toEqual([])
  })

  it('stages of a group and a task go on, stage by stage', async () => {
    const { add, sum } = await start()
    const stages = many(12, (stage) => [
      group(many(10, (i) => (stage === 0 ? add.s(i, 0) : add.s(i)))),
      sum.s(),
    ])
    const canvas = chained(...stages.flat())
    let expected = 45
    for (let stage = 1; stage < 12; stage += 1) expected = 10 * expected + 45
    expect(await (await canvas.delay()).get(wait)).toBe(expected)
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('a step that fails ends all that waits behind it, also what it only refers to', async () => {
    const { app, add, fail, noteFailed, ran } = await start()
    const steps = [add.s(0, 1), ...many(60, () => add.s(1)), fail.s(), ...many(100, () => add.s(1))]
    const result = await chained(...steps)
      .linkError(noteFailed.s())
      .delay()
    await expect(result.get(wait)).rejects.toThrow('boom')
    const states: string[] = []
    for (let at = result.parent; at !== null; at = at.parent) states.push(await at.state())
    expect(states.filter((state) => state === 'FAILURE')).toHaveLength(100)
    expect(states.filter((state) => state === 'SUCCESS')).toHaveLength(61)
    await until(() => ran.length === 1)
    expect(await app.result(ran[0] as string).state()).toBe('FAILURE')
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('a chord whose header fails ends its body and all behind it', async () => {
    const { add, sum, fail } = await start()
    const behind = many(40, () => add.s(1))
    const header = [fail.s(1), ...many(30, (i) => add.s(i, 1))]
    const result = await chained(grouped(header), sum.s(), ...behind).delay()
    expect(await bench().graphs()).toHaveLength(1)
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    const states: string[] = []
    for (let at = result.parent; at !== null && states.length < 40; at = at.parent)
      states.push(await at.state())
    expect(new Set(states)).toEqual(new Set(['FAILURE']))
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('long chains in the header of a chord report to it', async () => {
    const { add, sum } = await start()
    const member = (i: number) => chain(add.s(i, 1), ...many(39, () => add.s(1)))
    const result = await chained(grouped(many(4, member)), sum.s(), ...many(30, () => add.s(1))).delay()
    expect(await result.get(wait)).toBe(6 + 160 + 30)
    expect(await bench().graphs()).toEqual([])
  })

  it('a long chain in a header that fails fails the chord', async () => {
    const { add, sum, fail } = await start()
    const bad = chained(add.s(1, 1), fail.s(), ...many(60, () => add.s(1)))
    const good = chained(add.s(1, 1), ...many(60, () => add.s(1)))
    const result = await chord([good, bad], sum.s()).delay()
    await expect(result.get(wait)).rejects.toThrow(/boom/)
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('a retry carries the reference on', async () => {
    const { add, unsteady } = await start()
    const steps = [add.s(0, 1), unsteady.s(), ...many(100, () => add.s(1))]
    expect(
      await chained(...steps)
        .delay()
        .get(wait),
    ).toBe(101)
    expect(await bench().graphs()).toEqual([])
  })

  it('a header one of whose tasks is ignored, or is late, fails its chord and leaves nothing', async () => {
    const { add, sum, leave } = await start()
    const body = chained(sum.s(), ...many(30, () => add.s(1)))
    const good = many(100, (i) => add.s(i, i))
    for (const bad of [leave.s(1), add.s(1, 1).set({ expires: new Date(Date.now() - 1000) })]) {
      const result = await chord([...good, bad], body).delay()
      await expect(result.get(wait)).rejects.toThrow(ChordError)
      await until(async () => (await bench().unfinished()).length === 0)
      expect(await bench().graphs()).toEqual([])
    }
  })

  it('a task that is ignored leaves nothing of what would have followed', async () => {
    const { add, leave } = await start()
    await chained(add.s(0, 1), leave.s(), ...many(100, () => add.s(1))).delay()
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('callbacks and errbacks of the whole run once', async () => {
    const { add, ran, app } = await start()
    const noted = app.task('noted', (value: number) => void ran.push(String(value)))
    const long = chained(add.s(0, 1), ...many(99, () => add.s(1))).link(noted.s())
    expect(await long.delay().get(wait)).toBe(100)
    await until(() => ran.length > 0)
    expect(ran).toEqual(['100'])
  })

  it('a chain that came inline, from a client that knows no tasks, goes on by reference', async () => {
    const client = bench().app()
    const add = client.declare<(x: number, y: number) => number>('add')
    const held = client.declare<(x: number) => number>('held')
    const steps = [...many(50, () => add.s(1)), held.s(), ...many(49, () => add.s(1))]
    const result = await chained(add.s(0, 1), ...steps).delay()
    expect(await bench().graphs()).toEqual([])
    const app = bench().app()
    tasksOf(app)
    const opened = gate()
    app.task('held', (x: number) => opened.passed.then(() => x))
    await bench().work(app)
    await until(async () => (await bench().graphs()).length === 1)
    opened.open()
    expect(await result.get(wait)).toBe(100)
    expect(await bench().graphs()).toEqual([])
  })

  it('more messages than one call takes: all of a group, and a chord joins', async () => {
    const { add, sum } = await start()
    const members = many(1500, (i) => add.s(i, 1))
    expect(await group(members).delay().get(wait)).toHaveLength(1500)
    expect(await chord(members, sum.s()).delay().get(wait)).toBe(1500 * 749.5 + 1500)
  })

  it('more messages than one call takes, sent by a worker that goes on with a canvas', async () => {
    const { add, sum } = await start()
    const canvas = chained(add.s(1, 1), grouped(many(1200, () => add.s(1))), sum.s(), add.s(1))
    expect(await canvas.delay().get(wait)).toBe(3601)
    await until(async () => (await bench().graphs()).length === 0)
  })

  it('a step that runs elsewhere gets all that waits with its message, and hands it on', async () => {
    const { app, add } = await start()
    const elsewhere = app.declare<(x: number) => number>('elsewhere', { queue: 'far' })
    const steps = [add.s(0, 1), ...many(30, () => add.s(1)), elsewhere.s(), ...many(30, () => add.s(1))]
    const far = bench().app()
    far.task('elsewhere', (x: number) => 2 * x)
    await bench().work(far, { queues: ['far'] })
    const result = await chained(...steps).delay()
    expect(await result.get(wait)).toBe(31 * 2 + 30)
    expect(await bench().graphs()).toEqual([])
  })

  it('what was carried on before fails visibly', async () => {
    const { app } = await start()
    const gone = { g: 'none', n: 0, i: 0, t: 'add' }
    const result = await app.sendTask('lovage.resume', [1], { kwargs: { $lv: gone } })
    await expect(result.get(wait)).rejects.toThrow('not in the broker any more (page 0 of graph none)')
  })

  it('what is written flat and cannot be read fails visibly, and the worker goes on', async () => {
    const { app, add } = await start()
    const deep = many(100_000, (i) => ({
      task: 'celery.chain',
      subtask_type: 'chain',
      kwargs: { tasks: i === 99_999 ? [] : [i + 1] },
    }))
    for (const [f, says] of [
      [deep, '100000 in each other'],
      [[{ task: 'add', options: { link: [7] } }], 'names no. 7'],
      [[{ task: 'add', options: { link: [0] } }], 'names no. 0'],
      [[{ task: 5 }], 'expects a task'],
      [
        [{ task: 'celery.chain', subtask_type: 'chain', kwargs: { tasks: 1 } }, { task: 'add' }],
        'expects an array',
      ],
      [[], 'is empty'],
      [[null], 'expects a task'],
    ] as const) {
      const result = await app.sendTask('lovage.resume', [1], { kwargs: { $lv: { t: 'add', f } } })
      await expect(result.get(wait), says).rejects.toThrow(says)
    }
    expect(await add.s(1, 1).delay().get(wait)).toBe(2)
  })
})
