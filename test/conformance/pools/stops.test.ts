// Signals × pools × states of a worker's process, as docs/workers.md has them: what becomes of the task that runs, of
// the message behind it, and the exit code. All rows of a pool run side by side, each with a queue of its own.
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Exit } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, openBench, pools } from './bench.js'

/** `group`: to all of its processes, as a terminal and systemd do it. */
type Step =
  | 'KILL to the child'
  | 'TERM'
  | 'INT'
  | 'QUIT'
  | 'HUP'
  | 'USR1'
  | 'USR2'
  | `${'TERM' | 'INT' | 'USR2'} to the group`
type State = 'idle' | 'running' | 'stopping'

interface Row {
  readonly state: State
  readonly steps: readonly Step[]
  readonly code: 0 | 1
  /** The task that runs: it may end, or goes back. */
  readonly task: 'none' | 'ends' | 'goes back'
  readonly soft?: number
}

const row = (
  state: State,
  steps: string,
  code: 0 | 1,
  task: Row['task'] = state === 'idle' ? 'none' : 'ends',
  soft?: number,
): Row => ({ state, steps: steps.split(', ') as readonly Step[], code, task, ...(soft && { soft }) })

const rows: readonly Row[] = [
  row('idle', 'TERM', 0),
  row('idle', 'HUP', 0),
  row('idle', 'INT', 1),
  row('idle', 'QUIT', 0),
  row('idle', 'QUIT', 0, 'none', 60),
  row('idle', 'USR1, TERM', 0),
  row('running', 'TERM', 0),
  row('running', 'TERM, TERM', 0),
  row('running', 'TERM to the group, TERM', 0),
  row('running', 'HUP', 0),
  row('running', 'USR1, TERM', 0),
  row('running', 'USR2 to the group, TERM', 0),
  row('running', 'INT', 1),
  row('running', 'INT to the group', 1),
  row('running', 'INT, INT', 1, 'goes back'),
  row('running', 'QUIT', 0, 'goes back'),
  row('running', 'QUIT', 0, 'ends', 60),
  row('running', 'QUIT', 0, 'goes back', 0.1),
  row('stopping', 'HUP', 0),
  row('stopping', 'USR1, USR2', 0),
  row('stopping', 'INT', 1),
  row('stopping', 'INT, INT', 1, 'goes back'),
  row('stopping', 'QUIT', 0, 'goes back'),
  row('stopping', 'KILL to the child', 0, 'goes back'),
]

/** The first signal stops it; what makes it cold is told as well. */
const toldOf = ({ state, steps }: Row): readonly string[] => {
  const names = steps.map((step) => step.split(' ')[0]).filter((name) => !/^(USR|KILL)/.test(name as string))
  const [first, ...more] = state === 'stopping' ? ['TERM', ...names] : names
  const cold = more.length > 0 && more.at(-1) === 'INT' && more.length + (first === 'INT' ? 1 : 0) > 1
  const second = more.includes('QUIT') ? ['Cold:SIGQUIT:0'] : cold ? ['Cold:SIGINT:1'] : []
  return [`${first === 'QUIT' ? 'Cold' : 'Warm'}:SIG${first}:${first === 'INT' ? 1 : 0}`, ...second]
}

interface Outcome {
  readonly code: number | null
  readonly starts: number
  readonly ends: number
  readonly left: number
  readonly states: readonly string[]
  /** What the signal workerShuttingDown said. */
  readonly told: readonly string[]
}

/** A hand is slower than what npm passes on (runtime/worker/signals.ts). */
const betweenIntsMs = 150

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

describe.each(pools)('a worker of the pool %s', (pool) => {
  const played = rows.filter(({ steps }) => pool === 'prefork' || !steps.includes('KILL to the child'))
  const outcomes = new Map<Row, Outcome>()

  const play = async ({ state, steps, task, soft }: Row, at: number): Promise<Outcome> => {
    const queue = `${pool}-${at}`
    const gate = join(dirname(bench.ledger), queue)
    const worker = await bench.work(
      {
        pool,
        queues: [queue],
        hostname: `${queue}@host`,
        prefetchMultiplier: 2,
        ...(pool !== 'solo' && { concurrency: 1 }),
      },
      { SOFT: String(soft ?? 0) },
    )
    const results = []
    const noted = (what: string): number => bench.noted(`held:${what}:${queue} `).length
    if (state !== 'idle') {
      for (const _ of [1, 2]) results.push(await bench.app.sendTask('held', [queue, gate], { queue }))
      await until(() => noted('start') === 1, { timeout: 25_000 })
    }
    // Signals that come close together may be one to a busy process: each of these has been heard before the next.
    const heard = {
      USR1: /tasks run$/gm,
      USR2: /SIGUSR2 does nothing here/g,
      INT: /Hitting Ctrl\+C again|Cold shutdown/g,
    }
    const send = async (step: Step): Promise<void> => {
      if (step === 'KILL to the child') {
        const [[, child]] = bench.noted(`held:start:${queue} `) as [[string, number]]
        return void process.kill(child, 'SIGKILL')
      }
      const [name, group] = step.split(' to ') as ['TERM' | keyof typeof heard, string?]
      const count = (): number => (name === 'TERM' ? 0 : (worker.output().match(heard[name])?.length ?? 0))
      const before = count()
      process.kill(group === undefined ? worker.pid : -worker.pid, `SIG${name}`)
      if (!(name in heard)) return
      await until(() => count() > before, {
        timeout: 25_000,
        message: () => `no word on ${step}:\n${worker.output()}`,
      })
      if (name === 'INT') await pause(betweenIntsMs)
    }
    if (state === 'stopping') {
      await send('TERM')
      await worker.line(/Warm shutdown/)
    }
    for (const step of steps) await send(step)
    if (task === 'ends') {
      // It has heard all, and waits for its task.
      await worker.line(soft === undefined ? /Warm shutdown/ : /Soft Shutdown/)
      await pause(50)
      expect(worker.child.exitCode).toBe(null)
      writeFileSync(gate, '')
    }
    let exit: Exit | undefined
    void worker.exited.then((ended) => (exit = ended))
    const { code } = await until(() => exit, {
      timeout: 60_000,
      message: () => `${queue} goes on after ${steps.join(', ')}:\n${worker.output()}`,
    })
    return {
      code,
      starts: noted('start'),
      ends: noted('end'),
      left: await (await bench.app.broker()).length(queue),
      states: await Promise.all(results.map((result) => result.state())),
      told: bench.noted(`${queue}@host:`).map(([what]) => what.slice(what.indexOf(':') + 1)),
    }
  }

  beforeAll(async () => {
    await Promise.all(played.map(async (each, at) => void outcomes.set(each, await play(each, at))))
  }, 120_000)

  it.each(played.map((each) => [each.state, each.steps.join(', '), each.soft ?? 0, each] as const))(
    '%s, on %s (soft shutdown of %d s)',
    (_state, _steps, _soft, each) => {
      const { code, task, state } = each
      expect(outcomes.get(each)).toEqual({
        code,
        starts: state === 'idle' ? 0 : 1,
        ends: task === 'ends' ? 1 : 0,
        left: { none: 0, ends: 1, 'goes back': 2 }[task],
        told: toldOf(each),
        states: { none: [], ends: ['SUCCESS', 'PENDING'], 'goes back': ['PENDING', 'PENDING'] }[task],
      })
    },
  )
})
