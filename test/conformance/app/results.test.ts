// What is stored of a task, and how somebody waits for it.
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { group } from '../../../src/canvas/group.js'
import { InvalidUsage, ResultIgnored, TimeoutError } from '../../../src/errors.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngineAndApart } from './bench.js'

const wait = { timeout: 20 }

onEveryEngineAndApart('a result', (bench) => {
  const start = async () => {
    const app = bench().app()
    const add = app.task('add', (x: number, y: number) => x + y)
    await bench().work(app)
    return { app, add }
  }

  describe('that is ignored', () => {
    it('by the call, by the task or by the app, is not stored', async () => {
      const app = bench().app()
      const quiet = app.task('quiet', () => 1, { ignoreResult: true })
      const loud = app.task('loud', () => 2)
      await bench().work(app, { concurrency: 1 })
      const first = await quiet.delay()
      const second = await loud.applyAsync([], { ignoreResult: true })
      const third = await quiet.applyAsync([], { ignoreResult: false })
      expect(await third.get(wait)).toBe(1)
      expect([await app.result(first.id).state(), await app.result(second.id).state()]).toEqual([
        'PENDING',
        'PENDING',
      ])
      await expect(second.get()).rejects.toBeInstanceOf(ResultIgnored)

      const silent = bench().app({ taskIgnoreResult: true, taskDefaultQueue: 'silent' })
      const task = silent.task('task', () => 1)
      const asked = silent.task('asked', () => 2, { ignoreResult: false })
      await bench().work(silent, { concurrency: 1 })
      const ignored = await task.delay()
      expect(await asked.delay().get(wait)).toBe(2)
      expect(await silent.result(ignored.id).state()).toBe('PENDING')
    })

    it('still goes on to the next step, and still counts in a chord', async () => {
      const { app, add } = await start()
      const list = app.task('list', (values: unknown) => values)
      expect(
        await chain(add.s(1, 1).set({ ignoreResult: true }), add.s(1))
          .delay()
          .get(wait),
      ).toBe(3)
      const whole = chord([add.s(1, 1).set({ ignoreResult: true }), add.s(2, 2)], list.s())
      expect(await whole.delay().get(wait)).toEqual([2, 4])
    })

    it('keeps errors where they are asked for', async () => {
      const app = bench().app()
      const options = { ignoreResult: true, storeErrorsEvenIfIgnored: true }
      const fail = app.task(
        'fail',
        () => {
          throw new Error('boom')
        },
        options,
      )
      const fine = app.task('fine', () => 1, options)
      const mark = app.task('mark', () => 'mark')
      await bench().work(app, { concurrency: 1 })
      const [failed, succeeded] = [await fail.delay(), await fine.delay()]
      await mark.delay().get(wait)
      expect([await app.result(failed.id).state(), await app.result(succeeded.id).state()]).toEqual([
        'FAILURE',
        'PENDING',
      ])
    })
  })

  describe('of a task that runs', () => {
    it('is STARTED where that is asked for, and says who runs it', async () => {
      const app = bench().app()
      const { passed, open } = gate()
      const tracked = app.task('tracked', () => passed, { trackStarted: true })
      const plain = app.task('plain', () => passed)
      await bench().work(app)
      const [one, two] = [await tracked.delay(), await plain.delay()]
      const meta = await until(async () => {
        const found = await one.meta()
        return found.state === 'STARTED' ? found : undefined
      })
      expect(meta.result).toMatchObject({ pid: process.pid, hostname: 'w1@host' })
      expect(await two.state()).toBe('PENDING')
      open()
      await Promise.all([one.get(wait), two.get(wait)])
    })

    it('shows states of its own and its progress to those who watch', async () => {
      const app = bench().app()
      const go = gate()
      const work = app.task('work', async function () {
        await go.passed
        for (const [name, at] of [
          ['read', 1],
          ['written', 2],
        ] as const) {
          await this.updateState(name.toUpperCase(), { name })
          await this.progress(at, 2)
        }
        return 'done'
      })
      await bench().work(app)
      const result = await work.delay()
      const seen: unknown[] = []
      const watching = (async () => {
        for await (const { state, result: value } of result.updates()) seen.push([state, value])
      })()
      go.open()
      await watching
      // The last always comes; a quick one may be overtaken.
      expect(seen.at(-1)).toEqual(['SUCCESS', 'done'])
      expect(seen).toContainEqual(['PROGRESS', { current: 2, total: 2 }])
    })

    it('cannot be given a state that is an end', async () => {
      const app = bench().app()
      const task = app.task('task', async function (): Promise<unknown> {
        return this.updateState('SUCCESS').catch((error: unknown) => error instanceof InvalidUsage)
      })
      const sync = app.task('sync', function () {
        try {
          void this.updateState('FAILURE')
          return 'stored'
        } catch (error) {
          return (error as Error).message
        }
      })
      await bench().work(app)
      await expect(task.delay().get(wait)).rejects.toThrow('expected a state of your own')
      expect(await sync.delay().get(wait)).toContain('a task ends by returning or throwing')
    })
  })

  describe('that is another piece of work', () => {
    it("a result or a signature, is stored in Celery's form", async () => {
      const { app, add } = await start()
      const send = app.task('send', async () => add.delay(1, 1))
      const say = app.task('say', () => add.s(1))
      const many = app.task('many', async () => group(add.s(1, 1), add.s(2, 2)).delay())
      const [[id, parent], members] = (await send.delay().get(wait)) as any
      expect([parent, members]).toEqual([null, null])
      expect(await app.result(id).get(wait)).toBe(2)
      expect(await say.delay().get(wait)).toEqual({
        task: 'add',
        args: [1],
        kwargs: {},
        options: {},
        subtask_type: null,
        immutable: false,
      })
      expect(await many.delay().get(wait)).toEqual([
        [expect.any(String), null],
        [
          [[expect.any(String), null], null],
          [[expect.any(String), null], null],
        ],
      ])
    })
  })

  describe('is waited for', () => {
    it('with a limit of time', async () => {
      const { app } = await start()
      const error = await app
        .result('nobody')
        .get({ timeout: 0.05 })
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TimeoutError)
      expect((error as Error).message).toContain('No result of nobody within 0.05s')
    })

    it('until a signal says stop', async () => {
      const { app } = await start()
      const stop = new AbortController()
      const waiting = app.result('nobody').get({ signal: stop.signal })
      stop.abort(new RangeError('enough'))
      await expect(waiting).rejects.toThrow('enough')
      await expect(
        app.result('nobody').get({ signal: AbortSignal.abort(new RangeError('before')) }),
      ).rejects.toThrow('before')
    })

    it('without throwing, where that is asked for', async () => {
      const { app, add } = await start()
      const fail = app.task('fail', (): number => {
        throw new RangeError('boom')
      })
      expect(await fail.delay().get({ ...wait, propagate: false })).toMatchObject({ name: 'RangeError' })
      expect(await add.delay(1, 1).get({ ...wait, propagate: false })).toBe(2)
    })

    it('as often as one likes, by as many as like', async () => {
      const { app, add } = await start()
      const { id } = await add.delay(1, 1)
      expect(await Promise.all([1, 2, 3].map(() => app.result(id).get(wait)))).toEqual([2, 2, 2])
      const again = app.result(id)
      expect([await again.get(wait), await again.get(wait)]).toEqual([2, 2])
    })

    it('inside a task only where it was said to be safe', async () => {
      const { app, add } = await start()
      const careless = app.task('careless', async () => add.delay(1, 1).get())
      const sure = app.task('sure', async () => add.delay(1, 1).get({ allowInTask: true }))
      await bench().work(app)
      await expect(careless.delay().get(wait)).rejects.toThrow(
        'get() inside a task (careless) can stop the worker',
      )
      expect(await sure.delay().get(wait)).toBe(2)
    })
  })

  it('of a message on its way comes, though its app is closed meanwhile', async () => {
    const app = bench().app()
    const sent = app.sendTask('nobody')
    await app.close()
    expect([(await sent).id, await (await app.broker()).length('celery')]).toEqual([sent.id, 1])
  })

  it('whose app is closed while it is waited for is not waited for any more', async () => {
    const app = bench().app()
    const sent = await app.sendTask('nobody')
    const updates = sent.updates()
    const waits = [sent.get(), updates.next()]
    const ends = Promise.allSettled(waits)
    // A turn of the loop, in which they begin.
    await sent.state()
    await app.close()
    const closed = { name: 'OperationalError', message: expect.stringMatching(/^The app was closed while /) }
    expect(await ends).toEqual(
      waits.map(() => ({ status: 'rejected', reason: expect.objectContaining(closed) })),
    )
  })

  it('can be forgotten, with its parents', async () => {
    const { app, add } = await start()
    const result = await chain(add.s(1, 1), add.s(1)).delay()
    await result.get(wait)
    const parent = result.parent?.id as string
    expect(await app.result(parent).state()).toBe('SUCCESS')
    await result.forget()
    expect([
      await result.state(),
      await app.result(result.id).state(),
      await app.result(parent).state(),
    ]).toEqual(['PENDING', 'PENDING', 'PENDING'])
  })

  it('tells when it ended, of which group it is, and whose child', async () => {
    const { add } = await start()
    const before = Date.now() - 1000
    const members = await group(add.s(1, 1), add.s(2, 2)).delay()
    await members.get(wait)
    const meta = await members.results[0]?.meta()
    expect(meta).toMatchObject({
      state: 'SUCCESS',
      result: 2,
      groupId: members.id,
      parentId: null,
      traceback: null,
    })
    expect(meta?.dateDone?.getTime()).toBeGreaterThan(before)
  })
})
