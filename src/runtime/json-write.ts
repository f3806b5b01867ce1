// Plain tree → text. Numbers are written as Python's json.dumps does, so that a float stays a float: JSON.stringify
// turns -0 into 0, NaN into null and 2**60 into an integer. Everything else of Python's style (ASCII only, ", "
// and ": ") is wanted only where bytes are compared.
import { EncodeError } from '../errors.js'
import { maxTextDepth } from './json-limits.js'

/** A text that is already written: typed values, and numbers that superjson would spell its own way. */
export class Written {
  constructor(readonly text: string) {}
}

export interface Style {
  readonly comma: string
  readonly colon: string
  readonly quote: (text: string) => string
  /** Mark the user's objects that look like ours: see `escaped`. */
  readonly escapes: boolean
}

export const compactStyle: Style = { comma: ',', colon: ':', quote: JSON.stringify, escapes: true }
export const pythonStyle: Style = { comma: ', ', colon: ': ', quote: quoteAscii, escapes: true }
/** Carries the wire's own forms, so nothing is marked. */
export const wireStyle: Style = { ...compactStyle, escapes: false }

/** JSON text of numbers, bigints, strings, arrays, plain objects and `Written`. */
export function writeTree(node: unknown, style: Style, depth = 0): string {
  switch (typeof node) {
    case 'string':
      return style.quote(node)
    case 'number':
      return numberText(node)
    case 'boolean':
    case 'bigint':
      return String(node)
    case 'object':
      if (node === null) return 'null'
      if (node instanceof Written) return node.text
      if (depth > maxTextDepth)
        throw new EncodeError(`Expected at most ${maxTextDepth} levels, got a deeper or circular value.`)
      return Array.isArray(node) ? arrayText(node, style, depth) : objectText(node, style, depth)
    default:
      return 'null'
  }
}

function arrayText(array: readonly unknown[], style: Style, depth: number): string {
  let text = '['
  for (let index = 0; index < array.length; index++)
    text += (index === 0 ? '' : style.comma) + writeTree(array[index], style, depth + 1)
  return `${text}]`
}

function objectText(object: object, style: Style, depth: number): string {
  const node = (style.escapes ? escaped(object) : object) as Record<string, unknown>
  let text = ''
  for (const key of Object.keys(node))
    if (node[key] !== undefined)
      text +=
        (text === '' ? '' : style.comma) +
        style.quote(key) +
        style.colon +
        writeTree(node[key], style, depth + 1)
  return `{${text}}`
}

/** Python's `repr(float)`, or an integer where the number is a safe one. */
export function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '-0.0' : String(value)
  const size = Math.abs(value)
  if (!(size >= 1e-4 && size < 1e16) && Number.isFinite(value))
    return value.toExponential().replace(/(?<=e[+-])\d$/, '0$&')
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** As Python quotes: everything beyond `~` as \uXXXX. */
export function quoteAscii(text: string): string {
  const quoted = JSON.stringify(text)
  return beyondAscii.test(quoted) ? quoted.replace(everyBeyondAscii, unicodeEscape) : quoted
}

const beyondAscii = /[\u007f-\uffff]/
const everyBeyondAscii = /[\u007f-\uffff]/g
const unicodeEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * A user's object that looks like a typed value or a superjson wrapper gets a third key, which readers take
 * off; one that already looks marked gets a higher number. So every object comes back as it was.
 */
function escaped(object: object): object {
  if (!Object.hasOwn(object, '__type__') && !Object.hasOwn(object, '__superjson__')) return object
  const fields = Object.entries(object).filter(([, value]) => value !== undefined)
  const mark = markOf(Object.fromEntries(fields))
  return mark === null ? object : { ...object, __esc__: mark + 1 }
}

/** How often an object with these keys is marked as "not ours": 0 for a look-alike, null for all others. */
export function markOf(object: object): number | null {
  const keys = Object.keys(object)
  const mark = (object as { __esc__?: unknown }).__esc__
  const isMarked = typeof mark === 'number' && Number.isInteger(mark) && mark > 0 && mark < 2 ** 31
  const others = keys.filter((key) => key !== '__esc__')
  const looksLikeOurs =
    (others.length === 1 && others[0] === '__superjson__') ||
    (others.length === 2 && others.includes('__type__') && others.includes('__value__'))
  if (!looksLikeOurs) return null
  if (others.length === keys.length) return 0
  return isMarked ? mark : null
}
