// One connection with one role. It reconnects with jittered backoff as long as somebody holds it, keeps the
// process alive only then, and is `up` only after every new connection was made ready (database checked,
// scripts loaded, clock read). Commands are never queued or resent behind our back: whoever sends one that
// is cut off hears of it and sends it again, with the same number. What one turn sends leaves in one write: a
// write wakes the other side, and costs more than the command in it.
import type { Socket } from 'node:net'
import { Command, Redis, type RedisOptions } from 'ioredis'
import type { Address } from './address.js'
import { MasterConnector } from './master-connector.js'
import { type MasterWatch, watchOf } from './master-watch.js'
import type { Script } from './scripts.js'
import { ageTrouble } from './server-version.js'
import { isHopeless, loading, Outdated, withoutCommand } from './trouble.js'

/** A RESP reply; bulk strings are Buffers. */
export type Reply = Buffer | number | null | readonly Reply[]

export interface LinkOptions {
  readonly address: Address
  /** Seen in CLIENT LIST. */
  readonly name: string
  /** Loaded on each new connection. */
  readonly scripts?: readonly Script[]
  /** The server's clock minus ours, ms, after each new connection. */
  readonly onClock?: (offsetMs: number) => void
  /**
   * Each command leaves at once. For the long ones of a worker's loop: Redis works on the first while the second is
   * being written.
   */
  readonly eager?: boolean
}

export interface LinkListener {
  /** A new connection is ready; nobody else may use it yet. */
  readonly onUp?: () => void
  readonly onDown?: (error: Error) => void
  /** It takes connections, and no commands yet. */
  readonly onUnready?: (error: Error) => void
}

/** What ioredis keeps to itself, and we cannot do without. */
interface Inside {
  /** Of the present connection. */
  readonly stream?: Socket
  /** Until the next attempt to connect. */
  readonly reconnectTimeout?: NodeJS.Timeout | null
}

/** A reply that does not come within this time means that the socket is dead. */
const silenceMs = 15_000
const longestPauseMs = 2000

const noop = (): void => undefined

const placeOf = ({ host, port, path, tls }: Address, watch: MasterWatch | null): RedisOptions => {
  if (watch === null) return path === null ? { host, port } : { path }
  class Connector extends MasterConnector {
    constructor() {
      super(watch as MasterWatch, tls)
    }
  }
  return { Connector }
}

const pauseMs = (times: number): number =>
  Math.min(longestPauseMs, 25 * 2 ** Math.min(times, 8)) * (0.5 + Math.random() / 2)

export class Link {
  /** Commands may be sent. */
  up = false
  /** Of the present connection, for CLIENT UNBLOCK. */
  clientId = 0
  /** Why it is not up. */
  lastError = new Error('not connected yet')
  readonly client: Redis
  readonly #options: LinkOptions
  readonly #listeners: LinkListener[]
  /** Where it leads, if the URL does not say it. */
  readonly #watch: MasterWatch | null
  #corked = false
  #holders = 0
  #closed = false
  /** Until sentinels are asked again. */
  #search: NodeJS.Timeout | undefined
  #searches = 0
  /** When a replica was left in the hope of its primary. */
  #movedAtMs = 0
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  constructor(options: LinkOptions, ...listeners: LinkListener[]) {
    this.#options = options
    this.#listeners = listeners
    const { address } = options
    this.#watch = address.sentinels && watchOf(address.sentinels)
    this.client = new Redis({
      ...placeOf(address, this.#watch),
      ...(address.username !== null && address.password !== null && { username: address.username }),
      ...(address.password !== null && { password: address.password }),
      ...(address.tls && { tls: address.tls }),
      db: address.database,
      connectionName: options.name,
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResubscribe: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      connectTimeout: 5000,
      socketTimeout: silenceMs,
      maxLoadingRetryTime: 1000,
      reconnectOnError: (error) => /\bREADONLY\b/.test(error.message) && this.#mayMove(),
      retryStrategy: (times) => (this.#isWanted ? pauseMs(times) : null),
    })
    this.client.on('error', (error) => {
      this.lastError = withoutCommand(error) as Error
    })
    this.client.on('connect', () => {
      // What Redis itself refused the last time says more, and may come again in a moment.
      if (this.lastError.name !== 'ReplyError')
        this.lastError = new Error('it takes connections, but is not ready')
      this.#refer()
      void this.#askIfLoading()
    })
    this.client.on('ready', () => void this.#prepare())
    this.client.on('close', () => this.#down())
    this.client.on('reconnecting', () => this.#refer())
    this.client.on('end', () => this.#searchAgain())
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Where sentinels have led it, for people; '' where the URL says it. */
  get master(): string {
    const { stream } = this.#inside
    return this.#watch === null || !stream ? '' : `${stream.remoteAddress ?? '?'}:${stream.remotePort ?? '?'}`
  }

  listen(listener: LinkListener): void {
    this.#listeners.push(listener)
  }

  /** From now on the connection is wanted, and keeps the process alive. */
  hold(): void {
    this.#holders++
    if (this.#holders > 1) return
    if (this.client.status === 'wait' || this.client.status === 'end') this.#connect()
    else this.#refer()
  }

  /** The next attempt to connect is made now, and not at the end of the pause before it. */
  hurry(): void {
    const { client } = this
    if (this.#search !== undefined && this.#isWanted) return this.#connect()
    if (client.status !== 'reconnecting' || this.#closed) return
    clearTimeout(this.#inside.reconnectTimeout ?? undefined)
    client.connect().catch(noop)
  }

  free(): void {
    this.#holders--
    if (this.#holders === 0) this.#refer()
  }

  /** Resolves when commands may be sent; rejects when the link is closed, or leads to a database that there is not. */
  whenUp(): Promise<void> {
    if (this.up) return Promise.resolve()
    if (this.#closed) return Promise.reject(new Error('Connection is closed.'))
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  send(name: string, args: readonly (string | number | Buffer)[]): Promise<Reply> {
    if (!this.up) return Promise.reject(this.lastError)
    if (!this.#corked && this.#options.eager !== true) this.#cork()
    return this.client.sendCommand(new Command(name, args as (string | Buffer)[], binary)) as Promise<Reply>
  }

  /** `args` is what follows EVALSHA's sha: the number of keys, keys, arguments. */
  run(script: Script, args: readonly (string | number | Buffer)[]): Promise<Reply> {
    return this.send('evalsha', [script.sha, ...args]).catch((error: Error) => {
      // EVAL loads and runs in one: nothing can flush it in between.
      if (error.message.startsWith('NOSCRIPT')) return this.send('eval', [script.text, ...args])
      throw error
    })
  }

  /** What was sent leaves now, and not with the rest of its turn. */
  flush(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#inside.stream?.uncork()
  }

  /** Until everything of this turn is in. */
  #cork(): void {
    const { stream } = this.#inside
    this.#corked = true
    stream?.cork()
    process.nextTick(() => {
      this.#corked = false
      stream?.uncork()
    })
  }

  /** ioredis has words of its own for what did not get through; what is wrong with the connection says more. */
  reasonOf(error: unknown): unknown {
    const isItsOwn =
      error instanceof Error &&
      (error.name === 'MaxRetriesPerRequestError' ||
        /^(Stream isn't writeable|Connection is closed)/.test(error.message))
    return isItsOwn ? this.lastError : error
  }

  /** Drops the present connection: what is under way fails now. */
  readonly reset = (): void => {
    if (this.client.status === 'ready') this.client.disconnect(true)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watch?.leave(this.reset)
    this.client.disconnect()
    this.#down()
  }

  /** Where a name leads to another server after a failover, a new connection finds it; not more often than this. */
  #mayMove(): boolean {
    const now = Date.now()
    if (now - this.#movedAtMs < longestPauseMs) return false
    this.#movedAtMs = now
    return true
  }

  async #prepare(): Promise<void> {
    const { address, scripts = [], onClock } = this.#options
    const { client } = this
    try {
      const sentAt = Date.now()
      // Who may not ask does not know, and goes on.
      const info = client.info('server').catch(() => '')
      const others = Promise.all([
        client.time(),
        client.client('ID'),
        // ioredis stays in database 0 when it may not select another.
        ...(address.database === 0 ? [] : [client.select(address.database)]),
        ...scripts.map(({ text }) => client.script('LOAD', text)),
      ])
      others.catch(noop)
      const tooOld = ageTrouble(await info)
      if (tooOld !== undefined) throw new Outdated(tooOld)
      const [time, id] = await others
      const serverMs = Number(time[0]) * 1000 + Number(time[1]) / 1000
      onClock?.(serverMs - (sentAt + Date.now()) / 2)
      this.clientId = Number(id)
      this.#searches = 0
      this.lastError = new Error('the connection was lost')
      this.up = true
      for (const { onUp } of this.#listeners) onUp?.()
      for (const { resolve } of this.#waiting.splice(0)) resolve()
    } catch (error) {
      this.lastError = withoutCommand(error) as Error
      if (isHopeless(error)) for (const { reject } of this.#waiting.splice(0)) reject(this.lastError)
      if (client.status === 'ready') client.disconnect(true)
    }
  }

  /** ioredis asks as well, and waits without a word. INFO is answered meanwhile, to whoever may ask. */
  async #askIfLoading(): Promise<void> {
    const info = await this.client.info('persistence').catch(() => '')
    if (this.up || !/^loading:1/m.test(info)) return
    this.lastError = loading(/^loading_loaded_perc:([\d.]+)/m.exec(info)?.[1])
    for (const { onUnready } of this.#listeners) onUnready?.(this.lastError)
  }

  get #inside(): Inside {
    return this.client as unknown as Inside
  }

  get #isWanted(): boolean {
    return this.#holders > 0 && !this.#closed
  }

  #connect(): void {
    clearTimeout(this.#search)
    this.#search = undefined
    this.#watch?.listen(this.reset)
    this.client.connect().catch(noop)
  }

  /** ioredis does not try again by itself when no sentinel knows where to. */
  #searchAgain(): void {
    if (!this.#isWanted) return
    this.#down()
    this.#search = setTimeout(
      () => {
        this.#search = undefined
        if (this.#isWanted) this.#connect()
      },
      pauseMs(++this.#searches),
    )
  }

  #down(): void {
    this.up = false
    if (this.#closed)
      for (const { reject } of this.#waiting.splice(0)) reject(new Error('Connection is closed.'))
    else for (const { onDown } of this.#listeners) onDown?.(this.lastError)
  }

  #refer(): void {
    const { stream, reconnectTimeout } = this.#inside
    for (const handle of [stream, reconnectTimeout, this.#search])
      if (this.#holders > 0) handle?.ref()
      else handle?.unref()
  }
}

const binary = { replyEncoding: null }
