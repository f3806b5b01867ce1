// The commands of `inspect` and `control`, with the words that each takes: the same, in the same order, as
// Celery's. A command that is not here may still be one of your own Python workers'.
import { Fault } from './fault.js'

type Args = Readonly<Record<string, unknown>>

export interface ControlWord {
  /** For --list. */
  readonly words: string
  readonly about: string
  readonly read: (words: readonly string[]) => Args
}

const none = (about: string): ControlWord => ({ words: '', about, read: () => ({}) })

const number = (word: string | undefined, name: string): number | undefined => {
  if (word === undefined) return undefined
  const value = Number(word)
  if (word.trim() === '' || !Number.isFinite(value))
    throw new Fault(`Expected ${name} as a number, got ${word}.`)
  return value
}

const needed = (word: string | undefined, name: string): string => {
  if (word === undefined) throw new Fault(`Expected ${name}.`)
  return word
}

const many = (words: readonly string[], name: string): readonly string[] => {
  if (words.length === 0) throw new Fault(`Expected ${name}.`)
  return words
}

const given = (args: Args): Args =>
  Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined))

const yes = /^(1|true|yes|on|y|t)$/i

export const inspectWords: Readonly<Record<string, ControlWord>> = {
  active: none('tasks that run'),
  active_queues: none('queues that are consumed'),
  clock: none("the node's logical clock"),
  conf: {
    words: '[yes]',
    about: 'settings that differ from the defaults; with yes, all',
    read: ([all = '']) => ({ with_defaults: yes.test(all) }),
  },
  memdump: {
    words: '[samples]',
    about: 'memory samples',
    read: ([samples]) => given({ samples: number(samples, 'samples') }),
  },
  memsample: none('resident memory'),
  objgraph: {
    words: '[type [num [max_depth]]]',
    about: 'a graph of objects (Python workers)',
    read: ([type, num, depth]) =>
      given({ type, num: number(num, 'num'), max_depth: number(depth, 'max_depth') }),
  },
  ping: none('who is there'),
  query_task: {
    words: '<id>…',
    about: 'where a task is',
    read: (ids) => ({ ids: many(ids, 'ids of tasks') }),
  },
  registered: {
    words: '[option]…',
    about: 'tasks that can be run, with these of their options',
    read: (items) => ({ taskinfoitems: items }),
  },
  report: none('versions and settings'),
  reserved: none('tasks that were fetched and wait for a slot'),
  revoked: none('ids of revoked tasks'),
  scheduled: none('tasks that wait for their eta'),
  stats: none('what the node has done, and with what'),
}

export const controlWords: Readonly<Record<string, ControlWord>> = {
  add_consumer: {
    words: '<queue> [exchange [type [key]]]',
    about: 'consume from another queue',
    read: ([queue, exchange, type, key]) =>
      given({ queue: needed(queue, 'a queue'), exchange, exchange_type: type, routing_key: key }),
  },
  autoscale: {
    words: '<max> [min]',
    about: 'other bounds for autoscale',
    read: ([max, min]) => given({ max: number(needed(max, 'max'), 'max'), min: number(min, 'min') }),
  },
  cancel_consumer: {
    words: '<queue>',
    about: 'consume no more from a queue',
    read: ([queue]) => ({ queue: needed(queue, 'a queue') }),
  },
  disable_events: none('send no task events'),
  enable_events: none('send task events'),
  election: {
    words: '<id> <topic> [action]',
    about: 'an election among Python workers',
    read: ([id, topic, action]) =>
      given({ id: needed(id, 'an id'), topic: needed(topic, 'a topic'), action }),
  },
  heartbeat: none('send a heartbeat now'),
  pool_grow: {
    words: '[n]',
    about: 'more slots in the pool',
    read: ([n]) => given({ n: number(n, 'n') }),
  },
  pool_restart: none('restart the pool'),
  pool_shrink: {
    words: '[n]',
    about: 'fewer slots in the pool',
    read: ([n]) => given({ n: number(n, 'n') }),
  },
  rate_limit: {
    words: '<task> <rate>',
    about: 'another rate limit, such as 10/m',
    read: ([task, rate]) => ({ task_name: needed(task, 'a task'), rate_limit: needed(rate, 'a rate') }),
  },
  revoke: {
    words: '<id>…',
    about: 'do not run these tasks',
    read: (ids) => ({ task_id: many(ids, 'ids of tasks') }),
  },
  revoke_by_stamped_headers: {
    words: '<header=value>…',
    about: 'do not run tasks with these stamps',
    read: (pairs) => ({ headers: many(pairs, 'header=value') }),
  },
  shutdown: none('let running tasks end, and stop'),
  terminate: {
    words: '<signal> <id>…',
    about: 'do not run these tasks, and end those that run',
    read: ([signal, ...ids]) => ({
      signal: needed(signal, 'a signal such as SIGTERM'),
      task_id: many(ids, 'ids of tasks'),
    }),
  },
  time_limit: {
    words: '<task> <soft> [hard]',
    about: 'other time limits, in seconds',
    read: ([task, soft, hard]) =>
      given({
        task_name: needed(task, 'a task'),
        soft: number(needed(soft, 'soft'), 'soft'),
        hard: number(hard, 'hard'),
      }),
  },
}
