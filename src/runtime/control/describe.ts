// Celery's descriptions of what a worker has in hand: a task, a queue, a registered task. The keys are those
// that `celery inspect` and Flower read.
import { writeIsoDate } from '../dates.js'
import { redactedArgs, redactedKwargs, shownArgs, shownKwargs } from '../redaction.js'
import { repr } from '../repr.js'
import type { TaskDefinition } from '../task.js'
import type { QueueView, Scheduled, TaskInHand } from './node.js'

/** `safe`: arguments as the text that their sender shows. What was redacted is so either way. */
export const describeTask = (
  { message, redelivered, startedAt, acknowledged, pid }: TaskInHand,
  hostname: string,
  safe = false,
): Readonly<Record<string, unknown>> => ({
  id: message.id,
  name: message.shadow ?? message.task,
  args: safe ? shownArgs(message) : (redactedArgs(message) ?? message.args),
  kwargs: safe ? shownKwargs(message) : (redactedKwargs(message) ?? message.kwargs),
  type: message.task,
  hostname,
  time_start: startedAt,
  acknowledged,
  delivery_info: {
    exchange: message.exchange,
    routing_key: message.routingKey,
    priority: message.priority,
    redelivered: redelivered || message.redelivered,
  },
  worker_pid: pid,
})

export const describeScheduled = (
  { dueMs, message }: Scheduled,
  hostname: string,
): Readonly<Record<string, unknown>> => ({
  eta: writeIsoDate(dueMs),
  priority: 6,
  request: describeTask(
    { message, redelivered: false, startedAt: null, acknowledged: false, pid: null },
    hostname,
  ),
})

export const describeQueue = ({
  name,
  exchange,
  exchangeType,
  routingKey,
}: QueueView): Readonly<Record<string, unknown>> => ({
  name,
  exchange: {
    name: exchange,
    type: exchangeType,
    arguments: null,
    durable: true,
    passive: false,
    auto_delete: false,
    delivery_mode: null,
    no_declare: false,
  },
  routing_key: routingKey,
  queue_arguments: null,
  binding_arguments: null,
  consumer_arguments: null,
  durable: true,
  exclusive: false,
  auto_delete: false,
  no_ack: false,
  alias: null,
  bindings: [],
  no_declare: null,
  expires: null,
  message_ttl: null,
  max_length: null,
  max_length_bytes: null,
  max_priority: null,
})

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** `proj.limited [rate_limit=10/m]`: the name, and those of its options that are set. */
export const describeRegistered = ({ name, options }: TaskDefinition, items: readonly string[]): string => {
  const known = options as Readonly<Record<string, unknown>>
  const shown = items.flatMap((item) => {
    const value = known[camel(item)]
    if (value == null) return []
    return [`${item}=${typeof value === 'string' ? value : repr(value)}`]
  })
  return shown.length === 0 ? name : `${name} [${shown.join(' ')}]`
}
