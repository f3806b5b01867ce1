// What beat is given by an app: where entries lie, how work becomes messages, and how a fire reaches the broker.
import type { BeatMeans } from './beat/beat.js'
import { readBeatSchedule } from './beat/beat-schedule.js'
import type { ScheduleEntry } from './beat/entry.js'
import type { BeatParts, Prepared, SentRun } from './beat/parts.js'
import type { ScheduleStore } from './beat/store.js'
import { tickId } from './beat/tick-id.js'
import type { Settings } from './config.js'
import { ImproperlyConfigured, InvalidUsage } from './errors.js'
import type { Logger } from './log.js'
import type { MemoryBroker } from './memory/broker.js'
import type { Backend } from './runtime/backend.js'
import type { Broker, Publication } from './runtime/broker.js'
import type { CarrierOptions } from './runtime/carrier.js'
import { checkCanvas } from './runtime/check-canvas.js'
import { decompose } from './runtime/decompose.js'
import { decodeJson, encodeValue } from './runtime/json.js'
import { isReady, type Meta, readMeta, type ResultTuple } from './runtime/meta.js'
import { type Means, toPublication, weave } from './runtime/perform.js'
import { toTuple } from './runtime/plan.js'
import type { Registry } from './runtime/registry.js'

export interface BeatHost {
  readonly name: string
  settings(): Settings
  log(): Logger
  isChild(): boolean
  readonly registry: Registry
  broker(): Promise<Broker>
  backend(): Promise<Backend>
  means(broker: Broker): Means
  carrierOptions(): CarrierOptions
  announce(signal: 'beatInit' | 'beatEmbeddedInit'): void
}

const nothing: Publication = { pushes: [], chords: [] }

export const beatMeans = (host: BeatHost): BeatMeans => ({
  open: () => openParts(host),
  configured: () => readBeatSchedule(host.settings().beatSchedule),
  check: (entry) => checkEntry(entry, host),
  maxInterval: () => (host.settings().beatMaxLoopInterval || 300) * 1000,
  timezone: () => host.settings().timezone,
  redBeat: async (prefix) => {
    const options = host.carrierOptions()
    if (options.brokerUrl.startsWith('memory:'))
      throw new ImproperlyConfigured(
        'RedBeat keeps its schedule in Redis, and the broker of this app is memory.',
      )
    return (await import('./redis/redbeat.js')).readRedBeat(options, prefix)
  },
  announce: (signal) => host.announce(signal),
})

const checkEntry = ({ name, run, overlap, options }: ScheduleEntry, host: BeatHost): void => {
  const fail = (problem: string): never => {
    throw new ImproperlyConfigured(`Beat entry ${JSON.stringify(name)}: ${problem}`)
  }
  try {
    checkCanvas(run, 0, host.registry, host.settings())
  } catch (error) {
    fail((error as Error).message)
  }
  if (options.durability !== undefined)
    fail('durability: expected none; a tick that the broker lost is caught up. Use catchUp.')
  const ignored = options.ignoreResult ?? run.options.ignoreResult ?? host.settings().taskIgnoreResult
  if (overlap !== 'allow' && ignored)
    fail(
      `overlap: "${overlap}" asks for the end of each run, and ignoreResult hides it. Choose one of the two.`,
    )
}

const openParts = async (host: BeatHost): Promise<BeatParts> => {
  if (host.isChild())
    throw new InvalidUsage(
      'A beat was started by the module that a child of a pool loads. Start it in a program of its own, or only ' +
        'where `app.isChild` is false.',
    )
  const { registry, name } = host
  const settings = host.settings()
  const broker = await host.broker()
  const backend = await host.backend()
  return {
    scope: name,
    timezone: settings.timezone,
    log: host.log(),
    codec: { write: (value) => encodeValue(value, 'the entry'), read: decodeJson },
    store: await openStore(host, broker),
    nothing,
    prepare: async (entry, taskId, nowMs): Promise<Prepared> => {
      checkCanvas(entry.run, 0, registry, settings)
      let minted = 0
      const origin = {
        // Every id of a run comes from the run's own, whichever beat prepares it.
        mint: () => {
          minted += 1
          return tickId(taskId, 'part', minted)
        },
        nowMs,
        headerErrbacks: settings.taskAllowErrorCbOnChordHeader,
      }
      const plan = decompose(entry.run, [], { ...entry.options, taskId }, origin)
      const means = meansAt(nowMs, host.means(broker))
      const woven = await weave(plan, means)
      const { pushes, chords, errands = [] } = await toPublication(woven ?? plan, means)
      // Prepared before its tick: the tick sends it, and does not wait.
      woven?.left()
      return { messages: { pushes, chords, errands }, id: plan.result.id, result: toTuple(plan.result) }
    },
    fire: (firings) =>
      broker.fire(
        firings.map(({ messages, ...firing }) => ({
          ...firing,
          scope: name,
          publication: messages as Publication,
        })),
      ),
    lead: (by, leaseMs) => broker.lead(name, by, leaseMs),
    now: () => broker.now(),
    ended: (runs) => endedOf(runs, backend, broker.now(), settings.resultExpires),
    states: async (ids) =>
      (await readMetas(backend, ids)).map((meta) => (meta === undefined ? 'PENDING' : meta.state)),
  }
}

/** `expires` and `countdown` are reckoned by the clock that judged the tick, not by the host's, which may jump. */
const meansAt = (nowMs: number, means: Means): Means => ({
  ...means,
  broker: { now: () => nowMs, route: (...words) => means.broker.route(...words) },
})

// ---------------------------------------------------------------------------------------------------
// Where entries lie

const openStore = async (host: BeatHost, broker: Broker): Promise<ScheduleStore> => {
  const { beatScheduler, beatScheduleFilename } = host.settings()
  if (beatScheduler === 'file' || (beatScheduler === null && beatScheduleFilename !== null)) {
    const { FileStore } = await import('./beat/file-store.js')
    return new FileStore(beatScheduleFilename ?? 'lovage-beat.json', host.log())
  }
  const { brokerUrl, ...options } = host.carrierOptions()
  const room = brokerUrl.startsWith('memory:') ? 'memory' : 'redis'
  if (beatScheduler !== null && beatScheduler !== room)
    throw new ImproperlyConfigured(
      `beatScheduler: entries lie where the broker is, and that is ${room}: expected "${room}", "file" or null, got "${beatScheduler}".`,
    )
  if (brokerUrl.startsWith('memory:')) {
    const { MemoryScheduleStore } = await import('./memory/schedule-store.js')
    return new MemoryScheduleStore(broker.url, (broker as MemoryBroker).room, host.name)
  }
  const { openRedisSchedules } = await import('./redis/schedule-store.js')
  return openRedisSchedules({ brokerUrl, ...options }, host.name)
}

// ---------------------------------------------------------------------------------------------------
// How runs end

const readMetas = async (
  backend: Backend,
  ids: readonly string[],
): Promise<readonly (Meta | undefined)[]> => {
  if (ids.length === 0) return []
  const texts = await backend.read(ids)
  return texts.map((text) => {
    try {
      return text === null ? undefined : readMeta(text)
    } catch {
      return undefined
    }
  })
}

interface End {
  readonly id: string
  /** Steps to the left: where one fails, nothing comes after it. */
  readonly before: readonly string[]
}

/** Every task whose end is an end of the run. */
const endsOf = ([head, children]: ResultTuple, before: readonly string[] = []): readonly End[] => {
  const [id, parent] = head
  const left = [...before]
  for (let step = parent; step !== null; step = step[0][1])
    left.push(...(step[1] === null ? [step[0][0]] : endsOf(step).map((end) => end.id)))
  return children === null ? [{ id, before: left }] : children.flatMap((child) => endsOf(child, left))
}

/** A run whose results have vanished, or never came in the time that results are kept, is over. */
const endedOf = async (
  runs: readonly SentRun[],
  backend: Backend,
  nowMs: number,
  resultExpires: number,
): Promise<readonly boolean[]> => {
  const ends = runs.map(({ result }) => endsOf(result as ResultTuple))
  const ids = [...new Set(ends.flat().flatMap(({ id, before }) => [id, ...before]))]
  const metas = await readMetas(backend, ids)
  const states = new Map(ids.map((id, index) => [id, metas[index]?.state ?? 'PENDING']))
  const isOver = (id: string): boolean => isReady(states.get(id) ?? 'PENDING')
  const isFailed = (id: string): boolean => isOver(id) && states.get(id) !== 'SUCCESS'
  return runs.map(
    ({ atMs }, index) =>
      (resultExpires > 0 && nowMs - atMs > resultExpires * 1000) ||
      ends[index]!.every(({ id, before }) => isOver(id) || before.some(isFailed)),
  )
}
