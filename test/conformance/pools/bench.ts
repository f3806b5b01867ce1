// What the suites of the pools work with: a Redis, workers as processes of the built library, a client here, and
// a ledger in which the tasks write down what happened to them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type App, createApp } from '../../../src/app.js'
import type { CallOptions } from '../../../src/canvas/sender.js'
import type { WorkerOptions } from '../../../src/runtime/worker/options.js'
import { type Running, startNode, temporaryDirectory } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'

export const pools = ['prefork', 'threads', 'fiber', 'solo'] as const

export interface Bench {
  readonly redis: TestRedis
  readonly app: App
  /** The file of what happened. */
  readonly ledger: string
  /** A worker that is ready. */
  work(options: WorkerOptions, env?: Readonly<Record<string, string>>): Promise<Running>
  /** Starts one and does not wait. */
  start(options: WorkerOptions, env?: Readonly<Record<string, string>>): Running
  /** The result of a task. */
  call(task: string, args?: readonly unknown[], options?: CallOptions): Promise<any>
  /** Lines of the ledger that begin so, as [what, pid]. */
  noted(beginning: string): readonly (readonly [what: string, pid: number])[]
  close(): Promise<void>
}

export const openBench = async (): Promise<Bench> => {
  const redis = await startRedis()
  const ledger = join(temporaryDirectory('pools'), 'ledger')
  writeFileSync(ledger, '')
  const app = createApp('pools', { broker: redis.url })
  const program = fileURLToPath(new URL('programs/work.js', import.meta.url))
  const start: Bench['start'] = (options, env = {}) =>
    startNode(program, [JSON.stringify(options)], {
      env: { REDIS: redis.url, LEDGER: ledger, ...env },
      ipc: true,
    })
  return {
    redis,
    app,
    ledger,
    start,
    work: async (options, env) => {
      const worker = start(options, env)
      await worker.line(/ ready\.$/)
      return worker
    },
    call: async (task, args, options) => (await app.sendTask(task, args, options)).get({ timeout: 25 }),
    noted: (beginning) =>
      readFileSync(ledger, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(beginning))
        .map((line) => {
          const [what = '', pid] = line.split(' ')
          return [what, Number(pid)] as const
        }),
    close: async () => {
      await app.close()
      await redis.stop()
    },
  }
}

/** The shells among the children of this process. */
export const shellsOf = (parent: number): readonly number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        return (
          new RegExp(`^PPid:\\s+${parent}$`, 'm').test(status) &&
          /^Name:\s+(sh|dash|bash)$/m.test(status) &&
          isAlive(pid)
        )
      } catch {
        return false
      }
    })

/** A zombie is dead: whoever adopted it has only not looked yet. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
