// What users write, on every engine: an app, a worker, calls and waits. Each test has a place of its own,
// which no other test sees, and everything that it opened is closed behind it.
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest'
import { type App, createApp } from '../../../src/app.js'
import { createLogger } from '../../../src/log.js'
import { roomOf } from '../../../src/memory/room.js'
import type { SettingsInput } from '../../../src/config.js'
import type { WorkerOptions } from '../../../src/runtime/worker/options.js'
import type { Worker } from '../../../src/runtime/worker/worker.js'
import { leaks } from '../../support/leaks.js'
import { startRedis, type TestRedis } from '../../support/redis.js'
import { until } from '../../support/until.js'
import { engineList } from '../engine-list.js'
import { type Looked, lookAtMemory, lookAtRedis } from './look.js'

interface Place {
  readonly settings: SettingsInput
  /** Ids of the consumers that hold a lease. */
  readonly consumers: () => Promise<readonly string[]>
  /** Ids of the graphs that messages refer to. */
  readonly graphs: () => Promise<readonly string[]>
  /** The lease of this consumer is over, and what it held belongs to others. */
  readonly lapse: (consumer: string) => Promise<void>
  /** What lies there now. */
  readonly look: () => Promise<Looked>
  /** Names of what is not over: messages that wait or are held, chords that are open. */
  readonly unfinished: () => Promise<readonly string[]>
}

interface Engine {
  readonly name: string
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
  readonly open: (unique: string) => Place
}

const memory: Engine = {
  name: 'memory',
  start: async () => undefined,
  stop: async () => undefined,
  open: (unique) => {
    const room = () => roomOf(JSON.stringify([unique, '', '']))
    return {
      settings: { broker: `memory://${unique}` },
      consumers: async () => [...room().state.consumers].map(([id]) => id),
      graphs: async () => [...room().state.graphs.keys()],
      lapse: async (consumer) => {
        room().submit('renew', { consumer, leaseMs: 0 })
        room().submit('reap', {})
      },
      look: async () => lookAtMemory(room().state),
      unfinished: async () => {
        const { lists, deferred, held, chords } = room().state
        return [
          ...[...lists, ...deferred].filter(([, { size }]) => size > 0),
          ...held,
          ...[...chords].filter(([, { size, taken }]) => size !== null || taken !== null),
        ].map(([name]) => name)
      },
    }
  },
}

/** `apart`: results on a server of their own. */
const redis = (apart = false): Engine => {
  let server: TestRedis
  let far: TestRedis
  let client: Redis
  let results: Redis
  const unfinishedAt = async (globalKeyPrefix: string): Promise<string[]> => {
    const find = (pattern: string) => client.keys(globalKeyPrefix + pattern)
    const names = [
      'celery',
      'celery\x06*',
      'lovage:redo:*',
      'lovage:eta:*',
      'lovage:limited:*',
      'lovage:outbox',
      'celery-taskset-meta-*.[sjt]',
    ]
    const found = await Promise.all([...names, 'lovage:chord:*:taken'].map(find))
    const fields = await Promise.all((await find('lovage:unacked:*')).map((hash) => client.hkeys(hash)))
    const held = fields.flat().filter((field) => !/^(l.|host|queues)$/.test(field))
    return [...found.flat(), ...held]
  }
  return {
    name: apart ? 'two servers' : 'redis',
    start: async () => {
      server = await startRedis()
      far = apart ? await startRedis({ own: true }) : server
      client = new Redis(server.url)
      results = apart ? new Redis(far.url) : client
    },
    stop: async () => {
      // Entries of beat and dead letters are there to stay; and where a test left work that waits, what belongs to it.
      const kept = { prefix: '*lovage:', allowed: /lovage:(dead\b|beat:|outbox:facts$)/ }
      const forEver = await leaks(server.url, kept)
      const placeOf = (key: string): string => key.slice(0, key.indexOf('lovage:'))
      const places = [...new Set(forEver.map(placeOf))]
      const over = await Promise.all(
        places.map(async (place) => ((await unfinishedAt(place)).length === 0 ? [place] : [])),
      )
      const forEverThere = apart ? await leaks(far.url, kept) : []
      for (const connection of [client, results]) connection.disconnect()
      for (const one of new Set([server, far])) await one.stop()
      expect(forEverThere).toEqual([])
      expect(forEver.filter((key) => over.flat().includes(placeOf(key)))).toEqual([])
    },
    open: (unique) => {
      const globalKeyPrefix = `${unique}:`
      const key = `${globalKeyPrefix}lovage:consumers`
      return {
        settings: {
          broker: server.url,
          ...(apart && { resultBackend: far.url }),
          brokerTransportOptions: { globalKeyPrefix },
          resultBackendTransportOptions: { globalKeyPrefix },
        },
        consumers: async () => (await client.zrange(key, '0', '-1')).filter((id) => !id.startsWith('!')),
        graphs: () => client.keys(`${globalKeyPrefix}lovage:graph:*`),
        // Its owner may renew once more in between: then once more.
        lapse: async (consumer) =>
          void (await until(async () => {
            await client.call('ZADD', key, 'XX', '0', consumer)
            const left = await Promise.all([consumer, `!${consumer}`].map((id) => client.zscore(key, id)))
            return left.every((score) => score === null)
          })),
        look: async () => {
          const here = await lookAtRedis(client, globalKeyPrefix)
          if (!apart) return here
          const there = await lookAtRedis(results, globalKeyPrefix)
          return { ...here, results: there.results, groups: there.groups }
        },
        unfinished: () => unfinishedAt(globalKeyPrefix),
      }
    },
  }
}

/** What a test works with. */
export interface Bench extends Omit<Place, 'settings'> {
  /** A fresh app of this place. */
  readonly app: (settings?: SettingsInput) => App
  /** A worker that takes messages, with short leases and quiet but kept logs. */
  readonly work: (app: App, options?: WorkerOptions) => Promise<Worker>
  /** What the workers logged so far. */
  readonly lines: readonly string[]
}

let places = 0

/** The sentences of one subject, on every engine. `bench()` is fresh in each test. */
export const onEveryEngine = (subject: string, sentences: (bench: () => Bench) => void): void =>
  onEngines(engineList(engines), subject, sentences)

/** The same, and on two servers with each `npm test`. */
export const onEveryEngineAndApart = (subject: string, sentences: (bench: () => Bench) => void): void =>
  onEngines(engineList(engines, 'and apart'), subject, sentences)

const engines = { memory: () => memory, redis: () => redis(), apart: () => redis(true) }

const onEngines = (
  chosen: readonly Engine[],
  subject: string,
  sentences: (bench: () => Bench) => void,
): void => {
  describe.each(chosen)(`${subject} ($name)`, (engine) => {
    let bench: Bench
    let apps: App[] = []
    let workers: Worker[] = []

    beforeAll(() => engine.start())
    afterAll(() => engine.stop())

    beforeEach(() => {
      places += 1
      const { settings: place, ...rest } = engine.open(`a${process.pid}-${places}`)
      const lines: string[] = []
      const log = createLogger({ level: 'DEBUG', write: (line) => void lines.push(line) })
      bench = {
        ...rest,
        lines,
        app: (settings = {}) => {
          const app = createApp(`t${places}`, { workerLease: 5, ...place, ...settings })
          apps.push(app)
          return app
        },
        work: async (app, options = {}) => {
          const worker = app.worker({ concurrency: 10, hostname: `w${apps.length}@host`, log, ...options })
          workers.push(worker)
          return worker.start()
        },
      }
    })

    afterEach(async () => {
      // Cold: a test that failed may have left a task that waits for ever.
      const [stopping, closing] = [workers, apps]
      workers = []
      apps = []
      await Promise.all(stopping.map((worker) => worker.stop({ cold: true })))
      await Promise.all(closing.map((app) => app.close()))
      expect(bench.lines.filter((line) => line.includes('CRITICAL'))).toEqual([])
    })

    sentences(() => bench)
  })
}

/** Something that a task waits for, and a test lets happen. */
export const gate = () => {
  let open: () => void = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}
