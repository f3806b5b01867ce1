// How a task can end, other than well: by its own word, by a limit, by an error; and who is told.
import { describe, expect, it } from 'vitest'
import {
  Ignore,
  NotRegistered,
  Reject,
  RemoteTaskError,
  SoftTimeLimitExceeded,
  TimeLimitExceeded,
} from '../../../src/errors.js'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import type { TaskOptions } from '../../../src/runtime/task.js'
import { until } from '../../support/until.js'
import { gate, onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('the end of a task', (bench) => {
  describe('by an error', () => {
    it('is told with its name, its message and its stack', async () => {
      const app = bench().app()
      class Mine extends Error {
        override readonly name = 'Mine'
      }
      const fail = app.task('fail', () => {
        throw new Mine('boom', { cause: new Error('the reason') })
      })
      await bench().work(app)
      const result = await fail.delay()
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(RemoteTaskError)
      expect(error).toMatchObject({ name: 'Mine', message: 'boom', excType: 'Mine', excMessage: ['boom'] })
      expect(await result.traceback()).toMatch(/Mine: boom[\s\S]*Caused by: Error: the reason/)
      expect([await result.failed(), await result.successful(), await result.ready()]).toEqual([
        true,
        false,
        true,
      ])
    })

    it('is rebuilt as the class that was registered', async () => {
      const app = bench().app()
      class ValidationError extends Error {
        override readonly name = 'ValidationError'
        readonly args: readonly unknown[]
        constructor(
          readonly field: string,
          readonly value: number,
        ) {
          super(`${field} must not be ${value}`)
          this.args = [field, value]
        }
      }
      app.errors(ValidationError)
      const fail = app.task('fail', () => {
        throw new ValidationError('age', -1)
      })
      await bench().work(app)
      const error = await fail
        .delay()
        .get(wait)
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ValidationError)
      expect(error).toMatchObject({ field: 'age', value: -1, message: 'age must not be -1' })
    })

    it('that is no Error, or nothing at all', async () => {
      const app = bench().app()
      const fail = app.task('fail', (what: unknown) => {
        throw what
      })
      await bench().work(app)
      await expect(fail.delay('a text').get(wait)).rejects.toThrow('a text')
      await expect(fail.delay(null).get(wait)).rejects.toThrow('None')
    })

    it('is logged as expected where the task says so', async () => {
      const app = bench().app()
      const fail = app.task(
        'fail',
        () => {
          throw new RangeError('business')
        },
        { throws: [RangeError] },
      )
      await bench().work(app)
      await expect(fail.delay().get(wait)).rejects.toThrow('business')
      const lines = bench().lines.filter((line) => line.includes('raised'))
      expect(lines).toEqual([expect.stringMatching(/INFO.*raised expected: RangeError\('business'\)$/)])
    })

    it('is also that its value cannot travel', async () => {
      const app = bench().app()
      const task = app.task('task', () => ({ deep: () => 1 }))
      await bench().work(app)
      await expect(task.delay().get(wait)).rejects.toMatchObject({
        name: 'EncodeError',
        message: expect.stringMatching(/the result\S* of task/),
      })
    })

    it('is also that nobody here knows the task', async () => {
      const app = bench().app()
      app.task('known', () => 1)
      await bench().work(app)
      const error = await app
        .sendTask('unknown')
        .get(wait)
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(NotRegistered)
      expect(bench().lines.join('\n')).toContain(
        'Task "unknown" is not registered in this worker. It knows: known.',
      )
    })

    it('which is stored although nobody wants the result, as by Celery: it would be nowhere else', async () => {
      const app = bench().app()
      await bench().work(app)
      const { id } = await app.sendTask('unknown', [], { ignoreResult: true })
      await expect(app.result(id).get(wait)).rejects.toBeInstanceOf(NotRegistered)
    })

    it('is also that the arguments do not bind', async () => {
      const app = bench().app()
      const task = app.task('task', (x: number, y: number) => x + y, { params: ['x', 'y'] })
      // Somebody who knows nothing of the task, as a client in Python does not.
      const client = bench().app()
      await bench().work(app)
      const send = (args: unknown[], kwargs: object) =>
        client.sendTask('task', args, { kwargs: kwargs as never }).get(wait)
      expect(await send([], { x: 1, y: 2 })).toBe(3)
      expect(await send([1], { y: 2 })).toBe(3)
      expect(await task.applyAsync([1], { kwargs: { y: 5 } }).get(wait)).toBe(6)
      await expect(send([1, 2], { z: 3 })).rejects.toThrow('no parameter "z"')
      await expect(send([1, 2], { x: 3 })).rejects.toThrow('two values for its parameter "x"')
    })
  })

  describe('by its own word', () => {
    it('Ignore: nothing is stored and nothing follows', async () => {
      const app = bench().app()
      const called: unknown[] = []
      const ignore = app.task('ignore', () => {
        called.push('ran')
        throw new Ignore()
      })
      const note = app.task('note', (value: unknown) => void called.push(value))
      const after = app.task('after', () => 'after')
      await bench().work(app, { concurrency: 1 })
      const result = await chain(ignore.s(), note.s()).delay()
      expect(await after.delay().get(wait)).toBe('after')
      expect([called, await result.state(), await result.parent?.state()]).toEqual([
        ['ran'],
        'PENDING',
        'PENDING',
      ])
    })

    it('Reject: nothing is stored; the message is gone', async () => {
      const app = bench().app()
      let runs = 0
      const reject = app.task('reject', () => {
        runs += 1
        throw new Reject('not for me')
      })
      const after = app.task('after', () => 'after')
      await bench().work(app, { concurrency: 1 })
      const result = await reject.delay()
      expect(await after.delay().get(wait)).toBe('after')
      expect([runs, await result.state(), await (await app.broker()).length('celery')]).toEqual([
        1,
        'PENDING',
        0,
      ])
      expect(bench().lines.join('\n')).toContain('reject requeue=False: not for me')
    })

    it('Reject with requeue: it waits again, behind the others, and is no new try', async () => {
      const app = bench().app()
      const order: string[] = []
      const reject = app.task('reject', function () {
        order.push(`reject ${this.request.attempt}`)
        if (order.length < 3) throw new Reject('later', { requeue: true })
        return 'done'
      })
      const other = app.task('other', () => void order.push('other'))
      const result = await reject.delay()
      await other.delay()
      await bench().work(app, { concurrency: 1 })
      expect(await result.get(wait)).toBe('done')
      expect(order).toEqual(['reject 1', 'other', 'reject 1'])
    })
  })

  describe('by a limit', () => {
    it('soft: the signal aborts with the reason, and the task decides', async () => {
      const app = bench().app()
      const slow = app.task(
        'slow',
        async function () {
          await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
          throw this.signal.reason
        },
        { softTimeLimit: 0.1 },
      )
      await bench().work(app)
      await expect(slow.delay().get(wait)).rejects.toBeInstanceOf(SoftTimeLimitExceeded)
    })

    it('soft: a task that has tidied up may still succeed', async () => {
      const app = bench().app()
      const tidy = app.task(
        'tidy',
        async function () {
          await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
          return 'tidy'
        },
        { softTimeLimit: 0.1 },
      )
      await bench().work(app)
      expect(await tidy.delay().get(wait)).toBe('tidy')
    })

    it('hard: the slot is free, whatever the code still does, and its end counts for nothing', async () => {
      const app = bench().app()
      const { passed, open } = gate()
      const seen: unknown[] = []
      const deaf = app.task(
        'deaf',
        async function () {
          await passed
          seen.push(this.signal.aborted, await this.updateState('LATE'))
          return 'too late'
        },
        { timeLimit: 0.1, onSuccess: () => seen.push('hook') },
      )
      const quick = app.task('quick', () => 'quick')
      await bench().work(app, { concurrency: 1 })
      const result = await deaf.delay()
      const error = await result.get(wait).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(TimeLimitExceeded)
      expect(await quick.delay().get(wait)).toBe('quick')
      open()
      await until(() => seen.length === 2)
      expect(await quick.delay().get(wait)).toBe('quick')
      expect(seen).toEqual([true, false])
      expect(await app.result(result.id).state()).toBe('FAILURE')
      expect(bench().lines.filter((line) => line.includes('raised'))).toHaveLength(1)
    })

    it('of the call, else of the task, else of the worker', async () => {
      const app = bench().app()
      const ask = app.task('ask', async function () {
        await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
        return (this.signal.reason as SoftTimeLimitExceeded).seconds
      })
      const own = app.task(
        'own',
        async function () {
          await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve()))
          return (this.signal.reason as SoftTimeLimitExceeded).seconds
        },
        { softTimeLimit: 0.06 },
      )
      await bench().work(app, { softTimeLimit: 0.04 })
      expect(await ask.delay().get(wait)).toBe(0.04)
      expect(await own.delay().get(wait)).toBe(0.06)
      expect(await own.applyAsync([], { softTimeLimit: 0.08 }).get(wait)).toBe(0.08)
    })

    it('fails the chord whose part it was, and calls the errback', async () => {
      const app = bench().app()
      const called: unknown[] = []
      const errback = app.task('errback', (id: string) => void called.push(id))
      const deaf = app.task('deaf', () => new Promise(() => undefined), { timeLimit: 0.05 })
      const list = app.task('list', (values: unknown) => values)
      await bench().work(app)
      const result = await chord([deaf.s().linkError(errback.s())], list.s()).delay()
      await expect(result.get(wait)).rejects.toThrow('TimeLimitExceeded')
      await until(() => called.length === 1)
    })

    it('may put the message back instead', async () => {
      const app = bench().app()
      let runs = 0
      const once = app.task(
        'once',
        () => {
          runs += 1
          return runs === 1 ? new Promise(() => undefined) : 'second'
        },
        { timeLimit: 0.1, acksOnFailureOrTimeout: false },
      )
      await bench().work(app)
      expect(await once.delay().get(wait)).toBe('second')
    })
  })

  describe('hooks', () => {
    it("are told of each end, in Celery's order, with the context and the arguments", async () => {
      const app = bench().app()
      const told: unknown[] = []
      const hooks: TaskOptions = {
        onSuccess: (value, { args, context }) => told.push(['success', value, args, context.request.retries]),
        onFailure: (error, { args }) => told.push(['failure', (error as Error).message, args]),
        onRetry: (error) => told.push(['retry', (error as Error).message]),
        afterReturn: ({ state }) => void told.push(['after', state]),
      }
      const task = app.task(
        'task',
        function (fails: boolean) {
          if (this.request.retries === 0) throw this.retry({ countdown: 0 })
          if (fails) throw new Error('boom')
          return 'done'
        },
        hooks,
      )
      await bench().work(app)
      await task.delay(false).get(wait)
      expect(told).toEqual([
        ['retry', 'Retry in 0s'],
        ['after', 'RETRY'],
        ['success', 'done', [false], 1],
        ['after', 'SUCCESS'],
      ])
      told.length = 0
      await expect(task.delay(true).get(wait)).rejects.toThrow('boom')
      expect(told.slice(2)).toEqual([
        ['failure', 'boom', [true]],
        ['after', 'FAILURE'],
      ])
    })

    it('that throw are logged and change nothing', async () => {
      const app = bench().app()
      const task = app.task('task', () => 'done', {
        onSuccess: () => {
          throw new Error('a bad hook')
        },
      })
      await bench().work(app)
      expect(await task.delay().get(wait)).toBe('done')
      expect(bench().lines.join('\n')).toContain('a bad hook')
    })
  })
})
