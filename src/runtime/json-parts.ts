// How much a JSON text would build: its arrays, objects and members, counted before it is parsed. Bytes alone do not tell:
// they are few where they were packed, and a million empty arrays cost more than a text of their length.
import { isEscaped } from './json-parse.js'
import { maxParts } from './json-limits.js'

/** More than may be read of one message. */
export const hasTooManyParts = (text: string): boolean =>
  text.length > 2 * maxParts && partsOf(text) > maxParts

const partsOf = (text: string): number => {
  let parts = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b || code === 0x3a) parts++
    else if (code === 0x22) {
      do at = text.indexOf('"', at + 1)
      while (at > 0 && isEscaped(text, at))
      if (at < 0) break
    }
  }
  return parts
}

export const tooManyParts = `more than ${maxParts} arrays, objects and members`
