// What a worker of an app is like: its options over the app's settings, its queues, its pool.
import { availableParallelism } from 'node:os'
import { childCargo } from './app-cargo.js'
import type { Settings } from './config.js'
import { ImproperlyConfigured } from './errors.js'
import { defaultKeepalive, scale } from './pools/autoscale.js'
import { ChildPool } from './pools/children/pool.js'
import { createFiberPool } from './pools/fiber.js'
import { LoopWatch } from './pools/loop-watch.js'
import { forkChild } from './pools/prefork/start.js'
import { createSoloPool } from './pools/solo.js'
import { startThread } from './pools/threads/start.js'
import type { Registry } from './runtime/registry.js'
import { checkWorkerOptions, type PoolName, type WorkerOptions } from './runtime/worker/options.js'
import type { TaskJob } from './runtime/worker/runs.js'
import type { WorkerParts } from './runtime/worker/parts.js'
import type { Pool } from './pools/pool.js'

/** Every pool, by all its names. */
const pools: Readonly<Record<string, PoolName>> = {
  prefork: 'prefork',
  processes: 'prefork',
  threads: 'threads',
  fiber: 'fiber',
  gevent: 'fiber',
  eventlet: 'fiber',
  solo: 'solo',
}

const poolOf = (name: string): PoolName => {
  const pool = Object.hasOwn(pools, name) ? pools[name] : undefined
  if (pool === undefined)
    throw new ImproperlyConfigured(
      `Pool ${JSON.stringify(name)}: expected prefork (child processes), threads, fiber (many tasks on the event loop) or solo (one at a time).`,
    )
  return pool
}

const usualConcurrency = (pool: PoolName): number =>
  pool === 'solo' ? 1 : pool === 'fiber' ? 100 : availableParallelism()

/** A child costs tens of MB: more of them than this is a slip of the keyboard. */
const mostConcurrency: Readonly<Record<PoolName, number>> = {
  prefork: 1000,
  threads: 1000,
  fiber: 1_000_000,
  solo: 1,
}

type Settled = WorkerOptions & { readonly pool: PoolName; readonly concurrency: number }

/** Throws ImproperlyConfigured. */
export const settleWorker = (
  options: WorkerOptions,
  settings: Settings,
): { readonly options: Settled; readonly queues: readonly string[] } => {
  checkWorkerOptions(options)
  return { options: overSettings(options, settings), queues: queuesOf(options, settings) }
}

const overSettings = (options: WorkerOptions, settings: Settings): Settled => {
  const timeLimit = options.timeLimit ?? settings.taskTimeLimit ?? undefined
  const softTimeLimit = options.softTimeLimit ?? settings.taskSoftTimeLimit ?? undefined
  const maxTasksPerChild = options.maxTasksPerChild ?? settings.workerMaxTasksPerChild ?? undefined
  const maxMemoryPerChild = options.maxMemoryPerChild ?? settings.workerMaxMemoryPerChild ?? undefined
  const pool = poolOf(options.pool ?? settings.workerPool ?? 'fiber')
  return {
    ...options,
    pool,
    concurrency: concurrencyOf(pool, options, settings),
    prefetchMultiplier: options.prefetchMultiplier ?? settings.workerPrefetchMultiplier,
    ...(timeLimit !== undefined && { timeLimit }),
    ...(softTimeLimit !== undefined && { softTimeLimit }),
    ...(maxTasksPerChild !== undefined && { maxTasksPerChild }),
    ...(maxMemoryPerChild !== undefined && { maxMemoryPerChild }),
  }
}

const concurrencyOf = (
  pool: PoolName,
  { concurrency, autoscale }: WorkerOptions,
  settings: Settings,
): number => {
  if (pool === 'solo') {
    if (autoscale === undefined) return 1
    throw new ImproperlyConfigured('autoscale: the pool solo runs one task at a time and cannot grow.')
  }
  const wanted = concurrency ?? settings.workerConcurrency ?? usualConcurrency(pool)
  const most = mostConcurrency[pool]
  const size = autoscale?.max ?? wanted
  if (size > most)
    throw new ImproperlyConfigured(
      `concurrency: expected at most ${most} for the pool ${pool}, got ${size}.` +
        (pool === 'fiber'
          ? ''
          : ' Each is a process or thread of its own: about as many as there are cores do the most.'),
    )
  return autoscale === undefined ? wanted : Math.max(1, autoscale.min)
}

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

const queuesOf = (
  { queues, excludeQueues = [] }: WorkerOptions,
  { taskQueues, taskDefaultQueue }: Settings,
): readonly string[] => {
  const all = queues ?? (taskQueues.size > 0 ? [...taskQueues.keys()] : [taskDefaultQueue])
  const chosen = [...new Set(all)].filter((queue) => !excludeQueues.includes(queue))
  if (chosen.length === 0)
    throw new ImproperlyConfigured(
      all.length === 0
        ? 'A worker needs at least one queue, and its list of queues is empty.'
        : `A worker needs at least one queue, but all of ${all.join(', ')} are excluded.`,
    )
  return chosen
}

/** The settings that a worker reads. */
export const workerSettings = (settings: Settings): WorkerParts['settings'] => ({
  ignoreResult: settings.taskIgnoreResult,
  storeErrorsEvenIfIgnored: settings.taskStoreErrorsEvenIfIgnored,
  acksOnFailureOrTimeout: settings.taskAcksOnFailureOrTimeout,
  resultExpires: settings.resultExpires,
  resultExtended: settings.resultExtended,
  inheritPriority: settings.taskInheritParentPriority,
  headerErrbacks: settings.taskAllowErrorCbOnChordHeader,
  limits: settings,
  taskAcksLate: settings.taskAcksLate,
  taskTrackStarted: settings.taskTrackStarted,
  taskRejectOnWorkerLost: settings.taskRejectOnWorkerLost,
  defaultRateLimit: settings.taskDefaultRateLimit,
  disableRateLimits: settings.workerDisableRateLimits,
  maxDeliveries: settings.maxDeliveries,
  deadLetterMax: settings.deadLetterMax,
  deadLetterExpires: settings.deadLetterExpires,
  workerLease: settings.workerLease,
  workerSoftShutdownTimeout: settings.workerSoftShutdownTimeout,
  strategy: settings.brokerTransportOptions.queueOrderStrategy ?? 'round_robin',
})
