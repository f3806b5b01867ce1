// PORT Broker over Redis: what carries messages, put together from the files beside it.
import { OperationalError } from '../errors.js'
import type { Logger } from '../log.js'
import type {
  Broker,
  Deferred,
  Finding,
  PublishOptions,
  Revocation,
  RevokedSince,
  RouteOptions,
  ServerReport,
  SweepTerms,
} from '../runtime/broker.js'
import type { Consumer, ConsumerOptions } from '../runtime/consumer.js'
import type { FireReply, Firing } from '../runtime/firing.js'
import type { Publication, StagedPiece } from '../runtime/publication.js'
import type { Address } from './address.js'
import { type Ask, ask, withinReason } from './ask.js'
import { RedisConsumer } from './consumer.js'
import { needOf } from './confirm.js'
import { Courier } from './courier.js'
import { DeadLetters } from './dead.js'
import { examine } from './examine.js'
import { Firer } from './firing.js'
import { deferredOf } from './deferred.js'
import { inspectServer } from './inspect.js'
import type { Databases, Keys } from './keys.js'
import { LeaseKeeper } from './lease.js'
import { Link, type Reply } from './link.js'
import { boundQueues } from './peers.js'
import { Publisher } from './publisher.js'
import { purgeQueue } from './purging.js'
import { queueLength } from './queue-length.js'
import { readRevoked, sendRevocation } from './revoked.js'
import { sweep } from './orphans.js'
import { type Script, scripts } from './scripts.js'
import { servedQueues } from './served-queues.js'
import { stageArgs } from './stages.js'
import { wrongKey } from './trouble.js'

export interface BrokerOptions {
  readonly address: Address
  readonly keys: Keys
  /** Where results lie when that is another server. */
  readonly farResults?: Address
  /** For people. */
  readonly resultsUrl: string
  readonly databases: Databases
  readonly timeoutSeconds: number
  readonly log: Logger
}

const consumerScripts = [scripts.step, scripts.register, scripts.reap, scripts.promote, scripts.mark]
const moreScripts = [scripts.note, scripts.store, scripts.seat, scripts.permit, scripts.admit]
const errandScripts = [scripts.look, scripts.tell]
const stageScripts = [scripts.stage, scripts.unstage]
const sharedScripts = [scripts.restore, scripts.peers, scripts.recover]

export class RedisBroker implements Broker {
  readonly url: string
  readonly #options: BrokerOptions
  /** Everything that is not a consumer's. */
  readonly link: Link
  readonly #publisher: Publisher
  /** Made when somebody asks for durability. */
  #durable: { readonly link: Link; readonly publisher: Publisher } | undefined
  readonly #firer: Firer
  readonly #leases: LeaseKeeper
  /** Where results lie on another server: it works as long as there are consumers. */
  readonly #courier: Courier | undefined
  readonly #consumers = new Set<RedisConsumer>()
  readonly openFar?: NonNullable<Broker['openFar']>
  /** The server's clock minus ours, ms. */
  #offsetMs = 0

  constructor(options: BrokerOptions) {
    const { address, keys, databases, timeoutSeconds } = options
    this.#options = options
    this.url = address.masked
    this.link = new Link(
      {
        address,
        name: 'lovage-client',
        scripts: [scripts.publish, scripts.stage, scripts.fire, scripts.lead],
        onClock: this.#setClock,
      },
      {
        onUp: () => {
          this.#publisher.connected()
          this.#firer.connected()
        },
        onDown: (error) => this.#publisher.disconnected(error),
      },
    )
    this.#publisher = this.#publishOver(this.link, 2)
    this.#firer = new Firer({ link: this.link, keys, databases, url: address.masked, timeoutSeconds })
    this.#courier =
      options.farResults &&
      new Courier({ broker: address, results: options.farResults, keys, timeoutSeconds }, this.link)
    this.dead = new DeadLetters(
      (command, args) => this.#ask(command, args),
      (script, args) => ask(this.link, this.url, timeoutSeconds, () => this.link.run(script, args)),
      keys,
      databases,
      this.#courier,
    )
    const courier = this.#courier
    if (courier !== undefined)
      this.openFar = (chords, { patience } = {}) =>
        courier.open(chords, patience === undefined ? timeoutSeconds : withinReason(patience))
    this.#leases = new LeaseKeeper(address, [keys.consumers, keys.unackedIndex], options.log, this.#setClock)
  }

  now(): number {
    return Date.now() + this.#offsetMs
  }

  publish(publication: Publication, { patience, durability }: PublishOptions = {}): Promise<void> {
    const need = durability && needOf(durability, this.#options.timeoutSeconds)
    if (need === undefined) return this.#publisher.publish(publication, patience)
    this.#durable ??= this.#openDurable()
    return this.#durable.publisher.publish(publication, patience, need)
  }

  /** WAIT blocks its connection: nobody else may be on it. */
  #openDurable(): { readonly link: Link; readonly publisher: Publisher } {
    const link: Link = new Link(
      {
        address: this.#options.address,
        name: 'lovage-durable',
        scripts: [scripts.publish],
        onClock: this.#setClock,
      },
      { onUp: () => publisher.connected(), onDown: (error) => publisher.disconnected(error) },
    )
    const publisher = this.#publishOver(link, 1)
    return { link, publisher }
  }

  #publishOver(link: Link, lanes: number): Publisher {
    const { keys, databases, timeoutSeconds } = this.#options
    return new Publisher({ link, keys, databases, url: this.url, timeoutSeconds, lanes })
  }

  async stage(piece: StagedPiece, { patience }: RouteOptions = {}): Promise<void> {
    const { keys, timeoutSeconds } = this.#options
    const seconds = patience === undefined ? timeoutSeconds : withinReason(patience)
    const args = stageArgs(keys, piece)
    const reply = await ask(this.link, this.url, seconds, () => this.link.run(scripts.stage, args))
    if (reply !== 1) throw new OperationalError(`Not published: what was sent ahead to ${this.url} is gone.`)
  }

  served({ patience }: RouteOptions = {}): Promise<ReadonlySet<string>> {
    const ask: Ask = (command, args) => this.#ask(command, args, patience)
    return servedQueues(ask, this.#options.keys, this.now())
  }

  async route(
    exchange: string,
    routingKey: string,
    { patience }: RouteOptions = {},
  ): Promise<readonly string[]> {
    const key = this.#options.keys.binding(exchange)
    const members = (await this.#ask('smembers', [key], patience)) as readonly Buffer[]
    return boundQueues(members.map(String), routingKey)
  }

  async consume(options: ConsumerOptions): Promise<Consumer> {
    const { address, keys, databases } = this.#options
    const consumer = await RedisConsumer.open(options, {
      keys,
      databases,
      url: this.url,
      leases: this.#leases,
      far: this.#courier,
      onClosed: (closed) => this.#consumers.delete(closed),
      seeOff: () => this.#courier?.seeOff(),
      connect: (role, ...listeners) =>
        new Link(
          {
            address,
            name: `lovage-${role}`,
            scripts:
              role === 'waiter'
                ? [scripts.step]
                : [...consumerScripts, ...moreScripts, ...errandScripts, ...stageScripts, ...sharedScripts],
            onClock: this.#setClock,
            eager: role === 'consumer',
          },
          ...listeners,
        ),
    })
    this.#consumers.add(consumer)
    this.#courier?.start(options.onTrouble)
    return consumer
  }

  fire(firings: readonly Firing[]): Promise<readonly FireReply[]> {
    return this.#firer.fire(firings)
  }

  async lead(scope: string, by: string, leaseMs: number): Promise<boolean> {
    const { timeoutSeconds } = this.#options
    const key = this.#options.keys.beat(scope, 'lead')
    const [serverMs, leads, sentAt] = await ask(this.link, this.url, timeoutSeconds, async () => {
      const started = Date.now()
      const reply = await this.link.run(scripts.lead, [1, key, by, leaseMs])
      return [...(reply as unknown as readonly [number, number]), started] as const
    })
    if (leads < 0) throw wrongKey(this.url, key, 'string')
    this.#setClock(serverMs - (sentAt + Date.now()) / 2)
    return leads === 1
  }

  async inspect(): Promise<ServerReport> {
    const { databases, resultsUrl, timeoutSeconds } = this.#options
    // Scripts go there and back: a worker whose results have no place would hear of it with its first one.
    const there = ["return redis.call('SELECT', ARGV[1])", 0, databases.results]
    if (databases.results !== '')
      await ask(this.link, resultsUrl, timeoutSeconds, () => this.link.send('eval', there))
    return inspectServer((command, args) => this.#ask(command, args))
  }

  async revoke(revocation: Revocation): Promise<void> {
    const { keys, databases, timeoutSeconds } = this.#options
    await ask(this.link, this.url, timeoutSeconds, () =>
      sendRevocation(this.link, keys, databases, revocation),
    )
    if (revocation.results.length > 0) await this.#courier?.seeOff()
  }

  revoked(sinceMs = 0): Promise<RevokedSince> {
    return readRevoked((command, args) => this.#ask(command, args), this.#options.keys, sinceMs)
  }

  async deferred(queue: string, limit: number): Promise<readonly Deferred[]> {
    const key = this.#options.keys.eta(queue)
    return deferredOf(await this.#ask('zrange', [key, 0, limit - 1, 'WITHSCORES']))
  }

  examine(queues: readonly string[]): Promise<readonly Finding[]> {
    const { keys, databases } = this.#options
    const { visibilityTimeout } = keys.sharing
    const ask: Ask = (command, args) => this.#ask(command, args)
    const { master } = this.link
    const chords = databases.results === ''
    return examine({ ask, url: this.url, master, keys, chords, queues, visibilityTimeout })
  }

  length(queue: string): Promise<number> {
    return queueLength((command, args) => this.#ask(command, args), this.#options.keys, queue)
  }

  async purge(queue: string): Promise<number> {
    return (await this.#purge(queue, 'nowhere')) ?? 0
  }

  setAside(queue: string): Promise<number | null> {
    return this.#purge(queue, 'aside')
  }

  #purge(queue: string, to: 'nowhere' | 'aside'): Promise<number | null> {
    const { keys, timeoutSeconds } = this.#options
    return purgeQueue(queue, to, keys, (args) =>
      ask(this.link, this.url, timeoutSeconds, () => this.link.run(scripts.purge, args)),
    )
  }

  sweep(terms: SweepTerms): Promise<readonly string[] | null> {
    const { keys, databases, timeoutSeconds } = this.#options
    const run = (script: Script, args: readonly (string | number)[]): Promise<Reply> =>
      ask(this.link, this.url, timeoutSeconds, () => this.link.run(script, args))
    const now = (): number => this.now()
    return sweep({ ask: (command, args) => this.#ask(command, args), run, keys, databases, now }, terms)
  }

  readonly dead: DeadLetters

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()))
    await this.#courier?.close()
    await Promise.all([this.#publisher.settled(), this.#durable?.publisher.settled()])
    this.link.close()
    this.#durable?.link.close()
  }

  #ask(command: string, args: readonly (string | number)[], patience?: number): Promise<Reply> {
    const seconds = patience === undefined ? this.#options.timeoutSeconds : withinReason(patience)
    return ask(this.link, this.url, seconds, () => this.link.send(command, args))
  }

  #setClock = (offsetMs: number): void => {
    this.#offsetMs = offsetMs
  }
}
