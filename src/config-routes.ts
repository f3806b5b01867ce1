// The two settings that are little languages of their own: `taskRoutes` (which queue a task goes to) and
// `taskQueues` (which queues there are). Both are read once; what comes out needs no further checks.
import { type Either, isLeft, left, right } from './either.js'
import {
  type Decode,
  flag,
  isRecord,
  oneOf,
  refuse,
  seconds,
  shape,
  show,
  text,
  wholeNumber,
} from './config-decode.js'
import { ImproperlyConfigured } from './errors.js'

/** What a route may say; a calling option given by the caller wins over it. */
export interface RouteOptions {
  readonly queue?: string
  readonly exchange?: string
  readonly routingKey?: string
  /** 0 (most urgent) to 9. */
  readonly priority?: number
  readonly serializer?: string
  readonly compression?: string
  /** Seconds. */
  readonly expires?: number
  readonly ignoreResult?: boolean
}

/** The name of a queue, or options. */
export type Route = string | RouteOptions

/** Null or undefined: not mine, ask the next. */
export type RouteFunction = (
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
) => Route | null | undefined

/** Exact names first, then names with `*` and RegExps, in order. */
export type RouteMap =
  | Readonly<Record<string, Route>>
  | ReadonlyMap<string | RegExp, Route>
  | readonly (readonly [string | RegExp, Route])[]

export type TaskRoutes = RouteMap | RouteFunction | readonly (RouteMap | RouteFunction)[]

/** One entry of `settings.taskRoutes`: the first answer that is not null counts. */
export type Router = (
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
) => RouteOptions | null

const decodeRouteOptions = shape<RouteOptions>({
  queue: text,
  exchange: text,
  routingKey: text,
  priority: wholeNumber(0, 9),
  serializer: text,
  compression: text,
  expires: seconds('more'),
  ignoreResult: flag,
})

const decodeRoute: Decode<RouteOptions> = (value, at) => {
  if (typeof value === 'string' && value !== '') return right(Object.freeze({ queue: value }))
  if (!isRecord(value)) return refuse(at, 'the name of a queue or an object such as { queue: "io" }', value)
  return decodeRouteOptions(value, at)
}

/** A name with `*`, each for any text, as a pattern for the whole name. */
const globPattern = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    's',
  )

// Without `g` and `y`, which would make a pattern remember where it stopped.
const stateless = (pattern: RegExp): RegExp => new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))

const decodeMap = (entries: Iterable<readonly [unknown, unknown]>, at: string): Either<string, Router> => {
  const exact = new Map<string, RouteOptions>()
  const patterns: { readonly pattern: RegExp; readonly route: RouteOptions }[] = []
  for (const [key, value] of entries) {
    if (!(typeof key === 'string' || key instanceof RegExp))
      return refuse(at, 'names of tasks or RegExps as keys', key)
    const route = decodeRoute(value, `${at}[${show(key)}]`)
    if (isLeft(route)) return route
    if (key instanceof RegExp) patterns.push({ pattern: stateless(key), route: route.right })
    else if (key.includes('*')) patterns.push({ pattern: globPattern(key), route: route.right })
    else exact.set(key, route.right)
  }
  return right((name) => exact.get(name) ?? patterns.find(({ pattern }) => pattern.test(name))?.route ?? null)
}

/** What a user's function answers is checked on each call: it may answer anything. */
const fromFunction =
  (route: RouteFunction, at: string): Router =>
  (name, args, kwargs, options) => {
    const answer = route(name, args, kwargs, options)
    if (answer === null || answer === undefined) return null
    const decoded = decodeRoute(answer, `${at} for the task ${name}`)
    if (isLeft(decoded)) throw new ImproperlyConfigured(decoded.left)
    return decoded.right
  }

const isPair = (value: unknown): value is readonly [string | RegExp, unknown] =>
  Array.isArray(value) && value.length === 2 && (typeof value[0] === 'string' || value[0] instanceof RegExp)

const decodeRouter: Decode<Router> = (value, at) => {
  if (typeof value === 'function') return right(fromFunction(value as RouteFunction, at))
  if (value instanceof Map) return decodeMap(value as Map<unknown, unknown>, at)
  if (Array.isArray(value) && value.every(isPair)) return decodeMap(value, at)
  if (isRecord(value)) return decodeMap(Object.entries(value), at)
  return refuse(at, 'an object of routes, a Map, a list of [name, route] pairs or a function', value)
}

/** One router, or a list of them. */
export const decodeRoutes: Decode<readonly Router[]> = (value, at) => {
  if (!Array.isArray(value) || (value.length > 0 && value.every(isPair))) {
    const router = decodeRouter(value, at)
    return isLeft(router) ? router : right(Object.freeze([router.right]))
  }
  const routers: Router[] = []
  for (const [index, item] of value.entries()) {
    const router = decodeRouter(item, `${at}[${index}]`)
    if (isLeft(router)) return router
    routers.push(router.right)
  }
  return right(Object.freeze(routers))
}

// ---------------------------------------------------------------------------------------------------

export type ExchangeType = 'direct' | 'topic' | 'fanout'

/** How a queue may be declared. All members may be left out. */
export interface QueueDeclaration {
  /** Default: the queue's name. */
  readonly exchange?: string
  /**
   * `direct` (default): messages with the queue's own routing key. `topic`: with one that fits the queue's pattern,
   * `feed.*` (one word) or `feed.#` (any). `fanout`: all of them, to each worker (Celery's Broadcast).
   */
  readonly exchangeType?: ExchangeType
  /** Default: the queue's name; of `topic` the pattern. */
  readonly routingKey?: string
  /**
   * Every message must carry a signature, others become dead letters: `hmac` is ours, over body and headers; `auth` is
   * Celery's, with certificates, over the body.
   */
  readonly signed?: 'hmac' | 'auth'
  /**
   * Python workers consume it as well: what we hold of it lies where Celery's own recovery finds it. false: only Lovage's
   * do, so that also what this app has not the code of goes by reference there, and is nested to any depth.
   */
  readonly shared?: boolean
}

export type TaskQueues =
  | readonly (string | (QueueDeclaration & { readonly name: string }))[]
  | Readonly<Record<string, QueueDeclaration>>

/** A queue as it was declared, with nothing left open. */
export interface QueueSettings {
  readonly name: string
  readonly exchange: string
  readonly exchangeType: ExchangeType
  readonly routingKey: string
  /** undefined: nobody said it. */
  readonly shared: boolean | undefined
  readonly signed: 'hmac' | 'auth' | undefined
}

const decodeDeclaration = shape<QueueDeclaration & { name: string }>(
  {
    name: text,
    exchange: text,
    exchangeType: oneOf('direct', 'topic', 'fanout'),
    routingKey: text,
    shared: flag,
    signed: oneOf('hmac', 'auth'),
  },
  {
    maxPriority: 'priorities 0 to 9 always work here; leave it out',
    durable: 'queues in Redis live as long as Redis keeps its data; leave it out',
  },
)

/** Names, or declarations by name, in the order in which they were given. */
export const decodeQueues: Decode<ReadonlyMap<string, QueueSettings>> = (value, at) => {
  const queues = new Map<string, QueueSettings>()
  const add = (name: unknown, declaration: unknown, place: string): Either<string, unknown> => {
    const named = text(name, place)
    if (isLeft(named)) return refuse(place, 'the name of a queue', name)
    const declared = decodeDeclaration(declaration, place)
    if (isLeft(declared)) return declared
    const { exchange = named.right, exchangeType = 'direct', shared, signed } = declared.right
    // Python's Broadcast listens under the default routing key.
    const { routingKey = exchangeType === 'fanout' ? 'celery' : named.right } = declared.right
    if (exchangeType === 'fanout' && shared === true)
      return left(`${place}: a fanout queue cannot be shared: each worker has its own copies.`)
    const queue = { name: named.right, exchange, exchangeType, routingKey, shared, signed }
    return right(queues.set(queue.name, Object.freeze(queue)))
  }
  const items: unknown = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value
  const added = Array.isArray(items)
    ? items.map((item: unknown, index) =>
        isRecord(item) ? add(item.name, item, `${at}[${index}]`) : add(item, {}, `${at}[${index}]`),
      )
    : isRecord(items)
      ? Object.entries(items).map(([name, declaration]) => add(name, declaration, `${at}.${name}`))
      : [refuse(at, 'a list of names or an object of declarations by name', value)]
  return added.find(isLeft) ?? right(queues)
}
