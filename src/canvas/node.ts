// Work described as data: a graph of frozen nodes, told apart by `kind`. What a node can be asked to do
// (set, link, delay …) lies on one shared prototype, which signature.ts fills: so two nodes are equal when
// their data are, and `{ ...node }` has data only.
import { InvalidSignature } from '../errors.js'
import { show } from './words.js'

export type Kind = 'task' | 'chain' | 'group' | 'chord' | 'xmap' | 'xstarmap' | 'chunks'

interface Common {
  /** Own positional arguments; what comes from the left or from the call is put in front of them. */
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: SignatureOptions
  /** Takes nothing from the left and nothing from the call. */
  readonly immutable: boolean
  /** What another writer put into the signature's dict and nobody here knows: written back as it came. */
  readonly unknownKeys?: Readonly<Record<string, unknown>>
}

export interface TaskNode extends Common {
  readonly kind: 'task'
  /** The task's name. */
  readonly task: string
}

export interface ChainNode extends Common {
  readonly kind: 'chain'
  /** Steps in running order. */
  readonly tasks: readonly Node[]
}

export interface GroupNode extends Common {
  readonly kind: 'group'
  readonly tasks: readonly Node[]
}

export interface ChordNode extends Common {
  readonly kind: 'chord'
  readonly header: readonly Node[]
  /** Options of the header where it is a group of its own, as in a frozen chord: `taskId` is then the group id. */
  readonly headerOptions?: SignatureOptions
  readonly body: Node
}

export interface MapNode extends Common {
  readonly kind: 'xmap' | 'xstarmap' | 'chunks'
  /** The task to call with each item; only its name counts. */
  readonly task: Node
  readonly it: readonly unknown[]
  /** Items in one chunk. */
  readonly n?: number
}

export type Node = TaskNode | ChainNode | GroupNode | ChordNode | MapNode

/** Options of a signature. Times in seconds. On the wire the names are in snake_case. */
export interface SignatureOptions {
  // Where it goes
  readonly queue?: string
  readonly exchange?: string
  readonly routingKey?: string
  /** 0 to 9; which end is the urgent one is the broker's business (9 in Lovage's own queues). */
  readonly priority?: number
  readonly serializer?: string
  readonly compression?: string
  /**
   * Who must have it before it counts as sent. This and the two below speak of the publish by a client or by
   * a running task. What follows from a message (a chain's next step, a callback, a chord's body) is published
   * with the end of the task before it: a worker tries that until it is done, and asks nobody to confirm it.
   */
  readonly durability?: Durability
  /** Whether publishing is tried again when the broker cannot be reached; false is one attempt. */
  readonly retry?: boolean
  readonly retryPolicy?: PublishRetryPolicy
  // When
  readonly countdown?: number
  readonly eta?: Date | string
  /** Seconds from the moment of sending, or a moment. */
  readonly expires?: number | Date | string
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly retries?: number
  // What comes after. `chain` is in Celery's order: the next step is the last.
  readonly link?: readonly Node[]
  readonly linkError?: readonly Node[]
  readonly chain?: readonly Node[]
  readonly chord?: Node
  // Which one it is
  readonly taskId?: string
  readonly rootId?: string
  readonly parentId?: string
  readonly groupId?: string
  readonly groupIndex?: number
  readonly replyTo?: string
  readonly replacedTaskNesting?: number
  readonly addToParent?: boolean
  // What is said about it
  /** The name that logs and monitors show instead of the task's. */
  readonly shadow?: string
  /** What workers, monitors and errors show instead of the arguments: for those that hold a secret. */
  readonly argsrepr?: string
  /** The same for keyword arguments. */
  readonly kwargsrepr?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly ignoreResult?: boolean
  readonly stampedHeaders?: readonly string[]
  readonly stamps?: Readonly<Record<string, unknown>>
  /** Options under wire names that nobody here knows; they travel on as they are. */
  readonly other?: Readonly<Record<string, unknown>>
}

/** How many replicas, and whether the disks, must have a message before publishing counts as done. */
export interface Durability {
  /** Replicas that have it: in memory, or with `aof` on their disks. */
  readonly replicas?: number
  /** 1: it is in the append-only file, on the server's own disk and on those of the replicas. From Redis 7.2 on. */
  readonly aof?: number
  /** Seconds to wait for them. Default: the setting brokerConnectionTimeout. */
  readonly timeout?: number
}

/** How long a publish is tried: for the sum of these pauses (seconds), and once at least. */
export interface PublishRetryPolicy {
  /** Default 3; null is without limit. */
  readonly maxRetries?: number | null
  /** The first pause; default 0. */
  readonly intervalStart?: number
  /** How much longer each next one is; default 0.2. */
  readonly intervalStep?: number
  /** The longest; default 1. */
  readonly intervalMax?: number
}

/** Under this symbol a signature knows the app whose tasks it was made of. Not enumerable, so no part of its data. */
export const owner: unique symbol = Symbol.for('lovage.owner')

const brand = Symbol.for('lovage.signature')

/** What every node inherits; filled by signature.ts. */
export const prototype: object = Object.create(Object.prototype, { [brand]: { value: true } })

/** A frozen node of these data. The owner is the one given, or that of the first child which has one. */
export function make<N extends Node>(data: N, owned: object | undefined = ownerOf(data)): N {
  const node = Object.assign(Object.create(prototype), data)
  for (const key of ['args', 'kwargs', 'tasks', 'header', 'it', 'unknownKeys'])
    if (node[key] !== undefined) Object.freeze(node[key])
  for (const options of [node.options, node.headerOptions])
    if (options !== undefined) for (const value of Object.values(Object.freeze(options))) freezeList(value)
  if (owned !== undefined) Object.defineProperty(node, owner, { value: owned })
  return Object.freeze(node)
}

function freezeList(value: unknown): void {
  if (Array.isArray(value)) Object.freeze(value)
}

/** The same node with some of its data changed. */
export function change<N extends Node>(node: N, data: Partial<N>): N {
  const changed = make({ ...node, ...data }, ownerOf(node))
  if (alone.has(node)) alone.add(changed)
  return changed
}

const alone = new WeakSet<Node>()

/** The only member of a group, as a step of the chain that opened the group: an error still says where it was written. */
export function takenOut(member: Node): Node {
  const step = change(member, {})
  alone.add(step)
  return step
}

export const wasTakenOut = (step: Node): boolean => alone.has(step)

/** The app whose tasks these are, if any of them is bound to one. */
export function ownerOf(node: Node): object | undefined {
  const own = (node as { [owner]?: object })[owner]
  if (own !== undefined) return own
  for (const child of directChildren(node)) {
    // Data made by hand may lack a child; what it lacks is said when it is sent.
    const found = (child as { [owner]?: object } | undefined)?.[owner]
    if (found !== undefined) return found
  }
  return undefined
}

/** Whether this is a signature, made by this copy of the library or by another. */
export function isSignature(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true
}

// A child that is made already carries the owner of its own children, so one level is enough.
function directChildren(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'task':
      return []
    case 'chain':
    case 'group':
      return node.tasks
    case 'chord':
      return [...node.header, node.body]
    default:
      return [node.task]
  }
}

/** What a user gave where a signature is expected; `place` begins the sentence that says what is wrong with it. */
export function asNode(value: unknown, place: string): Node {
  if (isSignature(value)) return value
  throw new InvalidSignature(`${place} ${misfit(value)}`)
}

function misfit(value: unknown): string {
  const { taskName, s, then, task, kind } = Object(value) as Record<string, unknown>
  if (typeof taskName === 'string' && typeof s === 'function') {
    const short = taskName.slice(taskName.lastIndexOf('.') + 1)
    return `is the task ${taskName} itself. Write ${short}.s(…), or ${short}.si(…) to take nothing from the left.`
  }
  if (typeof then === 'function')
    return 'is a promise: a call that was sent already. Write .s(…) for .delay(…).'
  if (typeof kind === 'string')
    return 'has the data of a signature but not its methods. Was it copied with { ...sig }?'
  if (typeof task === 'string') return "is a plain object. Read Celery's JSON with signature.from(json)."
  return `is not a signature, but ${show(value)}. Write task.s(…).`
}
