// The parent's side of a pool with children, with children that are played: who is given what, and when another
// one is started.
import { availableParallelism } from 'node:os'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Frame, FromChild, LinkEvents, ToChild } from '../../src/pools/children/messages.js'
import { ChildPool, type ChildPoolOptions } from '../../src/pools/children/pool.js'
import type { ChildLine, Job, Outcome } from '../../src/pools/pool.js'

/** A child as the test plays it. */
class Played {
  readonly heard: ToChild[] = []
  killed = false
  constructor(
    readonly id: number,
    private readonly events: LinkEvents,
  ) {}
  say(...frame: Frame<FromChild>): void {
    this.events.frame(frame)
  }
  die(how = 'signal 9 (SIGKILL)'): void {
    this.events.gone(how)
  }
  /** Numbers of the runs that it was given. */
  get runs(): readonly number[] {
    return this.heard.flatMap((message) => (message[0] === 'run' ? [message[1]] : []))
  }
}

let children: Played[]
let lines: ChildLine[]
let pool: ChildPool<Job>

const open = (more: Partial<ChildPoolOptions<Job>> = {}): ChildPool<Job> => {
  pool = new ChildPool<Job>({
    name: 'played',
    concurrency: 1,
    start: (events) => {
      const child = new Played(children.length + 1, events)
      children.push(child)
      return {
        id: child.id,
        send: (frame) => void child.heard.push(...frame),
        kill: () => {
          child.killed = true
          child.die()
        },
      }
    },
    cargo: null,
    check: () => undefined,
    courier: {
      pack: ({ id }) => id,
      unpack: (_job, value): Outcome => ({ kind: 'success', value }),
      answer: () => Promise.resolve(null),
      log: (line) => void lines.push(line),
    },
    aliveTimeout: 4,
    maxTasksPerChild: undefined,
    maxMemoryPerChild: undefined,
    ...more,
  })
  return pool
}
const job = (more: Partial<Job> = {}): Job => ({
  id: 'id',
  task: 't',
  softTimeLimit: undefined,
  timeLimit: undefined,
  ...more,
})
const child = (index: number): Played => children[index] as Played
/** A pool whose children are ready. */
const started = async (size: number, more: Partial<ChildPoolOptions<Job>> = {}): Promise<void> => {
  const starting = open({ concurrency: size, ...more }).start()
  for (let index = 0; index < size; index += 1) child(index).say(['ready', null])
  await starting
}
const tick = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  vi.useFakeTimers()
  children = []
  lines = []
})
afterEach(() => {
  vi.clearAllTimers()
  vi.useRealTimers()
})

it('an idle child is given one job, and a busy one none', async () => {
  await started(2)
  const runs = [1, 2, 3].map(() => pool.run(job()))
  await tick()
  expect(children.map(({ runs: given }) => given.length)).toEqual([1, 1])
  const first = child(0).runs[0] as number
  child(0).say(['ended', first, 'one'])
  await tick()
  expect(child(0).runs).toEqual([first, 3])
  expect(await Promise.race(runs.map(({ outcome }) => outcome))).toEqual({ kind: 'success', value: 'one' })
})

it('a line is told in the name of the child that it is from; who replaces another has the next name', async () => {
  const names: (string | undefined)[] = []
  const courier = {
    pack: () => null,
    unpack: (_job: Job, value: unknown, name: string | undefined): Outcome => {
      names.push(name)
      return { kind: 'success', value }
    },
    answer: () => Promise.resolve(null),
    log: (_line: ChildLine, name?: string) => void names.push(name),
  }
  await started(1, { courier, nameOf: (n) => `child-${n}` })
  child(0).say(['log', { level: 'INFO', text: 'one', fields: {} }])
  child(0).die()
  await vi.advanceTimersByTimeAsync(100)
  child(1).say(['ready', null])
  const run = pool.run(job())
  await tick()
  child(1).say(['ended', child(1).runs[0] as number, null])
  await run.outcome
  // Between them the pool itself says that the first one has ended.
  expect(names).toEqual(['child-1', undefined, 'child-2'])
})

it('tells once that a soft limit has passed, counted from when a child has the job', async () => {
  await started(2)
  const told: string[] = []
  const runs = ['timer', 'late', 'early'].map((name) =>
    pool.run(job({ softTimeLimit: 1, onSoftLimit: () => void told.push(name) })),
  )
  await tick()
  await vi.advanceTimersByTimeAsync(1500)
  // The third one waits for a child: its time has not begun.
  expect(told).toEqual(['timer', 'late'])
  for (const played of children) played.say(['ended', played.runs[0] as number, null])
  await tick()
  const third = children.find(({ runs: given }) => given.length === 2) as Played
  await vi.advanceTimersByTimeAsync(500)
  third.say(['ended', third.runs[1] as number, null])
  await Promise.all(runs.map(({ outcome }) => outcome))
  await vi.advanceTimersByTimeAsync(5000)
  expect(told).toEqual(['timer', 'late'])
})

it('no more children are started at once than there are cores', () => {
  void open({ concurrency: 100 }).start()
  expect(children).toHaveLength(availableParallelism())
  child(0).say(['ready', null])
  expect(children).toHaveLength(availableParallelism() + 1)
})

it('a child that dies takes its job along, and is replaced at once', async () => {
  await started(1)
  const run = pool.run(job())
  await tick()
  child(0).die()
  expect(await run.outcome).toEqual({ kind: 'lost', how: 'signal 9 (SIGKILL)' })
  expect(children).toHaveLength(2)
})

it('a stop that reaches a child before it can leave it to the worker is no error, a crash is one', async () => {
  const starting = open({ concurrency: 2 }).start()
  child(0).say(['ready', null])
  await starting
  child(1).die('signal 15 (SIGTERM)')
  child(0).die('signal 15 (SIGTERM)')
  expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual([
    'INFO Child 2 ended: signal 15 (SIGTERM)',
    'ERROR Child 1 ended: signal 15 (SIGTERM)',
  ])
})

it('children that die by themselves are replaced ever more slowly, until one is of use', async () => {
  await started(1)
  const pauses: number[] = []
  for (let death = 0; death < 9; death += 1) {
    const before = children.length
    child(before - 1).say(['ready', null])
    child(before - 1).die('exit code 1')
    let ms = 0
    for (; children.length === before; ms += 50) await vi.advanceTimersByTimeAsync(50)
    pauses.push(ms)
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  expect(lines.at(-1)).toMatchObject({ level: 'ERROR', text: 'Child 9 ended: exit code 1' })
  const last = children.at(-1) as Played
  last.say(['ready', null])
  const run = pool.run(job())
  await tick()
  last.say(['ended', last.runs[0] as number, null])
  await run.outcome
  last.die('exit code 1')
  await vi.advanceTimersByTimeAsync(100)
  expect(children).toHaveLength(11)
})

it('one that is not ready in time is killed, and another one tried', async () => {
  await started(1)
  pool.resize(2)
  await vi.advanceTimersByTimeAsync(4000)
  expect(child(1).killed).toBe(true)
  expect(lines.at(-1)?.text).toBe('Child 2 ended: not ready within 4s (workerProcAliveTimeout)')
  await vi.advanceTimersByTimeAsync(100)
  expect(children).toHaveLength(3)
})

it('one that says what nobody can read is killed, and its job is lost', async () => {
  const unread = (): never => {
    throw new SyntaxError('no JSON')
  }
  const log = (line: ChildLine): void => ('text' in line ? void lines.push(line) : unread())
  const courier = { pack: () => null, unpack: unread, answer: unread, log }
  const words: readonly FromChild[] = [
    ['ended', 1, 'x'],
    ['ask', 1, 1, null],
    ['log', {} as never],
  ]
  for (const word of words) {
    children = []
    await started(1, { courier })
    const run = pool.run(job())
    await tick()
    child(0).say(word)
    expect(await run.outcome).toEqual({
      kind: 'lost',
      how: 'nobody can read what it said: SyntaxError: no JSON',
    })
    await vi.advanceTimersByTimeAsync(200)
    expect([child(0).killed, children.length]).toEqual([true, 2])
  }
})

it('a hard limit kills it, and the job has failed before', async () => {
  await started(1)
  const run = pool.run(job({ timeLimit: 2 }))
  await vi.advanceTimersByTimeAsync(2000)
  expect(await run.outcome).toMatchObject({ kind: 'failure', error: { name: 'TimeLimitExceeded' } })
  expect([child(0).killed, children.length]).toEqual([true, 2])
})

it('what is aborted may clean up for a second, and then its child is killed', async () => {
  await started(2)
  const runs = [pool.run(job()), pool.run(job())]
  await tick()
  for (const run of runs) run.abort(new Error('stop'))
  expect(await runs[0]?.outcome).toMatchObject({ kind: 'aborted' })
  await vi.advanceTimersByTimeAsync(900)
  child(1).say(['ended', child(1).runs[0] as number, null])
  await vi.advanceTimersByTimeAsync(200)
  expect(children.map(({ killed }) => killed)).toEqual([true, false, false])
  // It is as good as new.
  pool.run(job())
  await tick()
  expect(child(1).runs).toHaveLength(2)
})

it('a job tells whether it waits for a child', async () => {
  await started(1)
  const [first, second] = [pool.run(job()), pool.run(job())]
  await tick()
  expect([first?.waits?.(), second?.waits?.()]).toEqual([false, true])
  child(0).say(['ended', child(0).runs[0] as number, null])
  expect(second?.waits?.()).toBe(false)
})

it('a job that waits for a child is aborted without one', async () => {
  await started(1)
  pool.run(job())
  const waiting = pool.run(job())
  waiting.abort(new Error('stop'))
  expect(await waiting.outcome).toMatchObject({ kind: 'aborted' })
  await tick()
  child(0).say(['ended', child(0).runs[0] as number, null])
  await tick()
  expect(child(0).runs).toHaveLength(1)
})

it('one that is full ends its job first, and its successor is there by then', async () => {
  await started(1, { maxMemoryPerChild: 100 })
  const run = pool.run(job())
  await tick()
  child(0).say(['full', 200])
  await tick()
  expect([child(0).heard.at(-1)?.[0], children.length]).toEqual(['run', 2])
  child(0).say(['ended', child(0).runs[0] as number, 'done'])
  expect(await run.outcome).toEqual({ kind: 'success', value: 'done' })
  await tick()
  expect(child(0).heard.at(-1)).toEqual(['end'])
})

it('a pool that stops waits for what runs and for its children, and kills one that stays', async () => {
  await started(2)
  const run = pool.run(job())
  await tick()
  let hasStopped = false
  void pool.stop().then(() => (hasStopped = true))
  const busy = children.find(({ runs }) => runs.length === 1) as Played
  busy.say(['ended', busy.runs[0] as number, null])
  await run.outcome
  await tick()
  expect(children.map(({ heard }) => heard.at(-1)?.[0])).toEqual(['end', 'end'])
  child(0).die('exit code 0')
  await vi.advanceTimersByTimeAsync(4900)
  expect([hasStopped, child(1).killed]).toEqual([false, false])
  await vi.advanceTimersByTimeAsync(200)
  expect([hasStopped, child(1).killed, children.length]).toEqual([true, true, 2])
})

it('a smaller pool lets idle children go, and busy ones when they have ended', async () => {
  await started(3)
  pool.run(job())
  await tick()
  const busy = children.find(({ runs }) => runs.length === 1) as Played
  pool.resize(1)
  await tick()
  expect(children.filter(({ heard }) => heard.at(-1)?.[0] === 'end')).toHaveLength(2)
  expect(busy.heard.at(-1)?.[0]).toBe('run')
})

it('tells how many it can run while children end before they are ready, and when they are again', async () => {
  const told: number[] = []
  await started(3, { onAble: (most) => void told.push(most) })
  child(0).die()
  await vi.advanceTimersByTimeAsync(100)
  expect(told).toEqual([])
  child(3).say(['broken', 'tasks.js: TypeError: no'])
  child(3).die('exit code 1')
  expect(told).toEqual([2])
  const run = pool.run(job())
  await tick()
  const busy = children.find(({ runs }) => runs.length === 1) as Played
  busy.die()
  expect(await run.outcome).toMatchObject({ kind: 'lost' })
  pool.restart()
  expect(told).toEqual([2, 1, 0])
  await vi.advanceTimersByTimeAsync(10_000)
  children.at(-1)?.say(['ready', null])
  expect(told).toEqual([2, 1, 0, Number.POSITIVE_INFINITY])
})

it('does not take a child that is told to stop before it is ready for one that cannot be had', async () => {
  const told: number[] = []
  await started(1, { onAble: (most) => void told.push(most) })
  child(0).die()
  await vi.advanceTimersByTimeAsync(100)
  child(1).die('signal 15 (SIGTERM)')
  expect([children.length, told]).toEqual([2, []])
})

it('a start fails with what its first child says, and leaves nobody behind', async () => {
  const starting = open({ concurrency: 2 }).start()
  child(0).say(['broken', 'tasks.js: TypeError: no'])
  await expect(starting).rejects.toThrow('A child of the pool played cannot load: tasks.js: TypeError: no')
  expect(children.every(({ killed }) => killed)).toBe(true)
})
