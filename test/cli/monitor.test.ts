// `lovage monitor` as a person has it: started, looked at, stopped.
import { afterAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject } from './project.js'

describe('lovage monitor', async () => {
  const redis = await startRedis()
  const app = createApp('proj', { broker: redis.url })
  const project = makeProject({})
  afterAll(async () => {
    await app.close()
    await redis.stop()
  })

  /** It looks each three seconds. */
  const patient = { timeout: 20_000, interval: 100 }

  it('shows workers, tasks, queues and dead letters, and ends with a signal', async () => {
    app.task('t.add', (x: number, y: number) => x + y)
    await app
      .worker({ hostname: 'w@host', queues: ['sums'], log: { ...app.log, enabled: () => false } })
      .start()
    await app.sendTask('t.add', [1, 1]) // nobody consumes `celery`
    const monitor = project.start(`-b ${redis.url} monitor --port 0 --enable-events`)
    const line = await monitor.line(/^Monitor of /)
    const url = /http:\S+$/.exec(line)![0]
    expect(new URL(url).hostname).toBe('127.0.0.1')
    const state = async () => (await (await fetch(new URL('/api/state', url))).json()) as Record<string, any>
    await until(
      async () => (await state())['queues'].some(({ workers }: any) => workers.includes('w@host')),
      patient,
    )
    const ids = new Set<string>()
    // (Events are on as soon as the worker has heard that somebody wants them.)
    await until(async () => {
      ids.add((await app.sendTask('t.add', [2, 3], { queue: 'sums' })).id)
      return (await state())['tasks'].some(({ state: of }: any) => of === 'SUCCESS')
    }, patient)
    const seen = await until(async () => {
      const now = await state()
      return now['queues'].some(({ name, length }: any) => name === 'celery' && length === 1) && now
    }, patient)
    expect(seen).toMatchObject({ dead: [], trouble: null })
    expect((seen as any).workers).toMatchObject([{ hostname: 'w@host', alive: true }])
    const [task] = (seen as any).tasks
    expect(ids).toContain(task.uuid)
    expect(task).toMatchObject({ name: 't.add', args: '(2, 3)', worker: 'w@host' })
    expect(await (await fetch(url)).text()).toContain('<title>Lovage</title>')
    const other = await project.lovage(`-b ${redis.url} monitor --port ${new URL(url).port}`)
    expect(other.code).not.toBe(0)
    expect(other.err).toMatch(/cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE.*Another --port\?/)
    expect(await monitor.stop('SIGINT')).toMatchObject({ code: 0 })
  }, 90_000)
})
