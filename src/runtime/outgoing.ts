// A plain task's signature → the message that runs it. Where signature and call say something about the same
// thing, the call wins, as in Celery. Pure.
import type { MapNode, Node, SignatureOptions, TaskNode } from '../canvas/node.js'
import { isEmpty, mergeOptions } from '../canvas/options.js'
import { toJSON, type SignatureJson } from '../canvas/wire.js'
import { InvalidSignature } from '../errors.js'
import { readIsoDate, writeIsoDate } from './dates.js'
import type { Moment } from './message.js'
import type { Outgoing } from './plan.js'

/** Whether our workers, and nobody else, run a task that is sent to this queue; to that of the task where none is said. */
export type IsOurs = (task: string, queue?: string) => boolean

/** Where a canvas is sent from. */
export interface Origin {
  /** Makes ids. */
  readonly mint: () => string
  /** The server's clock. */
  readonly nowMs: number
  /** Inside a running task: its root and its id. */
  readonly rootId?: string | undefined
  readonly parentId?: string | undefined
  /** Its priority, where children inherit that. */
  readonly priority?: number | undefined
  /** A chord's errbacks are called for its header tasks as well. */
  readonly headerErrbacks?: boolean
  /** Levels of JSON that a message may have. */
  readonly mostLevels?: number | undefined
  /** It is the first to send this, and refuses what a worker could not send on. */
  readonly looksAhead?: boolean
  /** Whether a task is run by our workers: what follows it may be carried by reference. Absent: nothing is. */
  readonly isOurs?: IsOurs | undefined
}

/** The call's words over the signature's own, except its place in a group and its stamps; headers add up. */
export const merge = (own: SignatureOptions, call: SignatureOptions): SignatureOptions => {
  if (isEmpty(call)) return own
  const merged = mergeOptions(own, call)
  return own.headers === undefined || call.headers === undefined
    ? merged
    : { ...merged, headers: { ...own.headers, ...call.headers } }
}

export const momentAt = (ms: number): Moment => ({ text: writeIsoDate(ms), ms })

const momentOf = (value: unknown, name: string): Moment => {
  if (value instanceof Date) return momentAt(value.getTime())
  const text = String(value)
  try {
    return { text, ms: readIsoDate(text) }
  } catch {
    throw new InvalidSignature(`${name}: expected a Date or an ISO 8601 text, got ${JSON.stringify(text)}`)
  }
}

const etaOf = ({ countdown, eta }: SignatureOptions, nowMs: number): Moment | null => {
  if (typeof countdown === 'number' && countdown > 0) return momentAt(nowMs + countdown * 1000)
  return eta === undefined || eta === null ? null : momentOf(eta, 'eta')
}

const expiresOf = ({ expires }: SignatureOptions, nowMs: number): Moment | null => {
  if (expires === undefined || expires === null) return null
  return typeof expires === 'number' ? momentAt(nowMs + expires * 1000) : momentOf(expires, 'expires')
}

/** `xmap` and its kin are real tasks whose arguments are the inner signature and the items. */
const taskOf = (node: TaskNode | MapNode): Pick<TaskNode, 'task' | 'args' | 'kwargs' | 'immutable'> => {
  if (node.kind === 'task') return node
  const { task, args, kwargs } = toJSON(node)
  return { task, args, kwargs, immutable: true }
}

const listOf = (nodes: readonly Node[] | undefined): readonly SignatureJson[] | null =>
  nodes === undefined || nodes.length === 0 ? null : nodes.map(toJSON)

/** A record while it is being filled, field by field: a literal with spreads costs ten times as much. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** `chordJson` gives the dict of a chord's body, which stands in every message of its header. */
export const toOutgoing = (
  node: TaskNode | MapNode,
  args: readonly unknown[],
  call: SignatureOptions,
  id: string,
  { nowMs, rootId, parentId, priority }: Origin,
  chordJson: (body: Node) => SignatureJson,
): Outgoing => {
  const options = merge(node.options, call)
  const { task, args: own, kwargs, immutable } = taskOf(node)
  const message: Writable<Outgoing> = {
    task,
    id,
    args: immutable || args.length === 0 ? own : [...args, ...own],
    kwargs,
    embed: {
      callbacks: listOf(options.link),
      errbacks: listOf(options.linkError),
      chain: options.chain === undefined ? null : options.chain.map(toJSON),
      chord: options.chord === undefined ? null : chordJson(options.chord),
    },
    rootId: options.rootId ?? rootId ?? id,
    parentId: options.parentId ?? parentId ?? null,
    groupId: options.groupId ?? null,
    groupIndex: options.groupIndex ?? null,
    retries: options.retries ?? 0,
    eta: etaOf(options, nowMs),
    expires: expiresOf(options, nowMs),
    timeLimit: options.timeLimit ?? null,
    softTimeLimit: options.softTimeLimit ?? null,
    shadow: options.shadow ?? null,
    replacedTaskNesting: options.replacedTaskNesting ?? 0,
    stampedHeaders: options.stampedHeaders ?? null,
  }
  if (priority !== undefined) message.inheritedPriority = priority
  if (isEmpty(options)) return message
  if (options.ignoreResult !== undefined) message.ignoreResult = options.ignoreResult
  if (options.stamps !== undefined) message.stamps = options.stamps
  if (options.argsrepr !== undefined) message.argsrepr = options.argsrepr
  if (options.kwargsrepr !== undefined) message.kwargsrepr = options.kwargsrepr
  if (options.headers !== undefined) message.headers = options.headers
  if (options.queue !== undefined) message.queue = options.queue
  if (options.exchange !== undefined) message.exchange = options.exchange
  if (options.routingKey !== undefined) message.routingKey = options.routingKey
  if (options.priority !== undefined) message.priority = options.priority
  if (options.serializer !== undefined) message.serializer = options.serializer
  if (options.compression !== undefined) message.compression = options.compression
  if (options.replyTo !== undefined) message.replyTo = options.replyTo
  if (options.other !== undefined) message.properties = options.other
  return message
}
