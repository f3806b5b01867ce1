// What keeps a process alive: a publish, a read or a watch that is pending, and a consumer; nothing else.
import { afterAll, describe, expect, it } from 'vitest'
import { Redis } from 'ioredis'
import { start } from '../support/processes.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

const server = await startRedis()
const client = new Redis(server.url)
afterAll(() => client.disconnect())

const carrier = new URL('../../dist/redis/carrier.js', import.meta.url).href
const log = new URL('../../dist/log.js', import.meta.url).href

/** A script with `broker` and `backend` in hand. */
const script = (body: string, url = server.url) =>
  start(process.execPath, [
    '--input-type=module',
    '-e',
    `import { openRedis } from '${carrier}'
     import { silentLogger } from '${log}'
     const url = '${url}'
     const { broker, backend } = openRedis({ brokerUrl: url, backendUrl: url, globalKeyPrefix: '', resultKeyPrefix: '', timeout: 1, log: silentLogger })
     const message = { pushes: [{ queue: 'q', priority: 0, raw: 'm' }], chords: [] }
     ${body}`,
  ])

describe('a script', () => {
  it('ends by itself when what it published has arrived', async () => {
    const { exited } = script('void broker.publish(message)')
    expect(await exited).toEqual({ code: 0, signal: null })
    expect(await client.llen('q')).toBe(1)
  })

  it('stays while it waits for a result, and ends when it has it', async () => {
    const waiting = script(
      `const stop = backend.watch('t', (text) => { console.log('got ' + text); stop() })
       await broker.publish(message)
       console.log('published')`,
    )
    await waiting.line(/published/)
    await until(async () => (await client.publish('celery-task-meta-t', 'the text')) === 1)
    await waiting.line(/got the text/)
    expect(await waiting.exited).toEqual({ code: 0, signal: null })
  })

  it('ends when it read, was told of trouble, or did nothing at all', async () => {
    expect(await script(`await backend.read(['x']); await broker.length('q')`).exited).toMatchObject({
      code: 0,
    })
    expect(await script('').exited).toMatchObject({ code: 0 })
    const failed = script(
      `await broker.publish(message).catch((error) => console.log(error.name))`,
      'redis://localhost:1',
    )
    expect(await failed.exited).toMatchObject({ code: 0 })
    expect(failed.stdout()).toBe('OperationalError\n')
    const unknown = script(
      `await broker.publish(message).catch((error) => console.log(error.name))`,
      'sentinel://localhost:1?master=m',
    )
    expect(await unknown.exited).toMatchObject({ code: 0 })
    expect(unknown.stdout()).toBe('OperationalError\n')
  })

  it('with a consumer lives until that is closed', async () => {
    const living = script(
      `const consumer = await broker.consume({ hostname: 'w', queues: ['p'], strategy: 'priority', leaseMs: 2000, onLost() {}, onTrouble() {}, deadLetterMax: 1, deadLetterExpires: 1 })
       console.log('ready')
       setTimeout(() => void consumer.close().then(() => console.log('closed')), 1000).unref()`,
    )
    await living.line(/ready/)
    expect(living.child.exitCode).toBeNull()
    await living.line(/closed/)
    expect(await living.exited).toEqual({ code: 0, signal: null })
    expect(await client.exists('lovage:consumers')).toBe(0)
  })
})
