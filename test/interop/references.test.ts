// References and Python: long canvases that cross the border, and a Python worker that has a reference in its hands,
// which it sends on as the task that it looks like.
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { chain, chord, type Signature, signature } from 'lovage'
import { afterAll, describe, expect, it } from 'vitest'
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

  it('a Python step that fails in front of a reference fails what it ends with', async () => {
    const { end, reference } = await referTo({ task: 'js.add', args: [10] }, { task: 'js.mul', args: [3] })
    await chain(py.fail.si('boom'), reference).delay()
    await expect(app.result(end).get(get)).rejects.toThrow('boom')
  })
})
