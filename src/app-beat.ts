// What beat is given by an app: where entries lie, how work becomes messages, and how a fire reaches the broker.
import { endedOf, readMetas } from './app-beat-ends.js'
import { isChild } from './app-child.js'
import type { AppRuntime } from './app-runtime.js'
import type { BeatMeans } from './beat/beat.js'
import { readBeatSchedule } from './beat/beat-schedule.js'
import type { ScheduleEntry } from './beat/entry.js'
import type { BeatParts, Prepared } from './beat/parts.js'
import type { ScheduleStore } from './beat/store.js'
import { tickId } from './beat/tick-id.js'
import { ImproperlyConfigured, InvalidUsage, OperationalError } from './errors.js'
import type { MemoryBroker } from './memory/broker.js'
import type { Broker } from './runtime/broker.js'
import type { FireReply } from './runtime/firing.js'
import type { Publication } from './runtime/publication.js'
import { checkCanvas } from './runtime/check-canvas.js'
import { decompose } from './runtime/decompose.js'
import { decodeJson, encodeValue } from './runtime/json.js'
import { type Means, toPublication, weave } from './runtime/perform.js'
import { type SendPlan, toTuple } from './runtime/plan.js'

export interface BeatHost {
  /** The app's name. */
  readonly name: string
  readonly runtime: AppRuntime
  readonly announce: (signal: 'beatInit' | 'beatEmbeddedInit') => void
}

/** The messages of one run on their way. */
interface Load {
  readonly publication: Publication
  /** Tells the app's layers what became of them; absent where it has none. */
  readonly left?: (error?: unknown) => void
}

const nothing: Load = { publication: { pushes: [], chords: [] } }

export const beatMeans = (host: BeatHost): BeatMeans => ({
  open: () => openParts(host),
  configured: () => readBeatSchedule(host.runtime.settings.beatSchedule),
  check: (entry) => checkEntry(entry, host),
  maxInterval: () => (host.runtime.settings.beatMaxLoopInterval || 300) * 1000,
  timezone: () => host.runtime.settings.timezone,
  redBeat: async (prefix) => {
    const options = host.runtime.carrier.options()
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
    checkCanvas(run, 0, host.runtime.registry, host.runtime.settings)
  } catch (error) {
    fail((error as Error).message)
  }
  if (options.durability !== undefined)
    fail('durability: expected none; a tick that the broker lost is caught up. Use catchUp.')
  const ignored = options.ignoreResult ?? run.options.ignoreResult ?? host.runtime.settings.taskIgnoreResult
  if (overlap !== 'allow' && ignored)
    fail(
      `overlap: "${overlap}" asks for the end of each run, and ignoreResult hides it. Choose one of the two.`,
    )
}

const openParts = async (host: BeatHost): Promise<BeatParts> => {
  if (isChild())
    throw new InvalidUsage(
      'A beat was started by the module that a child of a pool loads. Start it in a program of its own, or only ' +
        'where `app.isChild` is false.',
    )
  const { name, runtime } = host
  const { registry, settings, log } = runtime
  const broker = await runtime.broker()
  const backend = await runtime.backend()
  return {
    scope: name,
    timezone: settings.timezone,
    log,
    codec: { write: (value) => encodeValue(value, 'definition'), read: decodeJson },
    store: await openStore(host, broker),
    nothing,
    prepare: async (entry, taskId, nowMs): Promise<Prepared> => {
      checkCanvas(entry.run, 0, registry, settings)
      let minted = 0
      const means = meansAt(nowMs, runtime.means(broker), broker)
      const origin = {
        // Every id of a run comes from the run's own, whichever beat prepares it.
        mint: () => {
          minted += 1
          return tickId(taskId, 'part', minted)
        },
        nowMs,
        headerErrbacks: settings.taskAllowErrorCbOnChordHeader,
        isOurs: means.router.isOurs,
        mostLevels: settings.canvasMaxLevels,
        looksAhead: true,
      }
      const plan = decompose(entry.run, [], { ...entry.options, taskId }, origin)
      return { messages: await load(plan, means), id: plan.result.id, result: toTuple(plan.result) }
    },
    fire: async (firings) => {
      const replies = await broker.fire(
        firings.map(({ messages, ...firing }) => ({
          ...firing,
          scope: name,
          publication: (messages as Load).publication,
        })),
      )
      for (const [index, { messages }] of firings.entries())
        (messages as Load).left?.(reasonOf(replies[index]!))
      return replies
    },
    lead: (by, leaseMs) => broker.lead(name, by, leaseMs),
    now: () => broker.now(),
    ended: (runs) => endedOf(runs, backend, broker.now(), settings.resultExpires),
    states: async (ids) =>
      (await readMetas(backend, ids)).map((meta) => (meta === undefined ? 'PENDING' : meta.state)),
  }
}

/** Written before its turn comes; layers that wait for the end of their message wait for the fire's answer. */
const load = async (plan: SendPlan, means: Means): Promise<Load> => {
  const woven = await weave(plan, means)
  try {
    const prepared = await toPublication(woven ?? plan, means)
    const { pushes, chords, pages = [], releases = [], errands = [] } = prepared
    const publication = { pushes, chords, pages, releases, errands }
    return woven === undefined ? { publication } : { publication, left: woven.left }
  } catch (error) {
    woven?.left(error)
    throw error
  }
}

/** Why the messages of a firing did not leave; undefined: they did. */
const reasonOf = (reply: FireReply): Error | undefined => {
  if (reply.kind === 'fired') return undefined
  if (reply.kind === 'failed') return reply.error
  return new OperationalError(
    reply.kind === 'early'
      ? 'Not sent yet: by the clock of the broker it is not due.'
      : 'Not sent: another beat has sent this tick, or its entry was changed.',
  )
}

/**
 * `expires` and `countdown` are reckoned by the clock that judged the tick, not by the host's, which may jump.
 * What is too big for one call goes ahead of it.
 */
const meansAt = (nowMs: number, means: Means, broker: Broker): Means => ({
  ...means,
  broker: { now: () => nowMs, route: (...words) => broker.route(...words) },
  ...(broker.stage !== undefined && {
    stage: (piece) => broker.stage?.(piece) ?? Promise.resolve(),
    served: () => broker.served?.() ?? Promise.resolve(new Set()),
  }),
})

// ---------------------------------------------------------------------------------------------------
// Where entries lie

const openStore = async (host: BeatHost, broker: Broker): Promise<ScheduleStore> => {
  const { beatScheduler, beatScheduleFilename } = host.runtime.settings
  if (beatScheduler === 'file' || (beatScheduler === null && beatScheduleFilename !== null)) {
    const { FileStore } = await import('./beat/file-store.js')
    return new FileStore(beatScheduleFilename ?? 'lovage-beat.json', host.runtime.log)
  }
  const { brokerUrl, ...options } = host.runtime.carrier.options()
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
