// createApp(): the one place where the rooms meet. URLs become Redis or memory parts here, tasks become
// callables, and signatures get a sender. Nothing connects before it is needed.
import { randomUUID } from 'node:crypto'
import type { Observable } from 'rxjs'
import { beatMeans, type BeatHost } from './app-beat.js'
import { AppCarrier } from './app-carrier.js'
import { AppEvents } from './app-events.js'
import { type SignalName, type Signals, signalNames } from './app-signals.js'
import { type AnyFunction, makeTask, type Task } from './app-task.js'
import { packageVersion } from './app-version.js'
import { poolMaker, scaler, settleWorker, workerSettings } from './app-worker.js'
import { callingModule } from './app-cargo.js'
import { Beat } from './beat/beat.js'
import { makeTaskSignature } from './canvas/signature.js'
import { asNode, type Node } from './canvas/node.js'
import { type AsyncResult, type CallOptions, installSender, type PendingResult } from './canvas/sender.js'
import { givenSettings, mergeSettings, readSettings, type Settings, type SettingsInput } from './config.js'
import { ImproperlyConfigured, InvalidUsage } from './errors.js'
import { createLogger, type Logger } from './log.js'
import type { Backend } from './runtime/backend.js'
import type { Around } from './runtime/around.js'
import type { Broker } from './runtime/broker.js'
import type { Carrier } from './runtime/carrier.js'
import { registerBuiltins } from './runtime/builtins.js'
import type { TaskContext } from './runtime/context.js'
import { DeadLetters } from './runtime/dead.js'
import { Control } from './runtime/control/control.js'
import type { Inspect } from './runtime/control/inspection.js'
import { RevokeTogether } from './runtime/control/together.js'
import type { EventStream } from './runtime/event-stream.js'
import type { EventOf, EventType } from './runtime/events.js'
import type { ErrorClass } from './runtime/failure.js'
import { registerClass } from './runtime/json.js'
import type { Mailbox } from './runtime/mailbox.js'
import { checkMiddleware, type Middleware } from './runtime/middleware.js'
import type { Means } from './runtime/perform.js'
import type { CanvasLimits } from './runtime/check-canvas.js'
import { Registry } from './runtime/registry.js'
import { fromTuple } from './runtime/handles.js'
import { TaskResult } from './runtime/result.js'
import type { ResultSource } from './runtime/result-source.js'
import { type Routed, Router } from './runtime/router.js'
import { Guards } from './runtime/security/guard.js'
import { SavedGroups } from './runtime/saved-groups.js'
import { installAppSender, sendNode, type SendingApp } from './runtime/send.js'
import { type Listener, Signalling } from './runtime/signalling.js'
import { checkTaskOptions, type TaskDefinition, type TaskOptions } from './runtime/task.js'
import type { TaskSignalling } from './runtime/task-signals.js'
import { Weaver } from './runtime/weave.js'
import type { WorkerOptions } from './runtime/worker/options.js'
import { Worker } from './runtime/worker/worker.js'

export class App {
  readonly name: string
  readonly beat: Beat
  readonly #registry = new Registry()
  readonly #tasks = new Map<string, Task<AnyFunction>>()
  readonly #errors = new Map<string, ErrorClass>()
  readonly #workers = new Set<Worker>()
  readonly #signals = new Signalling<Signals>(signalNames, () => this.log)
  readonly #weaver = new Weaver(this.#signals, () => this.log)
  readonly #revoking = new RevokeTogether((ids, options) => this.control.revoke(ids, options))
  readonly #events = new AppEvents({
    mailbox: () => this.#mailbox(),
    exchange: () => this.settings.eventExchange,
    wake: () => this.control.heartbeat(),
    log: () => this.log,
  })
  /** The file that made this app, as far as the stack tells. */
  readonly #module = callingModule()
  #input: SettingsInput
  #settings: Settings | undefined
  #router: Router | undefined
  #guards: { readonly of: Guards | undefined } | undefined
  readonly #carrier: AppCarrier
  #log: Logger | undefined
  #control: Control | undefined

  constructor(name: string, input: SettingsInput) {
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(`createApp: expected a name for the app, got ${JSON.stringify(name)}.`)
    this.name = name
    this.#input = input
    this.#carrier = new AppCarrier(
      name,
      () => this.settings,
      () => this.log,
    )
    // An app is known by this and never by its class: there may be two copies of the library.
    Object.defineProperty(this, Symbol.for('lovage.app'), { value: true })
    // Wrong settings are told where they were written, not at the first use.
    readSettings(input)
    registerBuiltins(this.#registry, () => this.#results)
    this.beat = new Beat(beatMeans(this.#beatHost()))
    known.add(this)
  }

  get settings(): Settings {
    this.#settings ??= readSettings(this.#input)
    return this.#settings
  }

  /**
   * This process (or thread) is a child of a pool: it runs the tasks that it is given, and workers and beats
   * cannot be started in it.
   */
  get isChild(): boolean {
    return Object.hasOwn(globalThis, childKey)
  }

  get log(): Logger {
    this.#log ??= createLogger({ level: 'WARNING' })
    return this.#log
  }

  /** Settings over those given so far. Throws InvalidUsage once a connection was made with the old ones. */
  configure(input: SettingsInput): this {
    if (this.#carrier.isInUse)
      throw new InvalidUsage(
        'configure() comes too late: this app is connected. Configure it before its first use.',
      )
    this.#input = mergeSettings(this.#input, input)
    this.#settings = readSettings(this.#input)
    this.#router = undefined
    this.#guards = undefined
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
  // `never[]`: with `any[]` a default parameter without an annotation would be `any`.
  task<const Name extends string, F extends (this: TaskContext, ...args: never[]) => any>(
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
    const { name, options } = definition
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(`A task needs a name such as "proj.add", got ${JSON.stringify(name)}.`)
    checkTaskOptions(name, options)
    this.#registry.add(definition)
    const task = makeTask(definition, this, this.#sending)
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

  /** Groups that were saved: `app.groupResult.restore(id)`. */
  get groupResult(): SavedGroups {
    return new SavedGroups(this.#results)
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
  on<N extends SignalName>(name: N, listener: Listener<Signals, N>): () => void {
    return this.#signals.on(name, listener)
  }

  /**
   * Puts a layer around every message that is sent and every task that runs here; the first is outermost.
   * @throws ImproperlyConfigured
   */
  use(middleware: Middleware): this {
    checkMiddleware(middleware)
    this.#weaver.use(middleware)
    return this
  }

  /** A worker in this process; nothing runs before `start()` or `run()`. */
  worker(options: WorkerOptions = {}): Worker {
    const { settings } = this
    const settled = settleWorker(options, settings)
    // Keys that cannot be read are told now, and not with the first message.
    this.#guard()
    const worker = new Worker(
      {
        app: this,
        broker: () => this.broker(),
        means: (broker) => this.#means(broker),
        registry: this.#registry,
        results: this.#results,
        mint: randomUUID,
        log: this.log,
        remote: {
          app: this.name,
          version: packageVersion(),
          settings,
          changed: givenSettings(this.#input),
          mailbox: () => this.#mailbox(),
        },
        createPool: poolMaker({ name: this.name, module: this.#module }, this.#registry, settings),
        scale: scaler(settled.options),
        isChild: this.isChild,
        signals: this.#signals,
        around: this.#around,
        tellSent: this.#tellSent(),
        settings: workerSettings(settings),
      },
      settled.options,
      settled.queues,
    )
    this.#workers.add(worker)
    return worker
  }

  /** Celery's remote control: says something to the workers. */
  get control(): Control {
    this.#control ??= new Control({
      mailbox: () => this.#mailbox(),
      broker: () => this.broker(),
      settings: () => this.settings,
      controlExchange: () => this.settings.controlExchange,
    })
    return this.#control
  }

  /** Celery's questions to the workers; to some of them: `app.control.inspect({ destination })`. */
  get inspect(): Inspect {
    return this.control.inspect()
  }

  /** Messages that could not end well: listed, shown, sent again, thrown away. */
  get dead(): DeadLetters {
    return new DeadLetters({ broker: () => this.broker(), guards: () => this.#guard() })
  }

  /**
   * What workers and clients tell, as it happens: `for await (const event of app.events())`. Of these types only, where
   * some are named; types of your own are heard by name, or by `'*'`, which is everything.
   */
  events<T extends string = EventType>(...types: readonly T[]): EventStream<T> {
    return this.#events.open(types)
  }

  /** The same as an Observable of rxjs. Each subscriber listens for itself. */
  events$<T extends string = EventType>(...types: readonly T[]): Observable<EventOf<T>> {
    return this.#events.observe(types)
  }

  /** The broker, for those who look after queues: lengths, purging. */
  async broker(): Promise<Broker> {
    return (await this.#carrier.open()).broker
  }

  async #mailbox(): Promise<Mailbox> {
    return (await this.#carrier.open()).mailbox
  }

  async backend(): Promise<Backend> {
    return (await this.#carrier.open()).backend
  }

  /** Stops this app's workers and beat, and closes its connections. The app can be used again afterwards. */
  async close(): Promise<void> {
    await this.beat.close()
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    this.#workers.clear()
    await this.#events.close()
    await this.#carrier.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #beatHost(): BeatHost {
    return {
      name: this.name,
      settings: () => this.settings,
      log: () => this.log,
      isChild: () => this.isChild,
      registry: this.#registry,
      broker: () => this.broker(),
      backend: () => this.backend(),
      means: (broker) => this.#means(broker),
      carrierOptions: () => this.#carrier.options(),
      announce: (signal) => void this.#signals.send(signal, { beat: this.beat }),
    }
  }

  #routes(): Router {
    this.#router ??= new Router(this.settings, this.#registry)
    return this.#router
  }

  #guard(): Guards | undefined {
    this.#guards ??= { of: Guards.of(this.settings) }
    return this.#guards.of
  }

  #means(broker: Broker): Means {
    const { taskCompression } = this.settings
    return {
      router: this.#routes(),
      broker,
      compression: taskCompression ?? undefined,
      guards: this.#guard(),
      weaver: this.#weaver,
    }
  }

  readonly #results: ResultSource = {
    backend: () => this.backend(),
    errors: this.#errors,
    now: () => this.#carrier.now(),
    expires: () => this.settings.resultExpires,
    handle: (tuple) => fromTuple(this.#results, tuple),
    revoke: (id, options) => this.#revoking.revoke(id, options),
  }

  readonly #sending: SendingApp = {
    name: '',
    registry: this.#registry,
    results: this.#results,
    broker: () => this.broker(),
    opened: () => this.#carrier.opened?.broker,
    means: (broker) => this.#means(broker),
    isOurs: (task) => this.#routes().isOurs(task),
    publishing: () => this.settings,
    tellSent: () => this.#tellSent(),
    mint: randomUUID,
  }

  /** What a child of a pool runs tasks with. From now on the app logs there, too. */
  inside(
    log: Logger,
    far: Carrier | undefined,
  ): {
    readonly registry: Registry
    readonly results: ResultSource
    readonly limits: CanvasLimits
    readonly guards: Guards | undefined
    readonly signals: TaskSignalling
    readonly around: () => Around | undefined
  } {
    this.#log = log
    if (far !== undefined) this.#carrier.lend(far)
    return {
      registry: this.#registry,
      results: this.#results,
      limits: this.settings,
      guards: this.#guard(),
      signals: this.#signals,
      around: this.#around,
    }
  }

  /** Undefined where the settings do not want it. */
  #tellSent(): ((sent: readonly Routed[]) => void) | undefined {
    return this.settings.taskSendSentEvent ? (sent) => this.#events.sent.tell(sent) : undefined
  }

  readonly #around = (): Around | undefined => {
    const { layers } = this.#weaver
    if (this.#signals.isQuiet && layers.length === 0) return undefined
    return { signals: this.#signals, layers, log: this.log }
  }

  static named(name: string): readonly App[] {
    return [...known].filter((app) => app.name === name)
  }

  /** For the sender: signatures know their app as an object. */
  static sendingOf(app: object): SendingApp | undefined {
    return app instanceof App ? app.#sending : undefined
  }
}

/** Apps of this process; a signature of no app is sent by the only one. */
const known = new Set<App>()

/** Also for another copy of this library in the same process. */
const childKey = Symbol.for('lovage.child')

/** Said by the program of a child, before it loads anything. */
export const markChild = (): void => {
  Object.defineProperty(globalThis, childKey, { value: true })
}

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
