// What remote control can see and do of a worker. Commands (inspect.ts, command.ts) are functions over this,
// so that they can be tried without one.
import type { Settings } from '../../config.js'
import type { Rate } from '../../config-rate.js'
import type { Logger } from '../../log.js'
import type { Dict } from '../fields.js'
import type { Message } from '../message.js'
import type { Registry } from '../registry.js'
import type { Stamp } from '../revoked.js'

/** A task in the worker's hands. */
export interface TaskInHand {
  readonly message: Message
  readonly redelivered: boolean
  /** Unix seconds; null while it waits. */
  readonly startedAt: number | null
  readonly acknowledged: boolean
  readonly pid: number | null
}

/** A task that is held back until then. */
export interface Scheduled {
  readonly dueMs: number
  readonly message: Message
}

export interface QueueView {
  readonly name: string
  readonly exchange: string
  readonly exchangeType: 'direct' | 'topic' | 'fanout'
  readonly routingKey: string
}

export interface PoolView {
  readonly name: string
  readonly concurrency: number
  /** Of its processes or threads; this process where it has none of its own. */
  readonly ids: readonly number[]
}

/** What it tells to those who watch. */
export interface EventsView {
  /** False: they are on already. */
  enable(): boolean
  /** False: they are off already, or cannot be switched off. */
  disable(): boolean
  beatNow(): Promise<void>
}

export interface Node {
  readonly hostname: string
  readonly app: string
  readonly version: string
  readonly log: Logger
  readonly registry: Registry
  readonly settings: Settings
  /** The settings that somebody wrote, by our names. */
  readonly changed: ReadonlySet<string>
  readonly brokerUrl: string
  readonly clock: { value: number }
  /** Unix ms. */
  readonly startedAt: number
  /** Messages in hand at once. */
  readonly prefetchCount: number
  readonly queues: readonly QueueView[]
  readonly pool: PoolView
  /** The bounds, to be moved; undefined without autoscale. */
  readonly autoscale: { max: number; min: number } | undefined
  readonly events: EventsView
  readonly totals: ReadonlyMap<string, number>
  /** Limits that were set from afar, by the task's name. */
  readonly timeLimits: Map<
    string,
    { readonly softTimeLimit: number | undefined; readonly timeLimit: number | undefined }
  >
  active(): readonly TaskInHand[]
  reserved(): readonly TaskInHand[]
  scheduled(): Promise<readonly Scheduled[]>
  /** Ids, in the order of their revocation. */
  revoked(): readonly string[]
  /** For this worker at once, for all others and later ones in the broker. */
  revoke(ids: readonly string[], stamps: readonly Stamp[]): Promise<void>
  /** Ends what runs here; the answer is what it found. */
  terminate(matches: (message: Message) => boolean, signal: NodeJS.Signals): readonly Message[]
  /** Throws ImproperlyConfigured, NotRegistered. */
  rateLimit(task: string, rate: Rate): void
  /** Throws InvalidUsage where the pool has one size. */
  grow(n: number): void
  shrink(n: number): void
  /** Resolves when messages of this queue are taken, or none any more. Throws InvalidUsage. */
  addQueue(queue: QueueView): Promise<void>
  leaveQueue(name: string): Promise<void>
  /** Undefined where the pool has nothing to restart. */
  readonly restartPool: (() => void) | undefined
  shutdown(): void
}

/** What it returns is the reply; a thrown error becomes one. */
export type Command = (node: Node, args: Dict) => unknown

/** The reply of a command that says nothing, not even null. */
export const silence = Symbol('no reply')
