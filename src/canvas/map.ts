// Many calls in one message: map and starmap run all of them in one worker, one after the other; chunks
// makes such messages of n calls each.
import { InvalidSignature } from '../errors.js'
import type { Items, MapOf, MapTask, Rows } from './flow.js'
import { addCallback, addErrback } from './link.js'
import { asNode, type GroupNode, type MapNode, make, type Node } from './node.js'
import { show } from './words.js'

/** One message that calls the task with each item; the result is the array of results. */
export function xmap<S>(task: MapTask<S>, items: Items<S>): MapOf<S> {
  return mapOf('xmap', task, items) as unknown as MapOf<S>
}

/** One message that calls the task with each array of arguments; the result is the array of results. */
export function xstarmap<S>(task: MapTask<S>, rows: Rows<S>): MapOf<S> {
  return mapOf('xstarmap', task, rowsOf(rows, 'xstarmap')) as unknown as MapOf<S>
}

/** Like xstarmap, in messages of `n` calls each, which run in parallel; the result is an array for each of them. */
export function chunks<S>(task: MapTask<S>, rows: Rows<S>, n: number): MapOf<S, 'chunks'> {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new InvalidSignature(
      `chunks expects the size of a chunk, a whole number from 1, but got ${show(n)}.`,
    )
  return mapOf('chunks', task, rowsOf(rows, 'chunks'), n) as unknown as MapOf<S, 'chunks'>
}

/** Chunks as what they are sent as: a group of starmaps. What is linked to them goes where a group's goes. */
export function chunksGroup({ n = 1, it, options, immutable, task }: MapNode): GroupNode {
  const { link = [], linkError = [], ...rest } = options
  const tasks: Node[] = []
  const each = { kind: 'xstarmap', task, args: [], kwargs: {}, options: {}, immutable: true } as const
  for (let start = 0; start < it.length; start += n)
    tasks.push(make<MapNode>({ ...each, it: it.slice(start, start + n) }))
  const group = make<GroupNode>({ kind: 'group', args: [], kwargs: {}, options: rest, immutable, tasks })
  if (tasks.length === 0) return group
  return link.reduce(addCallback, linkError.reduce(addErrback, group as Node)) as GroupNode
}

function mapOf(kind: MapNode['kind'], given: unknown, items: unknown, n?: number): MapNode {
  const task = asNode(given, `The first argument of ${kind}`)
  if (task.kind !== 'task')
    throw new InvalidSignature(`${kind} expects the signature of a task, but got a ${task.kind}.`)
  // Workers, Python's too, look at the name alone: arguments would be lost without a word.
  if (task.args.length > 0 || Object.keys(task.kwargs).length > 0)
    throw new InvalidSignature(
      `${kind} calls ${task.task} with the items alone: write its signature without arguments.`,
    )
  if (!Array.isArray(items))
    throw new InvalidSignature(`${kind} expects an array of items, but got ${show(items)}.`)
  const size = n === undefined ? {} : { n }
  return make<MapNode>({
    kind,
    task,
    it: [...items],
    ...size,
    args: [],
    kwargs: {},
    options: {},
    immutable: true,
  })
}

function rowsOf(rows: unknown, kind: string): unknown {
  const wrong = Array.isArray(rows) ? rows.findIndex((row) => !Array.isArray(row)) : -1
  if (wrong >= 0)
    throw new InvalidSignature(
      `${kind} expects an array of arguments for each call, but item ${wrong} is ${show((rows as unknown[])[wrong])}.`,
    )
  return rows
}
