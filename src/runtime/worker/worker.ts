// A worker's life: look at the server, take a lease, run the loop (loop.ts), listen to what is said to it, stop.
import { hostname as machine } from 'node:os'
import type { Rate } from '../../config-rate.js'
import { ImproperlyConfigured, InvalidUsage, WorkerShutdown } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Broker } from '../broker.js'
import type { QueueView } from '../control/node.js'
import { Revoked } from '../revoked.js'
import type { Scaler } from './autoscaler.js'
import { openDebugger } from './debugger.js'
import { lookAtServer } from './look.js'
import type { Loop, LoopOptions } from './loop.js'
import { isApart, type PoolName, type WorkerOptions } from './options.js'
import type { CreatePool, WorkerParts } from './parts.js'
import type { RemoteOptions } from './remote.js'
import { installSignals, type StopCause } from './signals.js'
import { ServedQueues } from './served.js'
import type { Slots } from './slots.js'
import { startUpkeep } from './upkeep.js'
import { WorkerEvents } from './worker-events.js'

const checkedStep = (verb: string, n: number): number => {
  if (!Number.isInteger(n) || n < 1)
    throw new InvalidUsage(`worker.${verb}(n): expected a whole number of at least 1, got ${String(n)}.`)
  return n
}

type Phase = 'new' | 'starting' | 'running' | 'stopping' | 'stopped'

export class Worker {
  readonly hostname: string
  readonly poolName: PoolName
  readonly #parts: WorkerParts
  readonly #options: WorkerOptions
  readonly #log: Logger
  readonly #revoked: Revoked
  readonly #events: WorkerEvents
  #phase: Phase = 'new'
  #concurrency: number
  #loop: Loop | undefined
  readonly #served: ServedQueues
  /** Ends what it hears of remote control and of broadcasts. */
  #deafen: () => Promise<void> = () => Promise.resolve()
  #stopScaling: () => void = () => undefined
  #stopUpkeep: () => void = () => undefined
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
    this.#served = new ServedQueues(queues, parts.remote.settings, this.hostname)
    this.poolName = options.pool
    this.#concurrency = options.concurrency
  }

  /** Names of the queues that it consumes; somebody may add or take some while it runs. */
  get queues(): readonly string[] {
    return this.#served.names
  }

  /** The same with the exchange that each is bound to, its type, and the routing key. */
  get bindings(): readonly QueueView[] {
    return this.#served.views
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
    return this.#loop?.active ?? 0
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
    // Only a worker that runs needs them: a child, and who only sends, loads none of it.
    const [{ Loop }, { hear }, createPool] = await Promise.all([
      import('./loop.js'),
      import('./hearing.js'),
      this.#parts.createPool(),
    ])
    const loop = new Loop(this.#loopOptions(createPool))
    this.#loop = loop
    try {
      await Promise.all([loop.pool.start(), lookAtServer(broker, this.#log)])
      const { consumer, runs, slots } = await loop.open(broker)
      this.#mustBeStarting()
      const remote = this.#remote(broker, loop, { consumer, runs, slots })
      this.#deafen = await hear(remote, this.#served.consumption.fanouts)
      await this.#events.open()
      const { scale } = this.#parts
      const stopScaling = scale === undefined ? undefined : await this.#autoscale(scale, broker, slots)
      if (stopScaling !== undefined) this.#stopScaling = stopScaling
      this.#mustBeStarting()
      this.#phase = 'running'
      loop.start()
      this.#stopUpkeep = this.#keepUp(broker)
    } catch (error) {
      this.#stopScaling()
      await this.#events.close()
      await this.#deafen()
      await loop.close()
      await loop.pool.stop()
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
      load: () => ({ active: this.active, processed: this.#loop?.runs?.started ?? 0 }),
      tellSent,
      log: this.#log,
    })
  }

  #loopOptions(createPool: CreatePool): LoopOptions {
    return {
      parts: this.#parts,
      createPool,
      options: this.#options,
      hostname: this.hostname,
      poolName: this.poolName,
      concurrency: this.#concurrency,
      consumption: this.#served.consumption,
      revoked: this.#revoked,
      events: this.#events,
      log: this.#log,
    }
  }

  #remote(
    broker: Broker,
    loop: Loop,
    { consumer, runs, slots }: Pick<RemoteOptions, 'consumer' | 'runs' | 'slots'>,
  ): RemoteOptions {
    return {
      ...this.#parts.remote,
      hostname: this.hostname,
      log: this.#log,
      registry: this.#parts.registry,
      broker,
      served: this.#served,
      consumer,
      worker: this,
      pool: loop.pool,
      capacity: () => loop.capacity,
      scale: this.#parts.scale,
      runs,
      slots,
      revoked: this.#revoked,
      events: this.#events,
    }
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

  #keepUp(broker: Broker): () => void {
    const { settings } = this.#parts
    return startUpkeep({
      broker,
      queues: () => this.queues,
      finish: async (queue) => {
        const { finishPurge } = await import('./purge.js')
        await finishPurge({ ...this.#parts, broker, means: this.#parts.means(broker), log: this.#log }, queue)
      },
      resultExpires: settings.resultExpires,
      log: this.#log,
    })
  }

  /**
   * Another rate for a task in this worker, until it ends: Celery's `rate_limit`.
   * @throws ImproperlyConfigured for a rate that is none, NotRegistered
   */
  rateLimit(task: string, rate: Rate): void {
    this.#parts.registry.runnable(task)
    this.#loop?.rateLimit(task, rate)
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
    this.#loop?.resize(concurrency)
  }

  /** To the log, whatever its level: somebody wants to know why it does not go on. */
  #tellRunning(): void {
    const now = Date.now() / 1000
    const runs = this.#loop?.runs?.list() ?? []
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
    this.#loop?.abort()
  }

  async #drain(): Promise<void> {
    this.#phase = 'stopping'
    this.#stopScaling()
    this.#stopUpkeep()
    await this.#loop?.drain()
    await this.#events.close()
    await this.#deafen()
    await this.#loop?.close()
    const { signals } = this.#parts
    const { hostname } = this
    if (!isApart(this.poolName)) await signals.send('workerProcessShutdown', { hostname, pid: process.pid })
    await signals.send('workerShutdown', { hostname })
    this.#phase = 'stopped'
    this.#stopped()
  }
}
