// The messages of remote control, as kombu's pidbox writes them: a request to all nodes, and a node's reply.
// Texts in, values out, and back; what comes from outside is read with suspicion and never throws.
import * as Either from '../../either.js'
import { type Dict, isDict, show, text } from '../fields.js'
import { encodeValue } from '../json.js'
import { open, seal } from '../wrapping.js'
import { matches } from './bounded-match.js'

/** The exchange that requests go to; replies have `reply.` before it. */
export const pidboxOf = (controlExchange: string): string => `${controlExchange}.pidbox`

export const replyExchangeOf = (controlExchange: string): string => `reply.${pidboxOf(controlExchange)}`

export interface Target {
  /** Names of nodes; without any, and without a pattern: all of them. */
  readonly destination?: readonly string[] | undefined
  readonly pattern?: string | undefined
  /** How the pattern is read. Any other word would silence a Python worker for good. */
  readonly matcher?: 'glob' | 'pcre' | undefined
}

export interface ReplyTo {
  readonly exchange: string
  readonly routingKey: string
}

export interface Request extends Target {
  readonly method: string
  readonly arguments: Dict
  /** Present when a reply is wanted. */
  readonly ticket: string | null
  readonly replyTo: ReplyTo | null
  /** The sender's mailbox clock. */
  readonly clock: number
}

export interface Reply {
  readonly node: string
  readonly payload: unknown
  readonly ticket: string | null
  /** Unix seconds; null is never. */
  readonly expires: number | null
  readonly clock: number
}

const clockOf = (headers: Dict): number => {
  const clock = headers['clock']
  return typeof clock === 'number' && Number.isFinite(clock) ? Math.trunc(clock) : 0
}

const namesOf = (value: unknown): readonly string[] | undefined => {
  const names = typeof value === 'string' ? [value] : Array.isArray(value) ? value : []
  const texts = names.filter((name): name is string => typeof name === 'string' && name !== '')
  return texts.length > 0 ? texts : undefined
}

/** Left is why it cannot be followed. */
export const decodeRequest = (raw: string): Either.Either<string, Request> => {
  try {
    const { headers, body } = open(raw)
    if (!isDict(body)) return Either.left(`expected an object as its body, got ${show(body)}`)
    const method = text(body['method'])
    if (method === null) return Either.left(`expected the name of a command, got ${show(body['method'])}`)
    const matcher = body['matcher'] ?? undefined
    if (matcher !== undefined && matcher !== 'glob' && matcher !== 'pcre')
      return Either.left(`expected the matcher glob or pcre, got ${show(matcher)}`)
    const reply = isDict(body['reply_to']) ? body['reply_to'] : {}
    const exchange = text(reply['exchange'])
    const routingKey = text(reply['routing_key'])
    return Either.right({
      method,
      arguments: isDict(body['arguments']) ? body['arguments'] : {},
      destination: namesOf(body['destination']),
      pattern: text(body['pattern']) ?? undefined,
      matcher,
      ticket: text(body['ticket']),
      replyTo: exchange === null || routingKey === null ? null : { exchange, routingKey },
      clock: clockOf(headers),
    })
  } catch (error) {
    return Either.left(error instanceof Error ? error.message : String(error))
  }
}

export interface RequestOptions extends Target {
  readonly exchange: string
  readonly clock: number
  /** Unix seconds after which nobody waits for a reply any more; 0 where nobody waits at all. */
  readonly expires: number
  readonly reply?: { readonly ticket: string; readonly to: ReplyTo }
}

export const encodeRequest = (
  method: string,
  args: Readonly<Record<string, unknown>>,
  { exchange, clock, expires, reply, destination, pattern, matcher }: RequestOptions,
): string => {
  const body = {
    method,
    arguments: args,
    destination: destination ?? null,
    pattern: pattern ?? null,
    matcher: matcher ?? null,
    ...(reply && {
      ticket: reply.ticket,
      reply_to: { exchange: reply.to.exchange, routing_key: reply.to.routingKey },
    }),
  }
  const to = { exchange, routingKey: '' }
  return seal(encodeValue(body, `the arguments of ${method}`), { clock, expires }, to, 2)
}

/** Throws EncodeError where the payload cannot travel. */
export const encodeReply = (
  node: string,
  payload: unknown,
  ticket: string | null,
  to: ReplyTo,
  clock: number,
): string => seal(encodeValue({ [node]: payload ?? null }, 'a reply'), { ticket, clock }, to, 1)

/** undefined where it is none. */
export const decodeReply = (raw: string): Reply | undefined => {
  try {
    const { headers, body } = open(raw)
    const [node] = isDict(body) ? Object.keys(body) : []
    if (node === undefined) return undefined
    const expires = headers['expires']
    return {
      node,
      payload: (body as Dict)[node],
      ticket: text(headers['ticket']),
      expires: typeof expires === 'number' && expires > 0 ? expires : null,
      clock: clockOf(headers),
    }
  } catch {
    return undefined
  }
}

/** Whether a node of this name is meant. Throws for a regular expression that is none, or that takes too long. */
export const concerns = ({ destination, pattern, matcher }: Target, node: string): boolean => {
  if (destination !== undefined) return destination.includes(node)
  if (pattern === undefined || matcher === undefined) return true
  const expression = matcher === 'glob' ? globText(pattern) : `^(?:${pattern})`
  return matches(expression, node)
}

/** A shell's pattern as Python's fnmatch reads it, over the whole name. */
const globText = (glob: string): string => {
  const parts = glob.match(/\[!?\]?[^\]]*\]|[\s\S]/g) ?? []
  const texts = parts.map((part) => {
    if (part === '*') return '.*'
    if (part === '?') return '.'
    if (part.length === 1) return part.replace(/[\\^$.|+(){}[\]]/g, '\\$&')
    const inside = part.slice(1, -1).replace(/[\\[\]]/g, '\\$&')
    return inside.startsWith('!') ? `[^${inside.slice(1)}]` : `[${inside.replace(/^\^/, '\\^')}]`
  })
  return `^(?:${texts.join('')})$`
}
