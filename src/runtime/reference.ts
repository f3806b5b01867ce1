// A reference: a small signature that stands for steps which lie in the broker, once for all messages that need
// them (docs/references.md). To everything that carries signatures, Python's workers included, it is the
// signature of an ordinary task; whoever of ours sends it on sends what it stands for.
import type { Node, TaskNode } from '../canvas/node.js'
import { type SignatureJson, toJSON } from '../canvas/wire.js'
import { flatten, unflatten } from './flat.js'
import type { IsOurs } from './outgoing.js'
import type { PageKey } from './publication.js'
import { bodyIdOf } from './freeze.js'
import { seatsOf } from './parts.js'

/** The task that carries on what a reference stands for, where a worker that is not ours has sent it. */
export const resumeTask = 'lovage.resume'

/** The steps of a page from `index` on. */
export interface Reference extends PageKey {
  readonly index: number
  /** The first task of it, which tells where a message with the reference goes. */
  readonly first: string
  /** The queue that was written into the reference: it is not said of what it stands for. */
  readonly queue: string | undefined
  /** Our workers run all of it, though a single one may not know of all. */
  readonly isOurs: boolean
}

/** The name under which it lies in the keyword arguments. */
const place = '$lv'

/** The first task that runs of a canvas. */
const firstOf = (node: Node): TaskNode | undefined => {
  switch (node.kind) {
    case 'task':
      return node
    case 'chain':
    case 'group':
      return node.tasks[0] && firstOf(node.tasks[0])
    case 'chord':
      return firstOf(node.header[0] ?? node.body)
    default:
      return firstOf(node.task)
  }
}

/** Where a canvas ends: that has its id, and its place in a group. */
const endOf = (node: Node): Node => {
  if (node.kind === 'chord') return endOf(node.body)
  const last = node.kind === 'chain' ? node.tasks.at(-1) : undefined
  return last === undefined ? node : endOf(last)
}

/** The reference to a whole page. `isOurs`: whoever wrote it knows that our workers run all of that, and of what it refers to. */
export const referTo = ({ graph, page }: PageKey, steps: readonly Node[], isOurs = false): TaskNode => {
  const first = firstOf(steps[0] as Node)
  const known = first === undefined ? undefined : referenceIn(first)
  const queue = known?.queue ?? first?.options.queue
  return standIn(
    steps.at(-1) as Node,
    { g: graph, n: page, i: 0, t: known?.first ?? first?.task ?? '', ...(isOurs && { o: 1 }) },
    queue,
  )
}

/** What stands for steps with this end. Its id is that of the end, and so is its place in a chord: a step of Python's that fails tells both. */
const standIn = (end: Node, said: object, queue: string | undefined): TaskNode => {
  const [seat] = seatsOf(end)
  const id = bodyIdOf(end)
  const { groupId = seat?.groupId, groupIndex = seat?.index ?? undefined } = endOf(end).options
  return {
    kind: 'task',
    task: resumeTask,
    args: [],
    kwargs: { [place]: queue === undefined ? said : { ...said, q: queue } },
    options: {
      ...(id !== '' && { taskId: id }),
      ...(groupId !== undefined && { groupId }),
      ...(groupIndex !== undefined && { groupIndex }),
      ...(seat !== undefined && { chord: seat.body }),
    },
    immutable: false,
  }
}

/**
 * The same for a canvas that is too deep to be written as it is: it stands in the reference itself, flat. It goes to the
 * queue of the first task in it that our workers run: without such a task it stays as it is.
 */
export const flatReference = (node: Node, isOurs: IsOurs): Node => {
  const list = flatten(toJSON(node))
  const queueOf = ({ options }: (typeof list)[number]) => (options as { readonly queue?: string }).queue
  const first = list.find((signature) => isOursAlone(signature['task'] as string, queueOf(signature), isOurs))
  if (first === undefined) return node
  return standIn(node, { f: list, t: first['task'] }, queueOf(first))
}

/** Celery's own tasks are run by everybody. */
export const isOursAlone = (task: string, queue: string | undefined, isOurs: IsOurs): boolean =>
  !task.startsWith('celery.') && isOurs(task, queue)

/** The same where it is the body of a chord: the place of its own end, in a chord further out, stands on its page alone. */
export const withoutPlace = ({ options, ...reference }: TaskNode): TaskNode => {
  const { chord: _c, groupId: _g, groupIndex: _i, ...rest } = options
  return { ...reference, options: rest }
}

/** What a signature refers to, if it is a reference; it may be one that nobody has read yet. */
export const referenceIn = (json: Pick<SignatureJson, 'task' | 'kwargs'>): Reference | undefined => {
  const { task, kwargs } = Object(json) as Partial<SignatureJson>
  if (task !== resumeTask) return undefined
  const { g, n, i = 0, t = '', q, o } = Object(kwargs?.[place]) as Record<string, unknown>
  if (typeof g !== 'string' || typeof n !== 'number' || typeof i !== 'number') return undefined
  return {
    graph: g,
    page: n,
    index: i,
    first: String(t),
    queue: typeof q === 'string' ? q : undefined,
    isOurs: o === 1,
  }
}

/** What stands flat in a reference, if it is one of that kind. */
export interface Flat extends Pick<Reference, 'first' | 'queue'> {
  readonly list: readonly unknown[]
}

export const flatIn = ({ task, kwargs }: Pick<SignatureJson, 'task' | 'kwargs'>): Flat | undefined => {
  if (task !== resumeTask) return undefined
  const { f, t = '', q } = Object(kwargs?.[place]) as Record<string, unknown>
  if (!Array.isArray(f)) return undefined
  return { list: f, first: String(t), queue: typeof q === 'string' ? q : undefined }
}

/** The same reference with something else in it. */
export const inFlat = (
  json: SignatureJson,
  change: (inner: SignatureJson) => SignatureJson,
): SignatureJson => {
  const { [place]: said } = json.kwargs as Record<string, object>
  const { list } = flatIn(json) as Flat
  return { ...json, kwargs: { [place]: { ...said, f: flatten(change(unflatten(list))) } } }
}

/** What a reference keeps when it moves on: who it is, where it lies, where its end reports, what it took the place of. */
const lasting = ['task_id', 'queue', 'group_id', 'group_index', 'chord', 'replaced_task_nesting'] as const

/** The same reference, some steps further. */
export const moved = (json: SignatureJson, index: number): SignatureJson => ({
  ...json,
  kwargs: { [place]: { ...(json.kwargs[place] as object), i: index } },
  options: Object.fromEntries(
    lasting.filter((name) => json.options[name] != null).map((name) => [name, json.options[name]]),
  ),
})

/** The reference with its queue, in both places. */
export const withQueue = (json: SignatureJson, queue: string): SignatureJson => ({
  ...json,
  kwargs: { [place]: { ...(json.kwargs[place] as object), q: queue } },
  options: { ...json.options, queue },
})
