// Queues that are added to a running worker from afar, and taken from it.
import { expect, test } from 'vitest'
import { onEveryEngine } from './bench.js'

onEveryEngine('queues at run time', (bench) => {
  const to = { reply: true, destination: 'w@host', timeout: 20 } as const

  test('a queue is added, and left', async () => {
    const app = bench().app()
    const who = app.task('t.who', () => 'done')
    const worker = await bench().work(app, { hostname: 'w@host', queues: ['celery'] })
    const extra = await who.applyAsync([], { queue: 'extra' })
    expect(await app.control.addConsumer('extra', to)).toEqual([{ 'w@host': { ok: 'add consumer extra' } }])
    expect(await extra.get({ timeout: 25 })).toBe('done')
    expect(worker.queues).toEqual(['celery', 'extra'])
    const queues = (await app.control.inspect(to).activeQueues())['w@host']!
    expect(queues.map((queue) => queue['name'])).toEqual(['celery', 'extra'])
    expect(await app.control.cancelConsumer('extra', to)).toEqual([
      { 'w@host': { ok: 'no longer consuming from extra' } },
    ])
    await who.applyAsync([], { queue: 'extra' })
    expect(await (await who.applyAsync([], { queue: 'celery' })).get({ timeout: 25 })).toBe('done')
    expect(await (await app.broker()).length('extra')).toBe(1)
    expect(worker.queues).toEqual(['celery'])
  })

  test('what was so before is answered as if it were new', async () => {
    const app = bench().app()
    await bench().work(app, { hostname: 'w@host' })
    expect(await app.control.addConsumer('celery', to)).toEqual([{ 'w@host': { ok: 'add consumer celery' } }])
    expect(await app.control.cancelConsumer('other', to)).toEqual([
      { 'w@host': { ok: 'no longer consuming from other' } },
    ])
  })

  test('what cannot be is said', async () => {
    const app = bench().app()
    await bench().work(app, { hostname: 'w@host' })
    const error = async (args: object) => {
      const [reply] = await app.control.broadcast('add_consumer', args as Record<string, unknown>, to)
      return (reply as Record<string, { error: string }>)['w@host']!.error
    }
    expect(await error({})).toContain('expected the name of a queue, got undefined')
    expect(await error({ queue: 'q', exchange_type: 'headers' })).toContain(
      'expected direct, topic or fanout',
    )
    expect(await error({ queue: 'q', exchange_type: 'fanout' })).toContain('is a broadcast')
  })
})
