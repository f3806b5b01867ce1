// What the command line asks of an App: the part of the public API that it drives. An app is known by its
// brand and never by its class, since it may come from another copy of this library.
import type { Settings, SettingsInput } from '../config.js'
import type * as Library from '../index.js'

const brand = Symbol.for('lovage.app')

export type WorkerOptions = Library.WorkerOptions

export interface WorkerPort {
  readonly hostname: string
  readonly queues: readonly string[]
  readonly bindings: readonly {
    readonly name: string
    readonly exchange: string
    readonly exchangeType: string
    readonly routingKey: string
  }[]
  readonly poolName: string
  readonly concurrency: number
  /** Names of the tasks that it can run, sorted. */
  readonly tasks: readonly string[]
  /** Starts, and stays until a signal; resolves with the exit code. */
  run(): Promise<number>
  stop(): Promise<unknown>
}

export interface ResultPort {
  get(options?: { readonly timeout?: number }): Promise<unknown>
  state(): Promise<string>
  traceback(): Promise<string | null | undefined>
  graph(): Promise<unknown>
  meta(): Promise<{ readonly parentId: string | null; readonly fields: Readonly<Record<string, unknown>> }>
}

export interface FindingPort {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'error'
  readonly says: string
  readonly mend: string | null
  readonly commands: readonly string[]
}

export interface BrokerPort {
  readonly url: string
  /** Rejects with OperationalError while it cannot be reached. */
  inspect(): Promise<unknown>
  examine(queues: readonly string[]): Promise<readonly FindingPort[]>
  length(queue: string): Promise<number>
}

export interface AppPort {
  readonly name: string
  readonly settings: Settings
  /** Merges settings over those given so far; only before the first use. */
  configure(input: SettingsInput): unknown
  worker(options: WorkerOptions): WorkerPort
  sendTask(
    name: string,
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
  ): PromiseLike<{ readonly id: string }>
  result(id: string): ResultPort
  broker(): Promise<BrokerPort>
  backend(): Promise<{ readonly url: string }>
  readonly beat: Library.App['beat']
  readonly control: Library.App['control']
  readonly dead: Library.App['dead']
  events(...types: readonly '*'[]): Library.EventStream<'*'>
  close(): Promise<unknown>
}

export const isApp = (value: unknown): value is AppPort =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && brand in value

/** This very library as users import it: their code is given the copy that is running. */
export const library = (): Promise<typeof Library> => import('../index.js')

/** An app without tasks, for commands that need only a broker. */
export const appWithoutTasks = async (): Promise<AppPort> => (await library()).createApp('lovage')
