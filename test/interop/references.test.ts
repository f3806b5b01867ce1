// References and Python: long canvases that cross the border, and a Python worker that has a reference in its hands,
// which it sends on as the task that it looks like.
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { chain, chord, createApp, group, type Signature, signature } from 'lovage'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { startCelery } from '../support/celery.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeNodeApp } from './node-app.js'
import { declarePython } from './python-tasks.js'

const celery = await startCelery()

describe.skipIf(celery.missing)(`references and Python Celery ${celery.version}`, async () => {
  if (celery.missing) return
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const { app, js } = makeNodeApp(redis.url)
  const worker = await celery.worker({ redisUrl: redis.url })
  afterAll(async () => {
    client.disconnect()
    await app.close()
    await worker.stop()
    await redis.stop()
  })
  app.task('js.one', () => 1)
  app.task('js.two', () => 2)
  await app.worker().start()
  const py = declarePython(app)
  const get = { timeout: 20 }
  const graphs = () => client.keys('lovage:graph:*')
  const chained = chain as unknown as (steps: readonly unknown[]) => Signature<[], number>

  /** A page of these steps; the reference to it, as it stands in messages. */
  const referTo = async (
    ...steps: readonly { readonly task: string; readonly args: readonly unknown[] }[]
  ) => {
    const graph = randomUUID()
    const ids = steps.map(() => randomUUID())
    const page = steps.map(({ task, args }, index) => ({
      task,
      args,
      kwargs: {},
      options: { task_id: ids[index], queue: 'js' },
      subtask_type: null,
      immutable: false,
    }))
    await client.hset(`lovage:graph:${graph}`, '0', JSON.stringify(page))
    const end = ids.at(-1) as string
    const said = { g: graph, n: 0, i: 0, t: 'js.add', q: 'js' }
    const options = { queue: 'js', taskId: end }
    return { ids, end, reference: signature('lovage.resume', { kwargs: { $lv: said }, options }) }
  }

  it('a long chain goes through Python in its middle', async () => {
    const ours = (count: number) => Array.from({ length: count }, () => js.add.s(1))
    const canvas = chained([js.add.s(0, 1), ...ours(40), py.mul.s(2), ...ours(40), py.add.s(1)])
    expect(await canvas.delay().get(get)).toBe(41 * 2 + 41)
    await until(async () => (await graphs()).length === 0)
  })

  it('Python sends on the reference that stands next in its chain', async () => {
    const { end, ids, reference } = await referTo(
      { task: 'js.add', args: [10] },
      { task: 'js.mul', args: [3] },
    )
    await chain(py.add.s(2, 2), reference).delay()
    expect(await app.result(end).get(get)).toBe(42)
    expect(await app.result(ids[0] as string).get(get)).toBe(14)
    await until(async () => (await graphs()).length === 0)
  })

  it('a reference to one step is that step, with its id', async () => {
    const { end, reference } = await referTo({ task: 'js.add', args: [10] })
    await chain(py.add.s(2, 2), reference).delay()
    expect(await app.result(end).get(get)).toBe(14)
  })

  it('Python joins a chord whose body is a reference', async () => {
    const { end, reference } = await referTo({ task: 'js.sum', args: [] }, { task: 'js.add', args: [100] })
    await chord([py.add.s(1, 1), py.add.s(2, 2), py.add.s(3, 3)], reference).delay()
    expect(await app.result(end).get(get)).toBe(112)
    await until(async () => (await graphs()).length === 0)
  })

  const purges = (queues: string) =>
    celery.python(`app.start(["purge", "-f", "-Q", "${queues}"])\ngive(None)`, { redisUrl: redis.url })
  const terms = { silentSeconds: 0, afterSeconds: 0, everySeconds: 0, settleSeconds: 0 }
  const sweep = async () => (await (await app.broker()).sweep?.(terms))?.length

  it('what Python’s purge leaves of a canvas is swept, and what others wait for is not', async () => {
    const idle = { queue: 'idle' }
    const ours = (count: number) => Array.from({ length: count }, () => js.add.s(1).set(idle))
    const far = chained([js.add.s(0, 1).set(idle), ...ours(300)])
    await far.delay()
    const lives = await chained([
      js.add.s(0, 1).set({ queue: 'later' }),
      ...Array.from({ length: 300 }, () => js.add.s(1)),
    ]).delay()
    await chord(ours(2), js.sum.s()).delay()
    // The last part of this one was to come from Python.
    const mixed = await chord([js.add.s(1, 1), py.add.s(2, 2).set({ queue: 'nobody' })], js.sum.s()).delay()
    await until(async () => (await client.keys('celery-taskset-meta-*.j')).length === 1)
    expect(await sweep()).toBe(0)
    expect(await client.keys('lovage:orphans')).toEqual([])
    await purges('idle,nobody')
    expect([await sweep(), await sweep()]).toEqual([0, 3])
    expect(await graphs()).toHaveLength(1)
    expect(await client.keys('celery-taskset-meta-*')).toEqual([])
    await until(async () => (await client.keys('lovage:errands*')).length === 0)
    expect(await mixed.state()).toBe('PENDING')
    const last = makeNodeApp(redis.url).app
    await last.worker({ queues: ['later'], hostname: 'later@test' }).start()
    expect(await lives.get(get)).toBe(301)
    await last.close()
  })

  it('a purge of ours beside a Celery worker that takes from the same queue leaves no chord without an end', async () => {
    const all = Array.from({ length: 20 }, (_, i) =>
      chord(
        Array.from({ length: 10 }, () => py.add.s(i, 1)),
        js.sum.s(),
      ),
    )
    const results = await Promise.all(all.map((canvas) => canvas.delay()))
    const count = await app.control.purge('python')
    const ends = await Promise.allSettled(results.map((result) => result.get(get)))
    const failed = ends.filter(({ status }) => status === 'rejected').length
    expect(failed).toBeGreaterThanOrEqual(Math.ceil(count / 10))
    for (const [i, end] of ends.entries())
      if (end.status === 'fulfilled') expect(end.value).toBe(10 * (i + 1))
      else expect(end.reason).toMatchObject({ name: 'ChordError' })
    // Where Python gave the last part to a chord that fails, it leaves the keys until results expire.
    const forEver = async () => {
      const keys = await client.keys('celery-taskset-meta-*.[sjt]')
      return (await Promise.all(keys.map((key) => client.ttl(key)))).filter((seconds) => seconds === -1)
    }
    await until(async () => (await forEver()).length === 0)
    await until(async () => (await client.keys('lovage:errands*')).length === 0)
  })

  it('a Python step that fails in front of a reference fails what it ends with', async () => {
    const { end, reference } = await referTo({ task: 'js.add', args: [10] }, { task: 'js.mul', args: [3] })
    await chain(py.fail.si('boom'), reference).delay()
    await expect(app.result(end).get(get)).rejects.toThrow('boom')
  })

  describe('as deep as Python is given it', () => {
    const many = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
    const linked = (depth: number): any =>
      many(depth, () => 0).reduce<any>((inner) => py.add.s(1).link(inner), py.record.s('deepest'))

    it('callbacks of callbacks: 96 of them all run over there, and one more is refused here', async () => {
      await py.add.s(1, 1).link(linked(95)).delay()
      const deepest = await until(async () => (await client.lrange('proj:record', 0, -1))[0])
      expect(JSON.parse(deepest).args).toEqual([97, 'deepest'])
      await expect(py.add.s(1, 1).link(linked(96)).delay()).rejects.toThrow(
        'at most 290 are sent (the setting canvasMaxLevels)',
      )
    })

    it('what is linked goes deeper where Node tasks are in it: flat, and Python sends it on', async () => {
      const deep = (around: (inner: any) => any, end: string): any =>
        many(120, () => 0).reduce<any>(around, js.record.s(end))
      const guarded = deep((inner) => js.fail.si('PaymentRefused').linkError(inner), 'guarded')
      await py.fail.si('boom').linkError(guarded).delay()
      expect(await js.recall.delay('guarded').get(get)).toHaveLength(1)
      const both = deep((inner) => js.add.s(1).link(py.add.s(1).link(inner)), 'linked')
      await py.add.s(1, 1).link(both).delay()
      expect(await js.recall.delay('linked').get(get)).toEqual([242])
    })

    it('chords behind chords: what its worker multiplies is refused here for a queue that it consumes', async () => {
      const bare = createApp('bare', { broker: redis.url, taskQueues: { python: { shared: true } } })
      const stages = (count: number, part: () => any, sum: any): any =>
        chained([...many(count, () => [group([part(), part()]), sum]).flat(), sum])
      const named = (task: string, queue: string) => signature(task, { args: [1], options: { queue } })
      const theirs = stages(10, () => named('proj.add', 'python'), named('proj.tsum', 'python'))
      await expect(bare.send(theirs)).rejects.toThrow(
        /proj\.\w+ may be run by Python, which consumes its queue "python" \(shared: true\)/,
      )
      // Of others it is seen that they are ours.
      const ours = stages(10, () => named('js.one', 'js'), named('js.two', 'js'))
      const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
      expect(await bare.send(ours).get(get)).toBe(2)
      // Or nobody knows, and it is said once.
      const unknown = stages(10, () => named('far', 'far'), named('far', 'far'))
      await bare.send(unknown)
      await bare.send(unknown)
      const said = stderr.mock.calls
        .map(([text]) => String(text))
        .filter((text) => text.includes('no worker of Lovage'))
      stderr.mockRestore()
      expect(said).toEqual([
        expect.stringMatching(
          /far goes to the queue "far", which no worker of Lovage consumes now.*shared: false/,
        ),
      ])
      await bare.close()
    })
  })
})
