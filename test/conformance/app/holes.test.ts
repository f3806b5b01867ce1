// Known faults of Celery that are none here, beside those of the captures (captured/mended.test.ts): what hangs
// there, what is counted twice, what is lost. After each of them no chord is open and no key of one is left.
import { expect, it } from 'vitest'
import type { App } from '../../../src/app.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { ChordError, Ignore, Reject } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { type Bench, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

const tasksOf = (app: App) => {
  const errors: unknown[][] = []
  const called: unknown[][] = []
  return {
    errors,
    called,
    add: app.task('add', (x: number, y: number) => x + y),
    sum: app.task('sum', (numbers: number[]) => numbers.reduce((a, b) => a + b, 0)),
    list: app.task('list', (values: unknown) => values),
    fail: app.task('fail', (..._inputs: unknown[]): number => {
      throw new TypeError('boom')
    }),
    note: app.task('note', (...args: unknown[]) => {
      called.push(args)
      return args.length
    }),
    errback: app.task('errback', (...args: unknown[]) => void errors.push(args)),
    ignore: app.task('ignore', (..._inputs: unknown[]): number => {
      throw new Ignore('not today')
    }),
    reject: app.task('reject', (..._inputs: unknown[]): number => {
      throw new Reject('not for me')
    }),
  }
}

const start = async (bench: Bench, settings = {}) => {
  const app = bench.app(settings)
  const tasks = tasksOf(app)
  await bench.work(app)
  return { app, ...tasks }
}

const nothingOpen = async (bench: Bench): Promise<void> => {
  const { chords, groups } = await bench.look()
  expect({ chords, groups }).toEqual({ chords: [], groups: {} })
}

const late = { expires: new Date(Date.now() - 1000) }

onEveryEngine('a header task that never reports', (bench) => {
  it.each<[string, (tasks: ReturnType<typeof tasksOf>) => any, string]>([
    ['has expired', ({ add }) => add.s(1, 1).set(late), "TaskRevokedError('expired')"],
    ['is ignored by its own word', ({ ignore }) => ignore.s(), "Ignore('not today')"],
    ['is rejected by its own word', ({ reject }) => reject.s(), "Reject('not for me', False)"],
    [
      'is a chain whose middle expires',
      ({ add }) => chain(add.s(1, 1), add.s(1).set(late), add.s(1)),
      'expired',
    ],
    [
      'is a chain whose middle is ignored',
      ({ add, ignore }) => chain(add.s(1, 1), ignore.s(), add.s(1)),
      'Ignore',
    ],
    [
      'is a chain of a chord whose header is ignored',
      ({ add, ignore, sum }) => chain(add.s(1, 1), chord([ignore.s(), add.s(1)], sum.s()), add.s(1)),
      'Ignore',
    ],
  ])('%s: its chord fails', async (_, member, text) => {
    const tasks = await start(bench())
    const { add, sum, errback, errors } = tasks
    const body = sum.s().linkError(errback.s())
    const result = await chord([member(tasks), add.s(1, 1)], body).delay()
    const error = await result.get({ ...wait, propagate: false })
    expect(error).toBeInstanceOf(ChordError)
    expect(String(error)).toContain(text)
    await until(() => errors.length === 1)
    expect(errors).toEqual([[result.id]])
    await nothingOpen(bench())
  })

  it('is the middle of a long chain, of which the rest lies in the broker: its chord fails', async () => {
    const { add, ignore, sum } = await start(bench())
    const many = (count: number) => Array.from({ length: count }, () => add.s(1))
    const member: any = (chain as any)(add.s(0, 0), ...many(80), ignore.s(), ...many(120))
    await expect(
      chord([member, add.s(1, 1)], sum.s())
        .delay()
        .get(wait),
    ).rejects.toThrow('Ignore')
    await nothingOpen(bench())
  })

  it('cannot be read: its chord fails', async () => {
    const bare = bench()
    const app = bare.app()
    const { add, sum, list } = tasksOf(app)
    const result = await chord([add.s(1, 1), list.s('x')] as any, sum.s()).delay()
    // Somebody spoils one of the waiting messages: its arguments are no list any more.
    const raws = (await bare.look()).messages['celery'] ?? []
    const broker = await app.broker()
    await broker.purge('celery')
    const spoilt = raws.map((raw, index) => (index === 1 ? withArgs(raw, { no: 'list' }) : raw))
    await broker.publish({ pushes: spoilt.map((raw) => ({ queue: 'celery', priority: 0, raw })), chords: [] })
    await bare.work(app)
    await expect(result.get(wait)).rejects.toThrow('Expected the arguments as a list')
    await nothingOpen(bare)
  })
})

const withArgs = (raw: string, args: unknown): string => {
  const envelope = JSON.parse(raw)
  const [, kwargs, embed] = JSON.parse(Buffer.from(envelope.body, 'base64').toString())
  const body = Buffer.from(JSON.stringify([args, kwargs, embed])).toString('base64')
  return JSON.stringify({ ...envelope, body })
}

onEveryEngine('a header task that is delivered twice', (bench) => {
  it('counts once, whatever it gives the second time; the body runs once', async () => {
    const bare = bench()
    const app = bare.app()
    const { add, note, called } = tasksOf(app)
    let runs = 0
    const random = app.task('random', () => {
      runs += 1
      return `run ${runs}`
    })
    const result = await chord([random.s(), add.s(1, 1)], note.s()).delay()
    const [first] = (await bare.look()).messages['celery'] ?? []
    const broker = await app.broker()
    for (let copy = 0; copy < 3; copy += 1)
      await broker.publish({ pushes: [{ queue: 'celery', priority: 9, raw: first! }], chords: [] })
    await bare.work(app, { concurrency: 1 })
    await result.get(wait)
    await until(async () => (await broker.length('celery')) === 0 && runs === 4)
    expect(called).toEqual([[[expect.stringMatching(/^run \d$/), 2]]])
    await nothingOpen(bare)
  })
})

onEveryEngine('errbacks', (bench) => {
  it('of a chord run once, however many of its header fail', async () => {
    const { app, add, fail, sum, errback, errors, list } = await start(bench())
    const result = await chord([fail.s(), fail.s(), add.s(1, 1)], sum.s().linkError(errback.s())).delay()
    await expect(result.get(wait)).rejects.toThrow('boom')
    await until(() => errors.length > 0)
    expect(await app.send(list.s('after')).get(wait)).toBe('after')
    expect(errors).toEqual([[result.id]])
  })

  it('of a chord run for each header task that fails, too, where the setting says so', async () => {
    const { add, fail, sum, errback, errors } = await start(bench(), { taskAllowErrorCbOnChordHeader: true })
    const work = chord([fail.s(), add.s(1, 1), chain(fail.s(), add.s(1))], sum.s()).linkError(errback.s())
    const result = await chain(add.s(1, 1), work as any).delay()
    await expect(result.get(wait)).rejects.toThrow('boom')
    const [first, , third] = (result.parent as any).results
    await until(() => errors.length === 3)
    expect(new Set(errors.map(([id]) => id))).toEqual(new Set([first.id, third.parent.id, result.id]))
  })

  it('of a group run once for each member that fails, also with one id for all of them', async () => {
    const { add, fail, errback, errors } = await start(bench())
    const result = await group(fail.s(1), add.s(1, 1), fail.s(2))
      .linkError(errback.s().set({ taskId: 'one' }))
      .delay()
    await until(() => errors.length === 2)
    const [first, , third] = result.results
    expect(new Set(errors.map(([id]) => id))).toEqual(new Set([first?.id, third?.id]))
  })

  it('run for a task that nobody knows, too', async () => {
    const { app, errback, errors } = await start(bench())
    const result = await app.sendTask('nobody', [], { linkError: errback.s() })
    await expect(result.get(wait)).rejects.toThrow('nobody')
    await until(() => errors.length === 1)
    expect(errors).toEqual([[result.id]])
  })
})

onEveryEngine('what follows a success and cannot be sent', (bench) => {
  /** Nobody declares the queue, so nothing can be sent there. */
  const strict = { taskCreateMissingQueues: false }
  const nowhere = { queue: 'nowhere' }

  it('a callback: the result stays, and the other callbacks run', async () => {
    const { app, add, note, called, list } = await start(bench(), strict)
    const sent = add.applyAsync([1, 2], { link: [note.s('lost').set(nowhere), note.s('runs')] as any })
    expect(await (await sent).get(wait)).toBe(3)
    await until(() => called.length === 1)
    expect(await app.send(list.s('after')).get(wait)).toBe('after')
    expect(called).toEqual([[3, 'runs']])
    expect(bench().lines.join('\n')).toMatch(/add\[.*\] succeeded, but note cannot follow it: QueueNotFound/)
  })

  it('an errback: the others are called, of a task and of a chord, and the failure is what it was', async () => {
    const { add, fail, sum, errback, errors } = await start(bench(), strict)
    const told = (canvas: any) =>
      canvas.linkError(errback.s('lost').set(nowhere)).linkError(errback.s('called'))
    const task = await told(fail.s()).delay()
    await expect(task.get(wait)).rejects.toThrow('boom')
    const body = await told(chord([fail.s(), add.s(1, 1)], sum.s())).delay()
    await expect(body.get(wait)).rejects.toThrow(/^Dependency .* raised TypeError\('boom'\)$/)
    const callback = add.s(1).set(nowhere) as any
    const linked = await add
      .s(1, 1)
      .link(told(callback.set({ taskId: 'callback' })))
      .delay()
    expect(await linked.get(wait)).toBe(2)
    await until(() => errors.length === 3)
    expect(new Set(errors.map((args) => args.join(' ')))).toEqual(
      new Set([task.id, body.id, 'callback'].map((id) => `${id} called`)),
    )
    expect(bench().lines.join('\n')).toMatch(
      /fail\[.*\]: the errback errback\("lost"\) could not be sent: QueueNotFound/,
    )
  })

  it('a callback with an errback: that is told', async () => {
    const { app, add, note, errback, errors } = await start(bench(), strict)
    const callback = note
      .s('lost')
      .set(nowhere)
      .linkError(errback.s() as any)
    expect(await (await add.applyAsync([1, 2], { link: callback as any })).get(wait)).toBe(3)
    await until(() => errors.length === 1)
    await expect(app.result(String(errors[0]![0])).get(wait)).rejects.toThrow('"nowhere" is not declared')
  })

  it('the next step of a chain: that step has failed, and all behind it', async () => {
    const { add, errback, errors } = await start(bench(), strict)
    const work = chain(add.s(1, 1), add.s(1).set(nowhere), add.s(1)).linkError(errback.s())
    const result = await work.delay()
    await expect(result.get(wait)).rejects.toThrow('"nowhere" is not declared')
    await expect(result.parent?.get(wait)).rejects.toThrow('"nowhere" is not declared')
    expect(await result.parent?.parent?.get(wait)).toBe(2)
    await until(() => errors.length > 0)
    expect(errors).toEqual([[result.parent?.id]])
  })

  it('the next step within a header: the chord fails, and nothing is left', async () => {
    const { add, sum } = await start(bench(), strict)
    const member = chain(add.s(1, 1), add.s(1).set(nowhere))
    await expect(
      chord([member, add.s(1, 1)], sum.s())
        .delay()
        .get(wait),
    ).rejects.toThrow('raised QueueNotFound')
    await nothingOpen(bench())
  })

  it('a step of a long chain, of which the rest lies in the broker', async () => {
    const { add, sum } = await start(bench(), strict)
    const many = (count: number) => Array.from({ length: count }, () => add.s(1))
    const work: any = (chain as any)(add.s(0, 0), ...many(80), add.s(1).set(nowhere), ...many(120))
    const result = await work.delay()
    await expect(result.get(wait)).rejects.toThrow('"nowhere" is not declared')
    await expect(result.parent.parent.get(wait)).rejects.toThrow('"nowhere" is not declared')
    await expect(
      chord([work, add.s(1, 1)], sum.s())
        .delay()
        .get(wait),
    ).rejects.toThrow('"nowhere" is not declared')
    await nothingOpen(bench())
  })

  it('a callback of a header task: the chord has its part', async () => {
    const { add, sum, note } = await start(bench(), strict)
    const header = [add.s(1, 1).link(note.s().set(nowhere)), add.s(2, 2)]
    expect(await chord(header, sum.s()).delay().get(wait)).toBe(6)
    await nothingOpen(bench())
  })

  it('the body of a chord: it fails with the reason', async () => {
    const { add, sum } = await start(bench(), strict)
    const result = await chord([add.s(1, 1)], sum.s().set(nowhere)).delay()
    await expect(result.get(wait)).rejects.toThrow('Callback error: QueueNotFound')
    await nothingOpen(bench())
  })
})
