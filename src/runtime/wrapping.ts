// kombu's envelope around what is said rather than queued: remote control and events. What comes from outside is
// read with suspicion; all that a reader may ask for is written, since Python workers end where some of it is missing.
import { randomUUID } from 'node:crypto'
import { checkParts, unpack } from './content.js'
import { type Dict, isDict, show } from './fields.js'
import { decodeJson } from './json.js'

export interface Wrapped {
  readonly headers: Dict
  readonly body: unknown
}

/** Throws what the text's readers throw. */
export const open = (raw: string): Wrapped => {
  checkParts(raw, 'a message')
  const outer = decodeJson(raw)
  if (!isDict(outer)) throw new Error(`expected an object, got ${show(outer)}`)
  const properties = isDict(outer['properties']) ? outer['properties'] : {}
  const headers = isDict(outer['headers']) ? outer['headers'] : {}
  const body = unpack({
    body: outer['body'],
    contentType: outer['content-type'],
    contentEncoding: outer['content-encoding'],
    bodyEncoding: properties['body_encoding'],
    compression: headers['compression'],
  })
  return { headers, body: decodeJson(body) }
}

export interface To {
  readonly exchange: string
  readonly routingKey: string
}

/** `body` is JSON text. */
export const seal = (
  body: string,
  headers: Readonly<Record<string, unknown>>,
  to: To,
  deliveryMode: 1 | 2,
): string =>
  JSON.stringify({
    body: Buffer.from(body).toString('base64'),
    'content-encoding': 'utf-8',
    'content-type': 'application/json',
    headers,
    properties: {
      delivery_mode: deliveryMode,
      delivery_info: { exchange: to.exchange, routing_key: to.routingKey },
      priority: 0,
      body_encoding: 'base64',
      delivery_tag: randomUUID(),
    },
  })
