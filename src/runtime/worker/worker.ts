// A worker's life: look at the server, take a lease, run the loop, stop. What runs a task is the pool's
// business, what follows is `follow`'s; this file only joins them and sees them end.
import { hostname as machine } from 'node:os'
import { paceOf, type Rate, readRate } from '../../config-rate.js'
import { declaredQueues, type Settings } from '../../config.js'
import { ImproperlyConfigured, LeaseLost, WorkerShutdown } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Execute, LazySignal, Outcome, Pool } from '../../pools/pool.js'
import type { Broker, Consumer } from '../broker.js'
import { checkOptions, type OptionKind } from '../check-options.js'
import { checkArguments } from '../check-arguments.js'
import { type ContextTools, TaskContext } from '../context.js'
import type { QueueView } from '../control/node.js'
import { errbackArguments } from '../errback.js'
import { execute, type RunnableTask } from '../execute.js'
import type { Means } from '../perform.js'
import type { Registry } from '../registry.js'
import type { ResultSource } from '../result-source.js'
import { Revoked } from '../revoked.js'
import { Ends, type EndSettings } from './ends.js'
import { Limits, type Rates } from './limits.js'
import { openRemote, type RemoteOptions, type RemoteParts } from './remote.js'
import { Pages } from './pages.js'
import { installSignals } from './signals.js'
import { Runs, type TaskJob } from './runs.js'
import { Slots } from './slots.js'

/** What one worker is told; times in seconds. Everything has a default in the app's settings. */
export interface WorkerOptions {
  /** `fiber` (many tasks on the event loop) or `solo` (one at a time). */
  readonly pool?: 'fiber' | 'solo' | 'gevent' | 'eventlet'
  /** Default: 100 for fiber, 1 for solo. */
  readonly concurrency?: number
  readonly queues?: readonly string[]
  readonly excludeQueues?: readonly string[]
  /** The node's name, `celery@host`. */
  readonly hostname?: string
  readonly prefetchMultiplier?: number
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly log?: Logger
}

const optionKinds: Readonly<Record<keyof WorkerOptions, OptionKind>> = {
  // The app knows which pools there are.
  pool: 'any',
  concurrency: 'positive',
  queues: 'texts',
  excludeQueues: 'texts',
  hostname: 'text',
  prefetchMultiplier: 'positive',
  timeLimit: 'limit',
  softTimeLimit: 'limit',
  log: 'logger',
}

/** Throws ImproperlyConfigured. */
export const checkWorkerOptions = (options: unknown): void => checkOptions('a worker', options, optionKinds)

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
  readonly createPool: (
    name: 'fiber' | 'solo',
    concurrency: number,
    execute: Execute<TaskJob>,
  ) => Pool<TaskJob>
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

const viewQueues = (names: readonly string[], settings: Settings): readonly QueueView[] => {
  const declared = declaredQueues(settings)
  return names.map(
    (name) => declared.get(name) ?? { name, exchange: name, exchangeType: 'direct', routingKey: name },
  )
}

const onlyLost = (error: unknown): false => {
  if (error instanceof LeaseLost) return false
  throw error
}

type Phase = 'new' | 'starting' | 'running' | 'stopping' | 'stopped'

export class Worker {
  readonly hostname: string
  readonly queues: readonly string[]
  readonly concurrency: number
  readonly poolName: 'fiber' | 'solo'
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #log: Logger
  readonly #revoked: Revoked
  #phase: Phase = 'new'
  #slots: Slots | undefined
  #limits: Limits | undefined
  #deafen: (() => Promise<void>) | undefined
  #consumer: Consumer | undefined
  #stopping: Promise<void> | undefined
  #stopped: () => void = () => undefined
  readonly #end = new Promise<void>((resolve) => {
    this.#stopped = resolve
  })

  constructor(parts: WorkerParts, options: WorkerOptions, queues: readonly string[]) {
    this.#parts = parts
    this.#options = options
    this.#log = options.log ?? parts.log
    this.#revoked = new Revoked(parts.remote.settings.workerRevokesMax)
    this.hostname = options.hostname ?? `celery@${machine()}`
    this.queues = queues
    this.poolName = options.pool === 'solo' ? 'solo' : 'fiber'
    this.concurrency = this.poolName === 'solo' ? 1 : (options.concurrency ?? 100)
  }

  /** Names of the tasks that it can run, sorted; those declared for elsewhere are not among them. */
  get tasks(): readonly string[] {
    return this.#parts.registry.names()
  }

  /** It takes messages, or lets its last tasks end. */
  get isRunning(): boolean {
    return this.#phase === 'running' || this.#phase === 'stopping'
  }

  /** How many tasks run now. */
  get active(): number {
    return this.#slots?.active ?? 0
  }

  /** Resolves when the worker is ready to take messages. Throws ImproperlyConfigured, OperationalError. */
  async start(): Promise<this> {
    if (this.#phase !== 'new')
      throw new ImproperlyConfigured('This worker was started before. Make a new one: app.worker().')
    this.#phase = 'starting'
    try {
      await this.#begin()
    } catch (error) {
      this.#phase = 'stopped'
      this.#stopped()
      throw error
    }
    this.#log.info(`${this.hostname} ready.`)
    return this
  }

  async #begin(): Promise<void> {
    const { settings } = this.#parts
    const broker = await this.#parts.broker()
    await this.#look(broker)
    const consumer = await broker.consume({
      hostname: this.hostname,
      queues: this.queues,
      strategy: settings.strategy,
      leaseMs: settings.workerLease * 1000,
      deadLetterMax: settings.deadLetterMax,
      deadLetterExpires: settings.deadLetterExpires,
      onLost: () => {
        this.#log.warning(
          'The lease was lost: what ran here is run by somebody else. Going on with a new one.',
        )
        this.#limits?.lose()
        this.#slots?.lose()
      },
      onParked: (queue, tasks) => this.#limits?.parked(queue, tasks),
      onTrouble: ({ ok, message }) => (ok ? this.#log.info(message) : this.#log.error(message)),
    })
    if (this.#phase !== 'starting') {
      await consumer.close()
      throw new WorkerShutdown('The worker was stopped before it had started.')
    }
    this.#consumer = consumer
    const { slots, remote } = this.#loop(broker, consumer)
    this.#slots = slots
    this.#deafen = await openRemote(remote)
    this.#phase = 'running'
    slots.start()
  }

  async #look(broker: Broker): Promise<void> {
    const { refusals, warnings, server } = await broker.inspect()
    if (refusals.length > 0) throw new ImproperlyConfigured(refusals.join(' '))
    this.#log.info(`Connected to ${broker.url} (${server})`)
    for (const warning of warnings) this.#log.warning(warning)
  }

  #loop(broker: Broker, consumer: Consumer): { readonly slots: Slots; readonly remote: RemoteOptions } {
    const { settings, registry, mint } = this.#parts
    const means = this.#parts.means(broker)
    const pages = new Pages(consumer, means.router.isOurs)
    const ends = new Ends(settings, means, pages, this.hostname, mint, this.#log)
    const run = (job: TaskJob, abort: LazySignal): Promise<Outcome> => this.#run(job, abort, consumer, ends)
    const pool = this.#parts.createPool(this.poolName, this.concurrency, run)
    const limits = new Limits({
      consumer,
      ratesOf: (task) => this.#ratesOf(task),
      start: (deliveries) => this.#slots?.offer(deliveries),
      log: this.#log,
    })
    this.#limits = limits
    const runs = new Runs({
      consumer,
      pool,
      ends,
      limits,
      rules: {
        registry,
        maxDeliveries: settings.maxDeliveries,
        rejectOnWorkerLost: settings.taskRejectOnWorkerLost,
        resultExpires: settings.resultExpires,
        revoked: this.#revoked,
      },
      now: () => broker.now(),
      log: this.#log,
      softTimeLimit: this.#options.softTimeLimit,
      timeLimit: this.#options.timeLimit,
      acksLate: settings.taskAcksLate,
      trackStarted: settings.taskTrackStarted,
      startedText: (held) => ends.passing(held, 'STARTED', { pid: process.pid, hostname: this.hostname }),
    })
    const { concurrency } = pool
    const capacity = concurrency * (this.#options.prefetchMultiplier ?? 1)
    const slots = new Slots({ consumer, runs, concurrency, capacity, log: this.#log })
    const remote: RemoteOptions = {
      ...this.#parts.remote,
      hostname: this.hostname,
      log: this.#log,
      registry,
      broker,
      queues: viewQueues(this.queues, this.#parts.remote.settings),
      pool: { implementation: `lovage:${pool.name}`, concurrency, processes: [process.pid] },
      prefetchCount: capacity,
      runs,
      slots,
      revoked: this.#revoked,
      rateLimit: (task, rate) => this.rateLimit(task, rate),
      shutdown: () => void this.stop(),
    }
    return { slots, remote }
  }

  #ratesOf(task: string): Rates | undefined {
    const { registry, settings } = this.#parts
    const definition = registry.get(task)
    if (definition?.run === undefined) return undefined
    const { rateLimit, globalRateLimit } = definition.options
    if (settings.disableRateLimits) return { own: null, global: null }
    const usual = task.startsWith('celery.') ? null : settings.defaultRateLimit
    return {
      own: readRate(rateLimit === undefined ? usual : rateLimit) ?? null,
      global: readRate(globalRateLimit ?? null) ?? null,
    }
  }

  /**
   * Another rate for a task in this worker, until it ends: Celery's `rate_limit`.
   * @throws ImproperlyConfigured for a rate that is none, NotRegistered
   */
  rateLimit(task: string, rate: Rate): void {
    this.#parts.registry.runnable(task)
    this.#limits?.change(task, paceOf(rate, `The rate of task "${task}"`))
  }

  readonly #tools: ContextTools = {
    mint: () => this.#parts.mint(),
    check: (node) => checkArguments(node, 0, this.#parts.registry),
    handle: (tuple) => this.#parts.results.handle(tuple),
  }

  #run(job: TaskJob, abort: LazySignal, consumer: Consumer, ends: Ends): Promise<Outcome> {
    const { held, delivery } = job
    const definition = held.definition as RunnableTask
    const ignoreResult = ends.ignoresResult(held)
    const context = new TaskContext({
      message: held.message,
      delivery,
      definition,
      hostname: this.hostname,
      ignoreResult,
      abort,
      app: this.#parts.app,
      log: this.#log,
      random: Math.random,
      tools: this.#tools,
      store: (state, meta) =>
        ignoreResult
          ? Promise.resolve(true)
          : // Nobody has to await it: a lease that is lost meanwhile says that the run counts no more, and not more.
            consumer.store(held.tag, ends.passing(held, state, meta)).catch(onlyLost),
    })
    job.context = context
    if (definition.options.errback === 'full')
      return errbackArguments(held.message, this.#parts.results).then((args) =>
        execute(definition, held.message, context, args),
      )
    return execute(definition, held.message, context, held.message.args)
  }

  /** Starts, and stays until TERM, INT, QUIT or `stop()`. Resolves with the exit code. */
  async run(): Promise<number> {
    const signals = installSignals((action) => void this.stop({ cold: action === 'cold' }))
    try {
      // Who is told to stop while the broker cannot be reached does not wait for it.
      if (this.#phase === 'new') await Promise.race([this.start(), this.#end])
      await this.#end
      return signals.exitCode()
    } finally {
      signals.remove()
    }
  }

  /**
   * Warm: takes nothing new, lets running tasks end, however long. Cold: aborts them and gives them back,
   * after `workerSoftShutdownTimeout` if that is set. May be called again, to turn warm into cold.
   */
  async stop({ cold = false }: { readonly cold?: boolean } = {}): Promise<void> {
    if (this.#phase === 'new' || this.#phase === 'starting') {
      this.#phase = 'stopped'
      this.#stopped()
      return
    }
    this.#stopping ??= this.#drain()
    if (cold) await this.#cool()
    await this.#stopping
  }

  async #cool(): Promise<void> {
    const seconds = this.#parts.settings.workerSoftShutdownTimeout
    if (seconds > 0 && this.active > 0) {
      this.#log.warning(`Initiating Soft Shutdown, terminating in ${seconds} seconds`)
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, seconds * 1000)
      })
      await Promise.race([this.#stopping, patience])
      clearTimeout(timer)
    }
    this.#slots?.abort()
  }

  async #drain(): Promise<void> {
    this.#phase = 'stopping'
    this.#limits?.stop()
    await this.#slots?.drain()
    await this.#deafen?.()
    await this.#consumer?.close()
    this.#phase = 'stopped'
    this.#stopped()
  }
}
