// Where an app's messages and results lie: settings become a Redis or a memory room here, loaded and opened
// when it is first needed.
import type { Settings } from './config.js'
import { ImproperlyConfigured } from './errors.js'
import type { Logger } from './log.js'
import { maskUrl } from './mask.js'
import type { Carrier, CarrierOptions } from './runtime/carrier.js'

const memoryScheme = 'memory:'

const isMemory = (url: string): boolean => url.startsWith(memoryScheme)

const redisSchemes = ['redis:', 'rediss:', 'redis+socket:', 'sentinel:', 'rediss+sentinel:']

const schemeOf = (url: string): string => /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0]?.toLowerCase() ?? ''

const noBroker = (app: string): ImproperlyConfigured =>
  new ImproperlyConfigured(
    `App "${app}" has no broker. Give it one: createApp('${app}', { broker: 'redis://localhost:6379/0' }), or ` +
      `{ broker: 'memory://' } for one process without a server, or set LOVAGE_BROKER_URL.`,
  )

/** The room for a URL, loaded only when it is needed. */
const openRoom = async (options: CarrierOptions): Promise<Carrier> => {
  const { brokerUrl, backendUrl } = options
  for (const url of [brokerUrl, backendUrl])
    if (!isMemory(url) && !redisSchemes.includes(schemeOf(url)))
      throw new ImproperlyConfigured(
        `Unknown URL ${JSON.stringify(maskUrl(url))}: expected redis://, rediss://, redis+socket://, sentinel://, rediss+sentinel:// or memory://.`,
      )
  if (isMemory(brokerUrl) !== isMemory(backendUrl))
    throw new ImproperlyConfigured(
      'Broker and results must both be in memory or both in Redis: a task and its result are written in one step.',
    )
  if (isMemory(brokerUrl)) return (await import('./memory/carrier.js')).openMemory(options)
  return (await import('./redis/carrier.js')).openRedis(options)
}

const sharingOf = ({ taskQueues, visibilityTimeout, brokerTransportOptions }: Settings) => ({
  queues: new Set([...taskQueues.values()].filter(({ shared }) => shared).map(({ name }) => name)),
  visibilityTimeout: visibilityTimeout ?? brokerTransportOptions.visibilityTimeout ?? 3600,
})

/** The one carrier of an app, for as long as it is open. */
export class AppCarrier {
  #opening: Promise<Carrier> | undefined
  #opened: Carrier | undefined

  constructor(
    private readonly app: string,
    private readonly settings: () => Settings,
    private readonly log: () => Logger,
  ) {}

  /** Somebody has asked for it: its settings count from now on. */
  get isInUse(): boolean {
    return this.#opening !== undefined
  }

  /** What is there already. */
  get opened(): Carrier | undefined {
    return this.#opened
  }

  /** The server's clock, as far as it is known. */
  now(): number {
    return this.#opened?.broker.now() ?? Date.now()
  }

  /** Rejects with ImproperlyConfigured; a connection is made with the first call to what it gives. */
  open(): Promise<Carrier> {
    if (this.#opening !== undefined) return this.#opening
    const opening = this.#begin()
    this.#opening = opening
    opening.then(
      (carrier) => {
        this.#opened = carrier
      },
      () => {
        this.#opening = undefined
      },
    )
    return opening
  }

  async #begin(): Promise<Carrier> {
    return openRoom(this.options())
  }

  /** In a child of a pool: what lies in the memory of its worker is reached by way of the worker. */
  lend(carrier: Carrier): void {
    this.#opened = carrier
    this.#opening = Promise.resolve(carrier)
  }

  options(): CarrierOptions {
    const settings = this.settings()
    if (settings.brokerUrl === undefined) throw noBroker(this.app)
    return {
      brokerUrl: settings.brokerUrl,
      backendUrl: settings.resultBackend ?? settings.brokerUrl,
      sentinels: {
        broker: settings.brokerTransportOptions,
        results:
          settings.resultBackend === undefined
            ? settings.brokerTransportOptions
            : settings.resultBackendTransportOptions,
      },
      globalKeyPrefix: settings.brokerTransportOptions.globalKeyPrefix ?? '',
      resultKeyPrefix: settings.resultBackendTransportOptions.globalKeyPrefix ?? '',
      sharing: sharingOf(settings),
      timeout: settings.brokerConnectionTimeout,
      log: this.log(),
    }
  }

  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    this.#opened = undefined
    const carrier = await opening?.catch(() => undefined)
    await carrier?.mailbox.close()
    // What is being sent may take a moment, over a connection that it shares with results.
    await carrier?.broker.close()
    await carrier?.backend.close()
  }
}
