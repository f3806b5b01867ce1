// One task message, read: envelope → headers → body, protocol 2 and (reading only) protocol 1. This is the
// border: what gets through `decodeMessage` is trusted inside; what does not becomes a BadMessage with a
// reason, never an exception in the loop.
import { isUtf8 } from 'node:buffer'
import * as Either from 'fp-ts/lib/Either.js'
import type { SignatureJson } from '../canvas/wire.js'
import { DecodeError, InvalidTaskError } from '../errors.js'
import { maxRawBytes, unpack } from './content.js'
import { readIsoDate } from './dates.js'
import { decodeJson } from './json.js'
import type { Embed } from './plan.js'

type Dict = Readonly<Record<string, unknown>>

/** A moment as the message names it, and in ms since 1970. */
export interface Moment {
  readonly text: string
  readonly ms: number
}

/** A task message, decoded. What nobody here knows stays in `headers` and `properties`. */
export interface Message {
  readonly task: string
  readonly id: string
  readonly args: readonly unknown[]
  readonly kwargs: Dict
  readonly embed: Embed
  readonly rootId: string
  readonly parentId: string | null
  readonly groupId: string | null
  readonly groupIndex: number | null
  readonly retries: number
  readonly eta: Moment | null
  readonly expires: Moment | null
  /** Seconds. */
  readonly timeLimit: number | null
  readonly softTimeLimit: number | null
  readonly shadow: string | null
  readonly origin: string | null
  /** null: the task decides. */
  readonly ignoreResult: boolean | null
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[] | null
  readonly stamps: Dict
  /** Headers that are no field of the protocol. */
  readonly headers: Dict
  readonly properties: Dict
  readonly priority: number
  readonly exchange: string
  readonly routingKey: string
  readonly replyTo: string | null
  readonly correlationId: string | null
}

/** Why a message cannot be run; `id` and `task` where they could be read. */
export interface BadMessage {
  readonly error: Error
  readonly id: string | undefined
  readonly task: string | undefined
}

const isDict = (value: unknown): value is Dict =>
  value !== null && typeof value === 'object' && !Array.isArray(value)

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

const count = (value: unknown): number => {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : 0
}

const limit = (value: unknown): number | null => (typeof value === 'number' && value > 0 ? value : null)

const moment = (value: unknown, name: string): Moment | null => {
  if (value === undefined || value === null) return null
  if (value instanceof Date) return { text: value.toISOString(), ms: value.getTime() }
  if (typeof value !== 'string')
    throw new InvalidTaskError(`Expected ${name} as an ISO 8601 date, got ${JSON.stringify(value)}`)
  return { text: value, ms: readIsoDate(value) }
}

const signatures = (value: unknown, name: string): readonly SignatureJson[] | null => {
  if (value === undefined || value === null) return null
  // Python writes one signature bare in places; its own readers then lose it. Ours do not.
  const list = Array.isArray(value) ? value : [value]
  for (const item of list)
    if (!isDict(item) || typeof item['task'] !== 'string')
      throw new InvalidTaskError(`Expected signatures in ${name} of the message, got ${JSON.stringify(item)?.slice(0, 80)}`)
  return list as SignatureJson[]
}

const embedOf = (value: unknown): Embed => {
  if (value !== undefined && value !== null && !isDict(value))
    throw new InvalidTaskError(`Expected the third part of the body as an object, got ${JSON.stringify(value)?.slice(0, 80)}`)
  const dict = value ?? {}
  return {
    callbacks: signatures(dict['callbacks'], 'callbacks'),
    errbacks: signatures(dict['errbacks'], 'errbacks'),
    chain: signatures(dict['chain'], 'chain'),
    chord: signatures(dict['chord'], 'chord')?.[0] ?? null,
  }
}

const protocolHeaders = new Set(
  (
    'lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr ' +
    'origin ignore_result replaced_task_nesting stamped_headers stamps compression redelivered'
  ).split(' '),
)

const customHeaders = (headers: Dict): Dict => {
  let custom: Record<string, unknown> | undefined
  for (const name of Object.keys(headers))
    if (!protocolHeaders.has(name)) {
      custom ??= {}
      Object.defineProperty(custom, name, { value: headers[name], enumerable: true, configurable: true, writable: true })
    }
  return custom ?? none
}

const none: Dict = Object.freeze({})

const stampNames = (value: unknown): readonly string[] | null =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : null

/** The fields of either protocol, under protocol 2's names. `body` is protocol 1's body, {} otherwise. */
const assemble = (headers: Dict, properties: Dict, args: unknown, kwargs: unknown, embed: Embed): Message => {
  const id = headers['id']
  const task = headers['task']
  if (typeof id !== 'string' || id === '') throw new InvalidTaskError('The message has no task id')
  if (typeof task !== 'string' || task === '') throw new InvalidTaskError('The message names no task')
  if (!Array.isArray(args))
    throw new InvalidTaskError(`Expected the arguments as a list, got ${JSON.stringify(args)?.slice(0, 80)}`)
  if (!isDict(kwargs))
    throw new InvalidTaskError(`Expected the keyword arguments as an object, got ${JSON.stringify(kwargs)?.slice(0, 80)}`)
  const limits = Array.isArray(headers['timelimit']) ? headers['timelimit'] : []
  const info = isDict(properties['delivery_info']) ? properties['delivery_info'] : none
  const index = headers['group_index']
  return {
    task,
    id,
    args,
    kwargs,
    embed,
    rootId: text(headers['root_id']) ?? id,
    parentId: text(headers['parent_id']),
    groupId: text(headers['group']),
    groupIndex: typeof index === 'number' ? index : null,
    retries: count(headers['retries']),
    eta: moment(headers['eta'], 'eta'),
    expires: moment(headers['expires'], 'expires'),
    timeLimit: limit(limits[0]),
    softTimeLimit: limit(limits[1]),
    shadow: text(headers['shadow']),
    origin: text(headers['origin']),
    ignoreResult: typeof headers['ignore_result'] === 'boolean' ? headers['ignore_result'] : null,
    replacedTaskNesting: count(headers['replaced_task_nesting'] ?? properties['replaced_task_nesting']),
    stampedHeaders: stampNames(headers['stamped_headers'] ?? properties['stamped_headers']),
    stamps: isDict(headers['stamps']) ? headers['stamps'] : none,
    headers: customHeaders(headers),
    properties,
    priority: count(properties['priority']),
    exchange: text(info['exchange']) ?? '',
    routingKey: text(info['routing_key']) ?? '',
    replyTo: text(properties['reply_to']),
    correlationId: text(properties['correlation_id']),
  }
}

const readBody = (envelope: Dict, headers: Dict, properties: Dict): unknown =>
  decodeJson(
    unpack({
      body: envelope['body'],
      contentType: envelope['content-type'],
      contentEncoding: envelope['content-encoding'],
      bodyEncoding: properties['body_encoding'],
      compression: headers['compression'],
    }),
  )

/** Protocol 1 keeps everything in the body; where a header of protocol 2 is there too, the header wins. */
const readProtocol1 = (body: Dict, headers: Dict, properties: Dict): Message => {
  const fields = {
    ...body,
    group: body['taskset'] ?? body['group'],
    ...headers,
  }
  const embed = embedOf({ callbacks: body['callbacks'], errbacks: body['errbacks'], chord: body['chord'] })
  return assemble(fields, properties, body['args'] ?? [], body['kwargs'] ?? {}, embed)
}

const readEnvelope = (raw: Buffer): Dict => {
  if (raw.length > maxRawBytes)
    throw new DecodeError(`The message has ${raw.length} bytes: at most ${maxRawBytes} are read`)
  if (!isUtf8(raw)) throw new DecodeError('The message is not UTF-8')
  const envelope = decodeJson(raw.toString('utf8'))
  if (!isDict(envelope)) throw new DecodeError('Expected a message as a JSON object')
  return envelope
}

const orEmpty = (value: unknown, name: string): Dict => {
  if (value === undefined || value === null) return none
  if (!isDict(value)) throw new DecodeError(`Expected the ${name} of the message as an object`)
  return value
}

/** Decodes one message as it lay in the queue. */
export const decodeMessage = (raw: Buffer): Either.Either<BadMessage, Message> => {
  let id: string | undefined
  let task: string | undefined
  try {
    const envelope = readEnvelope(raw)
    const headers = orEmpty(envelope['headers'], 'headers')
    id = text(headers['id']) ?? undefined
    task = text(headers['task']) ?? undefined
    const properties = orEmpty(envelope['properties'], 'properties')
    const body = readBody(envelope, headers, properties)
    if (isDict(body)) {
      id ??= text(body['id']) ?? undefined
      task ??= text(body['task']) ?? undefined
      return Either.right(readProtocol1(body, headers, properties))
    }
    if (task === undefined) throw new InvalidTaskError('The message has no "task" header: it is no task message')
    if (!Array.isArray(body) || body.length !== 3)
      throw new InvalidTaskError(`Expected a body of three parts (args, kwargs, embed), got ${describe(body)}`)
    return Either.right(assemble(headers, properties, body[0], body[1], embedOf(body[2])))
  } catch (error) {
    return Either.left({ error: error as Error, id, task })
  }
}

const describe = (body: unknown): string => (Array.isArray(body) ? `${body.length}` : typeof body)
