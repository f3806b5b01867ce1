// One task message, read: envelope → headers → body, protocol 2 and (reading only) protocol 1. This is the
// border: what gets through `decodeMessage` is trusted inside; what does not becomes a BadMessage with a
// reason, never an exception in the loop. Fields that only describe (counts, limits, places) are read
// tolerantly; what decides whether and with what a task runs must be right.
import { isUtf8 } from 'node:buffer'
import * as Either from '../either.js'
import { protocolHeaders } from '../canvas/headers.js'
import type { SignatureJson } from '../canvas/wire.js'
import { DecodeError, InvalidTaskError, SecurityError } from '../errors.js'
import { checkParts, maxRawBytes, unpack } from './content.js'
import { embedOf, signatures } from './embed.js'
import {
  count,
  type Dict,
  indexOf,
  isDict,
  limit,
  type Moment,
  moment,
  none,
  show,
  text,
  withoutKeys,
} from './fields.js'
import { glimpse } from './glimpse.js'
import { decodeJson } from './json.js'
import { defineOwn } from './json-plain.js'
import type { Embed } from './plan.js'
import { remainsOf } from './remains.js'
import type { Guard } from './security/guard.js'

export type { Moment } from './fields.js'

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
  /** The language of its sender. */
  readonly lang?: string | null
  /** The arguments as their sender shows them; absent where it says nothing. */
  readonly argsrepr?: string | null
  readonly kwargsrepr?: string | null
  readonly origin: string | null
  /** null: the task decides. */
  readonly ignoreResult: boolean | null
  readonly replacedTaskNesting: number
  readonly stampedHeaders: readonly string[] | null
  readonly stamps: Dict
  /** Headers that are no field of the protocol. */
  readonly headers: Dict
  readonly properties: Dict
  /** 0 (most urgent) to 9. */
  readonly priority: number
  /** The message itself says that it was delivered before: a Python worker that gives one back marks it. */
  readonly redelivered: boolean
  readonly exchange: string
  readonly routingKey: string
  readonly replyTo: string | null
  readonly correlationId: string | null
}

/** Why a message cannot be run; `id` and `task` where they could be read. */
export interface BadMessage {
  readonly error: Error
  /** Its signature is wrong, or nobody came to look at it: nothing of it is to be believed. */
  readonly isForged: boolean
  readonly id: string | undefined
  readonly task: string | undefined
  /** What can still be told of it, for those who wait: its place in a chord, its errbacks. Without arguments. */
  readonly message: Message | undefined
}

// ---------------------------------------------------------------------------------------------------
// Headers

const namesOf = (value: unknown): readonly string[] | null =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string') : null

/** Celery 5.2 knows no stamps: where it sent on a stamped signature, they lie side by side among the properties. */
const stampsOf = (headers: Dict, properties: Dict): Pick<Message, 'stampedHeaders' | 'stamps'> => {
  const stamps = isDict(headers['stamps']) ? headers['stamps'] : none
  const own = namesOf(headers['stamped_headers'])
  if (own !== null) return { stampedHeaders: own, stamps }
  const stray = namesOf(properties['stamped_headers'])
  if (stray === null) return { stampedHeaders: null, stamps }
  const found = stray
    .filter((name) => Object.hasOwn(properties, name))
    .map((name) => [name, properties[name]])
  return { stampedHeaders: stray, stamps: { ...Object.fromEntries(found), ...stamps } }
}

/** The body's three parts. */
interface Parts {
  readonly args: unknown
  readonly kwargs: unknown
  readonly embed: Embed
}

/** `headers` are the fields of either protocol under protocol 2's names, `custom` those of the user. */
const assemble = (headers: Dict, custom: Dict, properties: Dict, { args, kwargs, embed }: Parts): Message => {
  const id = text(headers['id'])
  const task = text(headers['task'])
  if (id === null) throw new InvalidTaskError(`Expected a task id in the message, got ${show(headers['id'])}`)
  if (task === null)
    throw new InvalidTaskError(`Expected the name of a task in the message, got ${show(headers['task'])}`)
  if (!Array.isArray(args)) throw new InvalidTaskError(`Expected the arguments as a list, got ${show(args)}`)
  if (!isDict(kwargs))
    throw new InvalidTaskError(`Expected the keyword arguments as an object, got ${show(kwargs)}`)
  const limits: readonly unknown[] = Array.isArray(headers['timelimit']) ? headers['timelimit'] : []
  const info = isDict(properties['delivery_info']) ? properties['delivery_info'] : none
  const { stampedHeaders, stamps } = stampsOf(headers, properties)
  return {
    task,
    id,
    args,
    kwargs,
    embed,
    rootId: text(headers['root_id']) ?? id,
    parentId: text(headers['parent_id']),
    groupId: text(headers['group']),
    groupIndex: indexOf(headers['group_index']),
    retries: count(headers['retries']),
    eta: moment(headers['eta'], 'eta'),
    expires: moment(headers['expires'], 'expires'),
    timeLimit: limit(limits[0]),
    softTimeLimit: limit(limits[1]),
    shadow: text(headers['shadow']),
    lang: text(headers['lang']),
    argsrepr: text(headers['argsrepr']),
    kwargsrepr: text(headers['kwargsrepr']),
    origin: text(headers['origin']),
    ignoreResult: typeof headers['ignore_result'] === 'boolean' ? headers['ignore_result'] : null,
    replacedTaskNesting: count(headers['replaced_task_nesting'] ?? properties['replaced_task_nesting']),
    stampedHeaders,
    stamps,
    headers: custom,
    properties,
    priority: Math.min(9, count(properties['priority'])),
    redelivered: headers['redelivered'] === true || info['redelivered'] === true,
    exchange: text(info['exchange']) ?? '',
    routingKey: text(info['routing_key']) ?? '',
    replyTo: text(properties['reply_to']),
    correlationId: text(properties['correlation_id']),
  }
}

// ---------------------------------------------------------------------------------------------------
// The whole

const orEmpty = (value: unknown, name: string): Dict => {
  if (value === undefined || value === null) return none
  if (!isDict(value))
    throw new DecodeError(`Expected the ${name} of the message as an object, got ${show(value)}`)
  return value
}

const readEnvelope = (raw: Buffer, guard: Guard | undefined): Dict => {
  if (raw.length > maxRawBytes)
    throw new DecodeError(`Expected a message of at most ${maxRawBytes} bytes, got one of ${raw.length}`)
  if (!isUtf8(raw)) throw new DecodeError('Expected a message in UTF-8, got other bytes')
  const text = raw.toString('utf8')
  checkParts(text, 'a message')
  // Whoever has no key has nothing of his revived.
  guard?.check(raw)
  const envelope = decodeJson(text)
  if (!isDict(envelope)) throw new DecodeError(`Expected a message as a JSON object, got ${show(envelope)}`)
  return envelope
}

const readBody = (
  envelope: Dict,
  headers: Dict,
  properties: Dict,
  guard: Guard | undefined,
  mostLevels?: number,
): unknown => {
  const packed = {
    body: envelope['body'],
    contentType: envelope['content-type'],
    contentEncoding: envelope['content-encoding'],
    bodyEncoding: properties['body_encoding'],
    compression: headers['compression'],
  }
  const text = unpack(packed, guard?.open)
  try {
    return decodeJson(text, mostLevels)
  } catch (error) {
    throw new DecodeError(`The body cannot be read. ${(error as Error).message}`)
  }
}

/** Protocol 1 keeps everything in the body; where a header of protocol 2 says something too, the header wins. */
const fieldsOf = (body: Dict, headers: Dict): Dict => {
  const fields: Record<string, unknown> = { ...body, group: body['taskset'] ?? body['group'] }
  for (const name of Object.keys(headers)) if (headers[name] != null) defineOwn(fields, name, headers[name])
  return fields
}

const isProtocol1 = (body: unknown, task: string | undefined): body is Dict =>
  isDict(body) && (task === undefined ? 'task' in body : 'args' in body)

/** Protocol 1 has no chain: its steps are nested callbacks. */
const partsOf = (body: unknown, task: string | undefined): Parts => {
  if (isProtocol1(body, task)) {
    const { callbacks, errbacks, chord } = body
    return {
      args: body['args'] ?? [],
      kwargs: body['kwargs'] ?? {},
      embed: embedOf({ callbacks, errbacks, chord }),
    }
  }
  if (task === undefined)
    throw new InvalidTaskError(
      'Expected a "task" in the headers or the body, got none: this is no task message',
    )
  if (!Array.isArray(body) || body.length !== 3)
    throw new InvalidTaskError(`Expected a body of three parts (args, kwargs, embed), got ${describe(body)}`)
  return { args: body[0], kwargs: body[1], embed: embedOf(body[2]) }
}

const describe = (body: unknown): string => (Array.isArray(body) ? `${body.length} of them` : show(body))

/** What is left of a message with a fault: no arguments and no times, and of the embed what is whole. */
const salvage = (headers: Dict, custom: Dict, properties: Dict, body: unknown): Message | undefined => {
  const dict = isDict(body) ? body : Array.isArray(body) && isDict(body[2]) ? body[2] : none
  const each = <T>(value: unknown, read: (item: unknown) => readonly T[]): readonly T[] | null =>
    value == null ? null : (Array.isArray(value) ? value : [value]).flatMap(read)
  const readable = (item: unknown): readonly SignatureJson[] => {
    try {
      return signatures(item, 'it') ?? []
    } catch {
      return []
    }
  }
  /** What cannot be read is told all the same. */
  const told = (item: unknown): readonly SignatureJson[] => {
    const [read] = readable(item)
    return [read ?? remainsOf(item)]
  }
  const embed: Embed = {
    callbacks: null,
    errbacks: each(dict['errbacks'], readable),
    chain: each(dict['chain'], told),
    chord: each(dict['chord'], told)?.[0] ?? null,
  }
  try {
    return assemble({ ...headers, eta: null, expires: null }, custom, properties, {
      args: [],
      kwargs: {},
      embed,
    })
  } catch {
    return undefined
  }
}

/** Decodes one message as it lay in the queue; `guard` asks for signatures. Never throws. */
export const decodeMessage = (
  raw: Buffer,
  guard?: Guard,
  /** Of its body's text. */
  mostLevels?: number,
): Either.Either<BadMessage, Message> => {
  let headers = none
  let custom = none
  let properties = none
  let body: unknown
  try {
    const envelope = readEnvelope(raw, guard)
    headers = orEmpty(envelope['headers'], 'headers')
    custom = withoutKeys(headers, protocolHeaders)
    properties = orEmpty(envelope['properties'], 'properties')
    body = readBody(envelope, headers, properties, guard, mostLevels)
    const task = text(headers['task']) ?? undefined
    if (isProtocol1(body, task)) headers = fieldsOf(body, headers)
    return Either.right(assemble(headers, custom, properties, partsOf(body, task)))
  } catch (error) {
    const seen = raw.length > maxRawBytes ? glimpse(raw) : headers
    return Either.left({
      error: error as Error,
      isForged: error instanceof SecurityError || guard?.passed === false,
      id: text(seen['id']) ?? undefined,
      task: text(seen['task']) ?? undefined,
      message: salvage(headers, custom, properties, body),
    })
  }
}
