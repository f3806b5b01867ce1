// What the tests of this room work with: a Redis, a plain client that looks into it, carriers, and a bare
// consumer that sends a step's script with numbers of its own choice (a resent call, a dead worker).
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, afterEach } from 'vitest'
import { silentLogger } from '../../src/log.js'
import { openRedis } from '../../src/redis/carrier.js'
import { Keys } from '../../src/redis/keys.js'
import { Link, type Reply } from '../../src/redis/link.js'
import { scripts } from '../../src/redis/scripts.js'
import { buildStep } from '../../src/redis/step.js'
import { describeSharing, type StepContext } from '../../src/redis/step-context.js'
import { readStep } from '../../src/redis/step-reply.js'
import { parseAddress } from '../../src/redis/url.js'
import type {
  Completion,
  Consumer,
  ConsumerOptions,
  Delivery,
  StepReply,
} from '../../src/runtime/consumer.js'
import type { ChordPart, Push, StoredText } from '../../src/runtime/publication.js'
import type { Carrier, CarrierOptions } from '../../src/runtime/carrier.js'
import { consumerOptions } from '../support/consumer-options.js'
import { cutAll } from '../support/cut.js'
import { startRedis, type TestRedis } from '../support/redis.js'

export interface Room {
  readonly server: TestRedis
  readonly client: Redis
  readonly keys: Keys
  open(options?: Partial<CarrierOptions>): Carrier
  consume(carrier: Carrier, options?: Partial<ConsumerOptions>): Promise<Consumer>
  bare(queues?: readonly string[], keys?: Keys): Promise<Bare>
  /** Breaks every connection but the test's own. */
  cut(): Promise<unknown>
}

/** One server for a test file; everything is closed and emptied after each test. */
export const useRoom = async (args?: readonly string[]): Promise<Room> => {
  const server = await startRedis({ own: true, ...(args && { args }) })
  const client = new Redis(server.url, { maxRetriesPerRequest: null })
  client.on('error', () => undefined)
  const opened: { close(): Promise<unknown> }[] = []
  afterEach(async () => {
    for (const each of opened.splice(0).reverse()) await each.close()
    await client.flushall()
  })
  afterAll(() => client.disconnect())
  const keys = new Keys('', '')
  return {
    server,
    client,
    keys,
    cut: () => cutAll(client),
    open: (options = {}) => {
      const carrier = openRedis({
        brokerUrl: server.url,
        backendUrl: server.url,
        globalKeyPrefix: '',
        resultKeyPrefix: '',
        timeout: 4,
        log: silentLogger,
        ...options,
      })
      opened.push(carrier.broker, carrier.backend)
      return carrier
    },
    consume: async (carrier, options = {}) => {
      const consumer = await carrier.broker.consume(consumerOptions(options))
      opened.push(consumer)
      return consumer
    },
    bare: async (queues = ['q'], names = keys) => {
      const bare = await Bare.register(server.url, names, queues)
      opened.push(bare)
      return bare
    },
  }
}

/** A consumer whose lease has ended when it is made: it lives until somebody reaps it. */
export class Bare {
  readonly #context: StepContext

  private constructor(
    readonly id: string,
    readonly link: Link,
    context: Omit<StepContext, 'id'>,
  ) {
    this.#context = { ...context, id }
  }

  static async register(url: string, keys: Keys, queues: readonly string[]): Promise<Bare> {
    const link = new Link({ address: parseAddress('broker', url), name: 'bare' })
    link.hold()
    await link.whenUp()
    const id = randomUUID()
    await link.run(scripts.register, [
      2,
      keys.consumer(id),
      keys.consumers,
      id,
      0,
      'bare@host',
      JSON.stringify(queues),
    ])
    return new Bare(id, link, {
      keys,
      databases: { broker: '0', results: '', written: '' },
      hostname: 'bare@host',
      queues,
      deadLetterMax: 3,
      deadLetterExpires: 60,
      gated: false,
      fieldOf: (tag) => tag,
      rawOf: () => undefined,
      sharing: describeSharing(keys, id, queues),
    })
  }

  /** 'lost', 'stale' or the reply. */
  async step(
    lane: string,
    request: number,
    completions: readonly Completion[] = [],
    slots = 0,
  ): Promise<StepReply | string> {
    const order = this.#context.queues.map((_, index) => index)
    const call = buildStep(this.#context, lane, request, completions, slots, false, order)
    const reply = await this.link.run(scripts.step, call.args)
    return Array.isArray(reply) ? readStep(this.#context.queues, call, reply as Reply[]) : String(reply)
  }

  async claim(lane: string, request: number, slots: number): Promise<readonly Delivery[]> {
    return ((await this.step(lane, request, [], slots)) as StepReply).deliveries
  }

  async close(): Promise<void> {
    this.link.free()
    this.link.close()
  }
}

export const push = (raw: string, more: Partial<Push> = {}): Push => ({
  queue: 'q',
  priority: 0,
  raw,
  ...more,
})

export const messages = (...raws: string[]) => ({ pushes: raws.map((raw) => push(raw)), chords: [] })

export const success = (taskId: string, value: unknown = 1): StoredText => stored(taskId, 'SUCCESS', value)

export const stored = (taskId: string, state: string, value: unknown = null, expires = 3600): StoredText => ({
  taskId,
  state,
  text: `{"status": "${state}", "result": ${JSON.stringify(value)}, "task_id": "${taskId}"}`,
  expires,
})

export const end = (tag: string | Delivery, more: Partial<Completion> = {}): Completion => ({
  tag: typeof tag === 'string' ? tag : tag.tag,
  ending: { kind: 'ack' },
  results: [],
  pushes: [],
  chords: [],
  parts: [],
  ...more,
})

export const part = (
  taskId: string,
  index: number | null = null,
  chord = { groupId: 'g', bodyId: 'b' },
): ChordPart => ({
  ...chord,
  taskId,
  index,
  member: `[1, "${taskId}", "SUCCESS", ${index ?? 0}]`,
})

export const raws = (deliveries: readonly Delivery[]): string[] => deliveries.map(({ raw }) => String(raw))

/** Fields in the hash of a consumer that holds nothing: five lanes, its host, its queues. */
export const emptyHash = 7
