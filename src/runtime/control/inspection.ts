// app.inspect: Celery's questions, each a call that gives one answer for each node that said something.
import type { BroadcastOptions, ControlClient } from './client.js'

/** Node name → its answer. Empty when nobody answered in time. */
export type Answers<T> = Readonly<Record<string, T>>

/** A task in a worker's hands, with Celery's keys. */
export interface TaskView {
  readonly id: string
  readonly name: string
  readonly args: unknown
  readonly kwargs: unknown
  readonly type: string
  readonly hostname: string
  /** Unix seconds. */
  readonly time_start: number | null
  readonly acknowledged: boolean
  readonly delivery_info: Readonly<Record<string, unknown>>
  readonly worker_pid: number | null
}

type Fields = Readonly<Record<string, any>>

export class Inspect {
  constructor(
    private readonly client: ControlClient,
    private readonly options: BroadcastOptions,
  ) {}

  /** Any question by its command's name. */
  async ask<T = unknown>(method: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answers<T>> {
    const replies = await this.client.ask(method, args, this.options)
    return Object.assign({}, ...replies) as Answers<T>
  }

  ping(): Promise<Answers<{ readonly ok: string }>> {
    return this.ask('ping')
  }

  /** What runs. `safe`: arguments as text. */
  active({ safe = false }: { readonly safe?: boolean } = {}): Promise<Answers<readonly TaskView[]>> {
    return this.ask('active', { safe })
  }

  /** What was fetched and waits for a free slot. */
  reserved(): Promise<Answers<readonly TaskView[]>> {
    return this.ask('reserved')
  }

  /** What waits for its eta. */
  scheduled(): Promise<
    Answers<readonly { readonly eta: string; readonly priority: number; readonly request: TaskView }[]>
  > {
    return this.ask('scheduled')
  }

  queryTask(
    ...ids: readonly string[]
  ): Promise<Answers<Readonly<Record<string, readonly [string, TaskView]>>>> {
    return this.ask('query_task', { ids })
  }

  /** Ids. */
  revoked(): Promise<Answers<readonly string[]>> {
    return this.ask('revoked')
  }

  /** Names of tasks, with those of their options that are named here. */
  registered(...options: readonly string[]): Promise<Answers<readonly string[]>> {
    return this.ask('registered', { taskinfoitems: options })
  }

  activeQueues(): Promise<Answers<readonly Fields[]>> {
    return this.ask('active_queues')
  }

  stats(): Promise<Answers<Fields>> {
    return this.ask('stats')
  }

  /** Settings that differ from the defaults, under Python's names, without secrets. */
  conf({ withDefaults = false }: { readonly withDefaults?: boolean } = {}): Promise<Answers<Fields>> {
    return this.ask('conf', { with_defaults: withDefaults })
  }

  report(): Promise<Answers<{ readonly ok: string }>> {
    return this.ask('report')
  }

  clock(): Promise<Answers<{ readonly clock: number }>> {
    return this.ask('clock')
  }

  memsample(): Promise<Answers<string | null>> {
    return this.ask('memsample')
  }
}
