// A result as it is stored: Celery's result JSON. Written by template (it is on the hot path), always
// starting with `{"status": "…"`, because the scripts compare just that; read tolerantly.
import { DecodeError } from '../errors.js'
import { writeIsoDate } from './dates.js'
import { decodeJson, encodeValue } from './json.js'

/** Celery's states; user code may store any other word (`PROGRESS` is the usual one). */
export type State =
  | 'PENDING'
  | 'STARTED'
  | 'RETRY'
  | 'SUCCESS'
  | 'FAILURE'
  | 'REVOKED'
  | 'PROGRESS'
  | (string & {})

export const isReady = (state: string): boolean =>
  state === 'SUCCESS' || state === 'FAILURE' || state === 'REVOKED'

/** `[[id, parent], null]` for a task, `[[group id, parent], [child, …]]` for a group. */
export type ResultTuple = readonly [
  readonly [id: string, parent: ResultTuple | null],
  readonly ResultTuple[] | null,
]

/** Extra fields of `resultExtended`. */
export interface ExtendedMeta {
  readonly name: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  /** null, and no queue, where it never ran. */
  readonly worker: string | null
  readonly retries: number
  readonly queue: string | null
  readonly stampedHeaders?: readonly string[]
  readonly stamps?: Readonly<Record<string, unknown>>
}

export interface MetaFields {
  readonly taskId: string
  readonly state: State
  /** JSON text of the result, the exception object, or the state's meta. */
  readonly result: string
  readonly traceback?: string | null
  /** JSON text. */
  readonly children?: string | undefined
  /** ms; written for ready states only. */
  readonly nowMs: number
  readonly groupId?: string | null
  readonly parentId?: string | null
  readonly extended?: ExtendedMeta | undefined
}

const quote = JSON.stringify

const extendedText = (extended: ExtendedMeta): string => {
  const { name, args, kwargs, worker, retries, queue, stampedHeaders, stamps } = extended
  let text =
    `, "name": ${quote(name)}, "args": ${encodeValue(args, 'the arguments')}, ` +
    `"kwargs": ${encodeValue(kwargs, 'the keyword arguments')}, "worker": ${quote(worker)}, ` +
    `"retries": ${retries}, "queue": ${quote(queue)}`
  if (stampedHeaders !== undefined && stampedHeaders.length > 0) {
    text += `, "stamped_headers": ${quote(stampedHeaders)}`
    for (const name of stampedHeaders) text += `, ${quote(name)}: ${encodeValue(stamps?.[name] ?? null)}`
  }
  return text
}

/** The text that is set under the result's key and published on the channel of the same name. */
export const metaText = (meta: MetaFields): string => {
  const { taskId, state, result, traceback, children, nowMs, groupId, parentId, extended } = meta
  let text =
    `{"status": ${quote(state)}, "result": ${result}, ` +
    `"traceback": ${traceback == null ? 'null' : quote(traceback)}, "children": ${children ?? '[]'}, ` +
    `"date_done": ${isReady(state) ? `"${writeIsoDate(nowMs)}"` : 'null'}`
  if (extended !== undefined) text += extendedText(extended)
  if (groupId != null) text += `, "group_id": ${quote(groupId)}`
  if (parentId != null) text += `, "parent_id": ${quote(parentId)}`
  return `${text}, "task_id": ${quote(taskId)}}`
}

/** A stored result, decoded. */
export interface Meta {
  readonly taskId: string
  readonly state: State
  /** The value, the exception object, or the state's meta. */
  readonly result: unknown
  readonly traceback: string | null
  readonly children: readonly ResultTuple[]
  /** ISO text as stored. */
  readonly dateDone: string | null
  readonly groupId: string | null
  readonly parentId: string | null
  /** All fields under their names in Redis, those of `resultExtended` and unknown ones too. */
  readonly fields: Readonly<Record<string, unknown>>
}

const textOr = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Throws DecodeError on what is no result at all. */
export const readMeta = (text: string): Meta => {
  const fields = decodeJson(text)
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields))
    throw new DecodeError(`Expected a result object in the result store, got ${text.slice(0, 80)}`)
  const { status, result, traceback, children, date_done, task_id, group_id, parent_id } = fields as Record<
    string,
    unknown
  >
  if (typeof status !== 'string')
    throw new DecodeError(`Expected a result with a "status" in the result store, got ${text.slice(0, 80)}`)
  return {
    taskId: textOr(task_id) ?? '',
    state: status,
    result: result ?? null,
    traceback: textOr(traceback),
    children: Array.isArray(children) ? (children as ResultTuple[]) : [],
    dateDone: textOr(date_done),
    groupId: textOr(group_id),
    parentId: textOr(parent_id),
    fields: fields as Record<string, unknown>,
  }
}
