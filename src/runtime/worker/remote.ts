// A worker as remote control sees it, and its place in the cluster's conversation: it hears commands, and keeps
// what is revoked up to date, also where a broadcast was missed.
import type { Settings } from '../../config.js'
import type { Rate } from '../../config-rate.js'
import * as Either from '../../either.js'
import type { Logger } from '../../log.js'
import type { Pool } from '../../pools/pool.js'
import type { Broker } from '../broker.js'
import type { Consumer, Delivery } from '../consumer.js'
import { listen } from '../control/listener.js'
import type { Node, PoolView, QueueView, Scheduled, TaskInHand } from '../control/node.js'
import type { Mailbox } from '../mailbox.js'
import { textDepthOf } from '../json-limits.js'
import { decodeMessage, type Message } from '../message.js'
import type { Registry } from '../registry.js'
import { revocationOf, type Revoked, type Stamp } from '../revoked.js'
import type { Scaler } from './autoscaler.js'
import { lookForNamesakes } from './namesakes.js'
import type { ServedQueues } from './served.js'
import type { Runs } from './runs.js'
import type { Slots } from './slots.js'
import type { WorkerEvents } from './worker-events.js'

/** What the app tells of itself. */
export interface RemoteParts {
  readonly app: string
  readonly version: string
  readonly settings: Settings
  /** Settings that somebody wrote. */
  readonly changed: ReadonlySet<string>
  readonly mailbox: () => Promise<Mailbox>
}

export interface RemoteOptions extends RemoteParts {
  readonly hostname: string
  readonly log: Logger
  readonly registry: Registry
  readonly broker: Broker
  readonly served: ServedQueues
  readonly consumer: Pick<Consumer, 'serve'>
  readonly worker: {
    grow(n: number): void
    shrink(n: number): void
    rateLimit(task: string, rate: Rate): void
    stop(): Promise<void>
  }
  readonly pool: Pick<Pool<never>, 'name' | 'concurrency' | 'ids' | 'restart'>
  /** Messages in hand at once. */
  readonly capacity: () => number
  readonly scale: Scaler | undefined
  readonly runs: Pick<Runs, 'active' | 'timeLimits'>
  readonly slots: Pick<Slots, 'prefetched'>
  readonly revoked: Revoked
  readonly events: Pick<WorkerEvents, 'clock' | 'enable' | 'disable' | 'beatNow' | 'again'>
}

/** Held back messages that `inspect scheduled` shows, for each queue. */
const mostScheduled = 1000
/** A broadcast may be missed: what is revoked is asked for this often. */
const refreshMs = 5000

const inHand = ({ raw, redelivered }: Delivery, mostLevels: number): readonly TaskInHand[] => {
  const decoded = decodeMessage(raw, undefined, mostLevels)
  if (Either.isLeft(decoded)) return []
  return [{ message: decoded.right, redelivered, startedAt: null, acknowledged: false, pid: null }]
}

class RemoteNode implements Node {
  readonly startedAt = Date.now()
  readonly clock: Node['clock']
  readonly hostname: string
  readonly app: string
  readonly version: string
  readonly log: Logger
  readonly registry: Registry
  readonly settings: Settings
  readonly changed: ReadonlySet<string>
  readonly brokerUrl: string
  readonly autoscale: Node['autoscale']
  readonly events: Node['events']
  readonly totals: Node['totals']
  readonly timeLimits: Node['timeLimits']
  readonly restartPool: Node['restartPool']

  constructor(private readonly options: RemoteOptions) {
    this.hostname = options.hostname
    this.app = options.app
    this.version = options.version
    this.log = options.log
    this.registry = options.registry
    this.settings = options.settings
    this.changed = options.changed
    this.brokerUrl = options.broker.url
    this.autoscale = options.scale
    this.events = options.events
    this.clock = options.events.clock
    this.totals = options.runs.active.totals
    this.timeLimits = options.runs.timeLimits
    this.restartPool = options.pool.restart?.bind(options.pool)
  }

  get #mostLevels(): number {
    return textDepthOf(this.settings.canvasMaxLevels)
  }

  get queues(): readonly QueueView[] {
    return this.options.served.views
  }

  async addQueue(queue: QueueView): Promise<void> {
    const { served, consumer, log } = this.options
    if (await served.add(consumer, queue)) log.info(`Started consuming from ${queue.name}`)
  }

  async leaveQueue(name: string): Promise<void> {
    const { served, consumer, log } = this.options
    if (await served.leave(consumer, name)) log.info(`No longer consuming from ${name}`)
  }

  get prefetchCount(): number {
    return this.options.capacity()
  }

  get pool(): PoolView {
    const { name, concurrency, ids = [process.pid] } = this.options.pool
    return { name, concurrency, ids }
  }

  grow(n: number): void {
    this.options.worker.grow(n)
  }

  shrink(n: number): void {
    this.options.worker.shrink(n)
  }

  active(): readonly TaskInHand[] {
    return this.options.runs.active.list()
  }

  reserved(): readonly TaskInHand[] {
    return this.options.slots.prefetched.flatMap((delivery) => inHand(delivery, this.#mostLevels))
  }

  async scheduled(): Promise<readonly Scheduled[]> {
    const held = await Promise.all(
      this.queues.map(({ name }) => this.options.broker.deferred(name, mostScheduled)),
    )
    return held.flat().flatMap(({ dueMs, raw }) => {
      const decoded = decodeMessage(raw, undefined, this.#mostLevels)
      return Either.isLeft(decoded) ? [] : [{ dueMs, message: decoded.right }]
    })
  }

  revoked(): readonly string[] {
    return this.options.revoked.ids
  }

  async revoke(ids: readonly string[], stamps: readonly Stamp[]): Promise<void> {
    const { broker, revoked, settings } = this.options
    revoked.add(ids, stamps)
    await broker.revoke(revocationOf(ids, stamps, settings, broker.now()))
  }

  terminate(matches: (message: Message) => boolean, signal: NodeJS.Signals): readonly Message[] {
    return this.options.runs.active.terminate(matches, signal)
  }

  rateLimit(task: string, rate: Rate): void {
    this.options.worker.rateLimit(task, rate)
  }

  shutdown(): void {
    void this.options.worker.stop()
  }
}

/** Resolves when the worker hears commands and knows what is revoked; with what ends it. */
export const openRemote = async (options: RemoteOptions): Promise<() => Promise<void>> => {
  const { broker, revoked, settings, log } = options
  let sinceMs = 0
  const refresh = async (): Promise<void> => {
    const news = await broker.revoked(sinceMs)
    revoked.add(news.ids, news.stamps)
    sinceMs = news.nowMs
  }
  /** Another time will do: the broker may be away. */
  const tryRefresh = (): void =>
    void refresh().catch((error: unknown) =>
      log.debug(`What is revoked could not be asked for: ${String(error)}`),
    )
  const again = (): void => {
    tryRefresh()
    options.events.again()
  }
  await refresh()
  const timer = setInterval(tryRefresh, refreshMs)
  const deafen = settings.workerEnableRemoteControl
    ? await listen(new RemoteNode(options), await options.mailbox(), settings.controlExchange, again)
    : undefined
  const source = { mailbox: options.mailbox, controlExchange: () => settings.controlExchange }
  const endLook = deafen === undefined ? undefined : lookForNamesakes(options.hostname, source, log)
  return async () => {
    clearInterval(timer)
    await endLook?.()
    await deafen?.()
  }
}
