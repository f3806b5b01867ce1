// Built-in tasks that send canvases: what Python's workers send for a chunks signature, what old clients send for
// groups and chords, and what clients of other result stores send to join a chord. What they send goes out with
// their own end, in one step. Keyword arguments that nobody here knows are left alone, as in Celery.
import type { Node } from '../canvas/node.js'
import { fromJSON } from '../canvas/wire.js'
import { InvalidTaskError, MaxRetriesExceededError } from '../errors.js'
import type { TaskContext } from './context.js'
import { show } from './fields.js'
import { encodeException, toExceptionInfo } from './failure.js'
import { freeze } from './freeze.js'
import { encodePython, encodeValue } from './json.js'
import { isReady, type Meta, readMeta, type ResultTuple } from './meta.js'
import { childOf } from './plan.js'
import type { Request } from './request.js'
import type { ResultSource } from './result-source.js'
import type { TaskDefinition } from './task.js'

/** Celery's name of the error for `celery.chain`, which is no task. */
class NotImplementedError extends Error {
  override readonly name = 'NotImplementedError'
}

/** Arguments by place or by name. */
const named = <N extends string>(
  { args, kwargs }: Request,
  ...names: readonly N[]
): Readonly<Partial<Record<N, unknown>>> =>
  Object.fromEntries(names.map((name, index) => [name, args[index] ?? kwargs[name] ?? undefined])) as Partial<
    Record<N, unknown>
  >

const listOf = (value: unknown, name: string): readonly unknown[] => {
  if (!Array.isArray(value)) throw new InvalidTaskError(`Expected a list as "${name}", got ${show(value)}`)
  return value
}

/** Sends a canvas with the end of the task; the tuple of its result is known now. */
const sendAll = (context: TaskContext, node: Node, args: readonly unknown[] = []): ResultTuple => {
  const frozen = freeze(node, { now: true }, null, () => context.mint())
  const tuple = childOf(frozen.result)
  context.add({ do: 'send', node: frozen.node, args, options: {} }, tuple)
  return tuple
}

/** `celery.chunks(task, it, n)`: a group of starmaps; gives the group's tuple. */
function runChunks(this: TaskContext): ResultTuple {
  const { task, it, n } = named(this.request, 'task', 'it', 'n')
  const node = fromJSON({ task: 'celery.chunks', kwargs: { task, it: listOf(it, 'it'), n } })
  if (node.kind !== 'chunks') throw new InvalidTaskError(`Expected a signature as "task", got ${show(task)}`)
  return sendAll(this, node)
}

/** `celery.group(tasks, result, group_id, partial_args, add_to_parent)`: tasks that have their ids already. */
function runGroup(this: TaskContext): unknown {
  const given = named(this.request, 'tasks', 'result', 'group_id', 'partial_args', 'add_to_parent')
  const args = listOf(given.partial_args ?? [], 'partial_args')
  const groupId = given.group_id
  if (typeof groupId !== 'string')
    throw new InvalidTaskError(`Expected an id as "group_id", got ${show(groupId)}`)
  const result = listOf(given.result, 'result') as unknown as ResultTuple
  const nodes = listOf(given.tasks, 'tasks').map((json) => fromJSON(json))
  for (const node of nodes) this.add({ do: 'send', node, args, options: { groupId } })
  if (given.add_to_parent !== false) this.sent.push(result)
  return result
}

/** `celery.chord(header, body, partial_args, …)`; gives the tuple of the body's result. */
function runChord(this: TaskContext): ResultTuple {
  const { header, body, partial_args = [] } = named(this.request, 'header', 'body', 'partial_args')
  const kwargs = { kwargs: {}, header, body }
  const chord = fromJSON({ task: 'celery.chord', subtask_type: 'chord', kwargs })
  return sendAll(this, chord, listOf(partial_args, 'partial_args'))
}

// ---------------------------------------------------------------------------------------------------
// celery.chord_unlock(group_id, body, interval, max_retries, result)

/** Seconds between two looks, where the message does not say. */
const usualInterval = 1

const idsIn = ([head, inner]: ResultTuple): readonly string[] =>
  inner === null ? [Array.isArray(head) ? String(head[0]) : String(head)] : inner.flatMap(idsIn)

const memberOf = (id: string, { state, result }: Meta): string => {
  const text = state === 'SUCCESS' ? encodeValue(result) : encodePython(result)
  return `[1, ${JSON.stringify(id)}, "${state}", ${text}]`
}

const numberOr = <T>(value: unknown, other: T): number | T => (typeof value === 'number' ? value : other)

/** Joins the chord when all its members have ended; until then it looks again, as often as it may: then the body has failed. */
async function unlock(this: TaskContext, source: ResultSource): Promise<null> {
  const given = named(this.request, 'group_id', 'callback', 'interval', 'max_retries', 'result')
  const callback = given.callback ?? this.request.kwargs['body']
  const tuples = listOf(given.result, 'result') as unknown as readonly ResultTuple[]
  const ids = tuples.flatMap(idsIn)
  const texts = await (await source.backend()).read(ids)
  const metas = texts.map((text) => (text === null ? undefined : readMeta(text)))
  const hasEnded = (meta: Meta | undefined): meta is Meta => meta !== undefined && isReady(meta.state)
  let late = ''
  if (!metas.every(hasEnded)) {
    const again = this.retry({
      countdown: numberOr(given.interval, usualInterval),
      maxRetries: numberOr(given.max_retries, null),
    })
    // Celery's gives up here, and nobody tells the body.
    if (!(again instanceof MaxRetriesExceededError)) throw again
    this.log.error(`The chord ${String(given.group_id)} is given up: ${again.message}`)
    late = encodeException(toExceptionInfo(again))
  }
  const members = metas.map((meta, index) => {
    const id = ids[index] as string
    return hasEnded(meta) ? memberOf(id, meta) : `[1, ${JSON.stringify(id)}, "FAILURE", ${late}]`
  })
  const nested = tuples.some(([, inner]) => inner !== null)
  const shape = nested ? [encodeValue({ result: [[given.group_id, null], tuples] })] : []
  this.add({ do: 'join', body: fromJSON(callback), members: [...shape, ...members] })
  return null
}

export const canvasBuiltins = (source: () => ResultSource): readonly TaskDefinition[] => [
  { name: 'celery.chunks', run: runChunks, options: {} },
  { name: 'celery.group', run: runGroup, options: {} },
  { name: 'celery.chord', run: runChord, options: {} },
  {
    name: 'celery.chain',
    run: () => {
      throw new NotImplementedError('chain is not a real task')
    },
    options: {},
  },
  {
    name: 'celery.chord_unlock',
    run(this: TaskContext) {
      return unlock.call(this, source())
    },
    options: { maxRetries: null, ignoreResult: true },
  },
]
