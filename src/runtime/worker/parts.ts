// What the app hands to a worker.
import type { Rate } from '../../config-rate.js'
import type { Logger } from '../../log.js'
import type { Courier, Execute, Pool } from '../../pools/pool.js'
import type { Around } from '../around.js'
import type { Broker } from '../broker.js'
import type { Means } from '../perform.js'
import type { Registry } from '../registry.js'
import type { Routed } from '../router.js'
import type { ResultSource } from '../result-source.js'
import type { TaskSignalling } from '../task-signals.js'
import type { Scaler } from './autoscaler.js'
import type { EndSettings } from './completions.js'
import type { PoolName, WorkerOptions } from './options.js'
import type { RemoteParts } from './remote.js'
import type { TaskJob } from './active-runs.js'

/** The pool that a worker wants. */
export interface PoolRequest {
  readonly name: PoolName
  readonly concurrency: number
  readonly options: WorkerOptions
  readonly hostname: string
  readonly log: Logger
  /** For pools that run here. */
  readonly execute: Execute<TaskJob>
  /** For those that do not. */
  readonly courier: Courier<TaskJob>
  /** Hears how many jobs they can run at once while children cannot be had; Infinity when they can again. */
  readonly onAble: (most: number) => void
}

export type CreatePool = (request: PoolRequest) => Pool<TaskJob>

/** What the app hands to a worker. */
export interface WorkerParts {
  readonly app: object
  readonly broker: () => Promise<Broker>
  readonly means: (broker: Broker) => Means
  readonly registry: Registry
  readonly results: ResultSource
  readonly mint: () => string
  readonly log: Logger
  readonly remote: RemoteParts
  /** Loads the pools that there are. */
  readonly createPool: () => Promise<CreatePool>
  /** The right size for a load; undefined without autoscale. */
  readonly scale: Scaler | undefined
  /** This process (or thread) is a pool's child: it runs what it is given, and starts nothing of its own. */
  readonly isChild: boolean
  readonly signals: TaskSignalling
  readonly around: () => Around | undefined
  /** Where messages are told of that are sent with an end; undefined where nobody wants to know. */
  readonly tellSent: ((sent: readonly Routed[]) => void) | undefined
  readonly settings: EndSettings & {
    readonly taskAcksLate: boolean
    readonly taskTrackStarted: boolean
    readonly taskRejectOnWorkerLost: boolean
    /** Of tasks that have none of their own. */
    readonly defaultRateLimit: Rate
    readonly disableRateLimits: boolean
    readonly maxDeliveries: number
    readonly deadLetterMax: number
    readonly deadLetterExpires: number
    /** Seconds. */
    readonly workerLease: number
    readonly workerSoftShutdownTimeout: number
    readonly strategy: 'round_robin' | 'sorted' | 'priority'
  }
}
