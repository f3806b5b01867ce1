// lovage multi against a real Redis: workers that outlive the command, and are found again by their pidfiles.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../src/app.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject, type Project } from './project.js'

let redis: TestRedis
let project: Project
const multi = (...argv: string[]) =>
  project.lovage(['multi', ...argv], { PROJECT_REDIS: redis.url, LOVAGE_APP: '' })
const nodes = ['2', '-A', 'tasks.js', '-P', 'solo', '-l', 'INFO']
const pid = (name: string): number => Number(readFileSync(join(project.directory, `${name}.pid`), 'utf8'))

beforeAll(async () => {
  redis = await startRedis()
  project = makeProject({
    'tasks.js': `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.PROJECT_REDIS })
app.task('proj.add', (x, y) => x + y)
`,
  })
})
afterAll(async () => {
  await multi('kill', ...nodes)
  await redis.stop()
})

it('shows what it would run', async () => {
  const { out, code } = await multi('show', ...nodes, '-c:1', '10')
  expect(code).toBe(0)
  expect(out.split('\n')[0]).toMatch(
    /^lovage -A tasks\.js worker -P solo -l INFO -c 10 --pidfile=celery1\.pid /,
  )
  expect(out.split('\n')[1]).not.toContain('-c 10')
})

it('starts nodes, does not start them twice, restarts and stops them', async () => {
  // A pidfile of a process that is long gone stops nobody.
  writeFileSync(join(project.directory, 'celery1.pid'), '999999\n')
  const started = await multi('start', ...nodes)
  expect(started).toMatchObject({ code: 0 })
  expect(started.out).toMatch(/> celery1@\S+: OK\n\t> celery2@\S+: OK$/)
  const app = createApp('client', { broker: redis.url })
  // Who has just begun may not listen yet.
  const online = () => app.control.ping({ limit: 2, timeout: 2 })
  await until(async () => (await online()).length === 2)
  expect(await app.sendTask('proj.add', [1, 2]).get({ timeout: 25 })).toBe(3)

  const again = await multi('start', ...nodes)
  expect(again.code).toBe(1)
  const before = [pid('celery1'), pid('celery2')]
  expect((await multi('restart', ...nodes)).code).toBe(0)
  expect([pid('celery1'), pid('celery2')].some((each) => before.includes(each))).toBe(false)
  await until(async () => (await online()).length === 2)

  const stopped = await multi('stopwait', ...nodes)
  expect(stopped.code).toBe(0)
  expect(stopped.out).toMatch(/> celery1@\S+: TERM -> \d+/)
  expect(existsSync(join(project.directory, 'celery1.pid'))).toBe(false)
  expect((await multi('stop', ...nodes)).out).toMatch(/celery1@\S+: DOWN/)
  expect(readFileSync(join(project.directory, 'celery1.log'), 'utf8')).toMatch(/celery1@\S+ ready\./)
  await app.close()
})

it('tells which node did not start', async () => {
  const { code, out } = await multi('start', 'w1', '-A', 'nowhere.js')
  expect(code).toBe(1)
  expect(out).toMatch(/> w1@\S+: \* did not start; see w1\.log/)
  expect(readFileSync(join(project.directory, 'w1.log'), 'utf8')).toContain('nowhere.js')
})
