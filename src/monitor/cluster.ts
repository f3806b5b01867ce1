// What there is, folded from events: workers, and the latest tasks with their states. It knows nothing but what it
// was told: who began to listen late knows less.
import type { OwnEvent } from '../runtime/events.js'

export interface WorkerSeen {
  readonly hostname: string
  readonly alive: boolean
  readonly software: string
  readonly pid: number | null
  readonly active: number | null
  readonly processed: number | null
  readonly load: readonly number[]
  /** Unix seconds, by our clock. */
  readonly heardAt: number
}

export interface TaskSeen {
  readonly uuid: string
  readonly state: string
  readonly name: string | null
  readonly worker: string | null
  readonly args: string | null
  readonly kwargs: string | null
  readonly retries: number | null
  readonly eta: string | null
  readonly result: string | null
  readonly exception: string | null
  readonly traceback: string | null
  /** Seconds. */
  readonly runtime: number | null
  readonly rootId: string | null
  readonly parentId: string | null
  /** Unix seconds, by the clocks of who told. */
  readonly firstAt: number
  readonly lastAt: number
}

interface Beating {
  readonly event: OwnEvent
  readonly heardAt: number
  readonly silentAfter: number
  readonly isGone: boolean
}

const states: Readonly<Record<string, string>> = {
  'task-sent': 'PENDING',
  'task-received': 'RECEIVED',
  'task-started': 'STARTED',
  'task-succeeded': 'SUCCESS',
  'task-failed': 'FAILURE',
  'task-retried': 'RETRY',
  'task-revoked': 'REVOKED',
  'task-rejected': 'REJECTED',
}

/** The first wins over those behind it: events of several senders come in any order. States of one's own stand at ''. */
const precedence = [
  'SUCCESS',
  'FAILURE',
  '',
  'REVOKED',
  'STARTED',
  'RECEIVED',
  'REJECTED',
  'RETRY',
  'PENDING',
]
const rank = (state: string): number => {
  const at = precedence.indexOf(state)
  return at === -1 ? precedence.indexOf('') : at
}
/** After these all begins anew. */
const passing = new Set(['RETRY', 'CANCELLED'])

const stateOf = (type: string): string => states[type] ?? type.replace(/^task-/, '').toUpperCase()

const isLate = (state: string, before: string): boolean =>
  !passing.has(state) && !passing.has(before) && rank(state) > rank(before)

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

const fold = (before: TaskSeen | undefined, uuid: string, event: OwnEvent): TaskSeen => {
  const state = stateOf(event.type)
  const late = before !== undefined && isLate(state, before.state)
  // Who sends is no worker.
  const worker = event.type === 'task-sent' ? null : event.hostname
  return {
    uuid,
    state: late ? before.state : state,
    name: text(event['name']) ?? before?.name ?? null,
    worker: late ? (before.worker ?? worker) : (worker ?? before?.worker ?? null),
    args: text(event['args']) ?? before?.args ?? null,
    kwargs: text(event['kwargs']) ?? before?.kwargs ?? null,
    retries: Math.max(number(event['retries']) ?? 0, before?.retries ?? 0),
    eta: text(event['eta']) ?? before?.eta ?? null,
    result: text(event['result']) ?? before?.result ?? null,
    exception: text(event['exception']) ?? before?.exception ?? null,
    traceback: text(event['traceback']) ?? before?.traceback ?? null,
    runtime: number(event['runtime']) ?? before?.runtime ?? null,
    rootId: text(event['root_id']) ?? before?.rootId ?? null,
    parentId: text(event['parent_id']) ?? before?.parentId ?? null,
    firstAt: Math.min(event.timestamp, before?.firstAt ?? Number.POSITIVE_INFINITY),
    lastAt: Math.max(event.timestamp, before?.lastAt ?? 0),
  }
}

/** Where a worker does not say how often it beats. */
const usualFreq = 2
/** A worker that was silent for so long is forgotten; seconds. */
const forgetAfter = 3600

export class Cluster {
  readonly #workers = new Map<string, Beating>()
  readonly #tasks = new Map<string, TaskSeen>()
  /** How often each state was come to, since it listens. */
  readonly totals = new Map<string, number>()

  constructor(private readonly mostTasks: number) {}

  hear(event: OwnEvent, now: number): void {
    const { type, uuid } = event
    if (type.startsWith('worker-')) this.#hearWorker(event, now)
    else if (type.startsWith('task-') && typeof uuid === 'string') this.#hearTask(uuid, event)
  }

  /** By name. */
  workers(now: number): readonly WorkerSeen[] {
    return [...this.#workers.values()]
      .filter(({ heardAt }) => now - heardAt < forgetAfter)
      .map(({ event, heardAt, silentAfter, isGone }) => ({
        hostname: event.hostname,
        alive: !isGone && now < heardAt + silentAfter,
        software: [event['sw_ident'], event['sw_ver']].filter((part) => typeof part === 'string').join(' '),
        pid: number(event['pid']),
        active: number(event['active']),
        processed: number(event['processed']),
        load: Array.isArray(event['loadavg']) ? (event['loadavg'] as number[]) : [],
        heardAt,
      }))
      .sort((a, b) => (a.hostname < b.hostname ? -1 : 1))
  }

  /** The newest first. */
  tasks(most: number): readonly TaskSeen[] {
    return [...this.#tasks.values()].slice(-most).reverse()
  }

  task(uuid: string): TaskSeen | undefined {
    return this.#tasks.get(uuid)
  }

  #hearWorker(event: OwnEvent, now: number): void {
    const before = this.#workers.get(event.hostname)
    // The answer to who asks for a heartbeat is a short one, and no promise of the next.
    const isWhole = typeof event['active'] === 'number'
    const freq = isWhole ? (number(event['freq']) ?? usualFreq) : usualFreq
    this.#workers.set(event.hostname, {
      event: isWhole || before === undefined ? event : before.event,
      heardAt: now,
      silentAfter: Math.max(2 * freq, before === undefined || isWhole ? 0 : before.silentAfter),
      isGone: event.type === 'worker-offline',
    })
  }

  #hearTask(uuid: string, event: OwnEvent): void {
    const before = this.#tasks.get(uuid)
    const task = fold(before, uuid, event)
    this.#tasks.set(uuid, task)
    if (task.state !== before?.state) this.totals.set(task.state, (this.totals.get(task.state) ?? 0) + 1)
    if (this.#tasks.size <= this.mostTasks) return
    const [oldest] = this.#tasks.keys()
    if (oldest !== undefined) this.#tasks.delete(oldest)
  }
}
