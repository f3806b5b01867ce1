// Name + options → where a message goes, and what its task says of itself. Words of the call win over the
// task's, these over a route's, these over the settings'. Pure.
import type { SignatureJson } from '../canvas/wire.js'
import {
  declaredQueues,
  type ExchangeType,
  type QueueSettings,
  type RouteOptions,
  type Settings,
} from '../config.js'
import { QueueNotFound } from '../errors.js'
import { isBoundBy } from './binding.js'
import { Carried } from './carried.js'
import { directExchange, directName } from './direct.js'
import type { Address } from './envelope.js'
import { gateHeader, gateText } from './gate.js'
import { gateOf } from './gate-of.js'
import { type IsOurs, momentAt } from './outgoing.js'
import type { Outgoing } from './plan.js'
import type { Registry } from './registry.js'
import { askedOf } from './security/asked.js'
import type { TaskDefinition, TaskOptions } from './task.js'

/** A message with everything decided. `queue` is absent where a named exchange has to be asked first. */
export interface Routed {
  readonly message: Outgoing
  readonly address: Address
  readonly queue: string | undefined
  /** To all who listen at the exchange, and into no queue. */
  readonly isFanout: boolean
}

type Call = Pick<Outgoing, 'task' | 'args' | 'kwargs'>

/** A map goes where the task goes that it calls. */
const innerTaskOf = ({ task, kwargs }: Call): string => {
  if (!task.startsWith('celery.')) return task
  const inner = kwargs['task'] as { task?: unknown } | undefined
  return typeof inner?.task === 'string' ? inner.task : task
}

/** A list of such a name would be taken for something else: what waits for its eta, dead letters, … */
const reserved = 'lovage:'

const nowhere: RouteOptions = Object.freeze({})

interface Place {
  readonly queue?: string | undefined
  readonly exchange?: string | undefined
  readonly routingKey?: string | undefined
}

/**
 * A queue, or an exchange with a routing key: whichever the strongest says. The anonymous exchange's key is a queue.
 * (A queue that is declared at a topic takes a routing key as well.)
 */
const placeOf = (strongestFirst: readonly Place[]): Place => {
  let exchange: string | undefined
  let routingKey: string | undefined
  for (const place of strongestFirst) {
    if (place.queue !== undefined && exchange === undefined)
      return { queue: place.queue, routingKey: routingKey ?? place.routingKey }
    exchange ??= place.exchange
    routingKey ??= place.routingKey
  }
  return exchange === '' ? { queue: routingKey } : { exchange, routingKey }
}

export class Router {
  /** Exchange and routing key → the queue that is declared with them: no need to ask the broker. */
  private readonly bound: ReadonlyMap<string, string>
  private readonly declared: ReadonlyMap<string, QueueSettings>
  /** Exchanges of declared queues that are not direct. */
  private readonly kinds: ReadonlyMap<string, ExchangeType>
  /** Of some queue it is said who reads it. */
  private readonly hasSharedQueues: boolean
  private readonly hasOwnQueues: boolean
  private readonly carried = new Carried((signature) => this.queueOf(signature))

  constructor(
    private readonly settings: Settings,
    private readonly registry: Registry,
  ) {
    this.declared = declaredQueues(settings)
    const queues = [...settings.taskQueues.values()]
    this.hasSharedQueues = queues.some(({ shared }) => shared === true)
    this.hasOwnQueues = queues.some(isForNodeAlone)
    const direct = [...this.declared.values()].filter(({ exchangeType }) => exchangeType === 'direct')
    this.bound = new Map(
      direct.map(({ name, exchange, routingKey }) => [JSON.stringify([exchange, routingKey]), name]),
    )
    const others = [...this.declared.values()].filter(({ exchangeType }) => exchangeType !== 'direct')
    this.kinds = new Map(others.map(({ exchange, exchangeType }) => [exchange, exchangeType]))
  }

  /** The declared queues that an exchange gives this key to, also those that no worker has consumed yet. */
  declaredFor(exchange: string, routingKey: string): readonly string[] {
    return [...this.declared.values()]
      .filter(
        (queue) => queue.exchange === exchange && isBoundBy({ ...queue, queue: queue.name }, routingKey),
      )
      .map(({ name }) => name)
  }

  /** The queues whose signatures a message must have. Nobody declares a worker's direct queue. */
  signedFor({ queue, address: { exchange, routingKey } }: Routed): readonly string[] {
    if (queue !== undefined) return [queue]
    return exchange === directExchange ? [directName(routingKey)] : this.declaredFor(exchange, routingKey)
  }

  route(message: Outgoing, nowMs: number): Routed {
    const definition = this.registry.get(message.task)
    const own = definition?.options ?? {}
    const routed = this.ask(message)
    const ignoreResult =
      message.ignoreResult ?? own.ignoreResult ?? routed.ignoreResult ?? this.ignores(message.task)
    const embed = this.carried.embed(message.embed)
    const completed = withGate(complete(message, own, routed, nowMs, embed, ignoreResult), definition)
    const priority =
      message.priority ??
      own.priority ??
      routed.priority ??
      message.inheritedPriority ??
      this.settings.taskDefaultPriority ??
      0
    const { queue, exchange, routingKey } = this.atExchange(
      placeOf([message, this.optionsOf(message), routed]),
    )
    if (exchange !== undefined && routingKey !== undefined)
      return {
        message: completed,
        address: { exchange, routingKey, priority },
        queue: this.bound.get(JSON.stringify([exchange, routingKey])),
        isFanout: this.kinds.get(exchange) === 'fanout',
      }
    const target = this.known(queue ?? this.settings.taskDefaultQueue)
    const address = { exchange: '', routingKey: target, priority }
    return { message: completed, address, queue: target, isFanout: false }
  }

  /** As in Celery: what is sent to a queue at a topic or a fanout goes through the exchange, to whoever it concerns. */
  private atExchange(place: Place): Place {
    if (this.kinds.size === 0) return place
    const queue = place.exchange === undefined ? (place.queue ?? this.settings.taskDefaultQueue) : undefined
    const known = queue === undefined ? undefined : this.declared.get(queue)
    if (known === undefined || known.exchangeType === 'direct') return place
    return { exchange: known.exchange, routingKey: place.routingKey ?? known.routingKey }
  }

  /**
   * Whether our workers run this task, and nobody else: its code is here, and Python does not consume its queue; or its
   * queue is said to be theirs alone.
   */
  readonly runsHere: IsOurs = (task, said) => {
    const hasCode = this.registry.get(task)?.run !== undefined
    // Most apps say nothing of any queue, and then nobody's routes are asked.
    if (!(hasCode ? this.hasSharedQueues : this.hasOwnQueues)) return hasCode
    const queue = this.settings.taskQueues.get(this.queueFor(task, said))
    return hasCode ? queue?.shared !== true : queue !== undefined && isForNodeAlone(queue)
  }

  /** They run it, and carry on what follows it, by reference. Not where messages are signed: what lies beside them is not. */
  readonly isOurs: IsOurs = (task, said) => this.runsHere(task, said) && this.isOwn(this.queueFor(task, said))

  /** The queue of a task, where `said` is what its signature says. */
  queueFor(task: string, said: string | undefined): string {
    return (
      said ??
      this.queueOf({ task, args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false }) ??
      this.settings.taskDefaultQueue
    )
  }

  /** The queue that a message goes to, if it is our workers' alone as far as the settings say. */
  readonly ownQueueOf = (message: Outgoing, nowMs: number): string | undefined => {
    const { queue, isFanout } = this.route(message, nowMs)
    return queue !== undefined && !isFanout && this.isOwn(queue) ? queue : undefined
  }

  /** Workers of both languages consume it. */
  isShared(queue: string): boolean {
    return this.settings.taskQueues.get(queue)?.shared === true
  }

  private isOwn(queue: string): boolean {
    const { taskQueues, taskSerializer } = this.settings
    return !this.isShared(queue) && askedOf(queue, taskQueues) === undefined && taskSerializer !== 'auth'
  }

  /** A signature that waits, as it is written: with the queue of each task in it. */
  readonly carry = (signature: SignatureJson): SignatureJson => this.carried.signature(signature)

  /** Whether nobody will store the result of this step, if somebody sends it on as it is. */
  ignoresResult({ task, args, kwargs, options }: SignatureJson): boolean {
    const said = options?.['ignore_result'] ?? this.registry.get(task)?.options.ignoreResult
    if (typeof said === 'boolean') return said
    return (
      this.ask({ task, args: args ?? [], kwargs: kwargs ?? {} }).ignoreResult ?? this.ignores(task) ?? false
    )
  }

  /** The setting is about tasks that this app knows, as in Celery. */
  private ignores(task: string): true | undefined {
    return this.settings.taskIgnoreResult && this.registry.get(task) !== undefined ? true : undefined
  }

  private optionsOf(call: Call): TaskOptions {
    return this.registry.get(innerTaskOf(call))?.options ?? {}
  }

  /** Of a step that somebody else will send on; Celery's own default queue needs no saying. */
  private queueOf({ task, args, kwargs }: SignatureJson): string | undefined {
    const call = { task, args: args ?? [], kwargs: kwargs ?? {} }
    const name = innerTaskOf(call)
    const { queue, exchange, routingKey } = placeOf([this.optionsOf(call), this.ask(call)])
    if (queue !== undefined || exchange !== undefined || routingKey !== undefined) return queue
    const { taskDefaultQueue } = this.settings
    const isOurs = !name.startsWith('celery.') && this.registry.get(name) !== undefined
    return isOurs && taskDefaultQueue !== 'celery' ? taskDefaultQueue : undefined
  }

  private known(queue: string): string {
    if (queue === '' || queue.startsWith(reserved))
      throw new QueueNotFound(
        `Expected the name of a queue, got "${queue}". Names that begin with "${reserved}" are those of Lovage's own keys.`,
      )
    const { taskCreateMissingQueues, taskQueues, taskDefaultQueue } = this.settings
    if (taskCreateMissingQueues || queue === taskDefaultQueue || taskQueues.has(queue)) return queue
    throw new QueueNotFound(
      `Queue "${queue}" is not declared, and taskCreateMissingQueues is false. ` +
        `Declared: ${[taskDefaultQueue, ...taskQueues.keys()].join(', ')}.`,
    )
  }

  private ask(call: Call & Pick<Outgoing, 'queue' | 'priority'>): RouteOptions {
    if (this.settings.taskRoutes.length === 0) return nowhere
    const { args, kwargs, queue, priority } = call
    const name = innerTaskOf(call)
    for (const router of this.settings.taskRoutes) {
      const answer = router(name, args, kwargs, { queue, priority })
      if (answer !== null) return answer
    }
    return nowhere
  }
}

/** Python reads nothing that is signed by HMAC. */
const isForNodeAlone = ({ shared, signed }: QueueSettings): boolean =>
  shared === false || (signed === 'hmac' && shared !== true)

/** What the task and its route say about sending, where the call said nothing. */
const complete = (
  message: Outgoing,
  own: TaskOptions,
  route: RouteOptions,
  nowMs: number,
  embed: Outgoing['embed'],
  ignoreResult: boolean | undefined,
): Outgoing => {
  const expires = own.expires ?? route.expires
  const compression = message.compression ?? own.compression ?? route.compression
  const serializer = message.serializer ?? own.serializer ?? route.serializer
  const timeLimit = message.timeLimit ?? own.timeLimit
  const softTimeLimit = message.softTimeLimit ?? own.softTimeLimit
  if (
    embed === message.embed &&
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
    embed,
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

/** Headers are carried from one message to another; this one speaks of the one that it stands in. */
const withGate = (message: Outgoing, definition: TaskDefinition | undefined): Outgoing => {
  const gate = gateOf(definition, message)
  if (gate !== undefined) return { ...message, headers: { ...message.headers, [gateHeader]: gateText(gate) } }
  if (message.headers?.[gateHeader] === undefined) return message
  const { [gateHeader]: _other, ...headers } = message.headers
  return { ...message, headers }
}
