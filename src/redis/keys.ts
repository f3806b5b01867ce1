// The names of all keys of this room. They are made here and nowhere else; what lies under each, and how long, is a
// table of its own (test/redis/key-table.ts).
import { type Binding, topicPattern } from '../runtime/binding.js'
import type { ChordKey, Push, Staged } from '../runtime/publication.js'
import { nothingShared, type Sharing } from './shared.js'

/** How long a tick that was fired for a file is remembered. */
export const beatMarkerSeconds = 400 * 86_400

/** The databases that scripts SELECT; `results` is '' when both are one. */
export interface Databases {
  readonly broker: string
  /** What belongs to results and is kept with them: chords. With results on another server it lies in the broker's. */
  readonly results: string
  /** Where results themselves are written: the same, or `>` and the outbox from which they are carried to another server. */
  readonly written: string
}

/** Results lie on another server: no script sees those of others. */
export const isFar = ({ written }: Databases): boolean => written.startsWith('>')

/** What scripts write when they store a result: its key, or what stands for that beside the outbox. */
export const writtenAs = (keys: Keys, databases: Databases, taskId: string): string =>
  isFar(databases) ? `${keys.outbox}:of:${keys.result(taskId)}` : keys.result(taskId)

/** Between the parts of a name or a binding, as kombu writes it. */
export const separator = '\x06\x16'

/** The priorities that have a list. */
export const prioritySteps = [0, 3, 6, 9] as const

/** Index of the list that a priority belongs to: 0 … 3, rounded down. */
export const stepOf = (priority: number): number => Math.floor(Math.min(9, Math.max(0, priority)) / 3)

/** The names, with the app's prefixes. */
export class Keys {
  /** What stands before all names of ours. */
  readonly base: string
  readonly consumers: string
  readonly consumerPrefix: string
  readonly redoPrefix: string
  readonly dead: string
  readonly outbox: string
  readonly outboxFacts: string
  readonly revoked: string
  readonly errands: string
  readonly revokedStamps: string
  readonly unacked: string
  readonly unackedIndex: string
  /** Names of graphs and groups that no message leads to. */
  readonly orphans: string
  readonly orphansLook: string
  /** Before every key of results: a script makes the names of a chord's keys itself. */
  readonly resultPrefix: string

  constructor(
    readonly globalPrefix: string,
    resultKeyPrefix: string,
    readonly sharing: Sharing = nothingShared,
  ) {
    this.base = `${globalPrefix}lovage:`
    this.consumers = `${globalPrefix}lovage:consumers`
    this.consumerPrefix = `${globalPrefix}lovage:unacked:`
    this.redoPrefix = `${globalPrefix}lovage:redo:`
    this.dead = `${globalPrefix}lovage:dead`
    this.outbox = `${globalPrefix}lovage:outbox`
    this.outboxFacts = `${this.outbox}:facts`
    this.revoked = `${globalPrefix}lovage:revoked`
    this.revokedStamps = `${this.revoked}:stamps`
    this.orphans = `${globalPrefix}lovage:orphans`
    this.orphansLook = `${this.orphans}:look`
    this.unacked = `${globalPrefix}unacked`
    this.unackedIndex = `${globalPrefix}unacked_index`
    this.resultPrefix =
      resultKeyPrefix === '' || /[:_.-]$/.test(resultKeyPrefix) ? resultKeyPrefix : `${resultKeyPrefix}_`
    this.errands = `${this.resultPrefix}lovage:errands`
  }

  errandsOf = ({ groupId, bodyId }: ChordKey): string => `${this.errands}:${groupId}:${bodyId}`
  isShared = (queue: string): boolean => this.sharing.queues.has(queue)
  /** When a message waits in our own set first; one of a shared queue lies where Python finds it, eta or not. */
  dueOf = ({ queue, dueMs }: Pick<Push, 'queue' | 'dueMs'>): number | undefined =>
    dueMs === undefined || this.isShared(queue) ? undefined : dueMs
  list = (queue: string, step: number): string =>
    step === 0 ? this.globalPrefix + queue : `${this.globalPrefix}${queue}${separator}${prioritySteps[step]}`
  lists = (queue: string): readonly string[] => [0, 1, 2, 3].map((step) => this.list(queue, step))
  binding = (exchange: string): string => `${this.globalPrefix}_kombu.binding.${exchange}`
  /** Not a key but a channel: what is said in a fanout exchange. */
  fanout = (database: number | string, exchange: string, routingKey = ''): string =>
    `${this.globalPrefix}/${database}.${exchange}${routingKey === '' ? '' : `/${routingKey}`}`
  redo = (queue: string): string => this.redoPrefix + queue
  eta = (queue: string): string => `${this.globalPrefix}lovage:eta:${queue}`
  limited = (queue: string): string => `${this.globalPrefix}lovage:limited:${queue}`
  /** What stands before the task's name. */
  parkedPrefix = (queue: string): string => `${this.globalPrefix}lovage:parked:${queue}${separator}`
  gated = (queue: string): string => `${this.globalPrefix}lovage:gated:${queue}`
  rate = (task: string): string => `${this.globalPrefix}lovage:rate:${task}`
  waiters = (queue: string): string => `${this.globalPrefix}lovage:waiters:${queue}`
  consumer = (id: string): string => this.consumerPrefix + id
  sender = (connection: string, lane: number): string =>
    `${this.globalPrefix}lovage:pub:${connection}:${lane}`
  graph = (graph: string): string => `${this.globalPrefix}lovage:graph:${graph}`
  stage = ({ stage, list }: Pick<Staged, 'stage' | 'list'>): string =>
    `${this.globalPrefix}lovage:stage:${stage}:${list}`
  done = (fence: string): string => `${this.globalPrefix}lovage:done:${fence}`
  deadLetter = (id: string): string => `${this.dead}:${id}`
  /** `scope` is the app's name: apps of one broker keep their entries apart. The channel is `changed`. */
  beat = (scope: string, part: 'entries' | 'states' | 'changes' | 'changed' | 'lead'): string =>
    `${this.globalPrefix}lovage:beat:${scope}:${part}`
  beatOf = (scope: string, part: 'history' | 'fired', entry: string): string =>
    `${this.globalPrefix}lovage:beat:${scope}:${part}:${entry}`

  result = (taskId: string): string => `${this.resultPrefix}celery-task-meta-${taskId}`
  chord = (groupId: string, part: 'j' | 's' | 't'): string =>
    `${this.resultPrefix}celery-taskset-meta-${groupId}.${part}`
  /** `name` is an outbox's. */
  courier = (name: string): string => `${this.resultPrefix}lovage:courier:${name}`
  counted = (name: string): string => `${this.resultPrefix}lovage:counted:${name}`
  savedGroup = (groupId: string): string => `${this.resultPrefix}celery-taskset-meta-${groupId}`
  /** All that may tell of chords that wait, for SCAN. */
  get chordPattern(): string {
    return `${this.resultPrefix.replace(/[*?[\]\\]/g, '\\$&')}celery-taskset-meta-*.[js]`
  }

  /** What stands before the two below. */
  get chordMemory(): string {
    return `${this.resultPrefix}lovage:chord:`
  }

  seen = ({ groupId, bodyId }: ChordKey): string =>
    `${this.resultPrefix}lovage:chord:${groupId}:${bodyId}:seen`
  taken = ({ groupId, bodyId }: ChordKey): string =>
    `${this.resultPrefix}lovage:chord:${groupId}:${bodyId}:taken`
}

/** What stands in the set of an exchange. */
export const bindingMember = ({ queue, exchangeType, routingKey }: Binding): string =>
  [routingKey, exchangeType === 'topic' ? topicPattern(routingKey) : '', queue].join(separator)

/** A direct exchange of the queue's own name: what every Celery client writes before its first publish. */
export const directBinding = (queue: string): string => `${queue}${separator}${separator}${queue}`
