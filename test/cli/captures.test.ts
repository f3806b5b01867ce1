// What docs/workers.md shows of a worker is played again, and must look the same but for what differs each time:
// times, ids, the machine, the place of Redis, which child had its turn.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startRedis } from '../support/redis.js'
import { makeProject } from './project.js'

const tasks = `import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.PROJECT_REDIS })
app.task('proj.crash', async function () {
  if (this.request.attempt < 3) process.kill(process.pid, 'SIGKILL')
  return this.request.attempt
})
app.task('proj.resize', async function (name: string) {
  this.log.info('resizing ' + name)
  while (!existsSync('go-on')) await sleep(20)
  return 'cat.small'
})
`

const command = 'lovage -A tasks.ts worker --loglevel=INFO -c 2 -n worker1@node-a'

const plain = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) =>
      line
        .trimEnd()
        .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?/, 'TIME')
        .replace(/\[[0-9a-f]{8}-[0-9a-f-]{27}\]/, '[ID]')
        .replace(/redis:\/\/[\w.]+:\d+/, 'redis://HOST')
        .replace(/\(Redis [\d.]+\)/, '(Redis VERSION)')
        .replace(/\w+-[^ ]+-\w+ TIME$/, 'MACHINE TIME')
        .replace(/ForkPoolWorker-\d+/, 'ForkPoolWorker-N')
        .replace(/ v\d+\.\d+\.\d+ /, ' VERSION ')
        .replace(/in [\d.]+s:/, 'in SECONDS:'),
    )
    .filter((line) => line !== '')

/** Log lines and what is for the terminal come by two ways: nobody knows which of them is first. */
const isLog = (line: string): boolean => line.startsWith('[TIME')

it('a start, a lost child, a warm stop', async () => {
  // As on the page: without a password.
  const redis = await startRedis({ password: null })
  const project = makeProject({ 'tasks.ts': tasks })
  const env = { PROJECT_REDIS: redis.url }
  const call = (...words: string[]) => project.lovage(['-A', 'tasks.ts', 'call', ...words], env)
  const worker = project.start(command.split(' ').slice(1), env)
  await worker.line(/ ready\.$/)
  await call('proj.crash')
  await worker.line(/proj\.crash\[.*\] succeeded/)
  await call('proj.resize', '-a', '["cat.png"]')
  await worker.line(/resizing cat\.png$/)
  worker.signal('SIGTERM')
  await worker.line(/Warm shutdown/)
  writeFileSync(join(project.directory, 'go-on'), '')
  expect(await worker.exited).toEqual({ code: 0, signal: null })

  const docs = readFileSync('docs/workers.md', 'utf8')
  const shown = plain(docs.split(`$ ${command}\n`)[1]?.split('```')[0] ?? '')
  expect(plain(worker.stdout())).toEqual(shown.filter((line) => !isLog(line)))
  expect(plain(worker.stderr())).toEqual(shown.filter(isLog))
})
