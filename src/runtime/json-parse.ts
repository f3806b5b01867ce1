// Text → plain tree, as Python reads JSON: NaN and the infinities are numbers, integers have any size.
// JSON.parse does it wherever it can; the parser of json-python.ts takes over only for what it would refuse or corrupt.
// Nothing is revived here: the tree is what lies on the wire, and `writeWire` writes it back the same.
import { DecodeError } from '../errors.js'
import { maxTextDepth } from './json-limits.js'
import { PythonJson } from './json-python.js'

/**
 * JSON text → numbers, strings, bigints (integers beyond 2^53), arrays and objects. Keys such as `__proto__`
 * become ordinary own properties.
 * @throws DecodeError for text that is not JSON, deeper than 320 levels (or than it is told), or with an integer of more than 4300 digits.
 */
export function parseJson(text: string, mostLevels = maxTextDepth): unknown {
  if (text.length > 2 * mostLevels && isTooDeep(text, mostLevels))
    throw new DecodeError(`Expected JSON of at most ${mostLevels} levels, got a deeper one.`)
  if (hasUnsafeInteger(text)) return new PythonJson(text).parse()
  try {
    return JSON.parse(text)
  } catch (error) {
    if (text.includes('NaN') || text.includes('Infinity')) return new PythonJson(text).parse()
    throw new DecodeError(`Expected JSON, got something else: ${(error as Error).message}`)
  }
}

/** Counting brackets is nearly free and settles it for all but big texts; only those are read level by level. */
function isTooDeep(text: string, mostLevels: number): boolean {
  let brackets = 0
  for (const bracket of ['[', '{'])
    for (
      let at = text.indexOf(bracket);
      at >= 0 && brackets <= mostLevels;
      at = text.indexOf(bracket, at + 1)
    )
      brackets++
  return brackets > mostLevels && depthOf(text, mostLevels) > mostLevels
}

/** The depth of a text, or a number beyond the limit once it is passed. */
function depthOf(text: string, mostLevels: number): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length && deepest <= mostLevels; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      at = text.indexOf('"', at + 1)
      while (at > 0 && isEscaped(text, at)) at = text.indexOf('"', at + 1)
      if (at < 0) break
    } else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (code === 0x5d || code === 0x7d) depth--
  }
  return deepest
}

/** Whether the quote is one inside a string. */
export function isEscaped(text: string, quote: number): boolean {
  let slashes = 0
  while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}

/**
 * Is there an integer that a double cannot hold? It has 16 digits or more, so looking at each 16th character
 * finds it. Digits after a quote are a string, after or before a point a float. A false yes (digits inside
 * a longer string) only costs time.
 */
function hasUnsafeInteger(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigit(text, at)) continue
    let start = at
    let end = at + 1
    while (isDigit(text, start - 1)) start--
    while (isDigit(text, end)) end++
    if (end - start < 16) continue
    const before = text[start - 1]
    const after = text[end]
    const isSafe = end - start === 16 && text.slice(start, end) <= '9007199254740991'
    if (!isSafe && before !== '"' && before !== '.' && after !== '.' && after !== 'e' && after !== 'E')
      return true
    at = end
  }
  return false
}

const isDigit = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at)
  return code >= 0x30 && code <= 0x39
}
