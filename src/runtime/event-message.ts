// Events on the wire: one message has one event, or a list of them. Python workers listen to each other's events
// and end over one that is not whole, so that all of them are made here.
import * as Either from '../either.js'
import { type Fields, flawOf, groupOf, type OwnEvent, routingKeyOf } from './events.js'
import { isDict, show, text } from './fields.js'
import { encodeValue } from './json.js'
import { open, seal } from './wrapping.js'

/** Who sends events. Its clock is a Lamport clock: one further with each. */
export interface Sender {
  readonly hostname: string
  readonly clock: { value: number }
}

/** Hours west of Greenwich, as Python reckons them: its receivers add them to what they show. */
const utcoffset = (): number => Math.floor(new Date().getTimezoneOffset() / 60)

export const makeEvent = (
  { hostname, clock }: Sender,
  type: string,
  fields: Fields,
  pid: number = process.pid,
): OwnEvent => {
  clock.value += 1
  return {
    hostname,
    utcoffset: utcoffset(),
    pid,
    clock: clock.value,
    ...fields,
    timestamp: Date.now() / 1000,
    type,
  }
}

export interface EventMessage {
  readonly routingKey: string
  readonly raw: string
}

const write = (body: string, hostname: string, exchange: string, routingKey: string): EventMessage => ({
  routingKey,
  raw: seal(body, { hostname }, { exchange, routingKey }, 1),
})

/** Throws EncodeError for a field that cannot travel. */
export const encodeEvent = (event: OwnEvent, exchange: string): EventMessage =>
  write(encodeValue(event, `the event ${event.type}`), event.hostname, exchange, routingKeyOf(event.type))

/** Of one group and one sender. Never those of the group `worker`: a Python worker reads only single ones. */
export const encodeEvents = (events: readonly [OwnEvent, ...OwnEvent[]], exchange: string): EventMessage => {
  const [{ hostname, type }] = events
  return write(encodeValue(events, 'events'), hostname, exchange, `${groupOf(type)}.multi`)
}

type Read = Either.Either<string, OwnEvent>

/** Left is why it cannot be read: the message, or one event of its list. */
export const decodeEvents = (raw: string): readonly Read[] => {
  try {
    const { headers, body } = open(raw)
    return (Array.isArray(body) ? body : [body]).map((one) => readEvent(one, headers['hostname']))
  } catch (error) {
    return [Either.left(error instanceof Error ? error.message : String(error))]
  }
}

const readEvent = (body: unknown, sender: unknown): Read => {
  if (!isDict(body)) return Either.left(`expected an event as an object, got ${show(body)}`)
  const type = text(body['type'])
  const hostname = text(body['hostname']) ?? text(sender)
  const { timestamp } = body
  if (type === null) return Either.left(`expected the type of an event, got ${show(body['type'])}`)
  if (hostname === null) return Either.left(`expected the hostname of ${type}, got ${show(body['hostname'])}`)
  if (typeof timestamp !== 'number' || !Number.isFinite(timestamp))
    return Either.left(`expected the timestamp of ${type} in seconds, got ${show(timestamp)}`)
  const event = { ...body, type, hostname, timestamp }
  const flaw = flawOf(event)
  return flaw === undefined
    ? Either.right(event)
    : Either.left(`${type}: its ${flaw} was not expected to be ${show(body[flaw])}`)
}
