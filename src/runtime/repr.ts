// Values as Python would print them, short: the `argsrepr` and `kwargsrepr` headers, and results in events
// and logs. As Celery's saferepr writes them (its strings are not escaped but for quotes, its binary bytes are
// hexadecimal). Depth and length are bounded, so circles and giants cost little.
import { isUtf8 } from 'node:buffer'
import { types } from 'node:util'
import { hasTooManyDigits, maxDigits } from './json-limits.js'
import { isPlainObject } from './json-plain.js'
import { isWireText, type WireText, wireType } from './json-types.js'
import { numberText } from './json-write.js'

export interface ReprOptions {
  /** Characters after which the rest is `...`. Default 1024, Celery's `argsrepr_maxsize`. */
  readonly limit?: number
  /** Levels of lists and dicts that are opened. Default 3. */
  readonly levels?: number
  /** The outermost array is a tuple: `(2, 2)`, `(7,)`. */
  readonly tuple?: boolean
}

/** `[1, 'two', None, {'k': True}]`. Never throws. */
export function repr(value: unknown, options: ReprOptions = {}): string {
  const printing = new Printing(options.limit ?? 1024, options.levels ?? 3)
  try {
    if (options.tuple && Array.isArray(value)) printing.tuple(value)
    else printing.value(value)
  } catch {
    // A getter or a toJSON of the user's threw: no reason to lose a message over its label.
    printing.text += '<unprintable>'
  }
  return printing.text
}

/** One text in the making. Once the limit is passed, only the closing brackets still come. */
class Printing {
  text = ''
  #left: number
  #isCut = false
  #open: unknown[] = []

  constructor(
    limit: number,
    readonly levels: number,
  ) {
    this.#left = limit
  }

  value(value: unknown): void {
    if (this.#isCut) return
    if (typeof value === 'string') this.#put(`'${shorten(value, this.#left).replaceAll("'", "\\'")}'`)
    else if (typeof value === 'object' && value !== null) this.#object(value)
    else this.#put(shorten(leafText(value), this.#left))
  }

  tuple(items: readonly unknown[]): void {
    this.#list(items, items, '(', items.length === 1 ? ',)' : ')')
  }

  #object(value: object): void {
    if (Array.isArray(value)) this.#list(value, value, '[', ']')
    else if (types.isMap(value)) this.#dict(value, value)
    else if (types.isSet(value) && value.size === 0) this.#put('set()')
    else if (types.isSet(value)) this.#list(value, value, '{', '}')
    else if (types.isUint8Array(value)) this.#put(bytesText(value, this.#left))
    else if (isPlainObject(value) && !('toJSON' in value)) this.#dict(value, fieldsOf(value))
    else this.#instance(value)
  }

  #instance(value: object): void {
    const text = instanceText(value)
    if (text !== null) return this.#put(shorten(text, this.#left))
    const json = jsonOf(value)
    if (json === undefined || jsonOf(json) !== undefined) this.#put(`<${className(value)} object>`)
    else this.value(json)
  }

  #list(value: object, items: Iterable<unknown>, start: string, end: string): void {
    this.#container(value, start, end, () => {
      let isFirst = true
      for (const item of items) {
        if (!isFirst) this.#put(', ')
        if (this.#isCut) return
        isFirst = false
        this.value(item)
      }
    })
  }

  #dict(value: object, fields: Iterable<readonly [unknown, unknown]>): void {
    this.#container(value, '{', '}', () => {
      let isFirst = true
      for (const [key, item] of fields) {
        if (!isFirst) this.#put(', ')
        if (this.#isCut) return
        isFirst = false
        this.#put(repr(key, { limit: this.#left, levels: this.levels }))
        this.#put(': ')
        this.value(item)
      }
    })
  }

  #container(value: object, start: string, end: string, body: () => void): void {
    if (this.#open.length >= this.levels) return this.#put(`${start}...${end}`)
    if (this.#open.includes(value))
      return this.#put(`<Recursion on ${Array.isArray(value) ? 'list' : 'dict'}>`)
    this.#put(start)
    if (this.#isCut) return
    this.#inside(value, body)
    this.#put(end)
    if (this.#isCut) this.text += end
  }

  #inside(value: object, body: () => void): void {
    this.#open.push(value)
    body()
    this.#open.pop()
  }

  #put(token: string): void {
    if (this.#isCut) return
    this.#isCut = this.#left <= 0
    this.text += this.#isCut ? ', ...' : token
    this.#left -= token.length
  }
}

function leafText(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return value ? 'True' : 'False'
    case 'number':
      return Number.isFinite(value)
        ? numberText(value)
        : Number.isNaN(value)
          ? 'nan'
          : value > 0
            ? 'inf'
            : '-inf'
    case 'bigint':
      return hasTooManyDigits(value) ? `<int of more than ${maxDigits} digits>` : String(value)
    case 'function':
      return `<function ${value.name || '<lambda>'}>`
    case 'symbol':
      return `<${String(value)}>`
    default:
      return 'None'
  }
}

/** What Python has a name for, and what JavaScript prints well; null for everything else. */
function instanceText(value: object): string | null {
  if (types.isDate(value)) return dateText(value)
  if (isWireText(value)) return wireText(value)
  if (types.isNativeError(value)) return `${value.name}(${repr(value.message, { limit: 256 })})`
  if (types.isRegExp(value)) return String(value)
  if (value instanceof URL) return `URL('${value.href}')`
  return null
}

const wireText = (value: WireText): string => {
  const text = value.text
  switch (value[wireType]) {
    case 'datetime':
      return `datetime.datetime(${dayParts(text.slice(0, 10))}, ${timeParts(text.slice(11))})`
    case 'date':
      return `datetime.date(${dayParts(text)})`
    case 'time':
      return /^[\d:.]+$/.test(text)
        ? `datetime.time(${timeParts(text)})`
        : `datetime.time.fromisoformat('${text}')`
    case 'uuid':
      return `UUID('${text}')`
    default:
      return `Decimal('${text}')`
  }
}

function dateText(date: Date): string {
  if (Number.isNaN(date.getTime())) return '<invalid Date>'
  const [day = '', time = ''] = date.toISOString().slice(0, -1).split('T')
  return `datetime.datetime(${dayParts(day)}, ${timeParts(time)}, tzinfo=datetime.timezone.utc)`
}

/** `2026-01-02` → `2026, 1, 2` */
const dayParts = (day: string): string => day.split('-').map(Number).join(', ')

/** `03:04:05.120000` → `3, 4, 5, 120000`; zero seconds and microseconds are left out, as Python does. */
function timeParts(time: string): string {
  const [hours, minutes = '0', seconds = '0'] = time.split(':')
  const [whole, fraction = ''] = seconds.split('.')
  const parts = [Number(hours), Number(minutes), Number(whole), Number(fraction.padEnd(6, '0').slice(0, 6))]
  while (parts.length > 2 && parts.at(-1) === 0) parts.pop()
  return parts.join(', ')
}

function bytesText(bytes: Uint8Array, limit: number): string {
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, limit))
  const text = isUtf8(chunk) ? chunk.toString('utf8') : chunk.toString('hex')
  return `b'${text}${chunk.length < bytes.byteLength ? '...' : ''}'`
}

/** As Celery cuts: at the last space before the limit. Never inside a character. */
function shorten(text: string, limit: number): string {
  if (text.length < limit || limit <= 0) return text
  const cut = text.slice(0, limit)
  const space = cut.lastIndexOf(' ')
  return `${(space < 0 ? cut : cut.slice(0, space)).replace(/[\ud800-\udbff]$/, '')}...`
}

function* fieldsOf(object: object): Iterable<[string, unknown]> {
  for (const key of Object.keys(object)) yield [key, (object as Record<string, unknown>)[key]]
}

/** A signature is printed as its dict, as Celery does. */
const jsonOf = (value: unknown): unknown => (value as { toJSON?: () => unknown } | null)?.toJSON?.()

const className = (value: object): string =>
  (value.constructor as { name?: string } | undefined)?.name || 'object'
