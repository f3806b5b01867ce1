// Our own signature of a message: HMAC-SHA256 over its body and all its headers but `redelivered` (which those set
// who give a message back) and the signature itself. Canonical, so that it survives a Python worker that writes the
// envelope anew when it gives it back.
//
//   lovage_signature: "hmac-sha256 <sent, ms> <mac>"
import { createHmac, timingSafeEqual } from 'node:crypto'
import { SecurityError } from '../../errors.js'
import { type Dict, isDict, moment, text } from '../fields.js'
import { parseJson } from '../json-parse.js'

export const signatureHeader = 'lovage_signature'

const unsigned = new Set([signatureHeader, 'redelivered'])

/** The same text for the same value, whatever the order of its keys and the look of its numbers. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (isDict(value)) {
    const entries = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    return `{${entries.join(',')}}`
  }
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}

const macOf = (envelope: Dict, headers: Dict, sentMs: number, key: string): Buffer => {
  const signed = Object.fromEntries(Object.entries(headers).filter(([name]) => !unsigned.has(name)))
  const properties = isDict(envelope['properties']) ? envelope['properties'] : {}
  const said = [
    sentMs,
    envelope['content-type'],
    envelope['content-encoding'],
    properties['body_encoding'],
    envelope['body'],
    signed,
  ]
  return createHmac('sha256', key).update(canonical(said)).digest()
}

const before = '"headers": {'

/** The envelope as `encodeMessage` writes it, signed. */
export const signEnvelope = (envelope: string, key: string, nowMs: number): string => {
  const sentMs = Math.floor(nowMs)
  const tree = parseJson(envelope) as Dict
  const mac = macOf(tree, tree['headers'] as Dict, sentMs, key).toString('base64')
  // (Before it stands the body, in base64.)
  const at = envelope.indexOf(before) + before.length
  return `${envelope.slice(0, at)}"${signatureHeader}": "hmac-sha256 ${sentMs} ${mac}", ${envelope.slice(at)}`
}

export interface Check {
  /** Any of them may have signed: keys change while messages wait. */
  readonly keys: readonly string[]
  /** Seconds that a signature counts, from the later of sending and eta; null is for ever. */
  readonly maxAge: number | null
  /** A redelivery may be older: it was checked when it came first. */
  readonly redelivered: boolean
  readonly nowMs: number
}

/** Throws SecurityError, or DecodeError for what is no envelope. */
export const checkEnvelope = (raw: Buffer, { keys, maxAge, redelivered, nowMs }: Check): void => {
  const envelope = parseJson(raw.toString('utf8'))
  const headers = isDict(envelope) ? envelope['headers'] : undefined
  if (!isDict(envelope) || !isDict(headers) || headers[signatureHeader] === undefined)
    throw new SecurityError('Expected a signed message (hmac), got one without a signature.')
  const signature = text(headers[signatureHeader]) ?? ''
  const [, sent, mac] = /^hmac-sha256 (\d{1,15}) ([\w+/=]+)$/.exec(signature) ?? []
  const sentMs = Number(sent)
  const given = Buffer.from(mac ?? '', 'base64')
  const isOurs = keys.some((key) => {
    const expected = macOf(envelope, headers, sentMs, key)
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (mac === undefined || !isOurs)
    throw new SecurityError(
      'The signature of the message is wrong: it was changed, or signed with another key.',
    )
  if (maxAge === null || redelivered) return
  const fromMs = Math.max(sentMs, moment(headers['eta'], 'eta')?.ms ?? 0)
  if (nowMs - fromMs > maxAge * 1000)
    throw new SecurityError(
      `The signature of the message is older than ${maxAge} s: it may be a copy of one that was sent before.`,
    )
}
