// Messages in a form that can be compared: bodies decoded, and in place of what differs from call to call (ids,
// tags, senders, times) a word for its shape. A wrong shape stays as it is, and the comparison shows it.
import { inflateSync } from 'node:zlib'
import { parseIso } from '../../src/runtime/dates.js'

type Dict = Record<string, unknown>

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** A moment, to the millisecond: Python counts in microseconds. */
export const momentOf = (text: unknown): unknown => {
  const parts = typeof text === 'string' ? parseIso(text) : null
  return parts === null ? text : parts.localMs - (parts.offset ?? 0) * 1000
}

const shape = (value: unknown, pattern: RegExp, word: string): unknown =>
  typeof value === 'string' && pattern.test(value) ? word : value

/** Of a message in a queue, as it lay there. */
export const plainMessage = (raw: string): Dict => {
  const { body, headers, properties, ...envelope } = JSON.parse(raw) as { body: string } & Record<
    'headers' | 'properties',
    Dict
  >
  const id = (headers.id ?? properties.correlation_id) as string
  const known = (value: unknown): unknown => (value === id && uuid.test(id) ? '<id>' : value)
  const bytes = Buffer.from(body, 'base64')
  const text = (headers.compression === 'application/x-gzip' ? inflateSync(bytes) : bytes).toString('utf8')
  return {
    ...envelope,
    body: JSON.parse(text) as unknown,
    headers: {
      ...headers,
      lang: shape(headers.lang, /^(py|js)$/, '<lang>'),
      id: known(headers.id),
      root_id: known(headers.root_id),
      parent_id: known(headers.parent_id),
      origin: shape(headers.origin, /^gen\d+@\S+$/, '<origin>'),
      eta: momentOf(headers.eta),
      expires: momentOf(headers.expires),
    },
    properties: {
      ...properties,
      correlation_id: known(properties.correlation_id),
      reply_to: shape(properties.reply_to, uuid, '<sender>'),
      delivery_tag: shape(properties.delivery_tag, uuid, '<tag>'),
    },
  }
}
