// How the pool of a worker is made.
import { childCargo } from './app-cargo.js'
import type { Settings } from './config.js'
import { ChildPool } from './pools/children/pool.js'
import { createFiberPool } from './pools/fiber.js'
import { LoopWatch } from './pools/loop-watch.js'
import { forkChild } from './pools/prefork/start.js'
import { createSoloPool } from './pools/solo.js'
import { startThread } from './pools/threads/start.js'
import type { Registry } from './runtime/registry.js'
import type { CreatePool } from './runtime/worker/parts.js'

/** How pools are made for the workers of this app. */
export const poolMaker =
  (
    app: { readonly name: string; readonly module: string | undefined },
    registry: Registry,
    settings: Settings,
  ): CreatePool =>
  (request) => {
    const { name, concurrency, options, execute, courier, onAble, hostname, log } = request
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
      onAble,
      aliveTimeout: settings.workerProcAliveTimeout,
      maxTasksPerChild: options.maxTasksPerChild,
      maxMemoryPerChild: options.maxMemoryPerChild,
    })
  }
