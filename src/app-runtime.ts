// What the runtime is given by an app: the tasks that it knows, how work is sent and results are read, what stands
// around both, and what the app tells and hears.
import { randomUUID } from 'node:crypto'
import { AppCarrier } from './app-carrier.js'
import { AppEvents } from './app-events.js'
import { AppSettings } from './app-settings.js'
import { type Signals, signalNames } from './app-signals.js'
import type { Settings, SettingsInput } from './config.js'
import { createLogger, type Logger } from './log.js'
import type { Around } from './runtime/around.js'
import type { Backend } from './runtime/backend.js'
import type { Broker } from './runtime/broker.js'
import type { Carrier } from './runtime/carrier.js'
import type { CanvasLimits } from './runtime/check-canvas.js'
import { Control } from './runtime/control/control.js'
import { RevokeTogether } from './runtime/control/together.js'
import type { ErrorClass } from './runtime/failure.js'
import { fromTuple } from './runtime/handles.js'
import type { Mailbox } from './runtime/mailbox.js'
import type { Means } from './runtime/perform.js'
import { Registry } from './runtime/registry.js'
import type { ResultSource } from './runtime/result-source.js'
import type { Routed } from './runtime/router.js'
import type { Guards } from './runtime/security/guard.js'
import type { SendingApp } from './runtime/send.js'
import { Signalling } from './runtime/signalling.js'
import type { TaskSignalling } from './runtime/task-signals.js'
import { Weaver } from './runtime/weave.js'

/** What a child of a pool runs tasks with. */
export interface Inside {
  readonly registry: Registry
  readonly results: ResultSource
  readonly limits: CanvasLimits
  readonly guards: Guards | undefined
  readonly signals: TaskSignalling
  readonly around: () => Around | undefined
}

export class AppRuntime {
  readonly registry = new Registry()
  /** Classes of errors that `get()` rebuilds, by name. */
  readonly errors = new Map<string, ErrorClass>()
  readonly config: AppSettings
  readonly carrier: AppCarrier
  readonly signals = new Signalling<Signals>(signalNames, () => this.log)
  readonly weaver = new Weaver(this.signals, () => this.log)
  readonly events = new AppEvents({
    mailbox: () => this.mailbox(),
    exchange: () => this.settings.eventExchange,
    wake: () => this.control.heartbeat(),
    log: () => this.log,
  })
  readonly #revoking = new RevokeTogether((ids, options) => this.control.revoke(ids, options))
  #control: Control | undefined
  #log: Logger | undefined
  readonly #warned = new Set<string>()

  constructor(name: string, input: SettingsInput) {
    this.config = new AppSettings(input, this.registry)
    this.carrier = new AppCarrier(
      name,
      () => this.settings,
      () => this.log,
    )
  }

  get settings(): Settings {
    return this.config.all
  }

  get log(): Logger {
    this.#log ??= createLogger({ level: 'WARNING' })
    return this.#log
  }

  get control(): Control {
    this.#control ??= new Control({
      mailbox: () => this.mailbox(),
      broker: () => this.broker(),
      settings: () => this.settings,
      controlExchange: () => this.settings.controlExchange,
      purge: (queue) => this.#purge(queue),
    })
    return this.#control
  }

  async #purge(queue: string): Promise<number> {
    // Parts of a worker, which a client does without until then.
    const [{ purge }, { workerSettings }] = await Promise.all([
      import('./runtime/worker/purge.js'),
      import('./app-worker-settings.js'),
    ])
    const broker = await this.broker()
    const { registry, log } = this
    const settings = workerSettings(this.settings)
    return purge({ broker, means: this.means(broker), registry, settings, mint: randomUUID, log }, queue)
  }

  async broker(): Promise<Broker> {
    return (await this.carrier.open()).broker
  }

  async backend(): Promise<Backend> {
    return (await this.carrier.open()).backend
  }

  async mailbox(): Promise<Mailbox> {
    return (await this.carrier.open()).mailbox
  }

  means(broker: Broker): Means {
    const { config, weaver } = this
    const { taskCompression } = config.all
    return {
      router: config.router,
      broker,
      compression: taskCompression ?? undefined,
      guards: config.guards,
      openFar: broker.openFar,
      weaver,
    }
  }

  readonly results: ResultSource = {
    backend: () => this.backend(),
    errors: this.errors,
    now: () => this.carrier.now(),
    expires: () => this.settings.resultExpires,
    handle: (tuple) => fromTuple(this.results, tuple),
    revoke: (id, options) => this.#revoking.revoke(id, options),
  }

  readonly sending: SendingApp = {
    registry: this.registry,
    results: this.results,
    broker: () => this.broker(),
    opened: () => this.carrier.opened?.broker,
    means: (broker) => this.means(broker),
    isOurs: (task, queue) => this.config.router.isOurs(task, queue),
    publishing: () => this.settings,
    tellSent: () => this.tellSent(),
    mint: randomUUID,
    warn: (sentence) => {
      if (this.#warned.has(sentence)) return
      this.#warned.add(sentence)
      this.log.warning(sentence)
    },
  }

  /** Undefined where the settings do not want it. */
  tellSent(): ((sent: readonly Routed[]) => void) | undefined {
    return this.settings.taskSendSentEvent ? (sent) => this.events.sent.tell(sent) : undefined
  }

  /** Undefined where nobody listens, and no layer is put around tasks. */
  readonly around = (): Around | undefined => {
    const { layers } = this.weaver
    if (this.signals.isQuiet && layers.length === 0) return undefined
    return { signals: this.signals, layers, log: this.log }
  }

  /** In a child of a pool. From now on the app logs there, too. */
  inside(log: Logger, far: Carrier | undefined): Inside {
    this.#log = log
    if (far !== undefined) this.carrier.lend(far)
    const { registry, results, settings, config, signals, around } = this
    return { registry, results, limits: settings, guards: config.guards, signals, around }
  }
}
