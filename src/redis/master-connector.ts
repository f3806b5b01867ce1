// For ioredis: a connection that leads to the Redis which is the master at present. Each new one asks anew, and one that
// turns out to be a replica (the old master, back after a failover) is left at once.
import { connect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { AbstractConnector } from 'ioredis'
import type { Place } from './address.js'
import type { MasterWatch } from './master-watch.js'

const partingMs = 2000

export class MasterConnector extends AbstractConnector {
  readonly #watch: MasterWatch
  #place: Place | null = null

  readonly #tls: ConnectionOptions | null

  constructor(watch: MasterWatch, tls: ConnectionOptions | null) {
    super(partingMs)
    this.#watch = watch
    this.#tls = tls
  }

  override check({ role }: { readonly role?: string }): boolean {
    const isMaster = role === undefined || role === 'master'
    if (!isMaster) this.#doubt()
    return isMaster
  }

  /** Rejects when nobody knows the master: ioredis then ends, and whoever wants the connection starts it again. */
  override async connect(): Promise<Socket> {
    this.connecting = true
    this.#place = await this.#watch.find()
    if (!this.connecting) throw new Error('Connection is closed.')
    const stream = this.#tls === null ? connect(this.#place) : connectTls({ ...this.#place, ...this.#tls })
    this.stream = stream
    let isThere = false
    stream.once('connect', () => {
      isThere = true
    })
    stream.once('error', (error) => {
      this.firstError = error
      if (!isThere) this.#doubt()
    })
    return stream
  }

  #doubt(): void {
    if (this.#place !== null) this.#watch.doubt(this.#place)
  }
}
