// A worker as remote control sees it, in a state that a test describes with Celery's own words for tasks.
import { readSettings } from '../../../src/config.js'
import { silentLogger } from '../../../src/log.js'
import type { Node } from '../../../src/runtime/control/node.js'
import type { Message } from '../../../src/runtime/message.js'
import { Registry } from '../../../src/runtime/registry.js'
import type { Stamp } from '../../../src/runtime/revoked.js'

export interface NodeState {
  readonly active?: readonly any[]
  readonly reserved?: readonly any[]
  readonly scheduled?: readonly any[]
  readonly revoked?: readonly string[]
  /** Task events are on. */
  readonly events?: boolean
}

/** What commands did to it. */
export interface Done {
  readonly revoked: string[]
  readonly stamps: Stamp[]
  readonly terminated: [id: string, signal: string][]
  readonly beats: number[]
  /** `+` and the names of those that were added, `-` and of those left. */
  readonly queues: string[]
  stopped: boolean
}

const messageOf = (task: any): Message =>
  ({
    id: task.id,
    task: task.type ?? 'proj.sleep',
    shadow: null,
    args: Array.isArray(task.args) ? task.args : [],
    kwargs: typeof task.kwargs === 'object' ? task.kwargs : {},
    exchange: task.delivery_info?.exchange ?? '',
    routingKey: task.delivery_info?.routing_key ?? 'celery',
    priority: task.delivery_info?.priority ?? 0,
    redelivered: false,
    stampedHeaders: task.stamps === undefined ? null : Object.keys(task.stamps),
    stamps: task.stamps ?? {},
  }) as unknown as Message

const inHand = (task: any) => ({
  message: messageOf(task),
  redelivered: task.delivery_info?.redelivered ?? false,
  startedAt: task.time_start ?? null,
  acknowledged: task.acknowledged ?? false,
  pid: task.worker_pid ?? null,
})

export const fakeNode = (hostname: string, state: NodeState = {}): Node & { readonly done: Done } => {
  const registry = new Registry()
  for (const name of ['proj.add', 'proj.sleep']) registry.add({ name, run: () => undefined, options: {} })
  const done: Done = { revoked: [], stamps: [], terminated: [], beats: [], queues: [], stopped: false }
  const running = (state.active ?? []).map(inHand)
  return {
    hostname,
    done,
    app: 'proj',
    restartPool: undefined,
    version: '0.0.0',
    log: silentLogger,
    registry,
    settings: readSettings({ broker: 'redis://user:secret@127.0.0.1:6379/0' }, {}),
    changed: new Set(['brokerUrl']),
    brokerUrl: 'redis://127.0.0.1:6379/0',
    clock: { value: 7 },
    startedAt: Date.now() - 5000,
    prefetchCount: 8,
    queues: [{ name: 'celery', exchange: 'celery', exchangeType: 'direct', routingKey: 'celery' }],
    pool: { name: 'fake', concurrency: 2, ids: [1] },
    autoscale: undefined,
    events: {
      enable: () => !state.events,
      disable: () => state.events === true,
      beatNow: async () => void done.beats.push(1),
    },
    addQueue: async ({ name }) => void done.queues.push(`+${name}`),
    leaveQueue: async (name) => void done.queues.push(`-${name}`),
    grow: () => undefined,
    shrink: () => undefined,
    totals: new Map([['proj.add', 2]]),
    timeLimits: new Map(),
    active: () => running,
    reserved: () => (state.reserved ?? []).map(inHand),
    scheduled: async () =>
      (state.scheduled ?? []).map(({ eta, request }) => ({
        dueMs: Date.parse(eta),
        message: messageOf(request),
      })),
    revoked: () => state.revoked ?? [],
    revoke: async (ids, stamps) => {
      done.revoked.push(...ids)
      done.stamps.push(...stamps)
    },
    terminate: (matches, signal) => {
      const found = running.map(({ message }) => message).filter(matches)
      for (const { id } of found) done.terminated.push([id, signal])
      return found
    },
    rateLimit: () => undefined,
    shutdown: () => {
      done.stopped = true
    },
  }
}
