// Which settings of an app a worker reads, and whoever ends messages as a worker does.
import type { Settings } from './config.js'
import type { WorkerParts } from './runtime/worker/parts.js'

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
