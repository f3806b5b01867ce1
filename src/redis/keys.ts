// Every key of this room: name, type, owner, lifetime. The names are made here and nowhere else; a test
// compares the table with what a real Redis holds after a run.
import { type Binding, topicPattern } from '../runtime/binding.js'
import type { ChordKey, Push, Staged } from '../runtime/broker.js'
import { nothingShared, type Sharing } from './shared.js'

export interface KeyFact {
  /** `<…>` stands for a name or an id. Prefixes stand before all of it. */
  readonly name: string
  readonly type: 'list' | 'set' | 'zset' | 'hash' | 'string'
  /** Whose layout it is: Celery's may be read and written by Python at any time. */
  readonly owner: 'celery' | 'lovage'
  readonly database: 'broker' | 'results'
  readonly holds: string
  /** When it ends. Live work carries no TTL: nothing is lost because it waited long. */
  readonly ends: string
  /** The most seconds that Redis may still keep it, `null` where it has no TTL. */
  readonly ttl: number | null | 'expires'
  /** The TTL comes only with the end: as long as work depends on the key, it has none. */
  readonly live?: true
}

const hour = 3600
const day = 86_400
/** How long a tick that was fired for a file is remembered. */
export const beatMarkerSeconds = 400 * day

export const keyTable: readonly KeyFact[] = [
  {
    name: '<queue>',
    type: 'list',
    owner: 'celery',
    database: 'broker',
    holds: 'messages of priority 0–2; pushed left, popped right',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: '<queue>\x06\x16<3|6|9>',
    type: 'list',
    owner: 'celery',
    database: 'broker',
    holds: 'messages of lower priorities',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: '_kombu.binding.<exchange>',
    type: 'set',
    owner: 'celery',
    database: 'broker',
    holds: '<routing key>\\x06\\x16<pattern>\\x06\\x16<queue>',
    ends: 'never',
    ttl: null,
  },
  {
    name: 'unacked',
    type: 'hash',
    owner: 'celery',
    database: 'broker',
    holds: 'what Python workers hold, and we on shared queues',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: 'unacked_index',
    type: 'zset',
    owner: 'celery',
    database: 'broker',
    holds: 'since when they hold it, s; or its eta',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: '<id>.reply.<exchange>.pidbox',
    type: 'list',
    owner: 'celery',
    database: 'broker',
    holds: 'replies of workers to a remote control command',
    ends: 'with the command',
    ttl: 60,
  },
  {
    name: 'celery-task-meta-<task id>',
    type: 'string',
    owner: 'celery',
    database: 'results',
    holds: 'a result; also the channel it is announced on',
    ends: 'resultExpires',
    ttl: 'expires',
  },
  {
    name: 'celery-taskset-meta-<group id>',
    type: 'string',
    owner: 'celery',
    database: 'results',
    holds: 'the shape of a group that was saved',
    ends: 'resultExpires',
    ttl: 'expires',
  },
  {
    name: 'celery-taskset-meta-<group id>.s',
    type: 'string',
    owner: 'celery',
    database: 'results',
    holds: 'how many parts complete the chord',
    ends: 'with the last part',
    ttl: null,
  },
  {
    name: 'celery-taskset-meta-<group id>.t',
    type: 'string',
    owner: 'celery',
    database: 'results',
    holds: 'parts added by header tasks (addToChord)',
    ends: 'with the last part',
    ttl: null,
  },
  {
    name: 'celery-taskset-meta-<group id>.j',
    type: 'zset',
    owner: 'celery',
    database: 'results',
    holds: 'the parts so far; a list if a Python peer began it so',
    ends: 'with the last part (renamed to `taken`)',
    ttl: null,
  },
  {
    name: 'lovage:chord:<group id>:<body id>:seen',
    type: 'set',
    owner: 'lovage',
    database: 'results',
    holds: 'task ids that were counted',
    ends: 'an hour after the body’s publication',
    ttl: hour,
    live: true,
  },
  {
    name: 'lovage:chord:<group id>:<body id>:taken',
    type: 'zset',
    owner: 'lovage',
    database: 'results',
    holds: 'all members, until the body is published',
    ends: 'with the body’s publication',
    ttl: null,
  },
  {
    name: 'lovage:errands',
    type: 'zset',
    owner: 'lovage',
    database: 'results',
    holds: 'header tasks that run in workers which are not ours → when they are looked at next, ms',
    ends: 'with the last of them; a day after the last look, where no worker of ours is left',
    ttl: day,
  },
  {
    name: 'lovage:errands:<group id>:<body id>',
    type: 'hash',
    owner: 'lovage',
    database: 'results',
    holds: 'those of a chord → what is told if they end in silence',
    ends: 'with the next look after the chord has these parts, or is over; a day after the last look',
    ttl: day,
  },
  {
    name: 'lovage:consumers',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'consumer → end of its lease, ms',
    ends: 'with the last consumer',
    ttl: null,
  },
  {
    name: 'lovage:unacked:<consumer>',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'what a consumer holds; its lanes, queues and host',
    ends: 'when it leaves or is reaped',
    ttl: null,
  },
  {
    name: 'lovage:redo:<queue>',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'redeliveries, popped before the queue',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: 'lovage:eta:<queue>',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'messages held until their score, ms',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: 'lovage:limited:<queue>',
    type: 'set',
    owner: 'lovage',
    database: 'broker',
    holds: 'tasks with messages that wait for their rate',
    ends: 'with the last of them',
    ttl: null,
  },
  {
    name: 'lovage:parked:<queue>\x06\x16<task>',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'messages that wait for the rate of their task',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: 'lovage:gate:<task>:<key>',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'messages of a concurrency key that may run → consumer, empty on the way to one',
    ends: 'with the last of them',
    ttl: null,
  },
  {
    name: 'lovage:line:<task>:<key>',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'messages of a concurrency key that wait for their turn, of any queue',
    ends: 'when it is empty',
    ttl: null,
  },
  {
    name: 'lovage:gated:<queue>',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'task and key → how many messages of this queue stand in that line',
    ends: 'with the last of them',
    ttl: null,
  },
  {
    name: 'lovage:rate:<task>',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'when all workers together may start the task again, µs',
    ends: 'a second after that moment, or when no delay before it may be made up for',
    ttl: 'expires',
  },
  {
    name: 'lovage:waiters:<queue>',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'who blocks on the list',
    ends: 'seconds after the last',
    ttl: 10,
  },
  {
    name: 'lovage:pub:<sender>:<lane>',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'number of the last publication',
    ends: 'a day after it',
    ttl: day,
  },
  {
    name: 'lovage:done:<id>:<retries>:<nesting>:<parent>',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'that this message has ended',
    ends: 'an hour after it',
    ttl: hour,
  },
  {
    name: 'lovage:graph:<graph>',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'page → steps of a canvas that messages refer to',
    ends: 'with the last page that is carried on',
    ttl: null,
  },
  {
    name: 'lovage:stage:<stage>:<list>',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'messages that were sent ahead of the publication that releases them',
    ends: 'when all are in their queue; a day after the last piece, if they are never released',
    ttl: day,
    live: true,
  },
  {
    name: 'lovage:dead',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'dead letter → when it died, ms',
    ends: 'with the last letter',
    ttl: 'expires',
  },
  {
    name: 'lovage:dead:<id>',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'a dead letter; or who sent it again',
    ends: 'deadLetterExpires; an hour after it was sent again',
    ttl: 'expires',
  },
  {
    name: 'lovage:revoked',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'task that is not to be run → when it was revoked, ms',
    ends: 'workerRevokeExpires after the last revocation',
    ttl: 'expires',
  },
  {
    name: 'lovage:revoked:stamps',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: '["<header>", "<value>"] of tasks that are not to be run → when they were revoked, ms',
    ends: 'workerRevokeExpires after the last revocation',
    ttl: 'expires',
  },
  {
    name: 'lovage:beat:<app>:entries',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'periodic entry → revision and definition',
    ends: 'with the last entry',
    ttl: null,
  },
  {
    name: 'lovage:beat:<app>:states',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'periodic entry → revision and what became of it',
    ends: 'with the last entry',
    ttl: null,
  },
  {
    name: 'lovage:beat:<app>:history:<entry>',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'its last runs, the newest in front',
    ends: 'with the entry',
    ttl: null,
  },
  {
    name: 'lovage:beat:<app>:changes',
    type: 'zset',
    owner: 'lovage',
    database: 'broker',
    holds: 'periodic entry → when it was changed last, µs',
    ends: 'an hour after the last change',
    ttl: hour,
  },
  {
    name: 'lovage:beat:<app>:fired:<entry>',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'the last tick that was fired, where entries lie in a file',
    ends: 'more than a year after it, since an entry may be yearly',
    ttl: beatMarkerSeconds,
  },
  {
    name: 'lovage:beat:<app>:lead',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'which beat fires',
    ends: 'seconds after it fell silent',
    ttl: 10,
  },
  {
    name: 'lovage:outbox',
    type: 'list',
    owner: 'lovage',
    database: 'broker',
    holds: 'results for another server: <seconds> <bytes of the key> <key><text>',
    ends: 'when they are delivered',
    ttl: null,
  },
  {
    name: 'lovage:outbox:facts',
    type: 'hash',
    owner: 'lovage',
    database: 'broker',
    holds: 'its name, and how many have left it',
    ends: 'a day after the last worker looked',
    ttl: 86_400,
  },
  {
    name: 'lovage:outbox:of:<key of a result>',
    type: 'string',
    owner: 'lovage',
    database: 'broker',
    holds: 'the state of a result that was sent on from here',
    ends: 'with the result, a day later where that stays for ever',
    ttl: 'expires',
  },
  {
    name: 'lovage:courier:<name>',
    type: 'string',
    owner: 'lovage',
    database: 'results',
    holds: 'who delivers from the outbox of this name',
    ends: 'seconds after it fell silent',
    ttl: 5,
  },
]

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
  savedGroup = (groupId: string): string => `${this.resultPrefix}celery-taskset-meta-${groupId}`
  /** All that may tell of chords that wait, for SCAN. */
  get chordPattern(): string {
    return `${this.resultPrefix.replace(/[*?[\]\\]/g, '\\$&')}celery-taskset-meta-*.j`
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
