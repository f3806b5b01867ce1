// Waiting from outside, in processes of its own: a script ends when it has what it waited for, and ten
// thousand waits are one connection.
import { Redis } from 'ioredis'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../../src/app.js'
import { silentLogger } from '../../../src/log.js'
import { start, startNode } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'

const program = (name: string): string => fileURLToPath(new URL(`programs/${name}`, import.meta.url))

describe('waiting over Redis', () => {
  let server: TestRedis
  let client: Redis
  let app: App

  beforeAll(async () => {
    server = await startRedis()
    client = new Redis(server.url)
    // Ten thousand calls at once may be more than four seconds of work.
    app = createApp('workers', { broker: server.url, brokerConnectionTimeout: 60 })
    app.task('add', (x: number, y: number) => x + y)
    await app.worker({ concurrency: 100, log: silentLogger }).start()
  })
  afterAll(async () => {
    await app.close()
    client.disconnect()
    await server.stop()
  })

  it('a script that has its results ends by itself', async () => {
    const script = startNode(program('script.js'), [server.url])
    await script.line(/^end$/)
    const endedAt = performance.now()
    const { code } = await script.exited
    expect([code, script.stdout()]).toEqual([0, '8\nTimeoutError\n2\nPROGRESS\nend\n'])
    // At once: the bound tells it from a connection that is kept.
    expect(performance.now() - endedAt).toBeLessThan(15_000)
  })

  it.each([
    ['of results that others send', 'hears'],
    ['of messages that it sends itself', 'sends'],
  ] as const)(
    '10 000 waits in one process, %s, are one subscriber, and at most 70 MB more',
    {
      timeout: 120_000,
    },
    async (_, mode) => {
      const count = 10_000
      const args = ['--expose-gc', program('waits.js'), server.url, String(count), mode]
      const waiter = start(process.execPath, args, { ipc: true })
      const told: Record<string, number>[] = []
      waiter.child.on('message', (message) => void told.push(message as Record<string, number>))
      const { waiting } = (await until(() => told[0], { timeout: 60_000 })) as { waiting: number }
      // Workers of this process listen for remote control, each on a channel of its own.
      const subscribers = ((await client.client('LIST', 'TYPE', 'PUBSUB')) as string).trim().split('\n')
      const waiters = subscribers.filter((line) => !/ sub=[01] /.test(line))
      expect(waiters).toEqual([expect.stringContaining(` sub=${count} `)])
      expect(waiting).toBeLessThan(70)
      if (mode === 'sends')
        await app.worker({ concurrency: 100, queues: ['waited'], log: silentLogger }).start()
      else
        await Promise.all(
          Array.from({ length: count }, (_, n) => app.sendTask('add', [n, 1], { taskId: `${mode}-${n}` })),
        )
      const { sum } = (await until(() => told[1], { timeout: 60_000 })) as { sum: number }
      expect(sum).toBe((count * (count - 1)) / 2 + count)
      expect((await waiter.exited).code).toBe(0)
    },
  )
})
