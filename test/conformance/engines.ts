// One suite, every engine: what the ports promise is written once, as sentences, and tried on each room that
// carries. A room is reached only through its ports, but for what no port offers: taking a lease away, cutting
// connections, putting bytes into a queue that are no text.
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import { silentLogger } from '../../src/log.js'
import type { MemoryBroker } from '../../src/memory/broker.js'
import { openMemory } from '../../src/memory/carrier.js'
import { openRedis } from '../../src/redis/carrier.js'
import type { Backend } from '../../src/runtime/backend.js'
import type { Broker } from '../../src/runtime/broker.js'
import type { Consumer, ConsumerOptions } from '../../src/runtime/consumer.js'
import type { Carrier } from '../../src/runtime/carrier.js'
import type { Mailbox } from '../../src/runtime/mailbox.js'
import { consumerOptions } from '../support/consumer-options.js'
import { cutAll } from '../support/cut.js'
import { type TestRedis, startRedis } from '../support/redis.js'
import { until } from '../support/until.js'
import { engineList } from './engine-list.js'

interface Place {
  readonly carrier: Carrier
  /** The consumer's lease ends, and what it held has been given back: as if it were dead, or frozen. */
  readonly lapse: (consumer: Consumer) => Promise<void>
  /** Resolves when the consumer's lease is kept: what keeps it has started, and the next times it is quicker. */
  readonly kept: (consumer: Consumer) => Promise<void>
  /** Every connection breaks, now, those that listen as well; how many there were. */
  readonly cut: () => Promise<number>
  /** Bytes into the most urgent list of a queue. */
  readonly seed: (queue: string, raw: Buffer) => Promise<void>
  /** Results lie on a server of their own. */
  readonly isApart: boolean
}

interface Engine {
  readonly name: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  /** An empty place. */
  readonly open: (unique: string) => Place
}

/** What a test works with: a place of its own. */
export interface Bench extends Omit<Place, 'carrier'> {
  readonly broker: Broker
  readonly backend: Backend
  readonly mailbox: Mailbox
  /** A consumer that is closed with the test. Default: the queue `q`, a lease of a minute. */
  readonly consume: (options?: Partial<ConsumerOptions>) => Promise<Consumer>
}

const memory: Engine = {
  name: 'memory',
  start: async () => undefined,
  stop: async () => undefined,
  open: (unique) => {
    const url = `memory://${unique}`
    const prefixes = { globalKeyPrefix: '', resultKeyPrefix: '' }
    const carrier = openMemory({
      brokerUrl: url,
      backendUrl: url,
      ...prefixes,
      timeout: 5,
      log: silentLogger,
    })
    const { room } = carrier.broker as MemoryBroker
    return {
      carrier,
      lapse: async ({ id }) => {
        room.submit('renew', { consumer: id, leaseMs: 0 })
        room.submit('reap', {})
      },
      kept: async () => undefined,
      cut: async () => 0,
      seed: async (queue, raw) =>
        void room.submit('publish', { pushes: [{ queue, priority: 0, raw }], chords: [] }),
      isApart: false,
    }
  },
}

/** Results that have not arrived yet are waited for: what a test reads or forgets is what its steps have written. */
const readsWhatArrives = (backend: Backend, haveArrived: () => Promise<boolean>): void => {
  const read = backend.read.bind(backend)
  backend.read = async (taskIds) => {
    await until(haveArrived)
    return read(taskIds)
  }
  const forget = backend.forget.bind(backend)
  backend.forget = async (...ids) => {
    await until(haveArrived)
    return forget(...ids)
  }
}

/** `apart`: results on a server of their own. */
const redis = (apart = false): Engine => {
  let server: TestRedis
  let far: TestRedis
  let client: Redis
  return {
    name: apart ? 'two servers' : 'redis',
    start: async () => {
      server = await startRedis()
      far = apart ? await startRedis({ own: true }) : server
      client = new Redis(server.url)
    },
    stop: async () => {
      client.disconnect()
      for (const one of new Set([server, far])) await one.stop()
    },
    open: (unique) => {
      const prefix = `${unique}:`
      const carrier = openRedis({
        brokerUrl: server.url,
        backendUrl: far.url,
        globalKeyPrefix: prefix,
        resultKeyPrefix: prefix,
        timeout: 5,
        log: silentLogger,
      })
      const consumers = `${prefix}lovage:consumers`
      if (apart)
        readsWhatArrives(carrier.backend, async () => (await client.exists(`${prefix}lovage:outbox`)) === 0)
      return {
        carrier,
        // Its owner may renew once more in between: then once more.
        lapse: async ({ id }) => {
          await until(async () => {
            await client.zadd(consumers, 'XX', 0, id)
            return (
              (await client.zscore(consumers, id)) === null &&
              (await client.zscore(consumers, `!${id}`)) === null
            )
          })
        },
        // One that was lost before is followed by another of its name.
        kept: async (consumer) => {
          const ends = new Map<string, number>()
          await until(async () => {
            const { id } = consumer
            const end = Number(await client.zscore(consumers, id))
            if (end > (ends.get(id) ?? end)) return true
            ends.set(id, end)
            return false
          })
        },
        cut: () => cutAll(client),
        seed: async (queue, raw) => void (await client.lpush(prefix + queue, raw)),
        isApart: apart,
      }
    },
  }
}

let places = 0

/** The sentences of one port, on every engine. `bench()` is fresh in each test. */
export const onEveryEngine = (subject: string, sentences: (bench: () => Bench) => void): void => {
  const engines = engineList({ memory: () => memory, redis: () => redis(), apart: () => redis(true) })
  describe.each(engines)(`${subject} ($name)`, (engine) => {
    let bench: Bench
    let consumers: Consumer[] = []

    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    beforeEach(() => {
      places += 1
      const { carrier, ...place } = engine.open(`t${process.pid}-${places}`)
      bench = {
        ...place,
        ...carrier,
        consume: async (options = {}) => {
          const consumer = await carrier.broker.consume(consumerOptions(options))
          consumers.push(consumer)
          return consumer
        },
      }
    })

    afterEach(async () => {
      await Promise.all(consumers.map((consumer) => consumer.close()))
      consumers = []
      await bench.mailbox.close()
      await bench.broker.close()
      await bench.backend.close()
    })

    sentences(() => bench)
  })
}
