// One task message, written: Outgoing + where to → the text that lies in the queue. By template, because
// every message of every producer passes here. Celery's protocol 2 inside kombu's envelope.
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { protocolHeaders } from '../canvas/headers.js'
import { isEmpty } from '../canvas/options.js'
import type { SignatureJson } from '../canvas/wire.js'
import { EncodeError } from '../errors.js'
import { maxRawBytes, pack } from './content.js'
import { encodeArgs, encodeKwargs, encodeValue } from './json.js'
import { hasTooManyParts, tooManyParts } from './json-parts.js'
import type { Embed, Outgoing } from './plan.js'
import { repr } from './repr.js'
import type { Seal } from './security/guard.js'

const quote = JSON.stringify

/** `gen<pid>@<host>`, as Celery names a sender. */
export const origin = `gen${process.pid}@${hostname()}`

const tagsOfThisProcess = randomUUID().slice(0, 24)
let tags = 0

/** One message's delivery tag, in the shape of Celery's: the greater part is this process's, the rest a count. */
const nextTag = (): string => tagsOfThisProcess + (tags++).toString(16).padStart(12, '0')

/** Stands for this process where Python's rpc backend would want an address. */
const processReplyTo = randomUUID()

/** Where a message goes, decided by the router. `exchange` is '' for the anonymous one (the normal case). */
export interface Address {
  readonly exchange: string
  readonly routingKey: string
  readonly priority: number
}

const encodeDict = (
  dict: Readonly<Record<string, unknown>>,
  encode: (value: unknown, key: string) => string,
): string => {
  let text = ''
  for (const key of Object.keys(dict)) {
    const value = dict[key]
    if (value !== undefined) text += `${text === '' ? '' : ', '}${quote(key)}: ${encode(value, key)}`
  }
  return `{${text}}`
}

const encodeList = (list: readonly unknown[], encode: (value: unknown, index: number) => string): string => {
  let text = ''
  for (let index = 0; index < list.length; index += 1)
    text += `${index === 0 ? '' : ', '}${encode(list[index], index)}`
  return `[${text}]`
}

const signatureOptions = new Set(['link', 'link_error', 'chord', 'chain'])

const isSignature = (value: unknown): value is SignatureJson =>
  value !== null && typeof value === 'object' && typeof (value as { task?: unknown }).task === 'string'

const encodeNested = (value: unknown, where: string): string =>
  Array.isArray(value)
    ? encodeList(value, (item) => encodeNested(item, where))
    : isSignature(value)
      ? encodeSignature(value)
      : encodeValue(value, where)

/** Tasks whose keyword arguments hold signatures rather than a user's values. */
const nestedKwargs: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['celery.chain', new Set(['tasks'])],
  ['celery.group', new Set(['tasks'])],
  ['celery.chord', new Set(['header', 'body'])],
  ['celery.map', new Set(['task'])],
  ['celery.starmap', new Set(['task'])],
  ['celery.chunks', new Set(['task'])],
])

/** A signature's JSON text; each argument of the user is encoded by itself, so that it can be wrapped by itself. */
export const encodeSignature = (signature: SignatureJson): string => {
  const nested = nestedKwargs.get(signature.task)
  return encodeDict(signature as unknown as Record<string, unknown>, (value, key) => {
    if (key === 'args') return encodeArgs(value as readonly unknown[], signature.task)
    if (key === 'kwargs')
      return nested === undefined
        ? encodeKwargs(value as Record<string, unknown>, signature.task)
        : encodeDict(value as Record<string, unknown>, (item, name) =>
            nested.has(name)
              ? encodeNested(item, `${name} of ${signature.task}`)
              : encodeValue(item, `argument ${name} of ${signature.task}`),
          )
    if (key === 'options')
      return encodeDict(value as Record<string, unknown>, (item, name) =>
        signatureOptions.has(name)
          ? encodeNested(item, `option ${name} of ${signature.task}`)
          : encodeValue(item, `option ${name} of ${signature.task}`),
      )
    return encodeValue(value, `${key} of ${signature.task}`)
  })
}

const encodeSignatures = (list: readonly SignatureJson[] | null): string =>
  list === null ? 'null' : encodeList(list, (item) => encodeSignature(item as SignatureJson))

/** A page's text: steps in running order. */
export const encodePage = (steps: readonly SignatureJson[]): string => encodeList(steps, encodeAny)

const encodeAny = (item: unknown): string => encodeSignature(item as SignatureJson)

/** The body of a chord is one object in all messages of its header: it is written once. */
let lastBody: { readonly signature: SignatureJson; readonly text: string } | undefined

const encodeBodyOf = (signature: SignatureJson): string => {
  if (lastBody?.signature !== signature) lastBody = { signature, text: encodeSignature(signature) }
  return lastBody.text
}

const noEmbed = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'

/** What follows a task, as it stands in its message. */
export const encodeEmbed = ({ callbacks, errbacks, chain, chord, other }: Embed): string => {
  if (callbacks === null && errbacks === null && chain === null && chord === null && other === undefined)
    return noEmbed
  const more = other === undefined ? '' : `, ${encodeDict(other, (value) => encodeValue(value)).slice(1, -1)}`
  return (
    `{"callbacks": ${encodeSignatures(callbacks)}, "errbacks": ${encodeSignatures(errbacks)}, ` +
    `"chain": ${encodeSignatures(chain)}, "chord": ${chord === null ? 'null' : encodeBodyOf(chord)}${more}}`
  )
}

/** The body's text: `[args, kwargs, embed]`. */
const encodeBody = ({ task, args, kwargs, embed }: Outgoing): string =>
  `[${encodeArgs(args, task)}, ${encodeKwargs(kwargs, task)}, ${encodeEmbed(embed)}]`

const seconds = (value: number | null | undefined): string => (value == null ? 'null' : String(value))

const text = (value: string | null | undefined): string => (value == null ? 'null' : quote(value))

/** Of the most frequent arguments, none. */
const argsRepr = (args: readonly unknown[]): string =>
  args.length === 0 ? '"()"' : quote(repr(args, { tuple: true }))

const kwargsRepr = (kwargs: Readonly<Record<string, unknown>>): string =>
  isEmpty(kwargs) ? '"{}"' : quote(repr(kwargs))

const quotedOrigin = quote(origin)

const noTimes =
  '"shadow": null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, "timelimit": [null, null]'

/** When, how often and beside whom: in most messages nothing of it, and then one text and not twelve pieces. */
const encodeTimes = (message: Outgoing): string => {
  const { shadow, eta, expires, groupId, groupIndex, retries, timeLimit, softTimeLimit } = message
  const place = groupId ?? groupIndex
  const times = shadow ?? eta ?? expires ?? timeLimit ?? softTimeLimit
  if (place == null && times == null && (retries ?? 0) === 0) return noTimes
  return (
    `"shadow": ${text(shadow)}, "eta": ${text(eta?.text)}, "expires": ${text(expires?.text)}, ` +
    `"group": ${text(groupId)}, "group_index": ${groupIndex ?? 'null'}, "retries": ${retries ?? 0}, ` +
    `"timelimit": [${seconds(timeLimit)}, ${seconds(softTimeLimit)}]`
  )
}

const noMarks = '"ignore_result": false, "replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}'

const encodeMarks = ({ ignoreResult, replacedTaskNesting, stampedHeaders, stamps }: Outgoing): string => {
  if (ignoreResult !== true && !replacedTaskNesting && stampedHeaders == null && stamps === undefined)
    return noMarks
  const all =
    stamps === undefined ? '{}' : encodeDict(stamps, (value, name) => encodeValue(value, `stamp ${name}`))
  return (
    `"ignore_result": ${ignoreResult === true}, "replaced_task_nesting": ${replacedTaskNesting ?? 0}, ` +
    `"stamped_headers": ${stampedHeaders == null ? 'null' : quote(stampedHeaders)}, "stamps": ${all}`
  )
}

const encodeHeaders = (message: Outgoing, id: string, compression: string | undefined): string => {
  const { headers } = message
  let custom = ''
  if (compression !== undefined) custom += `, "compression": ${quote(compression)}`
  if (headers !== undefined)
    for (const name of Object.keys(headers))
      if (headers[name] !== undefined && !protocolHeaders.has(name))
        custom += `, ${quote(name)}: ${encodeValue(headers[name], `header ${name}`)}`
  return (
    `{"lang": "js", "task": ${quote(message.task)}, "id": ${id}, ${encodeTimes(message)}, ` +
    `"root_id": ${message.rootId === message.id ? id : quote(message.rootId)}, "parent_id": ${text(message.parentId)}, ` +
    `"argsrepr": ${message.argsrepr === undefined ? argsRepr(message.args) : quote(message.argsrepr)}, ` +
    `"kwargsrepr": ${message.kwargsrepr === undefined ? kwargsRepr(message.kwargs) : quote(message.kwargsrepr)}, ` +
    `"origin": ${quotedOrigin}, ${encodeMarks(message)}${custom}}`
  )
}

/** What the envelope says itself: an option of the same name does not say it again. */
const ownProperties = new Set(
  'correlation_id reply_to delivery_info priority body_encoding delivery_tag expiration'.split(' '),
)

const quotedReplyTo = quote(processReplyTo)

/** The last one's: most senders send to one place for a while. */
let lastAddress: Address & { readonly text: string } = {
  exchange: '',
  routingKey: '',
  priority: -1,
  text: '',
}

const encodeAddress = ({ exchange, routingKey, priority }: Address): string => {
  const last = lastAddress
  if (last.routingKey === routingKey && last.priority === priority && last.exchange === exchange)
    return last.text
  const text =
    `"delivery_mode": 2, "delivery_info": {"exchange": ${quote(exchange)}, ` +
    `"routing_key": ${quote(routingKey)}}, "priority": ${priority}`
  lastAddress = { exchange, routingKey, priority, text }
  return text
}

/** The envelope's text. `nowMs` tells how long an `expires` still is, for the AMQP-style property. */
export const encodeMessage = (message: Outgoing, address: Address, nowMs: number, seal?: Seal): string => {
  const text = encodeBody(message)
  checkParts(message.task, text)
  const { bytes, compression } = pack(seal?.body?.seal(text) ?? text, message.compression)
  const id = quote(message.id)
  let properties =
    `{"correlation_id": ${id}, "reply_to": ${message.replyTo === undefined ? quotedReplyTo : quote(message.replyTo)}, ` +
    `${encodeAddress(address)}, "body_encoding": "base64", "delivery_tag": "${nextTag()}"`
  if (message.expires != null)
    properties += `, "expiration": "${Math.max(0, Math.round(message.expires.ms - nowMs))}"`
  if (message.properties !== undefined)
    for (const name of Object.keys(message.properties))
      if (message.properties[name] !== undefined && !ownProperties.has(name))
        properties += `, ${quote(name)}: ${encodeValue(message.properties[name], `option ${name}`)}`
  const envelope =
    `{"body": "${bytes.toString('base64')}", "content-encoding": "utf-8", ` +
    `"content-type": "${seal?.body?.contentType ?? 'application/json'}", ` +
    `"headers": ${encodeHeaders(message, id, compression)}, "properties": ${properties}}}`
  if (envelope.length > maxRawBytes / 3) checkSize(message.task, Buffer.byteLength(envelope))
  return seal?.envelope === undefined ? envelope : seal.envelope(envelope, nowMs)
}

const checkParts = (task: string, text: string): void => {
  if (hasTooManyParts(text))
    throw new EncodeError(
      `The message to ${task} has ${tooManyParts}, and workers read no such message. ` +
        'Store what is large elsewhere and send where it lies, or send it as text.',
    )
}

const checkSize = (task: string, bytes: number): void => {
  if (bytes > maxRawBytes)
    throw new EncodeError(
      `The message to ${task} has ${bytes} bytes, and workers read at most ${maxRawBytes}. ` +
        'Store what is large elsewhere and send where it lies, or try compression: "zlib".',
    )
}
