// JSON as Python's json.loads takes it: for the texts that JSON.parse refuses (NaN, Infinity) or corrupts
// (integers beyond 2^53). Ten times slower, so only for those. `parseJson` has bounded the depth: it recurses.
import { DecodeError } from '../errors.js'
import { maxDigits } from './json-limits.js'
import { defineOwn } from './json-plain.js'

// oxlint-disable-next-line no-control-regex -- control characters are what a JSON string may not hold
const plainText = /[^"\\\u0000-\u001f]*/y
const number = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const words = new Map<string, unknown>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const word = /-?[A-Za-z]+/y

/** One text on its way to a tree. */
export class PythonJson {
  #at = 0
  constructor(readonly text: string) {}

  parse(): unknown {
    const value = this.#value()
    this.#skipSpace()
    if (this.#at < this.text.length) throw this.#unexpected('the end')
    return value
  }

  #value(): unknown {
    this.#skipSpace()
    const first = this.text[this.#at]
    if (first === '{') return this.#object()
    if (first === '[') return this.#array()
    if (first === '"') return this.#string()
    number.lastIndex = this.#at
    const match = number.exec(this.text)
    if (match !== null) return this.#number(match)
    const start = this.#at
    const found = words.get(this.#skip(word))
    if (found === undefined) {
      this.#at = start
      throw this.#unexpected('a value')
    }
    return found
  }

  #object(): object {
    const object: Record<string, unknown> = {}
    this.#at++
    if (this.#next('}')) return object
    do {
      this.#skipSpace()
      if (this.text[this.#at] !== '"') throw this.#unexpected('a key')
      const key = this.#string()
      if (!this.#next(':')) throw this.#unexpected('":"')
      defineOwn(object, key, this.#value())
    } while (this.#next(','))
    if (!this.#next('}')) throw this.#unexpected('"," or "}"')
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    this.#at++
    if (this.#next(']')) return array
    do array.push(this.#value())
    while (this.#next(','))
    if (!this.#next(']')) throw this.#unexpected('"," or "]"')
    return array
  }

  #string(): string {
    const start = this.#at++
    const text = this.#skip(plainText)
    if (this.text[this.#at] === '"') {
      this.#at++
      return text
    }
    while (this.text[this.#at] === '\\') {
      this.#at += 2
      this.#skip(plainText)
    }
    if (this.text[this.#at] !== '"') throw this.#unexpected('the end of a string')
    const literal = this.text.slice(start, ++this.#at)
    try {
      return JSON.parse(literal) as string
    } catch (error) {
      throw new DecodeError(`Expected JSON, got a broken string: ${(error as Error).message}`)
    }
  }

  #number([text, fraction, exponent]: RegExpExecArray): number | bigint {
    this.#at += text.length
    const value = Number(text)
    if (fraction !== undefined || exponent !== undefined || Number.isSafeInteger(value)) return value
    if (text.length - (text.startsWith('-') ? 1 : 0) > maxDigits)
      throw new DecodeError(
        `Expected integers of at most ${maxDigits} digits (Python's limit), got ${text.length}.`,
      )
    return BigInt(text)
  }

  /** Is the next character, white space aside, this one? Then it is read. */
  #next(character: string): boolean {
    this.#skipSpace()
    if (this.text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #skipSpace(): void {
    for (let code = this.#code(); isSpace(code); code = this.#code()) this.#at++
  }

  #code(): number {
    return this.text.charCodeAt(this.#at)
  }

  #skip(what: RegExp): string {
    what.lastIndex = this.#at
    const text = what.exec(this.text)?.[0] ?? ''
    this.#at += text.length
    return text
  }

  #unexpected(expected: string): DecodeError {
    const got = this.#at < this.text.length ? JSON.stringify(this.text[this.#at]) : 'the end of the text'
    return new DecodeError(`Expected JSON with ${expected} at position ${this.#at}, got ${got}.`)
  }
}
