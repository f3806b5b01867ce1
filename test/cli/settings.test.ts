// Settings that only a worker's process shows: what it loads, how it logs, when it replaces its children, how long its
// lease is. Each is seen in its effect.
import { Redis } from 'ioredis'
import { beforeAll, expect, it } from 'vitest'
import type { Running } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject, type Project } from './project.js'

const tasks = `import { createApp } from 'lovage'
export const app = createApp('proj', {
  broker: process.env.PROJECT_REDIS,
  imports: ['./imported.ts'],
  include: ['./included.ts'],
})
app.task('proj.block', (seconds: number) => {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end);
})
app.task('proj.who', () => process.pid)
if (app.isChild && process.env.SLOW) await new Promise((resolve) => setTimeout(resolve, 60_000))
`

let redis: TestRedis
let project: Project
const start = (words: readonly string[], env = {}): Running =>
  project.start(['-A', 'tasks.ts', 'worker', '-l', 'INFO', '-c', '1', ...words], {
    PROJECT_REDIS: redis.url,
    ...env,
  })
const ready = async (...words: readonly string[]): Promise<Running> => {
  const worker = start(words)
  await worker.line(/ready\./)
  return worker
}
const call = (name: string, args: string, queue: string) =>
  project.lovage(['-A', 'tasks.ts', 'call', name, '-a', args, '--queue', queue], { PROJECT_REDIS: redis.url })

beforeAll(async () => {
  redis = await startRedis()
  const module = (name: string): string =>
    `import { app } from './tasks.js'\napp.task('${name}.hello', () => '${name}')\n`
  project = makeProject({
    'tasks.ts': tasks,
    'imported.ts': module('imported'),
    'included.ts': module('included'),
  })
})

it('imports, include, workerLogFormat, workerLease: what it loads and says, how long its lease is', async () => {
  const worker = await ready('-Q', 'a', 'worker_log_format=json', 'worker_lease=3')
  expect(worker.stdout()).toMatch(/ {2}\. imported\.hello\n {2}\. included\.hello\n/)
  const line = worker
    .stderr()
    .split('\n')
    .find((text) => text.includes('ready.')) as string
  expect(JSON.parse(line)).toMatchObject({ level: 'INFO', message: expect.stringMatching(/ ready\.$/) })
  const client = new Redis(redis.url)
  // In one step: it is renewed while it is looked at.
  const left = async (): Promise<number> => {
    const read = client.multi().time().zrange('lovage:consumers', '0', '-1', 'WITHSCORES')
    const [[, [seconds, micros]], [, scores]] = (await read.exec()) as [[null, string[]], [null, string[]]]
    const nowMs = Number(seconds) * 1000 + Number(micros) / 1000
    return Math.max(...scores.filter((_, at) => at % 2 === 1).map((score) => Number(score) - nowMs))
  }
  const leftMs = await until(async () => Math.max(await left(), 0))
  expect(leftMs).toBeLessThanOrEqual(3000)
  client.disconnect()
  await worker.stop()
})

it('resultBackend: results lie there, and nowhere else', async () => {
  const env = { PROJECT_REDIS: redis.url, LOVAGE_RESULT_BACKEND: redis.url.replace(/0$/, '5') }
  const worker = start(['-Q', 'results', '-P', 'solo'], env)
  await worker.line(/ ready\.$/)
  const id = (await call('proj.who', '[]', 'results')).out
  expect((await project.lovage(['-A', 'tasks.ts', 'result', id], env)).out).toBe(String(worker.pid))
  const counts: number[] = []
  for (const db of [0, 5]) {
    const client = new Redis(redis.url.replace(/0$/, String(db)))
    counts.push(await client.exists(`celery-task-meta-${id}`))
    client.disconnect()
  }
  expect(counts).toEqual([0, 1])
  await worker.stop()
})

it('workerLogColor: colours though nobody has a terminal', async () => {
  const worker = await ready('-Q', 'none', '-P', 'solo', 'worker_log_color=true')
  worker.signal('SIGUSR1')
  const escape = String.fromCharCode(27)
  await worker.line(new RegExp(`${escape}\\[\\d+m.*0 of 1 tasks run`))
  await worker.stop()
})

it.each([
  ['workerMaxTasksPerChild', 'worker_max_tasks_per_child=1'],
  ['workerMaxMemoryPerChild', 'worker_max_memory_per_child=1'],
])('%s: a child ends with its task, and another one comes', async (name, word) => {
  const worker = await ready('-Q', name, word)
  const who = async (): Promise<string> => {
    const { out } = await call('proj.who', '[]', name)
    return (await project.lovage(['-A', 'tasks.ts', 'result', out], { PROJECT_REDIS: redis.url })).out
  }
  expect(await who()).not.toBe(await who())
  await worker.stop()
})

it('workerProcAliveTimeout: a child that loads longer is not waited for', async () => {
  const worker = start(['-Q', 'none', 'worker_proc_alive_timeout=0.2'], { SLOW: '1' })
  expect(await worker.exited).toEqual({ code: 2, signal: null })
  expect(worker.stderr()).toMatch(/not ready within 0\.2s \(workerProcAliveTimeout\)/)
})

it('workerLoopBlockedWarning: the task that holds up the loop is named', async () => {
  const worker = await ready('-P', 'fiber', '-Q', 'fiber', 'worker_loop_blocked_warning=0.05')
  await call('proj.block', '[0.4]', 'fiber')
  await worker.line(/WARNING.*Task proj\.block\[.*\] blocked the event loop for/)
  await worker.stop()
})
