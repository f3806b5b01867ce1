// A signature as Celery's own dict, and back. What this side does not understand (keys, options, kinds) is
// kept and written again. Python writes null for "not set" in many places; here that is the same as absent.
import { InvalidSignature } from '../errors.js'
import { isSignature, type Kind, make, type Node, type SignatureOptions } from './node.js'
import { isRecord } from './options.js'
import { fold, type Level, partsOf, refill, type Slots } from './walk.js'
import { type Dict, type Fail, listOf, optionsFromWire, optionsToWire, recordOf } from './wire-options.js'
import { show } from './words.js'

/** A signature in Celery's JSON form. */
export interface SignatureJson {
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly options: Readonly<Record<string, unknown>>
  readonly subtask_type: string | null
  readonly immutable: boolean
  readonly [unknownKey: string]: unknown
}

/** The name of the task that stands for a kind. Maps are tasks for real, so they carry no subtask type. */
const taskNames: Readonly<Record<Exclude<Kind, 'task'>, string>> = {
  chain: 'celery.chain',
  group: 'celery.group',
  chord: 'celery.chord',
  xmap: 'celery.map',
  xstarmap: 'celery.starmap',
  chunks: 'celery.chunks',
}
const isMap = (kind: Kind): boolean => kind === 'xmap' || kind === 'xstarmap' || kind === 'chunks'
const mapKinds = new Map(Object.entries(taskNames).map(([kind, name]) => [name, kind as Kind]))

// ---------------------------------------------------------------------------------------------------
// Writing

/** The signature as Celery writes it. Arguments stay the values they are: encoding them is the serializer's work. */
export function toJSON(node: Node): SignatureJson {
  return fold<Node, SignatureJson>(node, (inner) => ({
    parts: partsOf<Node>(inner),
    close: (done) => dictOf(inner, refill<Node, SignatureJson>(inner, done)),
  }))
}

function dictOf(node: Node, inner: Slots<SignatureJson>): SignatureJson {
  const { kwargs, ...unknownKeys } = node.unknownKeys ?? {}
  return {
    task: node.kind === 'task' ? node.task : taskNames[node.kind],
    args: [...node.args],
    kwargs: kwargsOf(node, inner, isRecord(kwargs) ? kwargs : {}),
    options: optionsToWire(inner.options as SignatureOptions),
    subtask_type: node.kind === 'task' || isMap(node.kind) ? null : node.kind,
    immutable: node.immutable,
    ...unknownKeys,
  }
}

function kwargsOf(node: Node, inner: Slots<SignatureJson>, unknown: Dict): Dict {
  switch (node.kind) {
    case 'task':
      return { ...node.kwargs }
    case 'chain':
    case 'group':
      return { ...node.kwargs, tasks: inner.tasks }
    case 'chord': {
      const { header: headerKeys, ...rest } = unknown
      return { kwargs: { ...node.kwargs }, header: headerOf(inner, headerKeys), body: inner.body, ...rest }
    }
    default:
      return {
        ...node.kwargs,
        task: inner.task,
        it: [...node.it],
        ...(node.n === undefined ? {} : { n: node.n }),
      }
  }
}

/** A fresh header is an array; one with options of its own is a group. */
function headerOf(inner: Slots<SignatureJson>, headerKeys: unknown): unknown {
  if (inner.headerOptions === undefined) return inner.header
  return {
    task: taskNames.group,
    args: [],
    kwargs: { tasks: inner.header },
    options: optionsToWire(inner.headerOptions as SignatureOptions),
    subtask_type: 'group',
    immutable: false,
    ...(isRecord(headerKeys) ? headerKeys : {}),
  }
}

// ---------------------------------------------------------------------------------------------------
// Reading

/** Reads Celery's dict. Throws InvalidSignature, with the path of what is wrong in it. */
export function fromJSON(json: unknown): Node {
  return fold<unknown, Node>(json, (value, path) => {
    if (isSignature(value)) return { parts: [], close: () => value }
    const fail = (problem: string): never => {
      const place = path() === '' ? 'A signature in JSON' : `A signature in JSON, at ${path()}`
      throw new InvalidSignature(`${place}: ${problem}`)
    }
    return levelOf(value, fail)
  })
}

function levelOf(json: unknown, fail: Fail): Level<unknown, Node> {
  if (!isRecord(json)) return fail(`expected an object with "task", but got ${show(json)}.`)
  const { task, args, kwargs, options, subtask_type, immutable, ...unknownKeys } = json
  if (typeof task !== 'string' || task === '')
    return fail(`"task" expects a task's name, but got ${show(task)}.`)
  const given = recordOf(kwargs, 'kwargs', fail)
  const kind = kindOf(task, subtask_type, given)
  const named = kind === 'task' || task === taskNames[kind] ? {} : { task }
  const typed = kind === 'task' && typeof subtask_type === 'string' ? { subtask_type } : {}
  const { slots, rest, unknown } = placesOf(kind, given, fail)
  const common = {
    kind,
    ...(kind === 'task' ? { task } : {}),
    args: [...listOf(args, 'args', fail)],
    kwargs: rest,
    immutable: immutable === true,
  }
  const open = {
    ...slots,
    options: optionsFromWire(recordOf(options, 'options', fail), fail),
  } as Slots<unknown>
  const kept = { ...unknownKeys, ...named, ...typed, ...unknown }
  return {
    parts: partsOf(open),
    close: (done) => {
      const data = Object.assign({}, common, open, refill<unknown, Node>(open, done))
      return make((Object.keys(kept).length === 0 ? data : { ...data, unknownKeys: kept }) as unknown as Node)
    },
  }
}

/** The kind that the dict says; what it says and nobody knows is a plain task. */
function kindOf(task: string, type: unknown, kwargs: Dict): Kind {
  if (type === 'chain' || type === 'group' || type === 'chord') return type
  const map = mapKinds.get(task)
  const isCall = map !== undefined && isMap(map) && isRecord(kwargs.task) && Array.isArray(kwargs.it)
  return isCall && (type === null || type === undefined || type === map) ? map : 'task'
}

/** Where a kind keeps its children in kwargs, and what else lies there. */
function placesOf(kind: Kind, kwargs: Dict, fail: Fail): { slots: Dict; rest: Dict; unknown: Dict } {
  switch (kind) {
    case 'task':
      return { slots: {}, rest: { ...kwargs }, unknown: {} }
    case 'chain':
    case 'group': {
      const { tasks, ...rest } = kwargs
      return { slots: { tasks: listOf(tasks, 'kwargs.tasks', fail) }, rest, unknown: {} }
    }
    case 'chord': {
      const { kwargs: own, header, body, ...others } = kwargs
      if (body === undefined || body === null) return fail('the chord has no body.')
      const { keys, ...slots } = headerFromWire(header, fail)
      const unknown = { ...others, ...(Object.keys(keys).length === 0 ? {} : { header: keys }) }
      return {
        slots: { ...slots, body },
        rest: { ...recordOf(own, 'kwargs.kwargs', fail) },
        unknown: Object.keys(unknown).length === 0 ? {} : { kwargs: unknown },
      }
    }
    default: {
      const { task, it, n, ...rest } = kwargs
      if (kind === 'chunks' && (!Number.isSafeInteger(n) || (n as number) < 1))
        return fail(`kwargs.n expects a whole number from 1, but got ${show(n)}.`)
      const size = kind === 'chunks' ? { n } : {}
      return { slots: { task, it: [...(it as unknown[])], ...size }, rest, unknown: {} }
    }
  }
}

/** A header as an array of signatures, or as a group with options of its own. */
function headerFromWire(
  header: unknown,
  fail: Fail,
): { header: unknown[]; headerOptions?: object; keys: Dict } {
  if (header === undefined || header === null || Array.isArray(header))
    return { header: [...listOf(header, 'kwargs.header', fail)], keys: {} }
  if (!isRecord(header) || header.subtask_type !== 'group') return { header: [header], keys: {} }
  const { task, args, kwargs, options, subtask_type: _type, immutable, ...unknownKeys } = header
  const keys = {
    ...(task === taskNames.group ? {} : { task }),
    ...(Array.isArray(args) && args.length > 0 ? { args } : {}),
    ...(immutable === true ? { immutable } : {}),
    ...unknownKeys,
  }
  return {
    header: [...listOf(recordOf(kwargs, 'header.kwargs', fail).tasks, 'header.kwargs.tasks', fail)],
    headerOptions: optionsFromWire(recordOf(options, 'header.options', fail), fail),
    keys,
  }
}
