// Exchanges between a sender and the queues: direct, topic, and fanout (Celery's Broadcast).
import { describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import type { SettingsInput } from '../../../src/config.js'
import { OperationalError } from '../../../src/errors.js'
import type { TaskContext } from '../../../src/runtime/context.js'
import { until } from '../../support/until.js'
import { onEveryEngine } from './bench.js'

const wait = { timeout: 20 }

onEveryEngine('an exchange', (bench) => {
  describe('of the kind topic', () => {
    const settings: SettingsInput = {
      taskQueues: {
        feeds: { exchange: 'media', exchangeType: 'topic', routingKey: 'feed.#' },
        images: { exchange: 'media', exchangeType: 'topic', routingKey: '*.image' },
      },
    }

    const start = async () => {
      const app = bench().app(settings)
      const ran: string[] = []
      const note = app.task('note', function (this: TaskContext, what: string) {
        ran.push(
          `${what} in ${this.request.deliveryInfo.exchange} as ${this.request.deliveryInfo.routingKey}`,
        )
      })
      return { app, note, ran }
    }

    it('gives a message to each queue whose pattern fits its key, as kombu does', async () => {
      const { app, note } = await start()
      const broker = await app.broker()
      await note.applyAsync(['a'], { exchange: 'media', routingKey: 'x.image', ignoreResult: true })
      expect([await broker.length('images'), await broker.length('feeds')]).toEqual([1, 0])
      await note.applyAsync(['b'], { exchange: 'media', routingKey: 'feed.image', ignoreResult: true })
      expect([await broker.length('images'), await broker.length('feeds')]).toEqual([2, 1])
      await note.applyAsync(['c'], { exchange: 'media', routingKey: 'feed.a.b.c', ignoreResult: true })
      expect([await broker.length('images'), await broker.length('feeds')]).toEqual([2, 2])
    })

    it('is used also where only its queue is named', async () => {
      const { app, note, ran } = await start()
      await note.applyAsync(['a'], { queue: 'images', routingKey: 'feed.image', ignoreResult: true })
      await bench().work(app, { queues: ['images'] })
      await until(() => ran.length === 1)
      expect(ran).toEqual(['a in media as feed.image'])
      expect(await (await app.broker()).length('feeds')).toBe(1)
    })

    it('knows the queues of workers that others have declared', async () => {
      const { app, ran } = await start()
      await bench().work(app, { queues: ['images'] })
      await bench()
        .app()
        .sendTask('note', ['a'], { exchange: 'media', routingKey: 'y.image', ignoreResult: true })
      await until(() => ran.length === 1)
    })

    it('of whose copies the first end counts, without a word', async () => {
      const { app, note, ran } = await start()
      const worker = await bench().work(app)
      await note.applyAsync(['a'], { exchange: 'media', routingKey: 'feed.image' })
      await until(() => ran.length === 2)
      await worker.stop()
      expect(bench().lines.filter((line) => line.includes('counts for nothing'))).toEqual([])
    })

    it('refuses a key that no queue wants', async () => {
      const { note } = await start()
      await expect(note.applyAsync(['a'], { exchange: 'media', routingKey: 'sound' })).rejects.toThrow(
        OperationalError,
      )
    })
  })

  it('of the kind direct takes the key as it is', async () => {
    const app = bench().app({ taskQueues: { one: { exchange: 'work', routingKey: 'first' } } })
    const task = app.task('task', () => 'ran')
    await bench().work(app)
    const call = { exchange: 'work', routingKey: 'first' }
    expect(await task.applyAsync([], call).get(wait)).toBe('ran')
    expect(await bench().app().sendTask('task', [], call).get(wait)).toBe('ran')
  })

  describe('of the kind fanout', () => {
    const settings: SettingsInput = {
      taskQueues: { celery: {}, everybody: { exchangeType: 'fanout' } },
      taskRoutes: { reload: 'everybody' },
    }

    const start = async (...names: string[]) => {
      const ran: string[] = []
      const apps = await Promise.all(
        names.map(async (name) => {
          const app = bench().app(settings)
          app.task('reload', (what: string) => {
            ran.push(`${name} ${what}`)
            return what
          })
          app.task('echo', (value: unknown) => value)
          await bench().work(app, { hostname: `${name}@host` })
          return app
        }),
      )
      return { client: bench().app(settings), apps, ran }
    }

    it('gives a message to every worker, once', async () => {
      const { client, ran } = await start('a', 'b', 'c')
      const result = await client.sendTask('reload', ['x'])
      expect(await result.get(wait)).toBe('x')
      await until(() => ran.length === 3)
      expect(ran.sort()).toEqual(['a x', 'b x', 'c x'])
      expect(bench().lines.filter((line) => line.includes('counts for nothing'))).toEqual([])
    })

    it('from a task, within a chain, and what follows it is sent once', async () => {
      const { apps, ran } = await start('a', 'b')
      const app = apps[0]!
      let followed = 0
      const after = app.task('after', (what: string) => {
        followed += 1
        return `${what}!`
      })
      apps[1]!.task('after', (what: string) => {
        followed += 1
        return `${what}!`
      })
      const steps = chain(
        app.tasks.get('echo')!.s('x') as never,
        app.tasks.get('reload')!.s() as never,
        after.s() as never,
      ) as { delay: () => { get: (options: object) => Promise<unknown> } }
      expect(await steps.delay().get(wait)).toBe('x!')
      await until(() => ran.length === 2)
      expect(followed).toBe(1)
    })

    it('nobody listens: it is lost, as in Celery', async () => {
      const client = bench().app(settings)
      await client.sendTask('reload', ['x'], { ignoreResult: true })
      const { ran, client: other } = await start('a')
      await other.sendTask('reload', ['y']).get(wait)
      expect(ran).toEqual(['a y'])
    })

    it('each worker runs it again when it failed to end there', async () => {
      const app = bench().app(settings)
      const ran: number[] = []
      app.task('reload', function (this: TaskContext) {
        ran.push(this.request.retries)
        if (this.request.retries === 0) throw this.retry({ countdown: 0 })
        return 'done'
      })
      await bench().work(app, { hostname: 'a@host' })
      expect(await bench().app(settings).sendTask('reload').get(wait)).toBe('done')
      expect(ran).toEqual([0, 1])
    })
  })
})
