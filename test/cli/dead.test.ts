// `lovage dead` as a person has it: a table, one letter, another try, and away with the rest.
import { Redis } from 'ioredis'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../support/redis.js'
import { makeProject } from './project.js'

describe('lovage dead', async () => {
  const redis = await startRedis()
  const client = new Redis(redis.url)
  const project = makeProject({
    'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: '${redis.url}' })
`,
  })
  beforeEach(async () => void (await client.flushall()))
  afterAll(async () => {
    client.disconnect()
    await redis.stop()
  })

  const dead = (line: string, env?: Readonly<Record<string, string>>) =>
    project.lovage(`-A tasks.js dead ${line}`, env)

  /** As a worker buries it. */
  const bury = async (id: string, raw: string | Buffer, more: Record<string, string> = {}) => {
    const diedAt = Date.UTC(2026, 10, 25, 10) + Number.parseInt(id.slice(1), 10)
    const facts = {
      queue: 'celery',
      reason: `${id} is bad`,
      attempts: 5,
      lastWorker: 'w1@host',
      taskId: '',
      task: '',
    }
    await client.hset(`lovage:dead:${id}`, { ...facts, ...more, diedAt, raw })
    await client.zadd('lovage:dead', diedAt, id)
  }

  it('lists the newest first, as a table whose cells cannot move the cursor', async () => {
    await bury('a1', '{}', { task: 'proj.add', taskId: 'one' })
    await bury('b2', '{', { reason: 'evil\u001b[2J\nreason' })
    const { code, out } = await dead('list')
    expect(code).toBe(0)
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'DIED', 'QUEUE', 'TASK', 'TASK ID', 'STARTS', 'LAST WORKER', 'REASON'],
      ['b2', '2026-11-25 10:00:00Z', 'celery', '-', '-', '5', 'w1@host', 'evil\\u{1b}[2J\\u{a}reason'],
      ['a1', '2026-11-25 10:00:00Z', 'celery', 'proj.add', 'one', '5', 'w1@host', 'a1 is bad'],
    ])
    expect((await dead('list -n 1')).out.split('\n')).toHaveLength(2)
    expect((await dead('list --queue other')).out).toBe('There are no dead letters.')
  })

  it('shows one: its message as text, as bytes where it is none, as JSON', async () => {
    await bury('a1', '{"text": true}')
    await bury('b2', Buffer.from([0xff, 0x41, 0x00]))
    const text = (await dead('show a1')).out
    expect(text).toMatch(/^reason +a1 is bad$/m)
    expect(text).toMatch(/\n\n\{"text": true\}$/)
    const bytes = (await dead('show b2')).out
    expect(bytes).toMatch(/^message +3 bytes, not UTF-8$/m)
    expect(bytes).toMatch(/\n\n00000000 {2}ff 41 00 +\.A\.$/)
    expect(JSON.parse((await dead('show b2 --json')).out)).toMatchObject({
      raw: null,
      rawBase64: '/0EA',
      id: 'b2',
    })
    expect(JSON.parse((await dead('list --json')).out)).toMatchObject([
      { id: 'b2' },
      { raw: '{"text": true}' },
    ])
    expect(await dead('show nobody')).toMatchObject({ code: 1, err: 'There is no dead letter nobody.' })
  })

  it('lists large ones in little memory, all of them, into a pipe as well', async () => {
    const raw = Buffer.alloc(3_000_000, 'x')
    for (let number = 1; number <= 12; number++) await bury(`a${number}`, raw)
    const { code, out, err } = await dead('list --json', { NODE_OPTIONS: '--max-old-space-size=64' })
    expect(code, err).toBe(0)
    const letters = JSON.parse(out) as { readonly id: string; readonly raw: string }[]
    expect(letters.map(({ id }) => id)).toEqual(Array.from({ length: 12 }, (_, i) => `a${12 - i}`))
    expect(letters.every((letter) => letter.raw.length === raw.length)).toBe(true)
  })

  it('sends again those that are named, all of a queue, or all, the oldest first', async () => {
    await bury('a1', 'first')
    await bury('a2', 'second')
    await bury('a3', 'third')
    await bury('b4', 'other', { queue: 'other' })
    expect(await dead('retry')).toMatchObject({ code: 2, err: expect.stringContaining('Which letters?') })
    expect(await dead('retry a1')).toMatchObject({ code: 0, out: 'Sent 1 letter again.' })
    const { code, out, err } = await dead('retry a1 a2')
    expect({ code, out }).toEqual({ code: 1, out: 'Sent 1 letter again.' })
    expect(err).toMatch(/^a1: there is no such letter.*\nNot sent: 1 letter\.$/)
    expect(await dead('retry --queue other')).toMatchObject({ code: 0, out: 'Sent 1 letter again.' })
    expect(JSON.parse((await dead('retry --all --json')).out)).toEqual([
      { id: 'a3', sent: true, trouble: null },
    ])
    expect(await client.lrange('celery', 0, -1)).toEqual(['third', 'second', 'first'])
    expect(await client.lrange('other', 0, -1)).toEqual(['other'])
  })

  it('drops those that are meant, after asking', async () => {
    await bury('a1', 'first')
    await bury('a2', 'second')
    expect(await dead('purge --all')).toMatchObject({ code: 1, err: 'Aborted!' })
    expect(await dead('purge a1 -f')).toMatchObject({ code: 0, out: 'Dropped 1 letter.' })
    expect(JSON.parse((await dead('purge --all -f --json')).out)).toEqual({ purged: 1 })
    expect(await client.keys('lovage:dead*')).toEqual([])
  })

  it('a letter that names no queue is not sent, and says why', async () => {
    await bury('a1', '[]', { queue: '' })
    const { code, err } = await dead('retry a1')
    expect(code).toBe(1)
    expect(err).toContain('a1: it names no queue')
    expect((await dead('list')).out).toContain('a1')
  })
})
