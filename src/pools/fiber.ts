// The fiber pool: many tasks on one event loop, bounded. What gevent is to Python.
import type { Execute, Job, Pool } from './pool.js'
import { runHere } from './run-here.js'

export const createFiberPool = <J extends Job>(
  concurrency: number,
  execute: Execute<J>,
  name = 'fiber',
): Pool<J> => {
  const running = new Set<Promise<unknown>>()
  return {
    name,
    concurrency,
    run: (job) => {
      const run = runHere(job, execute)
      running.add(run.outcome)
      void run.outcome.then(() => running.delete(run.outcome))
      return run
    },
    stop: async () => {
      await Promise.all(running)
    },
  }
}
