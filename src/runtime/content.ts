// How a body's text is packed: content type, charset, compression. JSON only (pickle can run code and is
// never read); Celery's "gzip" and "zlib" are both a zlib stream. Limits stand before anything is parsed.
import { isUtf8 } from 'node:buffer'
import { deflateSync, inflateSync } from 'node:zlib'
import { ContentDisallowed, DecodeError, EncodeError } from '../errors.js'
import { show } from './fields.js'
import { hasTooManyParts, tooManyParts } from './json-parts.js'

export const maxRawBytes = 16 * 1024 * 1024
const maxInflatedBytes = 64 * 1024 * 1024
const maxInflation = 200
/** Up to here a body may inflate, however small it is packed. */
const harmlessBytes = 1024 * 1024

const zlibNames = new Set(['gzip', 'zlib', 'application/x-gzip', 'application/zlib'])
const knownElsewhere: ReadonlyMap<unknown, string> = new Map([
  ['application/x-bz2', 'bzip2'],
  ['bzip2', 'bzip2'],
  ['bzip', 'bzip2'],
  ['application/x-lzma', 'lzma'],
  ['lzma', 'lzma'],
  ['xz', 'lzma'],
  ['application/x-brotli', 'brotli'],
  ['brotli', 'brotli'],
  ['application/zstd', 'zstd'],
  ['zstd', 'zstd'],
  ['zstandard', 'zstd'],
])

const refuseCompression = (name: unknown): string => {
  const known = knownElsewhere.get(name)
  return known === undefined
    ? `Unknown compression ${show(name)}: expected gzip or zlib`
    : `Compression ${known} is not supported here: let the sender use gzip or zlib`
}

const jsonNames = new Set(['json', 'application/json'])

/** Refuses every serializer but JSON, and JSON that is signed, in a sentence. */
export const checkSerializer = (name: string | undefined): void => {
  if (name !== undefined && name !== 'auth' && !jsonNames.has(name))
    throw new EncodeError(
      `Expected the serializer json, got ${show(name)}: no other is supported. Leave the option out.`,
    )
}

/** The content type of a signed body (security/auth.ts). */
export const signedType = 'application/data'

export interface Packed {
  readonly bytes: Buffer
  /** The header's value, where there is compression. */
  readonly compression: string | undefined
}

/** How large these bytes may become. */
const inflationLimit = (bytes: Buffer): number =>
  Math.min(maxInflatedBytes, Math.max(bytes.length * maxInflation, harmlessBytes))

/** Text → the bytes of a body. `compression` is the name that a caller uses: gzip or zlib. */
export const pack = (text: string, compression: string | undefined): Packed => {
  const plain = Buffer.from(text, 'utf8')
  if (compression === undefined) return { bytes: plain, compression: undefined }
  if (!zlibNames.has(compression)) throw new EncodeError(refuseCompression(compression))
  const bytes = deflateSync(plain)
  // A reader would take it for a bomb.
  if (plain.length > inflationLimit(bytes)) return { bytes: plain, compression: undefined }
  return { bytes, compression: 'application/x-gzip' }
}

const inflate = (bytes: Buffer): Buffer => {
  const limit = inflationLimit(bytes)
  try {
    return inflateSync(bytes, { maxOutputLength: limit })
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE')
      throw new DecodeError(`The compressed body inflates beyond ${limit} bytes`)
    throw new DecodeError(`The body says it is zlib-compressed, but ${(error as Error).message}`)
  }
}

/** The fields of an envelope (and its header) that say how the body is packed, and the body. */
export interface PackedBody {
  readonly body: unknown
  readonly contentType: unknown
  readonly contentEncoding: unknown
  readonly bodyEncoding: unknown
  readonly compression: unknown
}

/** Refuses what would take seconds and gigabytes to parse, in a sentence. */
export const checkParts = (text: string, what: string): void => {
  if (hasTooManyParts(text))
    throw new DecodeError(`Expected ${what} of a bearable size, got one of ${tooManyParts}`)
}

type Open = (contentType: unknown, text: string) => string

/** The body's JSON text; `open` reads and checks a signed one. Throws DecodeError or ContentDisallowed. */
export const unpack = (packed: PackedBody, open?: Open): string => {
  const text = textOf(packed, open)
  checkParts(text, 'a body')
  return text
}

const textOf = (packed: PackedBody, open: Open | undefined): string => {
  const { body, contentType, contentEncoding, bodyEncoding, compression } = packed
  if (typeof body !== 'string') throw new DecodeError(`Expected the body as text, got ${typeof body}`)
  if (contentType !== 'application/json' && (open === undefined || contentType !== signedType))
    throw new ContentDisallowed(
      `Expected content of type application/json, got ${show(contentType ?? null)}: ` +
        'no other is read here. Let the sender use the serializer json.',
    )
  const charset = contentEncoding ?? 'utf-8'
  if (typeof charset !== 'string' || !/^(utf-?8|us-ascii|ascii|binary)$/i.test(charset))
    throw new DecodeError(`Unknown content-encoding ${show(charset)}: expected utf-8`)
  if (compression != null && !(typeof compression === 'string' && zlibNames.has(compression)))
    throw new DecodeError(refuseCompression(compression))
  if (bodyEncoding !== 'base64') {
    if (compression != null) throw new DecodeError('A compressed body must be base64')
    return open === undefined ? body : open(contentType, body)
  }
  // Buffer.from drops what it does not know, silently: the length tells.
  const bytes = Buffer.from(body, 'base64')
  if (bytes.length !== decodedLength(body)) throw new DecodeError('The body is not valid base64')
  const plain = compression == null ? bytes : inflate(bytes)
  if (!isUtf8(plain)) throw new DecodeError('The body is not valid UTF-8')
  const text = plain.toString('utf8')
  return open === undefined ? text : open(contentType, text)
}

/** How many bytes a clean base64 text of this length stands for. */
const decodedLength = (text: string): number => {
  const clean = /\s/.test(text) ? text.replace(/\s+/g, '') : text
  const padding = clean.endsWith('==') ? 2 : clean.endsWith('=') ? 1 : 0
  return (clean.length / 4) * 3 - padding
}
