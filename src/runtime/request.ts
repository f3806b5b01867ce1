// What a task can know of the message that it runs for.
import type { Delivery } from './consumer.js'
import type { Message } from './message.js'

/** What came with the message. */
export interface Request {
  readonly id: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly rootId: string
  readonly parentId: string | null
  readonly groupId: string | null
  readonly groupIndex: number | null
  /** Retries so far. */
  readonly retries: number
  /** This delivery's number: 1, and one more for each start that had no end. A key for idempotent work is `id`. */
  readonly attempt: number
  readonly redelivered: boolean
  readonly eta: Date | null
  readonly expires: Date | null
  readonly timeLimit: number | null
  readonly softTimeLimit: number | null
  readonly ignoreResult: boolean
  readonly shadow: string | null
  readonly origin: string | null
  readonly hostname: string
  readonly replyTo: string | null
  readonly correlationId: string | null
  readonly replacedTaskNesting: number
  readonly stamps: Readonly<Record<string, unknown>>
  readonly stampedHeaders: readonly string[]
  /** Custom headers. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly properties: Readonly<Record<string, unknown>>
  readonly deliveryInfo: {
    readonly exchange: string
    readonly routingKey: string
    readonly priority: number
    readonly redelivered: boolean
  }
}

/** What a request is made of. */
export interface RequestParts {
  readonly message: Message
  readonly delivery: Pick<Delivery, 'attempts' | 'redelivered'>
  readonly hostname: string
  readonly ignoreResult: boolean
}

export const requestOf = ({ message, delivery, hostname, ignoreResult }: RequestParts): Request => ({
  id: message.id,
  task: message.task,
  args: message.args,
  kwargs: message.kwargs,
  rootId: message.rootId,
  parentId: message.parentId,
  groupId: message.groupId,
  groupIndex: message.groupIndex,
  retries: message.retries,
  attempt: delivery.attempts + 1,
  redelivered: delivery.redelivered || message.redelivered,
  eta: message.eta === null ? null : new Date(message.eta.ms),
  expires: message.expires === null ? null : new Date(message.expires.ms),
  timeLimit: message.timeLimit,
  softTimeLimit: message.softTimeLimit,
  ignoreResult,
  shadow: message.shadow,
  origin: message.origin,
  hostname,
  replyTo: message.replyTo,
  correlationId: message.correlationId,
  replacedTaskNesting: message.replacedTaskNesting,
  stamps: message.stamps,
  stampedHeaders: message.stampedHeaders ?? [],
  headers: message.headers,
  properties: message.properties,
  deliveryInfo: {
    exchange: message.exchange,
    routingKey: message.routingKey,
    priority: message.priority,
    redelivered: delivery.redelivered || message.redelivered,
  },
})
