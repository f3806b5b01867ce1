// Canvases in canvases, as deep as they may be: a failure at the bottom reaches the top, what is never called leaves
// nothing, and what cannot be sent on is refused by who sends the first of it. (That all shapes run: any-canvas.)
import { expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { type AnySignature, signature } from '../../../src/canvas/signature.js'
import { ChordError } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const one = (): AnySignature => signature('one')
const wait = { timeout: 60 }

type Around = (inner: AnySignature) => AnySignature

const inHeader: Around = (inner) => chord([inner, one()], one()) as AnySignature
const inChain: Around = (inner) => chain(one(), group([inner, one()]), one()) as AnySignature

const nested = (around: Around, depth: number, bottom = one()): AnySignature =>
  Array.from({ length: depth }).reduce<AnySignature>((inner) => around(inner), bottom)

onEveryEngine('canvases nested deep', (bench) => {
  const start = async (work = true) => {
    const app = bench().app()
    let runs = 0
    app.task('one', () => {
      runs += 1
      return 1
    })
    app.task('fail', () => {
      throw new TypeError('boom')
    })
    if (work) await bench().work(app)
    return { app, runs: () => runs }
  }

  const isOver = async (): Promise<boolean> =>
    (await bench().graphs()).length === 0 && (await bench().unfinished()).length === 0

  const linked = (depth: number): AnySignature => nested((inner) => one().link(inner) as AnySignature, depth)

  it('callbacks of callbacks of what fails, or never runs, leave nothing', async () => {
    const { app, runs } = await start(false)
    const failing = (): AnySignature => signature('fail').link(linked(120)) as AnySignature
    const late = one()
      .set({ expires: new Date(Date.now() - 1000) })
      .link(linked(120))
    const behind = chain(signature('fail'), linked(120), linked(120))
    for (const canvas of [failing(), late, behind, chord([failing()], linked(120))])
      await app.send(canvas as any)
    expect(await bench().graphs()).toHaveLength(4)
    await bench().work(app)
    await until(isOver)
    expect(runs()).toBe(0)
  })

  it('callbacks of callbacks leave nothing where their task is revoked or unknown, or their own queue is, or is purged', async () => {
    const { app, runs } = await start(false)
    app.task('stranger', () => 1)
    let told = 0
    const worker = bench().app({ taskCreateMissingQueues: false, taskQueues: ['celery', 'other'] })
    worker.task('one', () => void (told += 1))
    const revoked = await app.send(one().link(linked(60)) as any)
    await app.control.revoke(revoked.id)
    await app.send(signature('stranger').link(linked(60)) as any)
    await app.send(one().link(linked(60).set({ queue: 'nowhere' })) as any)
    await app.send(one().link(linked(60).set({ queue: 'other' })) as any)
    expect(await bench().graphs()).toHaveLength(4)
    await bench().work(worker, { queues: ['celery'] })
    await until(async () => (await bench().graphs()).length === 1)
    await until(async () => (await bench().look()).messages['other']?.length === 1)
    await app.control.purge('other')
    await until(isOver)
    expect([told, runs()]).toEqual([2, 0])
  })

  it('an errback that is deep itself is called for each step that has it, and for a chord once', async () => {
    const { app, runs } = await start()
    const guarded = nested((inner) => signature('fail').linkError(inner) as AnySignature, 50)
    await app.send(chain(one(), signature('fail')).linkError(guarded))
    await app.send(chord([signature('fail'), one()], one()).linkError(guarded))
    await until(() => runs() === 2 + 2)
    await until(isOver)
    expect(runs()).toBe(4)
  })

  it('behind a task that runs elsewhere is refused before anything is sent, and not half way through', async () => {
    const { app, runs } = await start(false)
    const elsewhere = app.declare<() => number>('elsewhere', { queue: 'far' })
    const behind = (depth: number) => chain(one(), elsewhere.si(), nested(inChain, depth))
    await expect(app.send(behind(40) as any)).rejects.toThrow(
      /is nested too deep: elsewhere stands with .* some 32\d levels of JSON; at most 290 are sent \(the setting canvasMaxLevels\)/,
    )
    expect((await bench().look()).messages).toEqual({})
    const far = bench().app()
    far.task('elsewhere', () => 1)
    app.task('swap', function (depth: number): unknown {
      return this.replace(behind(depth) as any)
    })
    await bench().work(app)
    await bench().work(far, { queues: ['far'] })
    const swap = (depth: number) => signature('swap', { args: [depth] })
    const refused = app.send(swap(40)).then((result) => result.get(wait))
    await expect(refused).rejects.toThrow(/elsewhere stands with .*canvasMaxLevels/)
    expect(runs()).toBe(0)
    expect(await (await app.send(behind(36) as any)).get(wait)).toBe(1)
  })

  it('to any depth also for who has not the code of its tasks, if their queue is said to be of our workers alone', async () => {
    const far = bench().app()
    let runs = 0
    far.task('one', () => void (runs += 1))
    const client = bench().app({ taskQueues: { far: { shared: false } } })
    const unsure = bench().app()
    const there = (): AnySignature => one().set({ queue: 'far' })
    const canvases = [
      nested((inner) => chain(there(), group([inner, there()]), there()) as AnySignature, 60, there()),
      nested((inner) => there().link(inner) as AnySignature, 97, there()),
    ]
    for (const canvas of canvases)
      await expect(unsure.send(canvas)).rejects.toThrow(/nested too deep.* say shared: false of their queue/)
    expect((await bench().look()).messages).toEqual({})
    for (const canvas of canvases) await client.send(canvas)
    await bench().work(far, { queues: ['far'] })
    await until(isOver)
    expect(runs).toBe(3 * 60 + 1 + 97 + 1)
  })

  it('a task may send a chain of any length, and its result leads to each step of it', async () => {
    const { app } = await start()
    app.task('sender', async () => {
      await (chain as any)(Array.from({ length: 300 }, one)).delay()
      return 'sent'
    })
    const result = await app.send(signature('sender'))
    expect(await result.get(wait)).toBe('sent')
    await until(isOver)
    const graph = await result.graph()
    const line: string[] = []
    for (let at = graph.children[0] ?? null; at !== null; at = at.parent) line.push(at.id)
    // What it was told of by the one that sent it, and the step before that.
    expect(new Set(line).size).toBe(121)
    const found = new Set<string>()
    const todo = [graph]
    for (let at = todo.pop(); at !== undefined; at = todo.pop())
      for (const next of [...at.children, ...(at.parent === null ? [] : [at.parent])])
        if (!found.has(next.id)) {
          found.add(next.id)
          todo.push(next)
        }
    expect(found.size).toBe(300)
    await result.forget({ children: true })
    expect((await bench().look()).results).toEqual({})
  })

  it('a failure at the bottom of chords in headers fails all of them', async () => {
    const { app, runs } = await start()
    const result = await app.send(nested(inHeader, 60, signature('fail')))
    await expect(result.get(wait)).rejects.toThrow(ChordError)
    await until(isOver)
    expect(runs()).toBe(60)
  })
})
