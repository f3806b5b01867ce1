// `lovage doctor` beside Celery: what a Python worker held that was killed in the middle of a task.
import { Redis } from 'ioredis'
import { afterAll, describe, expect, it } from 'vitest'
import { makeProject } from '../cli/project.js'
import { startCelery } from '../support/celery.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'

interface Finding {
  readonly check: string
  readonly level: string
  readonly says: string
  readonly commands: readonly string[]
}

const celery = await startCelery()

describe.skipIf(celery.missing)('lovage doctor', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const project = makeProject({
    'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: '${redis.url}', visibilityTimeout: 1 })
`,
  })
  afterAll(async () => {
    client.disconnect()
    await redis.stop()
  })

  const unacked = async (): Promise<Finding> => {
    const { out } = await project.lovage('-A tasks.js doctor --json -Q python')
    return (JSON.parse(out) as Finding[]).find(({ check }) => check === 'Python’s unacked') as Finding
  }
  const python = () =>
    celery.worker({
      redisUrl: redis.url,
      args: ['--pool=solo'],
      conf: {
        task_acks_late: true,
        broker_transport_options: {
          visibility_timeout: 1,
          unacked_restore_interval: 1,
          unacked_restore_throttle: 1,
        },
      },
    })

  it('finds what a Python worker held that was killed while it ran, and its command brings it back', async () => {
    expect(await unacked()).toMatchObject({ level: 'ok', says: 'empty' })
    const lost = await python()
    const id = await celery.python<string>(
      `
      from proj import sleep
      give(sleep.delay(600).id)
    `,
      { redisUrl: redis.url },
    )
    const received = new RegExp(`Task proj\\.sleep\\[${id}\\] received`)
    await lost.line(received)
    lost.signal('SIGKILL')
    await lost.exited
    expect(await client.hlen('unacked')).toBe(1)

    const finding = await until(async () => {
      const now = await unacked()
      return now.level === 'warning' ? now : undefined
    })
    expect(finding.says).toBe('1 is held for longer than the visibility timeout of 1 s')
    expect(finding.commands).toEqual(['celery -A <its app> worker -Q python'])

    const another = await python()
    await another.line(received)
    another.signal('SIGKILL')
    await another.exited
  })
})
