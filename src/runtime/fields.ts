// Single fields of a message, read from whatever lies there: numbers that came as digits, moments in any of
// Python's dresses. What is only a description falls back to its default; a moment that is none is an error.
import { InvalidTaskError } from '../errors.js'
import { readIsoDate, writeIsoDate } from './dates.js'
import { NaiveDateTime, PlainDate } from './json.js'
import { defineOwn, isPlainObject } from './json-plain.js'

export type Dict = Readonly<Record<string, unknown>>

/** A moment as the message names it, and in ms since 1970. */
export interface Moment {
  readonly text: string
  readonly ms: number
}

/** The JSON objects of the wire; typed values (dates, bytes, …) are objects too, but no dicts. */
export const isDict = (value: unknown): value is Dict =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && isPlainObject(value)

export const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null

export const show = (value: unknown): string => {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80)
  } catch {
    return typeof value
  }
}

/** A number, or one in digits; NaN for all else. */
const numberOf = (value: unknown): number =>
  typeof value === 'number' ? value : typeof value === 'string' && value !== '' ? Number(value) : Number.NaN

/** A whole number from 0; what is none counts as 0. */
export const count = (value: unknown): number => indexOf(value) ?? 0

export const indexOf = (value: unknown): number | null => {
  const number = numberOf(value)
  return Number.isSafeInteger(number) && number >= 0 ? number : null
}

/** Seconds; null is without limit. */
export const limit = (value: unknown): number | null => {
  const number = numberOf(value)
  return number > 0 && Number.isFinite(number) ? number : null
}

const isoTextOf = (value: unknown): unknown => {
  if (value instanceof Date) return writeIsoDate(value.getTime())
  return value instanceof NaiveDateTime || value instanceof PlainDate ? value.text : value
}

export const moment = (value: unknown, name: string): Moment | null => {
  if (value === undefined || value === null) return null
  const text = isoTextOf(value)
  if (typeof text === 'string')
    try {
      return { text, ms: readIsoDate(text) }
    } catch {
      // Said below, with the name of the field.
    }
  throw new InvalidTaskError(`Expected ${name} as an ISO 8601 date, got ${show(value)}`)
}

export const none: Dict = Object.freeze({})

/** What a dict has under other names; keys such as `__proto__` stay ordinary ones. */
export const withoutKeys = (dict: Dict, known: ReadonlySet<string>): Dict => {
  let others: Record<string, unknown> | undefined
  for (const name of Object.keys(dict))
    if (!known.has(name)) {
      others ??= {}
      defineOwn(others, name, dict[name])
    }
  return others ?? none
}
