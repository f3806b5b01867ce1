// kombu's typed JSON, `{"__type__": "datetime", "__value__": "…"}`, both ways: the forms that Python gives back
// byte for byte. The list is closed, since a Python peer drops a whole message for one unknown type.
import { isUtf8 } from 'node:buffer'
import { DecodeError } from '../errors.js'
import { parseIso, writeIsoDate } from './dates.js'
import { Decimal, NaiveDateTime, PlainDate, PlainTime, Uuid, type WireText, wireType } from './json-types.js'
import { quoteAscii } from './json-write.js'

/**
 * A moment: six digits and `+00:00`, which every Python reads. Python itself leaves out a fraction of zero, and
 * so do we where its bytes are wanted.
 * @throws EncodeError outside the years 1 to 9999.
 */
export function dateJson(date: Date, asPython: boolean): string {
  const text = writeIsoDate(date.getTime())
  return typed('datetime', `"${asPython ? text.replace('.000000', '') : text}"`)
}

/** As text if it is UTF-8, else in base64. */
export function bytesJson(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return isUtf8(buffer)
    ? typed('bytes', quoteAscii(buffer.toString('utf8')))
    : typed('base64', `"${buffer.toString('base64')}"`)
}

export const wireTextJson = (value: WireText): string =>
  value[wireType] === 'uuid'
    ? typed('uuid', `{"hex": "${value.text.replaceAll('-', '')}"}`)
    : typed(value[wireType], quoteAscii(value.text))

const typed = (type: string, json: string): string => `{"__type__": "${type}", "__value__": ${json}}`

const readers = new Map<unknown, (value: unknown) => unknown>([
  ['datetime', readDateTime],
  ['date', (value) => new PlainDate(asText(value))],
  ['time', (value) => new PlainTime(asText(value))],
  ['decimal', (value) => new Decimal(asText(value))],
  ['uuid', (value) => new Uuid(asText((value as { hex?: unknown } | null)?.hex))],
  ['bytes', readBytes],
  ['base64', (value) => Buffer.from(asText(value), 'base64')],
])

/** What `{"__type__": type, "__value__": value}` means. @throws DecodeError for a type unknown to kombu. */
export function readTyped(type: unknown, value: unknown): unknown {
  const read = readers.get(type)
  if (read !== undefined) return read(value)
  throw new DecodeError(
    `Expected a __type__ that kombu knows (${[...readers.keys()].join(', ')}), got ${shown(type)}. If the sender ` +
      'registered it (kombu.utils.json.register_type), let it send plain data instead.',
  )
}

/** With an offset it is a moment, thus a Date (which drops microseconds); without one it stays naive. */
function readDateTime(value: unknown): Date | NaiveDateTime {
  const text = asText(value)
  const parts = parseIso(text)
  if (parts === null) throw new DecodeError(`Expected a datetime in ISO 8601, got ${shown(text)}.`)
  return parts.offset === null ? new NaiveDateTime(text) : new Date(parts.localMs - parts.offset * 1000)
}

function readBytes(value: unknown): Buffer {
  const text = asText(value)
  if (/\p{Surrogate}/u.test(text))
    throw new DecodeError('Expected bytes as well-formed text, got half of a surrogate pair.')
  return Buffer.from(text, 'utf8')
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new DecodeError(`Expected text for the __value__ of a typed value, got ${shown(value)}.`)
}

const shown = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value.slice(0, 60))
    : value === null
      ? 'null'
      : `a ${typeof value}`
