// createApp(): the one place where the rooms meet. URLs become Redis or memory parts here, tasks become
// callables, and signatures get a sender. Nothing connects before it is needed.
import { randomUUID } from 'node:crypto'
import { beatMeans, type BeatHost } from './app-beat.js'
import { type Listener, type SignalName, Signalling } from './app-signals.js'
import { Beat } from './beat/beat.js'
import type { AnySignature, TaskMembers } from './canvas/flow.js'
import { chunks, xmap, xstarmap } from './canvas/map.js'
import { makeTaskSignature } from './canvas/signature.js'
import { asNode, type Node } from './canvas/node.js'
import { type AsyncResult, type CallOptions, installSender, type PendingResult } from './canvas/sender.js'
import { mergeSettings, readSettings, type Settings, type SettingsInput } from './config.js'
import { ImproperlyConfigured, InvalidUsage } from './errors.js'
import { createLogger, type Logger } from './log.js'
import { createFiberPool } from './pools/fiber.js'
import { createSoloPool } from './pools/solo.js'
import type { Backend } from './runtime/backend.js'
import type { Broker } from './runtime/broker.js'
import { registerBuiltins } from './runtime/builtins.js'
import type { Carrier, CarrierOptions } from './runtime/carrier.js'
import type { TaskContext } from './runtime/context.js'
import type { ErrorClass } from './runtime/failure.js'
import { registerClass } from './runtime/json.js'
import type { Means } from './runtime/perform.js'
import { Registry } from './runtime/registry.js'
import { fromTuple } from './runtime/handles.js'
import { TaskResult } from './runtime/result.js'
import { later, type ResultSource } from './runtime/result-source.js'
import { Router } from './runtime/router.js'
import { installAppSender, sendNode, type SendingApp } from './runtime/send.js'
import { checkTaskOptions, type TaskDefinition, type TaskOptions } from './runtime/task.js'
import { checkWorkerOptions, Worker, type WorkerOptions } from './runtime/worker/worker.js'

/** A task: call it to run it here and now; `s`, `delay` and their kin send it to a worker. */
export type Task<F extends (...args: any[]) => any, Name extends string = string> = OmitThisParameter<F> &
  TaskMembers<F, Name>

type AnyFunction = (...args: any[]) => any

const memoryScheme = 'memory:'

const isMemory = (url: string): boolean => url.startsWith(memoryScheme)

const redisSchemes = ['redis:', 'rediss:', 'redis+socket:']

const schemeOf = (url: string): string => /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0]?.toLowerCase() ?? ''

const noBroker = (app: string): ImproperlyConfigured =>
  new ImproperlyConfigured(
    `App "${app}" has no broker. Give it one: createApp('${app}', { broker: 'redis://localhost:6379/0' }), or ` +
      `{ broker: 'memory://' } for one process without a server, or set LOVAGE_BROKER_URL.`,
  )

/** The room for a URL, loaded only when it is needed. */
const openCarrier = async (options: CarrierOptions): Promise<Carrier> => {
  const { brokerUrl, backendUrl } = options
  for (const url of [brokerUrl, backendUrl])
    if (!isMemory(url) && !redisSchemes.includes(schemeOf(url)))
      throw new ImproperlyConfigured(
        `Unknown URL ${JSON.stringify(url.replace(/\/\/[^@/]*@/, '//**@'))}: expected redis://, rediss://, redis+socket:// or memory://.`,
      )
  if (isMemory(brokerUrl) !== isMemory(backendUrl))
    throw new ImproperlyConfigured(
      'Broker and results must both be in memory or both in Redis: a task and its result are written in one step.',
    )
  if (isMemory(brokerUrl)) return (await import('./memory/carrier.js')).openMemory(options)
  return (await import('./redis/carrier.js')).openRedis(options)
}

export class App {
  readonly name: string
  readonly beat: Beat
  readonly #registry = new Registry()
  readonly #tasks = new Map<string, Task<AnyFunction>>()
  readonly #errors = new Map<string, ErrorClass>()
  readonly #workers = new Set<Worker>()
  readonly #signals = new Signalling()
  #input: SettingsInput
  #settings: Settings | undefined
  #router: Router | undefined
  #carrier: Promise<Carrier> | undefined
  #opened: Carrier | undefined
  #log: Logger | undefined

  constructor(name: string, input: SettingsInput) {
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(`createApp: expected a name for the app, got ${JSON.stringify(name)}.`)
    this.name = name
    this.#input = input
    // An app is known by this and never by its class: there may be two copies of the library.
    Object.defineProperty(this, Symbol.for('lovage.app'), { value: true })
    // Wrong settings are told where they were written, not at the first use.
    readSettings(input)
    registerBuiltins(this.#registry)
    this.beat = new Beat(beatMeans(this.#beatHost()))
    known.add(this)
  }

  get settings(): Settings {
    this.#settings ??= readSettings(this.#input)
    return this.#settings
  }

  get log(): Logger {
    this.#log ??= createLogger({ level: 'WARNING' })
    return this.#log
  }

  /** Settings over those given so far. Throws InvalidUsage once a connection was made with the old ones. */
  configure(input: SettingsInput): this {
    if (this.#carrier !== undefined)
      throw new InvalidUsage(
        'configure() comes too late: this app is connected. Configure it before its first use.',
      )
    this.#input = mergeSettings(this.#input, input)
    this.#settings = readSettings(this.#input)
    this.#router = undefined
    return this
  }

  /** Tasks by name, those declared for elsewhere included. */
  get tasks(): ReadonlyMap<string, Task<AnyFunction>> {
    return this.#tasks
  }

  /**
   * Makes a task of a function: a callable with `s`, `si`, `delay`, `applyAsync` and so on.
   * @throws AlreadyRegistered, ImproperlyConfigured
   */
  task<const Name extends string, F extends (this: TaskContext, ...args: any[]) => any>(
    name: Name,
    fn: F,
    options: TaskOptions<Awaited<ReturnType<F>>, Parameters<F>> = {},
  ): Task<F, Name> {
    if (typeof fn !== 'function')
      throw new ImproperlyConfigured(
        `app.task("${String(name)}", fn, options): expected a function as the second argument, got ${typeof fn}. ` +
          'For a task that runs elsewhere: app.declare.',
      )
    return this.#add({ name, run: fn as AnyFunction, options: options as TaskOptions }) as unknown as Task<
      F,
      Name
    >
  }

  /** A task that runs elsewhere (in Python, in another service): its name, its types, its queue. */
  declare<F extends AnyFunction, Name extends string = string>(
    name: Name,
    options: TaskOptions = {},
  ): Task<F, Name> {
    return this.#add({ name, run: undefined, options }) as unknown as Task<F, Name>
  }

  #add(definition: TaskDefinition): Task<AnyFunction> {
    const { name, run, options } = definition
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(`A task needs a name such as "proj.add", got ${JSON.stringify(name)}.`)
    checkTaskOptions(name, options)
    this.#registry.add(definition)
    const callable = function (this: unknown, ...args: unknown[]): unknown {
      if (run === undefined)
        throw new InvalidUsage(
          `Task "${name}" runs elsewhere: send it with ${name}.delay(…), it cannot be called here.`,
        )
      return run.apply(this, args)
    }
    const make = (
      args: readonly unknown[],
      more: { kwargs?: Readonly<Record<string, unknown>>; options?: object; immutable?: boolean } = {},
    ) => makeTaskSignature(name, this, { args, ...more }) as unknown as AnySignature
    const send = (args: readonly unknown[], call: CallOptions = {}) =>
      sendNode(this.#sending, make(args) as unknown as Node, [], call)
    const members: Readonly<Record<string, unknown>> = {
      name,
      taskName: name,
      s: (...args: unknown[]) => make(args),
      si: (...args: unknown[]) => make(args, { immutable: true }),
      signature: ({ args = [], ...more }: { args?: readonly unknown[] } = {}) => make(args, more),
      map: (items: readonly unknown[]) => xmap(make([]), items),
      starmap: (rows: readonly (readonly unknown[])[]) => xstarmap(make([]), rows),
      chunks: (rows: readonly (readonly unknown[])[], n: number) => chunks(make([]), rows, n),
      delay: (...args: unknown[]) => send(args),
      applyAsync: (args: readonly unknown[] = [], call: CallOptions = {}) => send(args, call),
    }
    for (const [key, value] of Object.entries(members))
      Object.defineProperty(callable, key, { value, configurable: true, enumerable: key !== 'name' })
    const task = callable as unknown as Task<AnyFunction>
    this.#tasks.set(name, task)
    return task
  }

  /** Sends a task by name; who runs it, and in which language, is not our business. */
  sendTask(name: string, args: readonly unknown[] = [], options: CallOptions = {}): PendingResult<any> {
    const node = makeTaskSignature(name, this, { args }) as unknown as Node
    return sendNode(this.#sending, node, [], options)
  }

  /** Sends any signature by this app, whatever app its tasks belong to. */
  send(signature: object, args: readonly unknown[] = [], options: CallOptions = {}): PendingResult<any, any> {
    return sendNode(this.#sending, asNode(signature, 'What app.send() is given'), args, options)
  }

  /** The result with this id, whoever sent the task. */
  result<T = unknown>(id: string): AsyncResult<T> {
    if (typeof id !== 'string' || id === '')
      throw new InvalidUsage(`app.result: expected the id of a task, got ${JSON.stringify(id)}.`)
    return new TaskResult<T>(this.#results, id)
  }

  /** Error classes that `get()` rebuilds when a task fails with one of their name. */
  errors(...classes: ErrorClass[]): this {
    for (const error of classes) {
      if (typeof error !== 'function' || error.name === '')
        throw new InvalidUsage(
          `app.errors: expected classes of errors that have a name, got ${typeof error}.`,
        )
      this.#errors.set(error.name, error)
    }
    return this
  }

  /**
   * Lets instances of a class travel as arguments and results: their own fields are sent, and put on an object
   * of the same class over there, without a call of the constructor. Both sides register it, under the same
   * name; Python sees the fields as a dict. Counts for all apps of this process.
   * @throws ImproperlyConfigured for a name that another class has.
   */
  registerClass(ctor: abstract new (...args: any[]) => object, name: string = ctor.name): this {
    if (typeof ctor !== 'function' || typeof name !== 'string')
      throw new InvalidUsage(`app.registerClass: expected a class and perhaps a name, got ${typeof ctor}.`)
    registerClass(ctor, name)
    return this
  }

  /** Calls `listener` whenever this happens here. The answer takes it off again. @throws ImproperlyConfigured */
  on<N extends SignalName>(name: N, listener: Listener<N>): () => void {
    return this.#signals.on(name, listener)
  }

  /** A worker in this process; nothing runs before `start()` or `run()`. */
  worker(options: WorkerOptions = {}): Worker {
    checkWorkerOptions(options)
    const { settings } = this
    const worker = new Worker(
      {
        app: this,
        broker: () => this.#open().then(({ broker }) => broker),
        means: (broker) => this.#means(broker),
        registry: this.#registry,
        results: this.#results,
        mint: randomUUID,
        log: this.log,
        createPool: (name, concurrency, execute) =>
          name === 'solo' ? createSoloPool(execute) : createFiberPool(concurrency, execute),
        settings: {
          ignoreResult: settings.taskIgnoreResult,
          storeErrorsEvenIfIgnored: settings.taskStoreErrorsEvenIfIgnored,
          acksOnFailureOrTimeout: settings.taskAcksOnFailureOrTimeout,
          resultExpires: settings.resultExpires,
          resultExtended: settings.resultExtended,
          inheritPriority: false,
          taskAcksLate: settings.taskAcksLate,
          taskTrackStarted: settings.taskTrackStarted,
          taskRejectOnWorkerLost: settings.taskRejectOnWorkerLost,
          maxDeliveries: settings.maxDeliveries,
          deadLetterMax: settings.deadLetterMax,
          deadLetterExpires: settings.deadLetterExpires,
          workerLease: settings.workerLease,
          workerSoftShutdownTimeout: settings.workerSoftShutdownTimeout,
          strategy: settings.brokerTransportOptions.queueOrderStrategy ?? 'round_robin',
        },
      },
      this.#workerOptions(options),
      this.#queues(options),
    )
    this.#workers.add(worker)
    return worker
  }

  #workerOptions(options: WorkerOptions): WorkerOptions {
    const { settings } = this
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

  #queues({ queues, excludeQueues = [] }: WorkerOptions): readonly string[] {
    const { taskQueues, taskDefaultQueue } = this.settings
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

  // Words of the contract that come with a later version: each says so.
  get control(): never {
    throw later('app.control', 'remote control')
  }
  get inspect(): never {
    throw later('app.inspect', 'remote control')
  }
  get dead(): never {
    throw later(
      'app.dead',
      'the guarantees; until then `(await app.broker()).dead` lists and purges dead letters',
    )
  }
  get groupResult(): never {
    throw later('app.groupResult', 'the whole canvas')
  }
  events(): never {
    throw later('app.events', 'events')
  }
  use(): never {
    throw later('app.use', 'middleware')
  }

  /** The broker, for those who look after queues: lengths, purging, dead letters. */
  async broker(): Promise<Broker> {
    return (await this.#open()).broker
  }

  async backend(): Promise<Backend> {
    return (await this.#open()).backend
  }

  /** Stops this app's workers and beat, and closes its connections. The app can be used again afterwards. */
  async close(): Promise<void> {
    await this.beat.close()
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    this.#workers.clear()
    const opening = this.#carrier
    this.#carrier = undefined
    this.#opened = undefined
    if (opening === undefined) return
    const carrier = await opening.catch(() => undefined)
    await carrier?.backend.close()
    await carrier?.broker.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(): Promise<Carrier> {
    if (this.#carrier !== undefined) return this.#carrier
    const { settings } = this
    if (settings.brokerUrl === undefined) return Promise.reject(noBroker(this.name))
    const opening = openCarrier(this.#carrierOptions())
    this.#carrier = opening
    opening.then(
      (carrier) => {
        this.#opened = carrier
      },
      () => {
        this.#carrier = undefined
      },
    )
    return opening
  }

  #carrierOptions(): CarrierOptions {
    const { settings } = this
    if (settings.brokerUrl === undefined) throw noBroker(this.name)
    return {
      brokerUrl: settings.brokerUrl,
      backendUrl: settings.resultBackend ?? settings.brokerUrl,
      globalKeyPrefix: settings.brokerTransportOptions.globalKeyPrefix ?? '',
      resultKeyPrefix: settings.resultBackendTransportOptions.globalKeyPrefix ?? '',
      timeout: settings.brokerConnectionTimeout,
      log: this.log,
    }
  }

  #beatHost(): BeatHost {
    return {
      name: this.name,
      settings: () => this.settings,
      log: () => this.log,
      registry: this.#registry,
      broker: () => this.broker(),
      backend: () => this.backend(),
      means: (broker) => this.#means(broker),
      carrierOptions: () => this.#carrierOptions(),
      announce: (signal) => this.#signals.send(signal, { beat: this.beat }, this.log),
    }
  }

  #means(broker: Broker): Means {
    this.#router ??= new Router(this.settings, this.#registry)
    return { router: this.#router, broker, compression: this.settings.taskCompression ?? undefined }
  }

  readonly #results: ResultSource = {
    backend: () => this.backend(),
    errors: this.#errors,
    now: () => this.#opened?.broker.now() ?? Date.now(),
    handle: (tuple) => fromTuple(this.#results, tuple),
  }

  readonly #sending: SendingApp = {
    name: '',
    registry: this.#registry,
    results: this.#results,
    broker: () => this.broker(),
    means: (broker) => this.#means(broker),
    publishing: () => this.settings,
    mint: randomUUID,
  }

  /** For the sender: signatures know their app as an object. */
  static sendingOf(app: object): SendingApp | undefined {
    return app instanceof App ? app.#sending : undefined
  }
}

/** Apps of this process; a signature of no app is sent by the only one. */
const known = new Set<App>()

installAppSender(
  installSender,
  (owner) => App.sendingOf(owner),
  () => (known.size === 1 ? App.sendingOf([...known][0] as App) : undefined),
)

/**
 * An app: a broker, a place for results, and tasks.
 * @param settings `broker` and any setting of Celery's, in camelCase; unknown ones are refused.
 */
export const createApp = (name: string, settings: SettingsInput = {}): App => new App(name, settings)
