// A worker of an app: its options over the app's settings, its queues, and what it is given.
import { workerSettings } from './app-worker-settings.js'
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { isChild } from './app-child.js'
import { scaler } from './app-scale.js'
import type { AppRuntime } from './app-runtime.js'
import { packageVersion } from './app-version.js'
import type { Settings } from './config.js'
import { poolNames } from './config-words.js'
import { ImproperlyConfigured } from './errors.js'
import { checkWorkerOptions, type PoolName, type WorkerOptions } from './runtime/worker/options.js'
import { Worker } from './runtime/worker/worker.js'

/** Throws ImproperlyConfigured. */
export const makeWorker = (
  app: { readonly name: string; readonly module: string | undefined; readonly itself: object },
  runtime: AppRuntime,
  options: WorkerOptions,
): Worker => {
  const { settings, registry, log, signals, around } = runtime
  checkWorkerOptions(options)
  const settled = overSettings(options, settings)
  const queues = queuesOf(options, settings)
  // Keys that cannot be read are told now, and not with the first message.
  void runtime.config.guards
  return new Worker(
    {
      app: app.itself,
      broker: () => runtime.broker(),
      means: (broker) => runtime.means(broker),
      registry,
      results: runtime.results,
      mint: randomUUID,
      log,
      remote: {
        app: app.name,
        version: packageVersion(),
        settings,
        changed: runtime.config.names,
        mailbox: () => runtime.mailbox(),
      },
      createPool: async () => (await import('./app-pool.js')).poolMaker(app, registry, settings),
      scale: scaler(settled),
      isChild: isChild(),
      signals,
      around,
      tellSent: runtime.tellSent(),
      settings: workerSettings(settings),
    },
    settled,
    queues,
  )
}

const poolOf = (name: string): PoolName => {
  const pool = Object.hasOwn(poolNames, name) ? poolNames[name] : undefined
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

/** Seconds; as in Celery, a worker's own 0 takes away what the settings say. */
const limitOf = (own: number | undefined, setting: number | null): number | undefined =>
  own === 0 ? undefined : (own ?? setting ?? undefined)

const overSettings = (options: WorkerOptions, settings: Settings): Settled => {
  const { timeLimit: own, softTimeLimit: ownSoft, ...others } = options
  const timeLimit = limitOf(own, settings.taskTimeLimit)
  const softTimeLimit = limitOf(ownSoft, settings.taskSoftTimeLimit)
  const maxTasksPerChild = options.maxTasksPerChild ?? settings.workerMaxTasksPerChild ?? undefined
  const maxMemoryPerChild = options.maxMemoryPerChild ?? settings.workerMaxMemoryPerChild ?? undefined
  const disablePrefetch = options.disablePrefetch ?? settings.workerDisablePrefetch
  const pool = poolOf(options.pool ?? settings.workerPool ?? 'fiber')
  return {
    ...others,
    pool,
    concurrency: concurrencyOf(pool, options, settings),
    disablePrefetch,
    prefetchMultiplier: disablePrefetch
      ? 1
      : (options.prefetchMultiplier ?? settings.workerPrefetchMultiplier),
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
