// How the pool of a worker is made, and what says how large it should be.
import { childCargo } from './app-cargo.js'
import type { Settings } from './config.js'
import { defaultKeepalive, scale } from './pools/autoscale.js'
import { ChildPool } from './pools/children/pool.js'
import { createFiberPool } from './pools/fiber.js'
import { LoopWatch } from './pools/loop-watch.js'
import type { Pool } from './pools/pool.js'
import { forkChild } from './pools/prefork/start.js'
import { createSoloPool } from './pools/solo.js'
import { startThread } from './pools/threads/start.js'
import type { Registry } from './runtime/registry.js'
import type { WorkerOptions } from './runtime/worker/options.js'
import type { WorkerParts } from './runtime/worker/parts.js'
import type { TaskJob } from './runtime/worker/active-runs.js'

/** What says how large the pool should be; undefined without autoscale. */
export const scaler = ({ autoscale }: WorkerOptions): WorkerParts['scale'] => {
  if (autoscale === undefined) return undefined
  const { max, min, keepalive = defaultKeepalive } = autoscale
  return {
    max,
    min,
    decide(load) {
      return scale({ max: this.max, min: this.min, keepalive }, load)
    },
  }
}

/** How pools are made for the workers of this app. */
export const poolMaker =
  (
    app: { readonly name: string; readonly module: string | undefined },
    registry: Registry,
    settings: Settings,
  ) =>
  (request: Parameters<WorkerParts['createPool']>[0]): Pool<TaskJob> => {
    const { name, concurrency, options, execute, courier, hostname, log } = request
    if (name === 'solo') return createSoloPool(execute)
    if (name === 'fiber') {
      const seconds = settings.workerLoopBlockedWarning
      const watch =
        seconds === null ? undefined : new LoopWatch({ seconds, tell: (sentence) => log.warning(sentence) })
      return createFiberPool(concurrency, execute, { watch })
    }
    const { cargo, check } = childCargo(app, registry, options, hostname, log, settings.brokerUrl)
    const entry = new URL('./child.js', import.meta.url)
    return new ChildPool({
      name,
      concurrency,
      ...(name === 'prefork'
        ? { start: forkChild({ entry }), nameOf: (n: number) => `ForkPoolWorker-${n}` }
        : { start: startThread(entry) }),
      cargo,
      check,
      courier,
      aliveTimeout: settings.workerProcAliveTimeout,
      maxTasksPerChild: options.maxTasksPerChild,
      maxMemoryPerChild: options.maxMemoryPerChild,
    })
  }
