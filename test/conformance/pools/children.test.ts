// Pools with children, processes and threads: what one costs when it dies, and when it is replaced.
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chord } from '../../../src/canvas/chord.js'
import { signature } from '../../../src/canvas/signature.js'
import { type Running, startNode } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, isAlive, openBench, shellsOf } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const answer = (waiting: Promise<unknown>): Promise<string> =>
  waiting.then(
    (value) => `returned ${String(value)}`,
    (error: Error) => `${error.name}: ${error.message}`,
  )

let worker: Running | undefined
const work: Bench['work'] = async (options, env) => {
  worker = await bench.work(options, env)
  return worker
}
const call: Bench['call'] = (...args) => bench.call(...args)
/** A file that lets tasks go on when it is there. */
const gateOf = (name: string): string => join(dirname(bench.ledger), name)

describe.each(['prefork', 'threads'] as const)('%s: a child', (pool) => {
  const signals = pool === 'prefork' ? ['SIGKILL', 'abort'] : []
  const who = pool === 'prefork' ? 'ForkPoolWorker-\\d+' : 'MainProcess'

  afterAll(async () => void (await worker?.stop('SIGKILL')))

  describe('that dies', () => {
    beforeAll(async () => void (await work({ pool, concurrency: 2 })))
    afterAll(async () => void (await worker?.stop('SIGKILL')))

    it.each(['exit', ...signals])('by %s costs its own task one start, and no other', async (how) => {
      const neighbour = bench.app.sendTask('sleep', [0.5])
      expect(await call('die', [how, 1])).toBe(2)
      expect(await neighbour.get({ timeout: 25 })).toBe(0.5)
      await worker?.line(/Task die\[.*\] was lost with what ran it: (exit code|signal)/)
    })

    it('again and again makes its task a WorkerLostError, which its errbacks hear', async () => {
      const id = `poison-${pool}`
      const before = bench.noted('die:').length
      const poison = signature('die', { args: ['exit'] })
        .set({ taskId: id })
        .linkError(signature('remember'))
      const neighbour = bench.app.sendTask('sleep', [0.3])
      expect(await answer(bench.app.send(poison).get({ timeout: 25 }))).toMatch(
        /^WorkerLostError: die was started 5 times and never ended; the last time on w@host \(.*exit code 3\)$/,
      )
      expect(bench.noted('die:').length - before).toBe(5)
      expect(await neighbour.get({ timeout: 25 })).toBe(0.3)
      await until(() => bench.noted(`errback:${id}`).length === 1)
      const dead = await (await bench.app.broker()).dead.list(10)
      expect(dead.find(({ taskId }) => taskId === id)).toMatchObject({ attempts: 5, lastWorker: 'w@host' })
    })

    it.runIf(pool === 'prefork')(
      'with a task that must not run twice makes it a WorkerLostError at once',
      async () => {
        for (const task of ['dieOnce', 'dieUnwanted']) {
          const before = bench.noted('start').length
          expect(await answer(call(task))).toMatch(
            /^WorkerLostError: Worker exited prematurely: w@host \(signal 9 \(SIGKILL\)\) ended/,
          )
          expect(bench.noted('start').length - before).toBe(1)
        }
      },
    )

    it('by an exception that nobody caught is lost with its task’s name in the log', async () => {
      const before = bench.noted('uncaught').length
      const result = await bench.app.sendTask('uncaught', [], { expires: 60 })
      await worker?.line(
        new RegExp(
          `CRITICAL/${who}\\] uncaught\\[.*\\]: An exception was caught by nobody, and ends this child: Error: nobody catches this`,
        ),
      )
      await until(() => bench.noted('uncaught').length > before + 1)
      expect(await answer(result.get({ timeout: 25 }))).toMatch(/^WorkerLostError/)
    })

    it('does not, when user code speaks on its channel: nobody hears it', async () => {
      expect(await call('shout')).toBe('undefined')
      expect(await call('add', [1, 2])).toBe(3)
    })

    it('does not, when a promise is left behind: that is logged', async () => {
      expect(await call('floating')).toBe('ended all the same')
      await worker?.line(
        new RegExp(
          `CRITICAL/${who}\\] floating\\[.*\\]: A promise was rejected and nobody awaited it .*Error: left behind`,
        ),
      )
    })

    it('of a hard limit in the middle of a loop is replaced, and the task has failed', async () => {
      const { pid, thread } = await call('who')
      expect(await answer(call('spin', [60], { timeLimit: 0.3 }))).toBe(
        'TimeLimitExceeded: time limit (0.3s) exceeded',
      )
      const after = await call('who')
      expect([pid, thread]).not.toEqual([undefined, undefined])
      expect(await call('add', [1, after.thread])).toBe(1 + after.thread)
    })
  })

  describe('that is replaced', () => {
    afterAll(async () => void (await worker?.stop('SIGKILL')))

    const whoRuns = async (times: number): Promise<readonly string[]> => {
      const seen: string[] = []
      for (let time = 0; time < times; time += 1) {
        const { pid, thread } = await call('who')
        seen.push(`${pid}:${thread}`)
      }
      return seen
    }

    it('after so many tasks has run so many', async () => {
      await work({ pool, concurrency: 1, maxTasksPerChild: 3 })
      const seen = await whoRuns(9)
      expect(new Set(seen).size).toBe(3)
      expect([new Set(seen.slice(0, 3)).size, new Set(seen.slice(3, 6)).size]).toEqual([1, 1])
      await worker?.stop()
    })

    it('because of its memory has ended its task first', async () => {
      await work({ pool, concurrency: 1, maxMemoryPerChild: 250 * 1024 })
      const [before] = await whoRuns(1)
      expect((await whoRuns(1))[0]).toBe(before)
      expect(await call('leak', [300])).toEqual(expect.any(Number))
      await worker?.line(
        /INFO\/MainProcess\] Child \d+ has \d+ KiB of memory, at most 256000 are wanted: it is replaced/,
      )
      expect((await whoRuns(1))[0]).not.toBe(before)
      await worker?.stop()
    })
  })

  describe('cannot be had', () => {
    const program = fileURLToPath(new URL('programs/broken.js', import.meta.url))
    const outcome = async (HOW: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
      const running = startNode(program, [pool], { env: { REDIS: bench.redis.url, HOW, ...more } })
      const { code } = await running.exited
      expect(code).toBe(0)
      return (
        running
          .stdout()
          .split('\n')
          .find((line) => /^\w+: |^started$/.test(line)) ?? running.output()
      )
    }

    const sentences: readonly (readonly [how: string, sentence: RegExp])[] = [
      ['is well', /^started$/],
      [
        'throws',
        /^ImproperlyConfigured: A child of the pool \w+ cannot load: .*broken\.js: TypeError: no such thing/,
      ],
      [
        'exits',
        /^ImproperlyConfigured: A child of the pool \w+ ended before it was ready: exit code 7\. What its module does at its top level must come to an end/,
      ],
      [
        'starts',
        /cannot load: .*: InvalidUsage: A worker was started by the module that a child of a pool loads\./,
      ],
      [
        'beats',
        /cannot load: .*: InvalidUsage: A beat was started by the module that a child of a pool loads\./,
      ],
      [
        'lacks',
        /^ImproperlyConfigured: A child of the pool \w+ has loaded .*broken\.js and does not know late, which this worker knows\./,
      ],
      ['elsewhere', /cannot load: .*nowhere\.js: .*Cannot find module/],
    ]
    // What is wrong with a module does not depend on what loads it.
    it.each(pool === 'prefork' ? sentences : sentences.slice(0, 3))(
      'when its module %s',
      async (how, sentence) => {
        expect(await outcome(how)).toMatch(sentence)
      },
    )

    it.runIf(pool === 'prefork')(
      'any more: what waits for one goes back, nothing is taken, and once one can be had it is',
      async () => {
        const broken = gateOf('broken')
        await work({ pool, concurrency: 2 }, { BROKEN: broken })
        await call('add', [1, 1])
        writeFileSync(broken, '')
        const both = await Promise.all([1, 2].map(() => bench.app.sendTask('die', ['exit', 1])))
        await worker?.line(
          /ERROR\/MainProcess\] The pool prefork has no child that could run anything: nothing is/,
        )
        const broker = await bench.app.broker()
        await until(async () => (await broker.length('celery')) === 2)
        rmSync(broken)
        expect(await Promise.all(both.map((result) => result.get({ timeout: 25 })))).toEqual([2, 2])
        await worker?.line(/INFO\/MainProcess\] The pool prefork has a child again: messages are taken\./)
        await worker?.stop()
      },
    )

    it('when its module never ends loading', async () => {
      expect(await outcome('hangs', { ALIVE: '1' })).toMatch(
        /ended before it was ready: not ready within 1s \(workerProcAliveTimeout\)\./,
      )
    })
  })
})

describe.each(['prefork', 'threads'] as const)('%s: a worker that stops', (pool) => {
  afterAll(async () => void (await worker?.stop('SIGKILL')))

  const busy = async (task: string, note: string) => {
    const before = bench.noted(note).length
    await work({ pool, concurrency: 2 })
    const result = await bench.app.sendTask(task, [1])
    await until(() => bench.noted(note).length > before)
    return result
  }
  const waiting = async (): Promise<number> => (await bench.app.broker()).purge('celery')

  it('lets what runs end when it stops warm, and leaves nobody behind', async () => {
    const result = await busy('sleep', 'sleeping')
    expect(await worker?.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(await result.get({ timeout: 20 })).toBe(1)
    expect(await waiting()).toBe(0)
    expect(bench.noted('loaded').filter(([, pid]) => isAlive(pid))).toEqual([])
  })

  it('tells what runs when it stops cold, waits for it a moment, and gives it back', async () => {
    const before = bench.noted('aborted:WorkerShutdown').length
    await busy('aborted', 'waiting')
    expect(await worker?.stop('SIGQUIT')).toEqual({ code: 0, signal: null })
    expect(bench.noted('aborted:WorkerShutdown')).toHaveLength(before + 1)
    expect(await waiting()).toBe(1)
  })

  it('does not wait for a loop then', async () => {
    const before = bench.noted('spinning').length
    await work({ pool, concurrency: 2 })
    await bench.app.sendTask('spin', [60])
    await until(() => bench.noted('spinning').length > before)
    expect(await worker?.stop('SIGQUIT')).toEqual({ code: 0, signal: null })
    expect(await waiting()).toBe(1)
    expect(bench.noted('loaded').filter(([, pid]) => isAlive(pid))).toEqual([])
  })
})

describe.each(['prefork', 'threads'] as const)('%s on memory://', (pool) => {
  it('runs tasks that send, are replaced, wait and store states: by way of the worker', async () => {
    const program = fileURLToPath(new URL('programs/memory.js', import.meta.url))
    const running = startNode(program, [pool], { env: { REDIS: 'memory://', LEDGER: '/dev/null' } })
    expect((await running.exited).code, running.output()).toBe(0)
    expect(running.stdout().trim().split('\n')).toEqual([
      'elsewhere',
      '23 a child',
      '101',
      'PROGRESS {"current":1,"total":2}',
      "InvalidUsage: purge cannot be had in a child of a pool on memory://: ask in the worker's own process.",
    ])
  })
})

describe('a child process', () => {
  afterAll(async () => void (await worker?.stop('SIGKILL')))

  it('loads the user’s module once, and of Redis and streams nothing before a task sends', async () => {
    await work({ pool: 'prefork', concurrency: 1 })
    const { pid } = await call('who')
    const modules = await call('modules')
    expect(modules).not.toContain('ioredis')
    expect(modules).not.toContain('rxjs')
    expect(modules).not.toContain('cron-parser')
    await call('send')
    expect(await call('modules')).toContain('ioredis')
    expect(bench.noted('loaded').filter(([, loader]) => loader === pid)).toHaveLength(1)
    await worker?.stop()
  })

  it('that has grown too large while it runs a task ends it first', async () => {
    await work({ pool: 'prefork', concurrency: 1, maxMemoryPerChild: 1 })
    const before = bench.noted('slept').length
    // It is polled each second, and there is one of them in here at least.
    expect(await call('sleep', [2.5])).toBe(2.5)
    expect(bench.noted('slept').length).toBe(before + 1)
    expect(await call('add', [1, 1])).toBe(2)
    await worker?.stop()
  })

  it('is given nothing while it is busy: a short task does not wait behind a long one', async () => {
    await work({ pool: 'prefork', concurrency: 2, prefetchMultiplier: 10 })
    const gate = gateOf('short-behind-long')
    const long = await bench.app.sendTask('spinUntil', [gate])
    await until(() => bench.noted(`spinning:${gate}`).length > 0)
    const short = await Promise.all(Array.from({ length: 10 }, () => bench.app.sendTask('add', [1, 1])))
    expect(await Promise.all(short.map((result) => result.get({ timeout: 25 })))).toEqual(Array(10).fill(2))
    expect(await long.ready()).toBe(false)
    writeFileSync(gate, '')
    expect(await long.get({ timeout: 25 })).toBe('let go')
    await worker?.stop()
  })

  it('holds nothing behind long tasks, though quick ones before them were held ahead: they wait in Redis', async () => {
    await work({ pool: 'prefork', concurrency: 2 })
    const gate = gateOf('quick-before-long')
    const send = (count: number, task: string, args: readonly unknown[]) =>
      Promise.all(Array.from({ length: count }, () => bench.app.sendTask(task, args)))
    const quick = await send(200, 'add', [1, 1])
    const long = await send(2, 'spinUntil', [gate])
    const late = await send(10, 'add', [1, 1])
    const broker = await bench.app.broker()
    await until(() => bench.noted(`spinning:${gate}`).length === 2)
    // What went back may have been overtaken, and which of the quick ones wait is not said: but none is in between.
    const others = [...quick, ...late]
    await until(async () => {
      const ended = await Promise.all(others.map((result) => result.ready()))
      return ended.filter(Boolean).length + (await broker.length('celery')) === others.length
    })
    writeFileSync(gate, '')
    for (const result of others) expect(await result.get({ timeout: 25 })).toBe(2)
    for (const result of long) expect(await result.get({ timeout: 25 })).toBe('let go')
    await worker?.stop()
  })

  it('watches itself where there is no shell', async () => {
    const parent = startNode(fileURLToPath(new URL('programs/orphan.js', import.meta.url)), [], {
      env: { LEDGER: bench.ledger, REDIS: bench.redis.url },
    })
    const [, pid] = await until(() => bench.noted('endless')[0])
    parent.signal('SIGKILL')
    await until(() => !isAlive(pid))
  })

  it('may be killed at any moment, again and again: nothing is lost, and each kill costs one start at most', async () => {
    await work({ pool: 'prefork', concurrency: 2 })
    const before = bench.noted('step:').length
    const numbers = Array.from({ length: 80 }, (_, index) => index)
    // The last ones end after the last kill.
    const gate = gateOf('killed')
    const sum = chord(
      numbers.map((n) => signature('step', { args: [n, n < 70 ? '' : gate] })),
      signature('sum'),
    )
    const result = await sum.delay()
    let kills = 0
    while (!(await result.ready())) {
      const [victim] = bench.noted('loaded').filter(([, pid]) => pid !== worker?.pid && isAlive(pid))
      if (kills < 6 && victim !== undefined && bench.noted('step:').length > before + 8 * kills) {
        process.kill(victim[1], 'SIGKILL')
        kills += 1
        if (kills === 6) writeFileSync(gate, '')
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(await result.get({ timeout: 20 })).toBe((80 * 79) / 2)
    expect(kills).toBe(6)
    const starts = bench.noted('step:').length - before
    expect(starts).toBeGreaterThanOrEqual(80)
    expect(starts).toBeLessThanOrEqual(80 + kills)
    await worker?.stop()
  })

  it('does not outlive its parent, not even in a loop, and ends nothing then', async () => {
    await work({ pool: 'prefork', concurrency: 2 }, { LEASE: '2' })
    const loop = await bench.app.sendTask('spin', [60])
    const wait = await bench.app.sendTask('sleep', [60])
    const before = bench.noted('spun').length
    const [spinning, sleeping] = await Promise.all(
      ['spinning', 'sleeping'].map((what) =>
        until(() => bench.noted(what).find(([, pid]) => isAlive(pid)), { message: `nobody is ${what}` }),
      ),
    )
    // Who takes the watcher away gets another one.
    const [watcher] = shellsOf(worker?.pid as number)
    process.kill(watcher as number, 'SIGKILL')
    await until(() => shellsOf(worker?.pid as number).some((pid) => pid !== watcher))
    worker?.signal('SIGKILL')
    await worker?.exited
    // It takes milliseconds; the patience of until() only tells it from the minute of the tasks.
    await until(() => !isAlive(spinning![1]) && !isAlive(sleeping![1]))
    expect(await Promise.all([loop.ready(), wait.ready()])).toEqual([false, false])
    expect(bench.noted('spun')).toHaveLength(before)
    await bench.app.broker().then((broker) => broker.purge('celery'))
  })
})
