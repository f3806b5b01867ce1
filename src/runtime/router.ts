// Name + options → where a message goes, and what its task says of itself. Words of the call win over the
// task's, these over a route's, these over the settings'. Pure.
import { declaredQueues, type RouteOptions, type Settings } from '../config.js'
import { QueueNotFound } from '../errors.js'
import type { Address } from './envelope.js'
import { momentAt } from './outgoing.js'
import type { Outgoing } from './plan.js'
import type { Registry } from './registry.js'
import type { TaskOptions } from './task.js'

/** A message with everything decided. `queue` is absent where a named exchange has to be asked first. */
export interface Routed {
  readonly message: Outgoing
  readonly address: Address
  readonly queue: string | undefined
}

const innerTaskOf = ({ task, kwargs }: Outgoing): string => {
  if (!task.startsWith('celery.')) return task
  const inner = kwargs['task'] as { task?: unknown } | undefined
  return typeof inner?.task === 'string' ? inner.task : task
}

const nowhere: RouteOptions = Object.freeze({})

interface Place {
  readonly queue?: string | undefined
  readonly exchange?: string | undefined
  readonly routingKey?: string | undefined
}

/** A queue, or an exchange with a routing key: whichever the strongest says. The anonymous exchange's key is a queue. */
const placeOf = (strongestFirst: readonly Place[]): Place => {
  let exchange: string | undefined
  let routingKey: string | undefined
  for (const place of strongestFirst) {
    if (place.queue !== undefined && exchange === undefined) return { queue: place.queue }
    exchange ??= place.exchange
    routingKey ??= place.routingKey
  }
  return exchange === '' ? { queue: routingKey } : { exchange, routingKey }
}

export class Router {
  /** Exchange and routing key → the queue that is declared with them: no need to ask the broker. */
  private readonly bound: ReadonlyMap<string, string>

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
  ) {
    this.bound = new Map(
      [...declaredQueues(settings).values()].map(({ name, exchange, routingKey }) => [
        JSON.stringify([exchange, routingKey]),
        name,
      ]),
    )
  }

  route(message: Outgoing, nowMs: number): Routed {
    const own = this.registry.get(message.task)?.options ?? {}
    const routed = this.ask(message)
    const completed = complete(message, own, routed, nowMs)
    const priority =
      message.priority ?? own.priority ?? routed.priority ?? this.settings.taskDefaultPriority ?? 0
    const { queue, exchange, routingKey } = placeOf([message, own, routed])
    if (exchange !== undefined && routingKey !== undefined)
      return {
        message: completed,
        address: { exchange, routingKey, priority },
        queue: this.bound.get(JSON.stringify([exchange, routingKey])),
      }
    const target = this.known(queue ?? this.settings.taskDefaultQueue)
    return { message: completed, address: { exchange: '', routingKey: target, priority }, queue: target }
  }

  private known(queue: string): string {
    const { taskCreateMissingQueues, taskQueues, taskDefaultQueue } = this.settings
    if (taskCreateMissingQueues || queue === taskDefaultQueue || taskQueues.has(queue)) return queue
    throw new QueueNotFound(
      `Queue "${queue}" is not declared, and taskCreateMissingQueues is false. ` +
        `Declared: ${[taskDefaultQueue, ...taskQueues.keys()].join(', ')}.`,
    )
  }

  private ask(message: Outgoing): RouteOptions {
    if (this.settings.taskRoutes.length === 0) return nowhere
    const name = innerTaskOf(message)
    for (const router of this.settings.taskRoutes) {
      const answer = router(name, message.args, message.kwargs, {
        queue: message.queue,
        priority: message.priority,
      })
      if (answer !== null) return answer
    }
    return nowhere
  }
}

/** What the task and its route say about sending, where the call said nothing. */
const complete = (message: Outgoing, own: TaskOptions, route: RouteOptions, nowMs: number): Outgoing => {
  const expires = own.expires ?? route.expires
  const ignoreResult = message.ignoreResult ?? own.ignoreResult ?? route.ignoreResult
  const compression = message.compression ?? own.compression ?? route.compression
  const serializer = message.serializer ?? own.serializer ?? route.serializer
  const timeLimit = message.timeLimit ?? own.timeLimit
  const softTimeLimit = message.softTimeLimit ?? own.softTimeLimit
  if (
    expires === undefined &&
    ignoreResult === undefined &&
    compression === undefined &&
    serializer === undefined &&
    timeLimit === undefined &&
    softTimeLimit === undefined
  )
    return message
  return {
    ...message,
    ...(message.expires == null &&
      expires !== undefined && {
        expires: momentAt(expires instanceof Date ? expires.getTime() : nowMs + expires * 1000),
      }),
    ...(ignoreResult !== undefined && { ignoreResult }),
    ...(compression !== undefined && { compression }),
    ...(serializer !== undefined && { serializer }),
    ...(timeLimit !== undefined && { timeLimit }),
    ...(softTimeLimit !== undefined && { softTimeLimit }),
  }
}
