// `lovage doctor` on a Redis where everything is wrong, and on one where nothing is.
import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../support/redis.js'
import { makeProject } from './project.js'

interface Finding {
  readonly check: string
  readonly level: string
  readonly says: string
  readonly mend: string | null
  readonly commands: readonly string[]
}

describe('lovage doctor', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const project = makeProject({
    'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: '${redis.url}', taskQueues: ['celery', 'io'] })
app.task('proj.add', (x, y) => x + y)
`,
  })
  beforeEach(async () => void (await client.flushall()))
  afterAll(async () => {
    client.disconnect()
    await redis.stop()
  })

  const examine = async () => {
    const { code, out } = await project.lovage('-A tasks.js doctor --json')
    const findings = JSON.parse(out) as readonly Finding[]
    return { code, of: (check: string) => findings.filter((finding) => finding.check === check), findings }
  }

  it('finds nothing that needs anybody on a healthy one, with a worker', async () => {
    const worker = project.start('-A tasks.js worker -l INFO -P solo')
    await worker.line(/ready\.$/)
    const { code, of, findings } = await examine()
    expect(code).toBe(0)
    expect(of('workers')).toEqual([
      { check: 'workers', level: 'ok', says: '1 alive', mend: null, commands: [] },
    ])
    // The tests' Redis saves nothing, and that is told; how far away it is, a busy machine decides.
    const needy = findings.filter(({ level, check }) => level !== 'ok' && check !== 'latency')
    expect(needy.map(({ check }) => check)).toEqual(['server'])
    await worker.stop()
  })

  it('finds what is wrong, says which command mends it, and ends with 1', async () => {
    await client.set('io', 'no list')
    await client.lpush('celery', 'a', 'b')
    await client.zadd('lovage:consumers', 1, 'zombie')
    await client.zadd('lovage:dead', Date.now(), 'letter')
    await client.rpush('lovage:outbox', ...Array.from({ length: 1000 }, String))
    await client.zadd('unacked_index', 1, 'python')
    const { code, of } = await examine()
    expect(code).toBe(1)
    expect(of('keys')).toEqual([
      {
        check: 'keys',
        level: 'error',
        says: '"io" is no list',
        mend: expect.stringContaining('take it away'),
        commands: [expect.stringMatching(/^redis-cli -u redis:\S+ --user default --askpass DEL io$/)],
      },
    ])
    expect(of('leases')[0]).toMatchObject({ level: 'error', says: expect.stringContaining('1 ended') })
    expect(of('queue celery')[0]).toMatchObject({
      level: 'warning',
      says: '2 waiting, and no worker of ours consumes it',
      commands: ['lovage -A tasks.js worker -Q celery'],
    })
    expect(of('workers')[0]).toMatchObject({ level: 'warning', commands: ['lovage -A tasks.js worker'] })
    expect(of('outbox')[0]).toMatchObject({
      level: 'warning',
      says: expect.stringMatching(/^1000 results wait/),
    })
    expect(of('dead letters')[0]).toMatchObject({
      level: 'warning',
      says: '1, and they grow: 1 in the last day, 1 of them in the last hour',
      commands: ['list', 'retry --all', 'purge --all'].map((word) => `lovage -A tasks.js dead ${word}`),
    })
    expect(of('Python’s unacked')[0]).toMatchObject({
      level: 'warning',
      says: expect.stringContaining('1 is held for longer'),
    })
  })

  it('is a page that can be read', async () => {
    await client.set('io', 'no list')
    const { code, out, err } = await project.lovage('-A tasks.js doctor -Q io')
    expect(code).toBe(1)
    const lines = out.split('\n')
    expect(lines.some((line) => /^[✓!] latency +[\d.]+ ms a round trip$/.test(line))).toBe(true)
    const at = lines.findIndex((line) => /^✗ keys +"io" is no list$/.test(line))
    expect(lines[at + 1]).toMatch(/^ +→ Messages cannot go there\. /)
    expect(lines[at + 2]).toMatch(/^ +redis-cli -u redis:\S+ --user default --askpass DEL io$/)
    expect(err).toBe('One thing needs you.')
  })

  it('says that Redis is not there', async () => {
    const other = makeProject({
      'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: 'redis://127.0.0.1:1/0', brokerConnectionTimeout: 0.2 })
`,
    })
    const { code, err } = await other.lovage('-A tasks.js doctor')
    expect(code).not.toBe(0)
    expect(err).toMatch(/127\.0\.0\.1:1/)
  })
})
