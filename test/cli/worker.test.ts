// The command line against a real Redis, from the outside: worker, call, result, purge, signals, exit codes.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { startRedis, type TestRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { makeProject, type Project } from './project.js'

const tasks = `import { existsSync } from 'node:fs'
import { createApp } from 'lovage'
export const app = createApp('proj', { broker: process.env.PROJECT_REDIS })
export const add = app.task('proj.add', (x: number, y: number): number => x + y)
export const elsewhere = app.declare<(x: number) => number>('py.square', { queue: 'python' })
export const fail = app.task('proj.fail', () => { throw new TypeError('boom') })
app.task('proj.stray', () => void setTimeout(() => { throw new Error('nobody catches this') }))
export const hold = app.task('proj.hold', async (gate: string) => {
  while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 20))
  return 'held'
})
`

let redis: TestRedis
let project: Project
const env = (): Record<string, string> => ({ PROJECT_REDIS: redis.url })
const lovage = (...argv: string[]) => project.lovage(['-A', 'tasks.ts', ...argv], env())
const startWorker = async (...argv: string[]) => {
  const worker = project.start(['-A', 'tasks.ts', 'worker', '--loglevel=INFO', ...argv], env())
  await worker.line(/ ready\.$/)
  return worker
}
const startWorkerTo = async (logfile: string, ...argv: string[]) => {
  const worker = project.start(['-A', 'tasks.ts', 'worker', '--loglevel=INFO', '-f', logfile, ...argv], env())
  const path = join(project.directory, logfile)
  await until(() => existsSync(path) && readFileSync(path, 'utf8').includes(' ready.'))
  return worker
}
const call = async (...argv: string[]): Promise<string> => {
  const { code, out, err } = await lovage('call', ...argv)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/^[0-9a-f-]{36}$/)
  return out
}

beforeAll(async () => {
  redis = await startRedis()
  project = makeProject({
    'tasks.ts': tasks,
    'more.ts': `import { app } from './tasks.js'\napp.task('more.hello', () => 'hello')\n`,
  })
})

describe('worker, call and result', () => {
  it('run a task from end to end', async () => {
    const worker = await startWorker('-n', 'w1@%h', '-c', '3')
    expect(worker.stdout()).toMatch(/^ -{14} w1@\S+ v\d+\.\d+\.\d+ \(lovage\)$/m)
    expect(worker.stdout()).toMatch(/\.> concurrency: 3 \(prefork\)$/m)
    expect(worker.stdout()).toMatch(
      /\n\[tasks\]\n {2}\. proj\.add\n {2}\. proj\.fail\n {2}\. proj\.hold\n {2}\. proj\.stray\n/,
    )
    expect(worker.stderr()).toMatch(/INFO\/MainProcess\] Connected to redis:\/\//)

    const id = await call('proj.add', '-a', '[2, 3]')
    expect(await lovage('result', id)).toEqual({ code: 0, out: '5', err: '' })
    await worker.line(new RegExp(`Task proj\\.add\\[${id}\\] received`))
    await worker.line(new RegExp(`Task proj\\.add\\[${id}\\] succeeded in [\\d.e-]+s: 5`))

    const failed = await lovage('result', await call('proj.fail'))
    expect(failed).toMatchObject({ code: 1, out: '' })
    expect(failed.err).toMatch(/^TypeError: boom\n {4}at .*tasks\.ts:6/)

    const unknown = await lovage('result', await call('proj.unheard'))
    expect(unknown.code).toBe(1)
    expect(unknown.err).toMatch(/proj\.unheard.*not registered in this worker/s)
    expect(await worker.stop()).toEqual({ code: 0, signal: null })
    expect(worker.stdout()).toContain('worker: Warm shutdown (MainProcess)')
  })

  it('keep to -Q, and -I loads more tasks', async () => {
    const worker = await startWorker('-Q', 'io', '-I', 'more.ts')
    expect(worker.stdout()).toMatch(/\.> io {15}exchange=io\(direct\) key=io$/m)
    expect(worker.stdout()).toContain('  . more.hello')
    const waiting = await call('proj.add', '-a', '[1, 1]')
    const taken = await call('more.hello', '--queue', 'io')
    expect((await lovage('result', taken)).out).toBe('hello')
    const late = await lovage('result', '--timeout', '0.3', waiting)
    expect(late).toMatchObject({ code: 1, out: '' })
    expect(late.err).toMatch(/^lovage: No result of .* within 0\.3s/)
    await worker.stop()
    expect((await lovage('purge', '-f')).out).toBe('Purged 1 message from 1 known task queue.')
    expect((await lovage('purge', '-f')).out).toBe('No messages purged from 1 queue.')
  })

  it('--purge drops what waited', async () => {
    await call('proj.add', '-a', '[1, 1]')
    const worker = await startWorker('--purge')
    expect(worker.stdout()).toContain('purge: Erased 1 message from the queue.')
    await worker.stop()
  })
})

describe('children of a worker', () => {
  it('are told what the command line says over the settings of their module', async () => {
    project.write({
      'over.ts': `import { createApp } from 'lovage'
export const app = createApp('over', { broker: 'redis://127.0.0.1:1/0' })
const add = app.task('over.add', (x: number, y: number) => x + y)
app.task('over.send', async () => {
  const sent = await add.delay(20, 3)
  return [app.isChild, app.settings.resultExpires, sent.id]
})
`,
      'over-more.ts': `import { app } from './over.js'\napp.task('over.more', () => app.isChild)\n`,
    })
    const words = ['-A', 'over.ts', '-b', redis.url]
    const worker = project.start(
      [
        ...words,
        'worker',
        '-l',
        'INFO',
        '-c',
        '1',
        '-Q',
        'over',
        '-I',
        'over-more.ts',
        'result_expires=77',
        'task_default_queue=over',
      ],
      env(),
    )
    await worker.line(/ ready\.$/)
    const run = async (name: string): Promise<string> => {
      const { out } = await project.lovage([...words, 'call', name, '--queue', 'over'], env())
      return (await project.lovage([...words, 'result', out], env())).out
    }
    expect(await run('over.more')).toMatch(/true/i)
    const answer = await run('over.send')
    expect(answer).toMatch(/true.*77/is)
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(answer)?.[0] as string
    expect((await project.lovage([...words, 'result', id], env())).out).toBe('23')
    await worker.stop()
  })

  it.each(['prefork', 'threads', 'fiber', 'solo'])(
    'of the pool %s: the banner says which one it is',
    async (pool) => {
      const worker = await startWorker('-P', pool)
      expect(worker.stdout()).toMatch(new RegExp(`concurrency: \\d+ \\(${pool}\\)`))
      expect(await worker.stop()).toEqual({ code: 0, signal: null })
    },
  )

  it('of a pool that there is not: 2, and what there is', async () => {
    expect(await lovage('worker', '-P', 'forks')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^lovage: Pool "forks": expected prefork \(child processes\), threads, fiber .* or solo/,
      ),
    })
    expect(await lovage('worker', '-c', '1000000000')).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /^lovage: concurrency: expected at most 1000 for the pool prefork, got 1000000000\./,
      ),
    })
  })
})

describe('signals and exit codes', () => {
  let gates = 0
  /** A worker with a task that runs until it is let go. */
  const busy = async () => {
    const worker = await startWorker('--pidfile', 'w.pid')
    const gate = `gate-${++gates}`
    const id = await call('proj.hold', '-a', JSON.stringify([gate]))
    await worker.line(/proj\.hold.* received/)
    const told = async (line: RegExp) => {
      await worker.line(line)
      project.write({ [gate]: '' })
    }
    return { worker, id, told }
  }
  const waiting = async (): Promise<string> => (await lovage('purge', '-f')).out

  it('USR1: tells what runs, and goes on; HUP: warm, 0', async () => {
    const { worker, id, told } = await busy()
    worker.signal('SIGUSR1')
    await worker.line(/1 of \d+ tasks run$/)
    await worker.line(new RegExp(`  proj\\.hold\\[${id}\\] for [\\d.]+s$`))
    worker.signal('SIGHUP')
    await told(/Warm shutdown/)
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect((await lovage('result', id)).out).toBe('held')
  })

  it('TERM, twice: the running task ends, 0', async () => {
    const { worker, id, told } = await busy()
    expect(readFileSync(join(project.directory, 'w.pid'), 'utf8')).toBe(`${worker.pid}\n`)
    worker.signal('SIGTERM')
    worker.signal('SIGTERM')
    await told(/Warm shutdown/)
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect((await lovage('result', id)).out).toBe('held')
    expect(existsSync(join(project.directory, 'w.pid'))).toBe(false)
  })

  it('INT: the same with a hint, 1', async () => {
    const { worker, id, told } = await busy()
    worker.signal('SIGINT')
    await told(/Hitting Ctrl\+C again will initiate cold shutdown/)
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect((await lovage('result', id)).out).toBe('held')
  })

  it('INT, then INT: the task is aborted and given back, 1', async () => {
    const { worker } = await busy()
    worker.signal('SIGINT')
    await worker.line(/Warm shutdown/)
    await new Promise((resolve) => setTimeout(resolve, 150))
    worker.signal('SIGINT')
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(await waiting()).toBe('Purged 1 message from 1 known task queue.')
  })

  it('QUIT: the same at once, 0', async () => {
    const { worker } = await busy()
    worker.signal('SIGQUIT')
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect(worker.stdout()).toContain('worker: Cold shutdown (MainProcess)')
    expect(await waiting()).toBe('Purged 1 message from 1 known task queue.')
  })

  it('a second worker with the same pidfile: 73', async () => {
    const worker = await startWorker('--pidfile', 'w.pid')
    const second = await lovage('worker', '--pidfile', 'w.pid')
    expect(second.code).toBe(73)
    expect(second.err).toMatch(/^ERROR: Pidfile \(w\.pid\) already exists\.\n.*\(pid: \d+\)$/)
    await worker.stop()
  })
})

it('an exception that nobody caught ends the worker, and stands in its log', async () => {
  const worker = await startWorkerTo('strays.log', '-P', 'fiber', '-Q', 'strays')
  await call('proj.stray', '--queue', 'strays')
  expect(await worker.exited).toEqual({ code: 1, signal: null })
  expect(readFileSync(join(project.directory, 'strays.log'), 'utf8')).toMatch(
    /CRITICAL\/MainProcess\] An exception was caught by nobody, and ends this worker; what it ran is run again: Error: nobody catches this\n {4}at /,
  )
})

describe('without a broker', () => {
  const nowhere = 'redis://127.0.0.1:1/0'

  it('call says where it could not be reached, 1', async () => {
    const { code, out, err } = await project.lovage(['-b', nowhere, 'call', 'proj.add'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(
      /^lovage: .*Cannot reach Redis at redis:\/\/127\.0\.0\.1:1\/0 \(.*\)\. Is it running there/,
    )
    expect(err.split('\n')).toHaveLength(1)
  })

  it('call without any URL shows both ways, 2', async () => {
    const { code, err } = await project.lovage('call proj.add')
    expect(code).toBe(2)
    expect(err).toMatch(/redis:\/\/localhost:6379\/0.*memory:\/\//)
  })

  it('a worker waits and says so; a signal ends the waiting', async () => {
    const worker = project.start(['-A', 'tasks.ts', '-b', nowhere, 'worker'], env())
    await worker.line(
      /ERROR\/MainProcess\] consumer: .*Cannot reach Redis at .* Trying again in 2 seconds\.\.\.$/,
    )
    const answers = (): number =>
      worker.output().split('Nothing runs here yet: the broker is waited for.').length - 1
    worker.signal('SIGUSR1')
    await until(() => answers() === 1)
    worker.signal('SIGUSR2')
    await until(() => answers() === 2)
    worker.signal('SIGHUP')
    expect(await worker.exited).toEqual({ code: 0, signal: null })
  })

  it('a worker that must not wait does not, 1', async () => {
    const words = ['worker', 'broker_connection_retry_on_startup=False']
    const { code, err } = await project.lovage(['-A', 'tasks.ts', '-b', nowhere, '-q', ...words], env())
    expect(code).toBe(1)
    expect(err).toMatch(/^lovage: .*Cannot reach Redis at redis:\/\/127\.0\.0\.1:1\/0/)
  })

  it('an unknown scheme is refused with those that are known, 2', async () => {
    const { code, err } = await project.lovage('-b amqp://localhost call proj.add')
    expect(code).toBe(2)
    expect(err).toMatch(/^lovage: Unknown URL "amqp:\/\/localhost": expected redis:\/\/.*memory:\/\//)
  })
})

describe('dev', () => {
  it('runs everything in one process, and the calls that are typed', async () => {
    project.write({
      'dev.ts': `import { createApp } from 'lovage'
export const app = createApp('demo', { broker: 'redis://127.0.0.1:1/0' })
export const add = app.task('demo.add', (x: number, y: number) => x + y)
export const tick = app.task('demo.tick', () => 'tock')
app.beat.every('tick', 0.2, tick.si())
`,
    })
    const dev = project.startTyping('-A dev.ts dev --monitor 0', 'demo.add(2, 3)\ndemo.ad(1)\n')
    await dev.line(/^demo\.add\(2, 3\) → 5$/)
    await dev.line(/^There is no task demo\.ad\. There are: demo\.add, demo\.tick$/)
    await dev.line(/Task demo\.tick\[.*\] succeeded in .*: 'tock'/)
    expect(dev.stdout()).toMatch(
      /^lovage \d+\.\d+\.\d+, app demo: broker, worker and beat in this process \(memory:\/\/\)$/m,
    )
    const page = /http:\S+$/.exec(await dev.line(/^Monitor: /))![0]
    await until(async () => {
      const { tasks } = (await (await fetch(new URL('/api/state', page))).json()) as {
        tasks: { name: string }[]
      }
      return tasks.some(({ name }) => name === 'demo.tick')
    })
    expect(await dev.stop('SIGINT')).toEqual({ code: 0, signal: null })
  })
})
