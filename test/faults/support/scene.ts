// Where a case is played: a Redis of its own, a ledger, a client in this process, workers in theirs.
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { type App, createApp } from 'lovage'
import { type CeleryWorker, startCelery } from '../../support/celery.js'
import { planted } from '../../support/planted.js'
import { type Running, startNode } from '../../support/processes.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { Ledger } from './ledger.js'
import { type Random, seeded } from './random.js'
import { Report } from './report.js'

/** `full` is what the table in docs/guarantees.md tells of; `short` is for every `npm test`. */
export type Size = 'full' | 'short'

export interface FaultCase {
  readonly name: string
  readonly title: string
  /** More arguments for its Redis. */
  readonly redis?: readonly string[]
  readonly play: (scene: Scene, size: Size) => Promise<void>
}

export interface WorkerOptions {
  readonly queues?: readonly string[]
  readonly concurrency?: number
  /** Default: the scene's Redis. */
  readonly url?: string
  /** Default: where results lie. */
  readonly backend?: string
  /** Seconds. */
  readonly lease?: number
  readonly maxDeliveries?: number
  readonly prefetchMultiplier?: number
  readonly logLevel?: 'INFO'
  /** How far its host's clock is ahead. */
  readonly clockMs?: number
  /** Queues that Python workers consume as well, and the seconds after which these lose what they hold. */
  readonly shared?: readonly string[]
  readonly visibilityTimeout?: number
  /** It knows the tasks that others do not. */
  readonly knowsOthers?: boolean
}

/** Seconds; what workers get unless a case is about another one. */
export const lease = 2

/** Of a Celery worker: it holds as many messages. */
export const peerConcurrency = 4

const program = fileURLToPath(new URL('../programs/worker.js', import.meta.url))
const beatProgram = fileURLToPath(new URL('../programs/beat.js', import.meta.url))
const pythonProgram = fileURLToPath(new URL('../programs/faults.py', import.meta.url))
const defaultQueue = 'faults'

/** Node's option for a process, its threads and children, whose host's clock is off. */
const clockOff = (ms: number): string => {
  const code = `const Real = Date, now = () => Real.now() + ${ms};
globalThis.Date = class Date extends Real { constructor(...of) { of.length > 0 ? super(...of) : super(now()) }; static now() { return now() } }`
  return `--import=data:text/javascript,${encodeURIComponent(code)}`
}

export interface Meta {
  readonly status: string
  readonly result: unknown
}

const isFinal = (meta: Meta | undefined): meta is Meta =>
  meta !== undefined && ['SUCCESS', 'FAILURE', 'REVOKED'].includes(meta.status)

type InTurn = (key: string, value: number, ms: number) => number

/** It has not the code of what it sends. Of this queue it knows that workers of ours alone consume it: big canvases go by reference. */
const ours = 'ours'

const clientOf = (broker: string, backend: string, queue: string, alone: boolean, patience?: number) => {
  const app = createApp('faults', {
    broker,
    resultBackend: backend,
    taskDefaultQueue: queue,
    ...(patience !== undefined && { brokerConnectionTimeout: patience }),
    ...((queue === ours || alone) && { taskQueues: { [queue]: { shared: false } } }),
  })
  return {
    app,
    nap: app.declare<(value: number, ms: number) => number>('faults.nap'),
    roll: app.declare<(index: number, ms: number) => number>('faults.roll'),
    collect: app.declare<(results: readonly number[], label: number) => readonly number[]>('faults.collect'),
    add: app.declare<(a: number, b: number, ms?: number) => number>('faults.add'),
    total: app.declare<(numbers: readonly unknown[]) => number>('faults.total'),
    stubborn: app.declare<(value: number, times: number, ms: number) => number>('faults.stubborn'),
    swap: app.declare<(value: number) => number>('faults.swap'),
    grow: app.declare<(value: number) => number>('faults.grow'),
    leave: app.declare<(value: number) => number>('faults.leave'),
    elsewhere: app.declare<(value: number) => number>('faults.elsewhere', { queue: 'others' }),
    once: app.declare<(value: number, ms: number) => number>('faults.once'),
    refuse: app.declare<(value: number, ms: number) => number>('faults.refuse'),
    poison: app.declare<(ms: number) => null>('faults.poison'),
    tell: app.declare<(id: string) => string>('faults.tell'),
    grind: app.declare<(value: number, ms: number) => number>('faults.grind'),
    keyed: app.declare<InTurn>('faults.keyed', { concurrencyKey: (key: string) => key }),
    /** As from Python: its worker finds the key. */
    loose: app.declare<InTurn>('faults.loose'),
    both: app.declare<InTurn>('faults.both', { concurrencyKey: (key: string) => key }),
    paced: app.declare<(value: number) => number>('faults.paced'),
  }
}

export type Client = ReturnType<typeof clientOf>

const connect = (url: string): Redis => {
  const redis = new Redis(url)
  // Expected where connections are cut.
  redis.on('error', () => undefined)
  return redis
}

export class Scene {
  readonly report = new Report()
  readonly ledger = new Ledger()
  readonly random: Random
  readonly redis: TestRedis
  /** Looks at Redis from outside. */
  outside: Redis
  /** Where clients and workers find messages: the scene's Redis unless a case says otherwise, before it starts anything. */
  broker: string
  /** Where results lie: the broker's database unless a case says otherwise, before it starts anything. */
  backend: string
  /** Clients know of all queues that workers of ours alone consume them, where a case says so before it sends anything. */
  alone = false
  /** Seconds that a client waits for Redis, where a case says so before it starts anything. */
  patience: number | undefined
  #opened: Redis | undefined
  readonly #apps = new Map<string, Client>()
  readonly #workers = new Set<Running>()
  readonly #peers = new Set<CeleryWorker>()
  readonly #beats = new Set<Running>()
  readonly #endings: (() => void)[] = []
  /** All that were ever started: what they printed must not hold the password. */
  readonly #everybody: Running[] = []

  private constructor(
    redis: TestRedis,
    seed: number,
    private readonly password: string | null,
  ) {
    this.redis = redis
    this.random = seeded(seed)
    this.broker = redis.url
    this.backend = redis.url
    this.outside = connect(redis.url)
  }

  /** The password stands in the URL, and `close` looks for it in all that workers and beats have printed. */
  static async open(
    seed: number,
    args: readonly string[] = [],
    { password = planted('scene') }: { readonly password?: string | null } = {},
  ): Promise<Scene> {
    const redis = await startRedis({ own: true, args, password })
    return new Scene(redis, seed, password)
  }

  async close(): Promise<void> {
    for (const each of [...this.#workers, ...this.#peers, ...this.#beats]) each.signal('SIGKILL')
    for (const end of this.#endings) end()
    await Promise.all([...this.#apps.values()].map(({ app }) => app.close()))
    this.outside.disconnect()
    this.#opened?.disconnect()
    this.ledger.close()
    await this.redis.stop({ hard: true })
    const { password } = this
    if (password === null) return
    const leaks = this.#everybody.filter((each) => each.output().includes(password))
    const where = leaks.length === 0 ? '' : `, but it does: ${leaks[0]?.output()}`
    this.report.must(
      `the password of Redis stands in nothing that ${this.#everybody.length} processes printed${where}`,
      leaks.length === 0,
    )
  }

  /** A client whose tasks go to this queue. */
  client(queue = defaultQueue): Client {
    const client =
      this.#apps.get(queue) ?? clientOf(this.broker, this.backend, queue, this.alone, this.patience)
    this.#apps.set(queue, client)
    return client
  }

  get app(): App {
    return this.client().app
  }

  /** Starts a worker; resolves when it says that it is ready. */
  async worker(options: WorkerOptions = {}): Promise<Running> {
    const worker = this.launch(options)
    await worker.line(/^ready$/)
    return worker
  }

  /** Starts a worker, and does not wait for it. */
  launch({
    queues = [defaultQueue],
    concurrency = 10,
    url,
    backend,
    clockMs,
    ...more
  }: WorkerOptions = {}): Running {
    const usual = this.backend === this.redis.url ? (url ?? this.backend) : this.backend
    const urls = { broker: url ?? this.broker, backend: backend ?? usual }
    const told = { ledger: this.ledger.path, ...urls, lease, queues, concurrency, ...more }
    const worker = startNode(program, [], {
      env: {
        FAULTS: JSON.stringify(told),
        ...(clockMs !== undefined && { NODE_OPTIONS: clockOff(clockMs) }),
      },
    })
    this.#workers.add(worker)
    this.#everybody.push(worker)
    void worker.exited.then(() => this.#workers.delete(worker))
    return worker
  }

  /** Starts a beat (programs/beat.js), and does not wait for it. */
  beat(told: { readonly broker: string; readonly team: string; readonly jumps: readonly number[] }): Running {
    const beat = startNode(beatProgram, [], { env: { FAULTS: JSON.stringify(told) } })
    this.#beats.add(beat)
    this.#everybody.push(beat)
    void beat.exited.then(() => this.#beats.delete(beat))
    return beat
  }

  /** From now on everything lies there. */
  lookAt(url: string): void {
    this.outside.disconnect()
    this.outside = connect(url)
    this.#opened = this.outside
  }

  /** Called when the scene is closed, whatever happens before. */
  atEnd(end: () => void): void {
    this.#endings.push(end)
  }

  /** Starts a stock Celery worker with the same tasks, on this queue: one process. */
  async python(queue: string, visibilityTimeout: number): Promise<CeleryWorker> {
    const celery = await startCelery()
    if (celery.missing) throw new Error(celery.missing)
    const worker = await celery.worker({
      redisUrl: this.redis.url,
      resultUrl: this.backend,
      queue,
      program: pythonProgram,
      args: ['--pool=threads', `--concurrency=${peerConcurrency}`],
      // By default it looks for what is overdue each 100 s only.
      conf: {
        broker_transport_options: {
          visibility_timeout: visibilityTimeout,
          unacked_restore_interval: 1,
          unacked_restore_throttle: 1,
        },
      },
      env: { LEDGER: this.ledger.path },
    })
    this.#peers.add(worker)
    return worker
  }

  /** SIGKILL, and gone. */
  async kill(worker: Running): Promise<void> {
    await worker.stop('SIGKILL')
    this.#workers.delete(worker)
  }

  /** TERM or QUIT, as an operator would. It must leave by itself. */
  async stop(worker: Running, signal: 'SIGTERM' | 'SIGQUIT' = 'SIGTERM'): Promise<void> {
    const { code, signal: killed } = await worker.stop(signal)
    this.#workers.delete(worker)
    if (code !== 0)
      this.report.must(`a worker leaves at ${signal}, not by ${killed ?? code}: ${worker.output()}`, false)
  }

  /** Resolves when at least so many tasks have ended. */
  async ended(many: number, timeout = 30_000): Promise<void> {
    await until(() => this.ledger.ends().length >= many, {
      timeout,
      interval: 2,
      message: () =>
        `${this.ledger.ends().length} of ${many} tasks ended within ${timeout} ms\n${this.said()}`,
    })
  }

  /** What workers that live have printed: for errors. */
  said(): string {
    return [...this.#workers].map((worker) => worker.output()).join('\n')
  }

  async results(ids: readonly string[]): Promise<readonly (Meta | undefined)[]> {
    if (ids.length === 0) return []
    const texts = await this.#results.mget(ids.map((id) => `celery-task-meta-${id}`))
    return texts.map((text) => (text === null ? undefined : (JSON.parse(text) as Meta)))
  }

  /** Waits until all of these have a final result; answers what is missing when time is up. */
  async finished(ids: readonly string[], timeout = 30_000): Promise<readonly string[]> {
    const end = performance.now() + timeout
    for (;;) {
      const metas = await this.results(ids).catch(() => ids.map(() => undefined))
      const missing = ids.filter((_, index) => !isFinal(metas[index]))
      if (missing.length === 0 || performance.now() >= end) return missing
      await sleep(20)
    }
  }

  /** Resolves when nothing waits and nothing is held any more. */
  async quiet(timeout = 30_000): Promise<void> {
    let left: readonly string[] = []
    const look = async (): Promise<boolean> => {
      left = await this.#unfinished()
      return left.length === 0
    }
    await until(look, { timeout, interval: 20, message: () => `still waiting or held: ${left.join(', ')}` })
  }

  async #unfinished(): Promise<readonly string[]> {
    const { outside } = this
    // What was sent ahead waits for nobody: the message that releases it does. An answer to whoever was killed expires.
    const isWork = (key: string): boolean =>
      !key.startsWith('lovage:stage:') &&
      !key.startsWith('lovage:beat:') &&
      !key.endsWith('.reply.celery.pidbox')
    const keys = (await outside.keys('*')).filter(isWork)
    const types = await Promise.all(keys.map((key) => outside.type(key)))
    const waiting = keys.filter((key, i) => types[i] === 'list' || key.startsWith('lovage:eta:'))
    const holders = keys.filter((key) => key.startsWith('lovage:unacked:'))
    const fields = await Promise.all(holders.map((key) => outside.hkeys(key)))
    const held = holders.filter((_, i) => fields[i]?.some((field) => /^\d/.test(field)))
    return [...waiting, ...held]
  }

  /** Stops all workers as an operator would, once the dead ones are reaped. Claims that nothing is left behind. */
  async settle(): Promise<void> {
    const { outside, report } = this
    const alive = this.#workers.size
    const reaped = await until(async () => (await outside.zcard('lovage:consumers')) <= alive, {
      timeout: lease * 1000 + 20_000,
      interval: 20,
    }).catch(() => false)
    if (!reaped) report.must('dead workers are reaped', false)
    await Promise.all([...this.#workers].map((worker) => this.stop(worker)))
    const left = await this.#residue()
    const some =
      left.length > 0 ? `, but there are ${left.length} keys: ${left.slice(0, 3).join(', ')} …` : ''
    report.must(`nothing is left in Redis${some}`, left.length === 0)
    const dead = await outside.zcard('lovage:dead')
    report.must(`no dead letters${dead > 0 ? `, but there are ${dead}` : ''}`, dead === 0)
  }

  get #results(): Redis {
    if (this.backend === this.redis.url) return this.outside
    this.#opened ??= connect(this.backend)
    return this.#opened
  }

  /** Keys that would stay for ever, but for the bindings of queues. */
  async #residue(): Promise<readonly string[]> {
    const left: string[] = []
    for (const place of new Set([this.outside, this.#results])) {
      const keys = (await place.keys('*')).filter((key) => !/^(_kombu\.binding|lovage:dead)/.test(key))
      const ttls = await Promise.all(keys.map((key) => place.pttl(key)))
      left.push(...keys.filter((_, index) => ttls[index] === -1))
    }
    return left.sort()
  }
}

export const range = (many: number): readonly number[] => Array.from({ length: many }, (_, index) => index)

/** Does `work` for each, at most `many` at a time. */
export const inParallel = async <T>(many: number, items: readonly T[], work: (item: T) => Promise<void>) => {
  const queue = [...items]
  await Promise.all(
    range(many).map(async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
    }),
  )
}
