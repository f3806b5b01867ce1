// The users that docs/security.md recommends, on a real Redis, but for their passwords: each does its work, and nothing else.
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { chain, chord, group } from '../../src/index.js'
import type { Running } from '../support/processes.js'
import { planted } from '../support/planted.js'
import { startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject } from './project.js'

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8')
const users = (/```acl\n([^]*?)```/.exec(page)?.[1] ?? '').trim().split('\n')
const wait = { timeout: 20 }

describe('users of Redis', async () => {
  const redis = await startRedis({ own: true })
  const admin = new Redis(redis.url)
  const secretOf = (user: string): string => planted(`of-${user}`)
  for (const line of users) {
    const [, user = '', ...rules] = line.split(' ')
    const theirs = rules.map((rule) => (rule.startsWith('>') ? `>${secretOf(user)}` : rule))
    await admin.call('ACL', 'SETUSER', user, ...theirs)
  }
  const urlOf = (user: string): string => redis.as(user, secretOf(user))
  const project = makeProject({
    'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.BROKER, beatSchedule: { often: { task: 'proj.ticked', schedule: 0.5 } } })
app.task('proj.add', (x, y) => x + y)
app.task('proj.sum', (numbers) => numbers.reduce((a, b) => a + b, 0))
app.task('proj.again', function () { if (this.request.retries === 0) throw this.retry({ countdown: 0.1 }); return 'again' })
app.task('proj.ticked', () => 'ticked', { ignoreResult: true })
`,
  })
  const app = createApp('proj', { broker: urlOf('client') })
  const add = app.declare<(x: number, y: number) => number>('proj.add')
  const sum = app.declare<(numbers: number[]) => number>('proj.sum')
  let worker: Running
  /** What each user was refused, as Redis remembers it. */
  const refused = async (): Promise<string[]> => {
    const log = (await admin.call('ACL', 'LOG')) as unknown[][]
    return log.map((entry) => entry.map(String).join(' '))
  }

  beforeAll(async () => {
    worker = project.start('-A tasks.js worker -l INFO -P fiber -n w@h', { BROKER: urlOf('worker') })
    await worker.line(/ ready\.$/)
  })
  afterAll(async () => {
    await app.close()
    await worker.stop()
    admin.disconnect()
    await redis.stop()
  })

  it('are three', () => {
    expect(users.map((line) => line.split(' ')[1])).toEqual(['client', 'worker', 'beat'])
  })

  it('a client sends and waits, a worker runs: calls, retries, chains, chords', async () => {
    expect(await add.delay(1, 2).get(wait)).toBe(3)
    expect(await add.applyAsync([1, 2], { countdown: 0.2 }).get(wait)).toBe(3)
    expect(await app.sendTask('proj.again').get(wait)).toBe('again')
    expect(await chain(add.s(1, 2), add.s(3)).delay().get(wait)).toBe(6)
    const all = chord([add.s(1, 1), add.s(2, 2)], sum.s())
    expect(await all.delay().get(wait)).toBe(6)
    // Big ones, sent ahead in pieces.
    const many = Array.from({ length: 100 }, () => add.s(1))
    expect(
      await chain(add.s(1, 1), ...many)
        .delay()
        .get(wait),
    ).toBe(102)
    const pieces = Array.from({ length: 1500 }, (_, i) => add.s(i, 1))
    expect(await group(pieces).delay().get(wait)).toHaveLength(1500)
  })

  it('beat sends', async () => {
    const beat = project.start('-A tasks.js beat -l INFO', { BROKER: urlOf('beat') })
    await worker.line(/proj\.ticked\[\S+\] succeeded/)
    await beat.stop()
  })

  it('an operator with the worker’s rights asks, revokes, purges and sweeps', async () => {
    const operator = createApp('proj', { broker: urlOf('worker') })
    expect(await operator.control.inspect({ destination: 'w@h', timeout: 20 }).ping()).toEqual({
      'w@h': { ok: 'pong' },
    })
    const later = await add.applyAsync([1, 2], { countdown: 600 })
    await operator.control.revoke(later.id)
    await until(async () => (await later.state()) === 'REVOKED')
    const waiting = await chain(add.s(1, 1).set({ queue: 'celery-idle' }), add.s(1)).delay()
    expect(await operator.control.purge(['celery-idle'])).toBe(1)
    expect(await waiting.state()).toBe('REVOKED')
    // What a worker does each hour.
    const terms = { silentSeconds: 0, afterSeconds: 600, everySeconds: 0, settleSeconds: 0 }
    expect(await (await operator.broker()).sweep?.(terms)).toEqual([])
    await operator.close()
  })

  it('nobody was refused anything that he needs: what is missed is how Redis saves its data, and who works', async () => {
    expect((await refused()).filter((entry) => !/ config\|get | lovage:consumers /i.test(entry))).toEqual([])
  })

  it.each([
    ['client', ['keys', '*']],
    ['client', ['flushdb']],
    ['client', ['config', 'get', '*']],
    ['client', ['acl', 'list']],
    ['client', ['zrange', 'lovage:dead', '0', '-1']],
    ['client', ['hgetall', 'lovage:unacked:x']],
    ['client', ['zadd', 'lovage:revoked', '1', 'id']],
    ['client', ['get', 'lovage:beat:proj:lead']],
    ['client', ['get', 'somebody:else']],
    ['client', ['publish', '/0.celery.pidbox', '{}']],
    ['client', ['eval', "return redis.call('DEL', 'lovage:dead')", '0']],
    ['worker', ['flushall']],
    ['worker', ['keys', '*']],
    ['worker', ['config', 'set', 'maxmemory', '1']],
    ['worker', ['acl', 'setuser', 'x']],
    ['worker', ['get', 'somebody:else']],
    ['worker', ['publish', 'somebody', 'x']],
    ['beat', ['zrange', 'lovage:dead', '0', '-1']],
    ['beat', ['hgetall', 'lovage:unacked:x']],
    ['beat', ['publish', '/0.celery.pidbox', '{}']],
    ['beat', ['flushall']],
    ['beat', ['shutdown']],
  ])('%s may not: %j', async (user, [command, ...args]) => {
    const connection = new Redis(urlOf(user))
    await expect(connection.call(command as string, ...args)).rejects.toThrow(
      /NOPERM|No permissions|can't access/,
    )
    connection.disconnect()
  })
})
