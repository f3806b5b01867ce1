// The names of graphs and groups that stand in a text: ids, wherever they stand and whatever for, also in what is packed
// into the text as base64 (a body; what is signed, twice). Too many are found rather than too few: whoever asks
// wants to know what can still be needed. Pure.
import { inflateSync } from 'node:zlib'

const id = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'
const anywhere = new RegExp(id, 'g')
const whole = new RegExp(`^${id}$`)
/** Shorter, there is no id in it. */
const base64 = /[A-Za-z0-9+/]{48,}={0,2}/g
const mostDepth = 3
const mostInflated = 64 * 1024 * 1024

/** Ids as we and Celery make them. Somebody may call a group what he likes: such a name is not found again. */
export const isName = (text: string): boolean => whole.test(text)

export const namesIn = (text: string, into = new Set<string>(), depth = mostDepth): Set<string> => {
  for (const [name] of text.matchAll(anywhere)) into.add(name)
  if (depth > 0)
    for (const [packed] of text.matchAll(base64))
      namesIn(inflated(Buffer.from(packed, 'base64')).toString('latin1'), into, depth - 1)
  return into
}

/** As it is, where it is no stream of zlib's. */
const inflated = (bytes: Buffer): Buffer => {
  if (bytes[0] !== 0x78) return bytes
  try {
    return inflateSync(bytes, { maxOutputLength: mostInflated })
  } catch {
    return bytes
  }
}

/** A message that Python could read and we cannot: nobody here knows what it needs. */
export const isOpaque = (text: string): boolean =>
  /"compression": "(?!(?:application\/)?(?:x-)?(?:gzip|zlib)")/.test(text)
