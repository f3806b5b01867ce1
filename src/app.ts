// createApp(): the one place where the rooms meet. URLs become Redis or memory parts here, tasks become
// callables, and signatures get a sender. Nothing connects before it is needed.
import type { Observable } from 'rxjs'
import { beatMeans } from './app-beat.js'
import { callingModule } from './app-cargo.js'
import { isChild } from './app-child.js'
import { AppRuntime, type Inside } from './app-runtime.js'
import type { SignalName, Signals } from './app-signals.js'
import { type AnyFunction, makeTask, type Task } from './app-task.js'
import { makeWorker } from './app-worker.js'
import { Beat } from './beat/beat.js'
import { asNode, type Node } from './canvas/node.js'
import { type AsyncResult, type CallOptions, installSender, type PendingResult } from './canvas/sender.js'
import { makeTaskSignature } from './canvas/signature.js'
import { show } from './canvas/words.js'
import type { Settings, SettingsInput } from './config.js'
import { ImproperlyConfigured, InvalidSignature, InvalidUsage } from './errors.js'
import type { Logger } from './log.js'
import type { Backend } from './runtime/backend.js'
import type { Broker } from './runtime/broker.js'
import { registerBuiltins } from './runtime/builtins.js'
import type { Carrier } from './runtime/carrier.js'
import type { TaskContext } from './runtime/context.js'
import type { Control } from './runtime/control/control.js'
import type { Inspect } from './runtime/control/inspection.js'
import { DeadLetters } from './runtime/dead.js'
import type { EventStream } from './runtime/event-stream.js'
import type { EventOf, EventType } from './runtime/events.js'
import type { ErrorClass } from './runtime/failure.js'
import { registerClass } from './runtime/json.js'
import { textDepthOf } from './runtime/json-limits.js'
import { checkMiddleware, type Middleware } from './runtime/middleware.js'
import { TaskResult } from './runtime/result.js'
import { SavedGroups } from './runtime/saved-groups.js'
import { installAppSender, sendNode, type SendingApp } from './runtime/send.js'
import type { Listener } from './runtime/signalling.js'
import { checkTaskOptions, type TaskDefinition, type TaskOptions } from './runtime/task.js'
import type { WorkerOptions } from './runtime/worker/options.js'
import type { Worker } from './runtime/worker/worker.js'

export class App {
  readonly name: string
  readonly beat: Beat
  readonly #runtime: AppRuntime
  readonly #tasks = new Map<string, Task<AnyFunction>>()
  readonly #workers = new Set<Worker>()
  /** The file that made this app, as far as the stack tells. */
  readonly #module = callingModule()

  constructor(name: string, input: SettingsInput) {
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(`createApp: expected a name for the app, got ${JSON.stringify(name)}.`)
    this.name = name
    this.#runtime = new AppRuntime(name, input)
    // An app is known by this and never by its class: there may be two copies of the library.
    Object.defineProperty(this, Symbol.for('lovage.app'), { value: true })
    const runtime = this.#runtime
    registerBuiltins(runtime.registry, () => runtime.results)
    const announce = (signal: 'beatInit' | 'beatEmbeddedInit'): void =>
      void runtime.signals.send(signal, { beat: this.beat })
    this.beat = new Beat(beatMeans({ name, runtime, announce }))
    known.add(this)
  }

  get settings(): Settings {
    return this.#runtime.settings
  }

  /**
   * This process (or thread) is a child of a pool: it runs the tasks that it is given, and workers and beats
   * cannot be started in it.
   */
  get isChild(): boolean {
    return isChild()
  }

  get log(): Logger {
    return this.#runtime.log
  }

  /** Settings over those given so far. Throws InvalidUsage once a connection was made with the old ones. */
  configure(input: SettingsInput): this {
    if (this.#runtime.carrier.isInUse)
      throw new InvalidUsage(
        'configure() comes too late: this app is connected. Configure it before its first use.',
      )
    this.#runtime.config.configure(input)
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
    this.#runtime.registry.add(definition)
    const task = makeTask(definition, this, this.#runtime.sending)
    this.#tasks.set(name, task)
    return task
  }

  /** Sends a task by name; who runs it, and in which language, is not our business. */
  sendTask(name: string, args: readonly unknown[] = [], options: CallOptions = {}): PendingResult<any> {
    const node = makeTaskSignature(name, this, { args }) as unknown as Node
    return sendNode(this.#runtime.sending, node, [], options)
  }

  /** Sends any signature by this app, whatever app its tasks belong to. */
  send(signature: object, args: readonly unknown[] = [], options: CallOptions = {}): PendingResult<any, any> {
    if (!Array.isArray(args))
      throw new InvalidSignature(`app.send() expects an array of arguments, but got ${show(args)}.`)
    return sendNode(this.#runtime.sending, asNode(signature, 'What app.send() is given'), args, options)
  }

  /** The result with this id, whoever sent the task. */
  result<T = unknown>(id: string): AsyncResult<T> {
    if (typeof id !== 'string' || id === '')
      throw new InvalidUsage(`app.result: expected the id of a task, got ${JSON.stringify(id)}.`)
    return new TaskResult<T>(this.#runtime.results, id)
  }

  /** Groups that were saved: `app.groupResult.restore(id)`. */
  get groupResult(): SavedGroups {
    return new SavedGroups(this.#runtime.results)
  }

  /** Error classes that `get()` rebuilds when a task fails with one of their name. */
  errors(...classes: ErrorClass[]): this {
    for (const error of classes) {
      if (typeof error !== 'function' || error.name === '')
        throw new InvalidUsage(
          `app.errors: expected classes of errors that have a name, got ${typeof error}.`,
        )
      this.#runtime.errors.set(error.name, error)
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
    return this.#runtime.signals.on(name, listener)
  }

  /**
   * Puts a layer around every message that is sent and every task that runs here; the first is outermost.
   * @throws ImproperlyConfigured
   */
  use(middleware: Middleware): this {
    checkMiddleware(middleware)
    this.#runtime.weaver.use(middleware)
    return this
  }

  /** A worker in this process; nothing runs before `start()` or `run()`. */
  worker(options: WorkerOptions = {}): Worker {
    const app = { name: this.name, module: this.#module, itself: this }
    const worker = makeWorker(app, this.#runtime, options)
    this.#workers.add(worker)
    return worker
  }

  /** Celery's remote control: says something to the workers. */
  get control(): Control {
    return this.#runtime.control
  }

  /** Celery's questions to the workers; to some of them: `app.control.inspect({ destination })`. */
  get inspect(): Inspect {
    return this.control.inspect()
  }

  /** Messages that could not end well: listed, shown, sent again, thrown away. */
  get dead(): DeadLetters {
    return new DeadLetters({
      broker: () => this.broker(),
      guards: () => this.#runtime.config.guards,
      mostLevels: () => textDepthOf(this.#runtime.settings.canvasMaxLevels),
    })
  }

  /**
   * What workers and clients tell, as it happens: `for await (const event of app.events())`. Of these types only, where
   * some are named; types of your own are heard by name, or by `'*'`, which is everything.
   */
  events<T extends string = EventType>(...types: readonly T[]): EventStream<T> {
    return this.#runtime.events.open(types)
  }

  /** The same as an Observable of rxjs. Each subscriber listens for itself. */
  events$<T extends string = EventType>(...types: readonly T[]): Observable<EventOf<T>> {
    return this.#runtime.events.observe(types)
  }

  /** The broker, for those who look after queues: lengths, purging. */
  broker(): Promise<Broker> {
    return this.#runtime.broker()
  }

  backend(): Promise<Backend> {
    return this.#runtime.backend()
  }

  /** Stops this app's workers and beat, and closes its connections. The app can be used again afterwards. */
  async close(): Promise<void> {
    await this.beat.close()
    await Promise.all([...this.#workers].map((worker) => worker.stop()))
    this.#workers.clear()
    await this.#runtime.events.close()
    await this.#runtime.carrier.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** For a child of a pool: what it runs tasks with. From now on the app logs there, too. */
  inside(log: Logger, far: Carrier | undefined): Inside {
    return this.#runtime.inside(log, far)
  }

  static named(name: string): readonly App[] {
    return [...known].filter((app) => app.name === name)
  }

  /** For the sender: signatures know their app as an object. */
  static sendingOf(app: object): SendingApp | undefined {
    return app instanceof App ? app.#runtime.sending : undefined
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
