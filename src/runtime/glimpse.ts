// Whose message it is that is too large to be read: `id` and `task` of its headers, found by stepping over all else. Python
// and we write the headers behind the body, so nearly all of it is one text, which is stepped over at the speed of memory.
// Nothing is built, and it looks at so many places only, whatever somebody has written there.
import { type Dict, none } from './fields.js'

/** Bytes outside of texts, quotes, and backslashes before quotes: some 20 ms. */
const mostLooks = 1 << 22
/** Bytes of a name or a text that is read: a longer one is none that we look for. */
const longest = 1024

const [quote, comma, colon, backslash] = [0x22, 0x2c, 0x3a, 0x5c]
const open: readonly number[] = [0x5b, 0x7b]
const shut: readonly number[] = [0x5d, 0x7d]
const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** There is nothing more to be learnt. */
class Lost extends Error {}

class Walk {
  #at = 0
  #looks = 0

  constructor(private readonly raw: Buffer) {}

  /** Calls with each name of an object that begins here; `visit` goes past its value. */
  object(visit: (name: string | undefined) => void): void {
    if (this.#next() !== 0x7b) throw new Lost()
    if (this.#peek() === 0x7d) return void this.#next()
    for (;;) {
      const name = this.text()
      if (this.#next() !== colon) throw new Lost()
      visit(name)
      const after = this.#next()
      if (after === 0x7d) return
      if (after !== comma) throw new Lost()
    }
  }

  /** A text that begins here; undefined: something else, or too long. Then it is passed all the same. */
  text(): string | undefined {
    if (this.#peek() !== quote) {
      this.skip()
      return undefined
    }
    const from = this.#at
    this.#skipText()
    if (this.#at - from > longest) return undefined
    try {
      return JSON.parse(this.raw.toString('utf8', from, this.#at)) as string
    } catch {
      throw new Lost()
    }
  }

  /** Past the value that begins here. */
  skip(): void {
    let depth = 0
    do {
      const byte = this.#peek()
      if (byte === quote) this.#skipText()
      else if (depth === 0 && (byte === comma || shut.includes(byte))) return
      else {
        if (open.includes(byte)) depth += 1
        else if (shut.includes(byte)) depth -= 1
        this.#next()
      }
    } while (depth > 0 || this.#isInWord())
  }

  #isInWord(): boolean {
    const byte = this.raw[this.#at]
    return byte !== undefined && byte !== comma && !shut.includes(byte) && !isSpace(byte)
  }

  #skipText(): void {
    let end = this.#at
    do {
      this.#look()
      end = this.raw.indexOf(quote, end + 1)
      if (end < 0) throw new Lost()
    } while (this.#isEscaped(end))
    this.#at = end + 1
  }

  #isEscaped(at: number): boolean {
    let before = at - 1
    for (; this.raw[before] === backslash; before -= 1) this.#look()
    return (at - before) % 2 === 0
  }

  #peek(): number {
    while (isSpace(this.raw[this.#at])) {
      this.#look()
      this.#at += 1
    }
    const byte = this.raw[this.#at]
    if (byte === undefined) throw new Lost()
    return byte
  }

  #next(): number {
    this.#look()
    const byte = this.#peek()
    this.#at += 1
    return byte
  }

  #look(): void {
    this.#looks += 1
    if (this.#looks > mostLooks) throw new Lost()
  }
}

/** `id` and `task` of the headers in this envelope, where they can be found; what has no end is not believed. */
export const glimpse = (raw: Buffer): Dict => {
  let found: Dict = none
  const walk = new Walk(raw)
  try {
    walk.object((name) => {
      if (name !== 'headers') return walk.skip()
      const headers: Record<string, unknown> = {}
      walk.object((field) => {
        if (field === 'id' || field === 'task') headers[field] = walk.text()
        else walk.skip()
      })
      found = headers
    })
    return found
  } catch {
    return none
  }
}
