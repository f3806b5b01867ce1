// Workers of both languages on one Redis, each on its own queue: chains, callbacks and errbacks that cross the
// border, started from either side. How their work can end: outcomes.test.ts.
import { chain, chord, Decimal, group, NaiveDateTime, PlainDate, signature } from 'lovage'
import { afterAll, describe, expect, it } from 'vitest'
import { startCelery } from '../support/celery.js'
import { leaks } from '../support/leaks.js'
import { startRedis } from '../support/redis.js'
import { declarePython } from './python-tasks.js'
import { runPython } from './cases.js'
import { started } from './python-starts/mixed.js'
import { leftIn } from './left.js'
import { makeNodeApp } from './node-app.js'
import { expectUnharmed } from './unharmed.js'

const celery = await startCelery()

describe.skipIf(celery.missing)(`Node and Python Celery ${celery.version} together`, async () => {
  if (celery.missing) return
  const redis = await startRedis()
  const { app, js, recorded } = makeNodeApp(redis.url)
  const worker = await celery.worker({ redisUrl: redis.url })
  const { left, close } = leftIn(redis.url)
  afterAll(async () => {
    close()
    await app.close()
    await worker.stop()
    await redis.stop()
  })
  await app.worker().start()

  const py = declarePython(app)
  const get = { timeout: 20 }

  describe('Python starts', async () => {
    const check = await runPython(celery, started, { redisUrl: redis.url })
    for (const wanted of started)
      it.skipIf(wanted.newer === true && celery.gaps.length > 0)(wanted.shape, () => check(wanted))
  })

  describe('Node starts', () => {
    // Nothing here names a queue: a step goes to that of its task, whoever sends it on.
    it('chain py → js → py', async () => {
      const result = await chain(py.add.s(2, 2), js.add.s(10), py.mul.s(3)).delay()
      expect(await result.get(get)).toBe(42)
      expect(await result.parent!.get(get)).toBe(14)
      expect(await result.parent!.parent!.get(get)).toBe(4)
    })

    it('chain js → py → js', async () => {
      const result = await chain(js.add.s(2, 2), py.mul.s(3), js.add.s(30)).delay()
      expect(await result.get(get)).toBe(42)
      expect(await result.parent!.get(get)).toBe(12)
      expect(await result.parent!.parent!.get(get)).toBe(4)
    })

    it('steps by name: with their queue, or by a route', async () => {
      const named = (task: string, queue: string, ...args: unknown[]) =>
        signature(task, { args, options: { queue } })
      const sent = app.send(
        chain(named('proj.add', 'python', 1, 2), named('js.add', 'js', 10), named('proj.mul', 'python', 2)),
      )
      expect(await sent.get(get)).toBe(26)
      const routed = makeNodeApp(redis.url, { taskRoutes: { 'proj.*': { queue: 'python' } } })
      const step = (task: string, ...args: unknown[]) => signature(task, { args })
      const result = routed.app.send(
        chain(step('js.add', 1, 2), step('proj.add', 10), step('js.mul', 2), step('proj.add', 1)),
      )
      expect(await result.get(get)).toBe(27)
      await routed.app.close()
    })

    it('root and parent ids along a mixed chain', async () => {
      const result = await chain(py.requestOf.si(), js.request.si(), py.requestOf.si()).delay()
      const last = await result.get(get)
      const before: any = await result.parent!.get(get)
      const root = result.parent!.parent!.id
      expect([last.root_id, last.parent_id]).toEqual([root, result.parent!.id])
      expect([before.rootId, before.parentId]).toEqual([root, root])
    })

    it('a group of both languages', async () => {
      const result = group(js.add.s(1, 1), py.add.s(2, 2), js.add.s(3, 3)).delay()
      expect(await result.get(get)).toEqual([2, 4, 6])
    })

    it('a group of both languages at the end of a chain', async () => {
      const members = () => group(js.add.s(1), py.add.s(2), js.add.s(3))
      expect(await chain(py.add.s(1, 1), members()).delay().get(get)).toEqual([3, 4, 5])
      expect(await chain(js.add.s(1, 1), members()).delay().get(get)).toEqual([3, 4, 5])
    })

    it('a chord of Node tasks between two Python tasks', async () => {
      const result = chain(py.add.s(1, 1), chord([js.add.s(1), js.add.s(2)], js.sum.s()), py.mul.s(6)).delay()
      expect(await result.get(get)).toBe(42)
    })

    it('a chord of Python tasks between two Node tasks', async () => {
      const result = chain(
        js.add.s(1, 1),
        chord([py.add.s(1), py.add.s(2)], py.tsum.s()),
        js.mul.s(6),
      ).delay()
      expect(await result.get(get)).toBe(42)
    })

    it('link across the border', async () => {
      await py.add.applyAsync([1, 2], { link: js.record.s('node-linked') }).get(get)
      expect(await js.recall.delay('node-linked').get(get)).toEqual([3])
      await js.add.applyAsync([3, 4], { link: py.record.s('from-node') }).get(get)
      expect(await left('record')).toMatchObject([{ args: [7, 'from-node'] }])
    })

    it('link_error across the border', async () => {
      const inPython = await py.fail.applyAsync([], { linkError: js.record.s('node-errback') })
      await expect(inPython.get(get)).rejects.toMatchObject({ excType: 'ValueError' })
      expect(await js.recall.delay('node-errback').get(get)).toEqual([inPython.id])
      const inNode = await js.fail.applyAsync(['PaymentRefused'], { linkError: py.errback.s() })
      await expect(inNode.get(get)).rejects.toMatchObject({ name: 'PaymentRefused', cents: 1999 })
      expect(await left('errback')).toEqual([{ id: inNode.id }])
    })

    it("an errback with `errback: 'full'` for a Python task", async () => {
      const failed = await py.fail.applyAsync([], { linkError: js.recordError.s('node-full') })
      const [seen] = await js.recall.delay('node-full').get(get)
      expect(seen).toEqual([{ id: failed.id, task: null }, 'ValueError', 'boom, 42', 'string'])
    })

    it('a step fails, steps of both languages wait behind it', async () => {
      const result = await chain(js.add.s(1, 1), py.fail.si(), js.add.s(1), py.add.s(1)).delay()
      await expect(app.result(result.id).get(get)).rejects.toMatchObject({
        excType: 'ValueError',
        excMessage: ['boom', 42],
      })
      await expect(app.result(result.parent!.id).get(get)).rejects.toMatchObject({ excType: 'ValueError' })
      await expect(app.result(result.parent!.parent!.id).get(get)).rejects.toMatchObject({
        excType: 'ValueError',
      })
      expect(await result.parent!.parent!.state()).toBe('FAILURE')
    })

    it('a retry on either side', async () => {
      expect(await chain(py.flaky.s(2), js.add.s(40)).delay().get(get)).toBe(42)
      expect(await chain(js.flaky.s(2), py.add.s(40)).delay().get(get)).toBe(42)
    })

    it.skipIf(celery.gaps.length > 0)('typed values through the other language and back', async () => {
      const values = [
        new Date('2026-01-02T03:04:05.678Z'),
        new NaiveDateTime('2026-01-02T03:04:05.678901'),
        new PlainDate('2026-01-02'),
        new Decimal('1.10'),
        Buffer.from([0, 255]),
        2n ** 70n,
      ]
      expect(await chain(js.echo.s(values), py.echo.s(), js.echo.s()).delay().get(get)).toEqual(values)
    })

    it('a Map is carried by Python, and is a Map again in Node', async () => {
      const map = new Map<unknown, unknown>([
        ['at', new Date('2026-01-02T03:04:05.678Z')],
        [1, new Set([1n])],
      ])
      expect(await chain(js.echo.s(map), py.echo.s(), js.describe.s()).delay().get(get)).toEqual([
        'Map',
        '[object Map]',
      ])
      expect(await chain(py.echo.s(map), js.echo.s(), py.echo.s()).delay().get(get)).toEqual(map)
      // As results of a Python group, as arguments of a Python chord's body, as a link's argument.
      expect(await group(py.echo.s(map), js.echo.s(map)).delay().get(get)).toEqual([map, map])
      expect(
        await chord([py.echo.s(map), py.echo.s(7n)], py.echo.s())
          .delay()
          .get(get),
      ).toEqual([map, 7n])
      await py.echo.applyAsync([1], { link: js.recordAll.si('map', map) }).get(get)
      await js.recall.delay('map').get(get)
      expect(recorded.get('map')).toEqual([[map]])
    })
  })

  it('the Python worker is unharmed, and nothing of ours stays in Redis', async () => {
    expect(await py.add.delay(1, 1).get(get)).toBe(2)
    expectUnharmed(worker, { mayFail: ['fail', 'flaky'] })
    await app.close()
    expect(await leaks(redis.url)).toEqual([])
  })
})
