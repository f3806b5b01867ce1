// What one worker is told, and the check of it.
import type { SettingsInput } from '../../config.js'
import type { Logger } from '../../log.js'
import { checkOptions, type OptionKind } from '../check-options.js'

export type PoolName = 'prefork' | 'threads' | 'fiber' | 'solo'

/** Whether tasks run in processes or threads of their own. */
export const isApart = (pool: PoolName): boolean => pool === 'prefork' || pool === 'threads'

/** Celery's other names for the same. */
export type PoolAlias = 'processes' | 'gevent' | 'eventlet'

/** Times in seconds. Everything has a default in the app's settings. */
export interface WorkerOptions {
  /** `prefork` (child processes), `threads`, `fiber` (many tasks on the event loop) or `solo` (one at a time). */
  readonly pool?: PoolName | PoolAlias
  /** Default: the machine's cores for prefork and threads, 100 for fiber, 1 for solo. */
  readonly concurrency?: number
  /** Grow up to `max` while work waits, shrink down to `min` after `keepalive` (30 s) without growth. */
  readonly autoscale?: { readonly max: number; readonly min: number; readonly keepalive?: number }
  /**
   * For prefork and threads: the module (or modules) that makes the app and its tasks, as a path or URL; each child
   * loads it once. Default: the module that called `createApp`.
   */
  readonly module?: string | URL | readonly (string | URL)[]
  /** Settings that a child applies over those of its module, as `lovage -b … worker` does. */
  readonly moduleSettings?: SettingsInput
  /** For prefork and threads: a child is replaced after so many tasks, or when it has more than so many KiB. */
  readonly maxTasksPerChild?: number
  readonly maxMemoryPerChild?: number
  readonly queues?: readonly string[]
  readonly excludeQueues?: readonly string[]
  /** The node's name, `celery@host`. */
  readonly hostname?: string
  readonly prefetchMultiplier?: number
  /** Hold no more messages than there are free slots, whatever the multiplier says and however quick tasks are. */
  readonly disablePrefetch?: boolean
  /** Of tasks that have no limit of their own, instead of the settings'; 0: they have none. */
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  /** Send task events, as `-E` does; default: the setting workerSendTaskEvents. */
  readonly taskEvents?: boolean
  /** Seconds from one heartbeat to the next, for who watches; default 2. false: nobody is told that it is there. */
  readonly heartbeat?: number | false
  readonly log?: Logger
}

const optionKinds: Readonly<Record<keyof WorkerOptions, OptionKind>> = {
  // The app knows which pools there are, and what a module is.
  pool: 'any',
  concurrency: 'positive',
  autoscale: 'autoscale',
  module: 'any',
  moduleSettings: 'any',
  maxTasksPerChild: 'positive',
  maxMemoryPerChild: 'positive',
  queues: 'texts',
  excludeQueues: 'texts',
  hostname: 'name',
  prefetchMultiplier: 'positive',
  disablePrefetch: 'flag',
  timeLimit: 'seconds',
  softTimeLimit: 'seconds',
  taskEvents: 'flag',
  heartbeat: 'heartbeat',
  log: 'logger',
}

/** Throws ImproperlyConfigured. */
export const checkWorkerOptions = (options: unknown): void => checkOptions('a worker', options, optionKinds)
