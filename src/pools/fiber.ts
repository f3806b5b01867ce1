// The fiber pool: many tasks on one event loop, bounded. What gevent is to Python.
import type { LoopWatch } from './loop-watch.js'
import type { Execute, Job, Pool } from './pool.js'
import { runHere } from './run-here.js'

export const createFiberPool = <J extends Job>(
  concurrency: number,
  execute: Execute<J>,
  { name = 'fiber', watch }: { readonly name?: string; readonly watch?: LoopWatch | undefined } = {},
): Pool<J> => {
  let size = concurrency
  let running = 0
  let idle: (() => void)[] = []
  const onEnd = (): void => {
    running -= 1
    if (running > 0 || idle.length === 0) return
    for (const resolve of idle) resolve()
    idle = []
  }
  return {
    name,
    get concurrency() {
      return size
    },
    start: () => Promise.resolve(),
    run: (job) => {
      running += 1
      if (watch === undefined) return runHere(job, execute, onEnd)
      return watch.begin(job, (seat) =>
        runHere(job, execute, () => {
          watch.end(job, seat)
          onEnd()
        }),
      )
    },
    resize: (next) => {
      size = next
    },
    stop: async () => {
      if (running > 0) await new Promise<void>((resolve) => idle.push(resolve))
      watch?.stop()
    },
  }
}
