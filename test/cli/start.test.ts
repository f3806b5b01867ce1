// What is looked at before a worker takes its first message: each fault ends it with a sentence and an exit code, and
// no message is touched.
import { Redis } from 'ioredis'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNode } from '../support/processes.js'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { type Ended, makeProject, type Project } from './project.js'

const tasks = `import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.PROJECT_REDIS })
app.task('proj.one', () => 1)
const how = app.isChild ? process.env.CHILD : undefined
if (how === 'throws') throw new TypeError('only here')
if (how === 'exits') process.exit(7)
if (how === 'hangs') await new Promise((resolve) => setTimeout(resolve, 60_000))
`

let redis: TestRedis
let client: Redis
let project: Project
const env = (more = {}) => ({ PROJECT_REDIS: redis.url, ...more })
const worker = (words: readonly string[], more = {}): Promise<Ended> =>
  project.lovage(['-A', 'tasks.ts', '-q', 'worker', '-c', '1', ...words], env(more))

beforeAll(async () => {
  redis = await startRedis()
  client = new Redis(redis.url)
  project = makeProject({ 'tasks.ts': tasks })
  await project.lovage(['-A', 'tasks.ts', 'call', 'proj.one'], env())
})
afterAll(async () => {
  // Whatever was wrong, the message is where it was.
  expect(await client.llen('celery')).toBe(1)
  client.disconnect()
})

describe('a worker does not start', () => {
  it.each([
    ['throws', /^lovage: A child of the pool prefork cannot load: .*tasks\.ts.*only here/m],
    ['exits', /^lovage: A child of the pool prefork ended before it was ready: exit code 7\. /m],
    [
      'hangs',
      /^lovage: A child of the pool prefork ended before it was ready: not ready within 1s \(workerProcAliveTimeout\)\./m,
    ],
  ])('whose module %s in a child', async (CHILD, sentence) => {
    // Who hangs is given up soon; the others are heard, however long a busy machine loads them.
    const { code, err } = await worker(CHILD === 'hangs' ? ['worker_proc_alive_timeout=1'] : [], { CHILD })
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(sentence) })
  })

  it('on a Redis that evicts keys', async () => {
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const { code, err } = await worker(['-P', 'solo'])
    await client.config('SET', 'maxmemory-policy', 'noeviction')
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/^lovage: .*allkeys-lru/m) })
  })

  it('on a database that its Redis does not have; nor does a beat', async () => {
    const nowhere = redis.url.replace(/\/\d+$/, '/99')
    for (const words of [['worker', '-P', 'solo'], ['worker', '-P', 'solo', '-B'], ['beat']]) {
      const { code, err } = await project.lovage(['-A', 'tasks.ts', '-q', '-b', nowhere, ...words], env())
      expect({ code, err }).toEqual({
        code: 2,
        err: expect.stringMatching(
          /^lovage: Redis at redis:\S+\/99 has no database of that number \(.*URL\.$/,
        ),
      })
    }
    const results = ['--result-backend', nowhere]
    const { code, err } = await project.lovage(
      ['-A', 'tasks.ts', '-q', ...results, 'worker', '-P', 'solo'],
      env(),
    )
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('/99 has no database') })
  })

  it('whose log or pidfile cannot be written', async () => {
    for (const option of ['--logfile', '--pidfile']) {
      const { code, err } = await worker(['-P', 'solo', option, 'nowhere/x'])
      expect(code).not.toBe(0)
      expect(err).toContain('nowhere/x')
    }
  })

  it('whose pidfile is something else, and that is left as it is', async () => {
    for (const path of ['tasks.ts', '.']) {
      const { code, err } = await worker(['-P', 'solo', '--pidfile', path])
      expect({ code, err }).toEqual({
        code: 2,
        err: `lovage: --pidfile ${path} is there and holds no process id: no worker has written it, and it is left as it is.\nGive another path, or remove it.`,
      })
    }
    expect(readFileSync(join(project.directory, 'tasks.ts'), 'utf8')).toBe(tasks)
  })
})

it.each(['SIGTERM', 'SIGHUP'] as const)(
  'a process that %s ends before it listens to signals leaves no pidfile behind',
  async (signal) => {
    const path = join(project.directory, `${signal}.pid`)
    const module = new URL('../../dist/cli/pidfile.js', import.meta.url)
    const early = join(project.directory, 'early.mjs')
    writeFileSync(
      early,
      `import { takePidfile } from ${JSON.stringify(module.href)}
       takePidfile(process.argv[2], console.log)
       console.log('taken')
       setInterval(() => undefined, 1000)`,
    )
    const running = startNode(early, [path])
    await running.line(/^taken$/m)
    expect(existsSync(path)).toBe(true)
    expect(await running.stop(signal)).toEqual({ code: null, signal })
    expect(existsSync(path)).toBe(false)
  },
)

describe('a worker starts', () => {
  it('over the pidfile of a process that is dead, with the mask that it was told', async () => {
    writeFileSync(join(project.directory, 'w.pid'), '999999999\n')
    const words = [
      '-P',
      'solo',
      '-Q',
      'none',
      '-n',
      'x-%n@%h',
      '--pidfile',
      'w.pid',
      '--umask',
      '077',
      '--statedb=s',
    ]
    const running = project.start(['-A', 'tasks.ts', 'worker', '-l', 'INFO', ...words, '-f', '%n.log'], env())
    const log = join(project.directory, `x-${hostname().split('.')[0]}.log`)
    await until(() => existsSync(log) && readFileSync(log, 'utf8').includes(' ready.'))
    expect(running.stderr()).toContain('Stale pidfile exists - Removing it.')
    expect(readFileSync(join(project.directory, 'w.pid'), 'utf8')).toBe(`${running.pid}\n`)
    expect(statSync(log).mode & 0o777).toBe(0o600)
    expect(readFileSync(log, 'utf8')).toContain(
      ' --statedb changes nothing: what is revoked lies in the broker',
    )
    expect(await running.stop()).toEqual({ code: 0, signal: null })
    expect(existsSync(join(project.directory, 'w.pid'))).toBe(false)
  })

  it.each(['a full disk', 'a reader that has gone'])(
    'and goes on when %s is behind its output',
    async (what) => {
      const words = ['-A', 'tasks.ts', 'worker', '-l', 'INFO', '-c', '1', '-Q', 'unheard']
      const running =
        what === 'a full disk' ? project.startWriting('/dev/full', words, env()) : project.start(words, env())
      if (what !== 'a full disk') {
        await running.line(/ ready\.$/)
        running.child.stdout?.destroy()
        running.child.stderr?.destroy()
      }
      for (let call = 0; call < 2; call++) {
        const { out } = await project.lovage(
          ['-A', 'tasks.ts', 'call', 'proj.one', '--queue', 'unheard'],
          env(),
        )
        expect((await project.lovage(['-A', 'tasks.ts', 'result', '--timeout', '20', out], env())).out).toBe(
          '1',
        )
      }
      expect(await running.stop()).toEqual({ code: 0, signal: null })
    },
  )

  it('beside another one of its name, and that is told', async () => {
    const start = () =>
      project.start(['-A', 'tasks.ts', 'worker', '-P', 'solo', '-Q', 'none', '-n', 'twin@x'], env())
    const twins = [start(), start()]
    const warning = /WARNING\/MainProcess\] Received multiple replies from node name: twin@x\./
    await Promise.race(twins.map((twin) => twin.line(warning)))
    for (const twin of twins) expect(await twin.stop()).toEqual({ code: 0, signal: null })
  })
})
