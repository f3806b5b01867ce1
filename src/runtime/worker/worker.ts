// A worker's life: look at the server, take a lease, run the loop, stop. What runs a task is the pool's
// business, what follows is `follow`'s; this file only joins them and sees them end.
import { hostname as machine } from 'node:os'
import { paceOf, type Rate, readRate } from '../../config-rate.js'
import { ImproperlyConfigured, InvalidUsage, WorkerShutdown } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Courier, Execute, LazySignal, Outcome, Pool } from '../../pools/pool.js'
import { hearBroadcasts } from '../broadcast.js'
import type { Around } from '../around.js'
import type { Broker, Consumer, Silent } from '../broker.js'
import type { ContextTools } from '../context.js'
import type { Fields } from '../events.js'
import type { RunnableTask } from '../execute.js'
import { writeNews } from '../news.js'
import type { Means } from '../perform.js'
import type { Registry } from '../registry.js'
import type { Routed } from '../router.js'
import type { ResultSource } from '../result-source.js'
import { Revoked } from '../revoked.js'
import type { TaskSignalling } from '../task-signals.js'
import type { Scaler } from './autoscaler.js'
import { courierOf } from './courier.js'
import { openDebugger } from './debugger.js'
import { Ends, type EndSettings, type Held } from './ends.js'
import { Limits, type Rates } from './limits.js'
import type { PoolName, WorkerOptions } from './options.js'
import { Pages } from './pages.js'
import { openRemote, type RemoteOptions, type RemoteParts } from './remote.js'
import { contextOf, contextTools, runTask } from './run-task.js'
import { installSignals, type StopCause } from './signals.js'
import { type Consumption, consumptionOf, viewQueues } from './queues.js'
import { Runs, type TaskJob } from './runs.js'
import { Slots } from './slots.js'
import { Telling } from './telling.js'
import { WorkerEvents } from './worker-events.js'

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
}

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
  readonly createPool: (request: PoolRequest) => Pool<TaskJob>
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

const checkedStep = (verb: string, n: number): number => {
  if (!Number.isInteger(n) || n < 1)
    throw new InvalidUsage(`worker.${verb}(n): expected a whole number of at least 1, got ${String(n)}.`)
  return n
}

/** Whether tasks run in processes or threads of their own. */
const isApart = (pool: PoolName): boolean => pool === 'prefork' || pool === 'threads'

type Phase = 'new' | 'starting' | 'running' | 'stopping' | 'stopped'

export class Worker {
  readonly hostname: string
  readonly queues: readonly string[]
  readonly poolName: PoolName
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #log: Logger
  readonly #revoked: Revoked
  readonly #events: WorkerEvents
  #phase: Phase = 'new'
  #concurrency: number
  #pool: Pool<TaskJob> | undefined
  #knownEnds: Ends | undefined
  #slots: Slots | undefined
  #runs: Runs | undefined
  #limits: Limits | undefined
  readonly #consumption: Consumption
  /** Ends what it hears of remote control and of broadcasts. */
  #deafen: readonly (() => Promise<void>)[] = []
  #consumer: Consumer | undefined
  #stopScaling: () => void = () => undefined
  #stopping: Promise<void> | undefined
  #isCold = false
  #stoppedBy: StopCause = { sig: undefined, exitcode: 0 }
  #stopped: () => void = () => undefined
  readonly #end = new Promise<void>((resolve) => {
    this.#stopped = resolve
  })

  /** `options` are whole: pool and concurrency are decided. */
  constructor(
    parts: WorkerParts,
    options: WorkerOptions & { readonly pool: PoolName; readonly concurrency: number },
    queues: readonly string[],
  ) {
    this.#parts = parts
    this.#options = options
    this.#log = options.log ?? parts.log
    this.#revoked = new Revoked(parts.remote.settings.workerRevokesMax)
    this.hostname = options.hostname ?? `celery@${machine()}`
    this.#events = this.#makeEvents()
    this.queues = queues
    this.#consumption = consumptionOf(viewQueues(queues, parts.remote.settings), this.hostname)
    this.poolName = options.pool
    this.#concurrency = options.concurrency
  }

  /** How many tasks may run at once. */
  get concurrency(): number {
    return this.#concurrency
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
    if (this.#parts.isChild)
      throw new InvalidUsage(
        'A worker was started by the module that a child of a pool loads. Start it in a program of its own, or ' +
          'only where `app.isChild` is false.',
      )
    this.#phase = 'starting'
    try {
      const { signals, remote } = this.#parts
      const { hostname, queues } = this
      await signals.send('celerydInit', { hostname, settings: remote.settings })
      await signals.send('celerydAfterSetup', { hostname, queues })
      await signals.send('workerInit', { hostname })
      if (!isApart(this.poolName)) await signals.send('workerProcessInit', { hostname, pid: process.pid })
      await this.#begin()
    } catch (error) {
      // `run` is told by this error, and not that all has ended well.
      this.#phase = 'stopped'
      throw error
    }
    this.#log.info(`${this.hostname} ready.`)
    await this.#parts.signals.send('workerReady', { hostname: this.hostname })
    return this
  }

  async #begin(): Promise<void> {
    const broker = await this.#parts.broker()
    this.#pool = this.#createPool()
    let consumer: Consumer | undefined
    try {
      await Promise.all([this.#pool.start(), this.#look(broker)])
      consumer = await this.#consume(broker)
      this.#consumer = consumer
      this.#mustBeStarting()
      const { slots, remote } = this.#loop(broker, consumer, this.#pool)
      this.#slots = slots
      this.#deafen = await Promise.all([
        openRemote(remote),
        hearBroadcasts({
          fanouts: this.#consumption.fanouts,
          hostname: this.hostname,
          mailbox: remote.mailbox,
          broker,
          onError: (error) => this.#log.error(`A broadcast could not be kept: ${String(error)}`),
        }),
      ])
      await this.#events.open()
      const { scale } = this.#parts
      const stopScaling = scale === undefined ? undefined : await this.#autoscale(scale, broker, slots)
      if (stopScaling !== undefined) this.#stopScaling = stopScaling
      this.#mustBeStarting()
      this.#phase = 'running'
      slots.start()
      this.#limits?.start()
    } catch (error) {
      this.#stopScaling()
      await this.#events.close()
      for (const end of this.#deafen) await end()
      await consumer?.close()
      await this.#pool.stop()
      throw error
    }
  }

  #makeEvents(): WorkerEvents {
    const { remote, tellSent } = this.#parts
    const { taskEvents, heartbeat = 2 } = this.#options
    return new WorkerEvents({
      hostname: this.hostname,
      version: remote.version,
      mailbox: remote.mailbox,
      exchange: remote.settings.eventExchange,
      always: taskEvents ?? remote.settings.workerSendTaskEvents,
      heartbeat: heartbeat === false ? undefined : heartbeat,
      load: () => ({ active: this.active, processed: this.#runs?.started ?? 0 }),
      tellSent,
      log: this.#log,
    })
  }

  #mustBeStarting(): void {
    if (this.#phase !== 'starting') throw new WorkerShutdown('The worker was stopped before it had started.')
  }

  async #autoscale(scale: Scaler, broker: Broker, slots: Slots): Promise<() => void> {
    // Streams cost a worker that does not scale some 0.15 s of its start.
    const { startAutoscaler } = await import('./autoscaler.js')
    return startAutoscaler({
      decide: (load) => scale.decide(load),
      look: () => ({ concurrency: this.#concurrency, ...slots.load }),
      waiting: async () => {
        const lengths = await Promise.all(this.queues.map((queue) => broker.length(queue)))
        return lengths.reduce((sum, length) => sum + length, 0)
      },
      resize: (concurrency) => this.#resize(concurrency),
      log: this.#log,
    })
  }

  #consume(broker: Broker): Promise<Consumer> {
    const { settings } = this.#parts
    const means = this.#parts.means(broker)
    return broker.consume({
      hostname: this.hostname,
      queues: this.#consumption.queues,
      bindings: this.#consumption.bindings,
      strategy: settings.strategy,
      leaseMs: settings.workerLease * 1000,
      deadLetterMax: settings.deadLetterMax,
      deadLetterExpires: settings.deadLetterExpires,
      onLost: () => {
        this.#log.warning(
          'The lease was lost: what ran here is run by somebody else. Going on with a new one.',
        )
        this.#limits?.lose()
        this.#events.reports.lose()
        this.#slots?.lose()
      },
      gated: this.#parts.registry.some(({ options }) => options.concurrencyKey !== undefined),
      onParked: (queue, tasks) => this.#limits?.parked(queue, tasks),
      ...(means.guards === undefined && {
        newsOf: (silent: Silent, queue: string) => writeNews(silent, queue, broker.now()),
      }),
      onTrouble: ({ ok, message }) => (ok ? this.#log.info(message) : this.#log.error(message)),
    })
  }

  async #look(broker: Broker): Promise<void> {
    const { refusals, warnings, server } = await broker.inspect()
    if (refusals.length > 0) throw new ImproperlyConfigured(refusals.join(' '))
    this.#log.info(`Connected to ${broker.url} (${server})`)
    for (const warning of warnings) this.#log.warning(warning)
  }

  #createPool(): Pool<TaskJob> {
    const courier = courierOf({
      ignoresResult: (held) => this.#ends.ignoresResult(held),
      store: (held, state, meta) => this.#store(held, state, meta),
      event: (type, fields, pid) => this.#events.own(type, fields, pid),
      mailbox: () => this.#parts.remote.mailbox(),
      broker: () => this.#parts.broker(),
      backend: () => this.#parts.results.backend(),
      log: this.#log,
    })
    return this.#parts.createPool({
      name: this.poolName,
      concurrency: this.#concurrency,
      options: this.#options,
      hostname: this.hostname,
      log: this.#log,
      execute: (job, abort) => this.#run(job, abort),
      courier,
    })
  }

  #loop(
    broker: Broker,
    consumer: Consumer,
    pool: Pool<TaskJob>,
  ): { readonly slots: Slots; readonly remote: RemoteOptions } {
    const { settings, registry, mint } = this.#parts
    const { reports } = this.#events
    const means = {
      ...this.#parts.means(broker),
      stage: consumer.stage?.bind(consumer),
      served: broker.served?.bind(broker),
      sentBy: this.#parts.tellSent && ((tag: string) => reports.sending(tag)),
    }
    const pages = new Pages(consumer, means.router.isOurs)
    const ends = new Ends(settings, means, pages, this.hostname, mint, this.#log, reports)
    this.#knownEnds = ends
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
        guards: means.guards,
      },
      now: () => broker.now(),
      log: this.#log,
      softTimeLimit: this.#options.softTimeLimit,
      timeLimit: this.#options.timeLimit,
      acksLate: settings.taskAcksLate,
      trackStarted: settings.taskTrackStarted,
      startedText: (held) => ends.passing(held, 'STARTED', { pid: process.pid, hostname: this.hostname }),
      hostname: this.hostname,
      telling: new Telling(this.#parts.signals),
      reports,
    })
    this.#runs = runs
    const { concurrency } = pool
    const capacity = this.#capacity
    const slots = new Slots({
      consumer,
      runs,
      concurrency,
      capacity,
      onCommitted: (ended, refused) => reports.committed(ended, refused),
      log: this.#log,
    })
    const remote: RemoteOptions = {
      ...this.#parts.remote,
      hostname: this.hostname,
      log: this.#log,
      registry,
      broker,
      queues: viewQueues(this.queues, this.#parts.remote.settings),
      worker: this,
      pool,
      capacity: () => this.#capacity,
      scale: this.#parts.scale,
      runs,
      slots,
      revoked: this.#revoked,
      events: this.#events,
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

  readonly #tools: ContextTools = contextTools(() => ({
    ...this.#parts,
    limits: this.#parts.settings.limits,
  }))

  get #capacity(): number {
    return this.#concurrency * (this.#options.prefetchMultiplier ?? 1)
  }

  /** In this process. */
  #run(job: TaskJob, abort: LazySignal): Promise<Outcome> {
    const { held, delivery } = job
    const { app, results, around } = this.#parts
    const means = { app, results, around, hostname: this.hostname, log: this.#log, tools: this.#tools }
    const run = {
      message: held.message,
      delivery,
      definition: held.definition as RunnableTask,
      ignoreResult: this.#ends.ignoresResult(held),
      abort,
      store: (state: string, meta: unknown) => this.#store(held, state, meta),
      event: (type: string, fields: Fields) => this.#events.own(type, fields, process.pid),
    }
    const context = contextOf(means, run)
    job.context = context
    return runTask(means, run, context)
  }

  #store(held: Held, state: string, meta: unknown): Promise<boolean> {
    return (this.#consumer as Consumer).store(held.tag, this.#ends.passing(held, state, meta))
  }

  /** There are runs only after the loop has begun. */
  get #ends(): Ends {
    return this.#knownEnds as Ends
  }

  /** `n` more tasks at once. @throws InvalidUsage for solo */
  grow(n = 1): void {
    this.#resize(this.#concurrency + checkedStep('grow', n))
  }

  /** `n` fewer, and one at least; what runs is not disturbed. @throws InvalidUsage for solo */
  shrink(n = 1): void {
    this.#resize(Math.max(1, this.#concurrency - checkedStep('shrink', n)))
  }

  #resize(concurrency: number): void {
    if (this.poolName === 'solo')
      throw new InvalidUsage('The pool solo runs one task at a time: it neither grows nor shrinks.')
    this.#concurrency = concurrency
    this.#pool?.resize(concurrency)
    this.#slots?.resize(concurrency, this.#capacity)
  }

  /** To the log, whatever its level: somebody wants to know why it does not go on. */
  #tellRunning(): void {
    const now = Date.now() / 1000
    const runs = this.#runs?.active() ?? []
    this.#log.critical(`${this.hostname}: ${runs.length} of ${this.#concurrency} tasks run`)
    for (const { message, startedAt } of runs)
      this.#log.critical(`  ${message.task}[${message.id}] for ${(now - (startedAt ?? now)).toFixed(1)}s`)
  }

  /** Starts, and stays until TERM, INT, QUIT or `stop()`. Resolves with the exit code. */
  async run(): Promise<number> {
    const onAction = (action: 'warm' | 'cold', by: StopCause): void => {
      this.#stoppedBy = by
      void this.stop({ cold: action === 'cold' })
    }
    const signals = installSignals(onAction, {
      onUsr1: () => this.#tellRunning(),
      onUsr2: () => void openDebugger(this.#log),
    })
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
    if (this.#stopping === undefined || (cold && !this.#isCold))
      void this.#parts.signals.send('workerShuttingDown', {
        hostname: this.hostname,
        how: cold ? 'Cold' : 'Warm',
        ...this.#stoppedBy,
      })
    this.#isCold ||= cold
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
    this.#stopScaling()
    await this.#slots?.drain()
    await this.#pool?.stop()
    await this.#events.close()
    for (const end of this.#deafen) await end()
    await this.#consumer?.close()
    const { signals } = this.#parts
    const { hostname } = this
    if (!isApart(this.poolName)) await signals.send('workerProcessShutdown', { hostname, pid: process.pid })
    await signals.send('workerShutdown', { hostname })
    this.#phase = 'stopped'
    this.#stopped()
  }
}
