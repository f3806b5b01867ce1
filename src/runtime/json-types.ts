// The values that Python's JSON can name and JavaScript's cannot: small classes that hold the text, so that
// what Python sent goes back as the same type. They are known by a brand and not by `instanceof`, since a
// process may load this library twice.
import { DecodeError } from '../errors.js'
import { type IsoParts, parseIso } from './dates.js'

/** Brand: holds the `__type__` under which kombu knows the value. */
export const wireType: unique symbol = Symbol.for('lovage.wireType') as never

/** What the five have in common. */
export abstract class WireText {
  abstract readonly [wireType]: string
  constructor(readonly text: string) {}
  toString(): string {
    return this.text
  }
  /** The bare text, in anybody else's JSON. On the wire the type goes with it. */
  toJSON(): string {
    return this.text
  }
}

export const isWireText = (value: object): value is WireText =>
  typeof (value as Partial<WireText>)[wireType] === 'string'

/** Python's naive `datetime`: a day and a time of day of no particular zone; `2026-01-02T03:04:05.006789`. */
export class NaiveDateTime extends WireText {
  readonly [wireType] = 'datetime'
  /** @throws DecodeError for text that is no ISO 8601 date, or one with an offset. */
  constructor(text: string) {
    const parts = parseIso(String(text))
    if (parts === null || parts.offset !== null)
      throw expected('a date and time without an offset, such as 2026-01-02T03:04:05', text)
    super(isoformat(parts))
  }
  /** The moment that is meant if the zone is UTC. */
  toDate(): Date {
    return new Date(parseIso(this.text)!.localMs)
  }
}

/** Python's `date`: a day, `2026-01-02`. */
export class PlainDate extends WireText {
  readonly [wireType] = 'date'
  /** @throws DecodeError for text that is no ISO 8601 date; a time of day in it is dropped, as Python does. */
  constructor(text: string) {
    const parts = parseIso(String(text))
    if (parts === null) throw expected('a date such as 2026-01-02', text)
    super(new Date(parts.localMs).toISOString().slice(0, 10))
  }
  /** Midnight of that day in UTC. */
  toDate(): Date {
    return new Date(`${this.text}T00:00:00Z`)
  }
}

/** Python's `time`: a time of day, with an offset or without; `03:04:05.000006`, `03:04:05+02:00`. */
export class PlainTime extends WireText {
  readonly [wireType] = 'time'
  /** @throws DecodeError for text that is no time of day. */
  constructor(text: string) {
    const parts = /^\d\d/.test(text) ? parseIso(`2000-01-01T${text}`) : null
    if (parts === null) throw expected('a time of day such as 03:04:05', text)
    super(isoformat(parts).slice(11) + offsetText(parts.offset))
  }
}

// No two parts of it can match the same digits, so hostile text costs no more than its length.
const decimalText = /^[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|s?nan\d*)$/i

/**
 * Python's `Decimal`, digit for digit: `1.10`, `-0`, `1E+3`, `NaN`. For arithmetic give `text` to the decimal
 * library of your choice.
 */
export class Decimal extends WireText {
  readonly [wireType] = 'decimal'
  /** @throws DecodeError for text that Python's Decimal would not take. */
  constructor(value: string | number | bigint) {
    if (!decimalText.test(String(value))) throw expected('a decimal number such as 1.10', value)
    super(String(value))
  }
}

/** Python's `UUID`, in lower case and with dashes: `12345678-1234-5678-1234-567812345678`. */
export class Uuid extends WireText {
  readonly [wireType] = 'uuid'
  /** @throws DecodeError for text that has not 32 hexadecimal digits. */
  constructor(text: string) {
    const hex = String(text)
      .replace(/^urn:uuid:|[{}-]/gi, '')
      .toLowerCase()
    if (!/^[0-9a-f]{32}$/.test(hex)) throw expected('a UUID of 32 hexadecimal digits', text)
    super(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
  }
}

/** As Python writes it: a fraction has six digits, or there is none. */
function isoformat({ localMs, micros }: IsoParts): string {
  const text = new Date(localMs).toISOString()
  const fraction = text.slice(19, 23) + String(micros).padStart(3, '0')
  return text.slice(0, 19) + (fraction === '.000000' ? '' : fraction)
}

function offsetText(offset: number | null): string {
  if (offset === null) return ''
  const [hours, minutes, seconds] = new Date(Math.abs(offset) * 1000).toISOString().slice(11, 19).split(':')
  return `${offset < 0 ? '-' : '+'}${hours}:${minutes}${seconds === '00' ? '' : `:${seconds}`}`
}

const expected = (what: string, got: unknown): DecodeError =>
  new DecodeError(`Expected ${what}, got ${JSON.stringify(String(got).slice(0, 60))}.`)
