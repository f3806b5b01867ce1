// The moving parts of a worker that runs, joined: a pool, a consumer, and between them what takes a message in, lets
// it run, and commits its end. Its worker (worker.ts) begins and ends it.
import { type Rate, paceOf } from '../../config-rate.js'
import type { Logger } from '../../log.js'
import type { LazySignal, Outcome, Pool } from '../../pools/pool.js'
import type { Broker } from '../broker.js'
import type { Consumer } from '../consumer.js'
import type { ContextTools } from '../context.js'
import type { Fields } from '../events.js'
import type { RunnableTask } from '../execute.js'
import { textDepthOf } from '../json-limits.js'
import { decodeMessage } from '../message.js'
import type { Revoked } from '../revoked.js'
import { courierOf } from './courier.js'
import type { ActiveRuns, TaskJob } from './active-runs.js'
import { Completions } from './completions.js'
import { consume } from './consume.js'
import { Ends } from './ends.js'
import type { Held } from './held.js'
import { farewell } from './farewell.js'
import { Foresight } from './foresight.js'
import { KeptHeaders } from './kept-headers.js'
import { Limits } from './limits.js'
import { mostSlotsOnLoop, reachOf } from './look-ahead.js'
import { isApart, type PoolName, type WorkerOptions } from './options.js'
import { Pages } from './pages.js'
import type { CreatePool, WorkerParts } from './parts.js'
import type { Consumption } from './queues.js'
import { ratesOf } from './rates.js'
import { contextOf, contextTools, runTask } from './run-task.js'
import { Runs } from './runs.js'
import { Slots, type SlotsOptions } from './slots.js'
import { Telling } from './telling.js'
import type { WorkerEvents } from './worker-events.js'

export interface LoopOptions {
  readonly parts: WorkerParts
  readonly createPool: CreatePool
  readonly options: WorkerOptions
  readonly hostname: string
  readonly poolName: PoolName
  readonly concurrency: number
  readonly consumption: Consumption
  readonly revoked: Revoked
  readonly events: WorkerEvents
  readonly log: Logger
}

/** What there is when the consumer has its lease. */
interface Joined {
  readonly consumer: Consumer
  readonly completions: Completions
  readonly limits: Limits
  readonly runs: Runs
  readonly slots: Slots
}

export class Loop {
  readonly pool: Pool<TaskJob>
  readonly #options: LoopOptions
  readonly #tools: ContextTools
  #concurrency: number
  /** What the pool can run at once, where that is less; Infinity where it is not. */
  #able = Number.POSITIVE_INFINITY
  /**
   * Tasks run on this loop, few at a time, and may block it. Decided at the start: of what began before anybody
   * watched nobody could tell, later, that it has begun.
   */
  readonly #isWatched: boolean
  #joined: Joined | undefined
  #isCold = false
  #isTroubled = false

  constructor(options: LoopOptions) {
    const { parts, concurrency } = options
    this.#options = options
    this.#concurrency = concurrency
    this.#isWatched = !isApart(options.poolName) && concurrency <= mostSlotsOnLoop
    this.#tools = contextTools(() => ({ ...parts, limits: parts.settings.limits }))
    this.pool = this.#createPool()
  }

  /** Takes a lease. Nothing is claimed before `start`. */
  async open(broker: Broker): Promise<Pick<Joined, 'consumer' | 'runs' | 'slots'>> {
    this.#joined = this.#join(broker, await this.#consume(broker))
    if (Number.isFinite(this.#able)) this.#fit(this.#joined)
    return this.#joined
  }

  start(): void {
    this.#joined?.slots.start()
    this.#joined?.limits.start()
  }

  /** How many tasks run now. */
  get active(): number {
    return this.runs?.size ?? 0
  }

  /** Undefined before it is open. */
  get runs(): ActiveRuns | undefined {
    return this.#joined?.runs.active
  }

  /** Messages in hand at once. */
  get capacity(): number {
    return this.#capacityOf(this.#concurrency)
  }

  #capacityOf(concurrency: number): number {
    return concurrency * (this.#options.options.prefetchMultiplier ?? 1)
  }

  resize(concurrency: number): void {
    this.#concurrency = concurrency
    this.pool.resize(concurrency)
    if (this.#joined !== undefined) this.#fit(this.#joined)
  }

  /** No more is taken than the pool can run. */
  #fit({ runs, slots }: Joined): void {
    const concurrency = Math.min(this.#concurrency, this.#able)
    slots.resize(concurrency, this.#capacityOf(concurrency))
    runs.setShort(Number.isFinite(this.#able))
  }

  /** Other workers may have children for what would only wait here. */
  #hearAble(able: number): void {
    const { poolName, log } = this.#options
    if (able === 0)
      log.error(
        `The pool ${poolName} has no child that could run anything: nothing is taken until it has one.`,
      )
    else if (this.#able === 0) log.info(`The pool ${poolName} has a child again: messages are taken.`)
    this.#able = able
    if (this.#joined !== undefined) this.#fit(this.#joined)
  }

  rateLimit(task: string, rate: Rate): void {
    this.#joined?.limits.change(task, paceOf(rate, `The rate of task "${task}"`))
  }

  /** Takes nothing new; resolves when what runs has ended and is committed, and the pool is gone. */
  async drain(): Promise<void> {
    const { parts, log } = this.#options
    this.#joined?.limits.stop()
    const circumstances = {
      leaseMs: parts.settings.workerLease * 1000,
      isBusy: () => this.active > 0,
      isCold: () => this.#isCold,
      isTroubled: () => this.#isTroubled,
    }
    if (this.#joined && !(await farewell(this.#joined.slots.drain(), circumstances)))
      log.warning('The broker takes nothing: what it was not told of runs again, in another worker.')
    await this.pool.stop()
  }

  /** What runs is given back. */
  abort(): void {
    this.#isCold = true
    this.#joined?.slots.abort()
  }

  /** Gives up the lease. */
  async close(): Promise<void> {
    await this.#joined?.consumer.close()
  }

  #consume(broker: Broker): Promise<Consumer> {
    const { parts, hostname, consumption, events, log } = this.#options
    return consume(broker, {
      parts,
      hostname,
      consumption,
      blocks: this.#isWatched,
      log,
      onLost: () => {
        log.warning('The lease was lost: what ran here is run by somebody else. Going on with a new one.')
        this.#joined?.limits.lose()
        events.reports.lose()
        this.#joined?.slots.lose()
      },
      onParked: (queue, tasks) => this.#joined?.limits.parked(queue, tasks),
      onTrouble: ({ ok, message }) => {
        this.#isTroubled = !ok
        if (ok) log.info(message)
        else log.error(message)
      },
    })
  }

  #join(broker: Broker, consumer: Consumer): Joined {
    const { parts, options, hostname, revoked, events, log } = this.#options
    const { settings, registry, mint } = parts
    const { reports } = events
    const means = {
      ...parts.means(broker),
      stage: consumer.stage?.bind(consumer),
      served: broker.served?.bind(broker),
      // Its completions open chords themselves, wherever that is.
      openFar: undefined,
      sentBy: parts.tellSent && ((tag: string) => reports.sending(tag)),
    }
    const mostLevels = textDepthOf(settings.limits.canvasMaxLevels)
    const pages = new Pages(consumer, means.router.isOurs, mostLevels)
    const foresight =
      means.guards === undefined
        ? new Foresight((raw) => decodeMessage(raw, undefined, mostLevels))
        : undefined
    const headers = new KeptHeaders(() => parts.results.backend(), log)
    const completions = new Completions(settings, means, hostname, mint)
    const ends = new Ends(settings, completions, pages, log, reports, headers)
    const limits = new Limits({
      consumer,
      ratesOf: (task) => ratesOf(task, parts),
      start: (deliveries) => this.#joined?.slots.offer(deliveries),
      log,
    })
    const runs = new Runs({
      consumer,
      pool: this.pool,
      completions,
      ends,
      limits,
      rules: {
        registry,
        maxDeliveries: settings.maxDeliveries,
        rejectOnWorkerLost: settings.taskRejectOnWorkerLost,
        resultExpires: settings.resultExpires,
        mostLevels,
        revoked,
        guards: means.guards,
        foresight,
      },
      now: () => broker.now(),
      log,
      softTimeLimit: options.softTimeLimit,
      timeLimit: options.timeLimit,
      acksLate: settings.taskAcksLate,
      trackStarted: settings.taskTrackStarted,
      hostname,
      telling: new Telling(parts.signals),
      reports,
    })
    const slots = new Slots({
      consumer,
      runs,
      concurrency: this.pool.concurrency,
      capacity: this.capacity,
      ...this.#ahead(consumer),
      onCommitted: (ended, refused) => reports.committed(ended, refused),
      whileSending: (ends) => foresight?.look(ends),
      onGivenBack: (tag) => limits.goesBack(tag),
      log,
    })
    return { consumer, completions, limits, runs, slots }
  }

  /** Whether it may hold more than it has slots for, while tasks are quick. */
  #ahead(consumer: Consumer): Pick<SlotsOptions, 'reach' | 'standby'> {
    const { parts, options, poolName } = this.#options
    const { disablePrefetch = false, prefetchMultiplier = 1 } = options
    const begins = consumer.begins?.bind(consumer)
    const rests = consumer.rests?.bind(consumer)
    const standby = this.#isWatched && begins && rests ? { begins, rests } : undefined
    const reach = reachOf({
      isApart: isApart(poolName),
      isWatched: standby !== undefined,
      mayRepeat:
        parts.settings.taskRejectOnWorkerLost &&
        !parts.registry.some((task) => task.options.rejectOnWorkerLost === false),
      disablePrefetch,
      prefetchMultiplier,
    })
    return { reach, ...(reach.mostSlots > 0 && { standby }) }
  }

  #createPool(): Pool<TaskJob> {
    const { parts, createPool, options, hostname, poolName, events, log } = this.#options
    const courier = courierOf({
      ignoresResult: (held) => this.#inRun.completions.ignoresResult(held),
      store: (held, state, meta) => this.#store(held, state, meta),
      event: (type, fields, pid) => events.own(type, fields, pid),
      mailbox: () => parts.remote.mailbox(),
      broker: () => parts.broker(),
      backend: () => parts.results.backend(),
      log,
    })
    return createPool({
      name: poolName,
      concurrency: this.#concurrency,
      options,
      hostname,
      log,
      execute: (job, abort) => this.#run(job, abort),
      courier,
      onAble: (most) => this.#hearAble(most),
    })
  }

  /** In this process. */
  #run(job: TaskJob, abort: LazySignal): Promise<Outcome> {
    const { held, delivery } = job
    const { parts, hostname, events, log } = this.#options
    const { app, results, around } = parts
    const means = { app, results, around, hostname, log, tools: this.#tools }
    const run = {
      message: held.message,
      delivery,
      definition: held.definition as RunnableTask,
      ignoreResult: this.#inRun.completions.ignoresResult(held),
      abort,
      store: (state: string, meta: unknown) => this.#store(held, state, meta),
      event: (type: string, fields: Fields) => events.own(type, fields, process.pid),
    }
    const context = contextOf(means, run)
    job.context = context
    return runTask(means, run, context)
  }

  #store(held: Held, state: string, meta: unknown): Promise<boolean> {
    const { consumer, completions } = this.#inRun
    return consumer.store(held.tag, completions.passing(held, state, meta))
  }

  /** There are runs only when all is joined. */
  get #inRun(): Joined {
    return this.#joined as Joined
  }
}
