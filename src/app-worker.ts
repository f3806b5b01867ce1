// What a worker of an app is like: its options over the app's settings, its queues, its pool.
import type { Settings } from './config.js'
import { ImproperlyConfigured } from './errors.js'
import { createFiberPool } from './pools/fiber.js'
import { createSoloPool } from './pools/solo.js'
import { checkWorkerOptions, type WorkerOptions, type WorkerParts } from './runtime/worker/worker.js'

export const createPool: WorkerParts['createPool'] = (name, concurrency, execute) =>
  name === 'solo' ? createSoloPool(execute) : createFiberPool(concurrency, execute)

/** Throws ImproperlyConfigured. */
export const settleWorker = (
  options: WorkerOptions,
  settings: Settings,
): { readonly options: WorkerOptions; readonly queues: readonly string[] } => {
  checkWorkerOptions(options)
  return { options: overSettings(options, settings), queues: queuesOf(options, settings) }
}

const overSettings = (options: WorkerOptions, settings: Settings): WorkerOptions => {
  const timeLimit = options.timeLimit ?? settings.taskTimeLimit ?? undefined
  const softTimeLimit = options.softTimeLimit ?? settings.taskSoftTimeLimit ?? undefined
  const pool = options.pool ?? settings.workerPool
  const known = ['fiber', 'gevent', 'eventlet', 'solo']
  if (!known.includes(pool))
    throw new ImproperlyConfigured(
      `Pool ${JSON.stringify(pool)} is not there yet: expected fiber (many tasks on the event loop) or solo (one at a time).`,
    )
  const concurrency = options.concurrency ?? settings.workerConcurrency ?? undefined
  return {
    ...options,
    pool,
    prefetchMultiplier: options.prefetchMultiplier ?? settings.workerPrefetchMultiplier,
    ...(concurrency !== undefined && { concurrency }),
    ...(timeLimit !== undefined && { timeLimit }),
    ...(softTimeLimit !== undefined && { softTimeLimit }),
  }
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
