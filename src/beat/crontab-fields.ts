// One field of Celery's crontab, from what the user wrote to the numbers that it means. Celery's rules:
// ranges wrap, `*/n` counts from the field's smallest number, Sunday is 0 only. Where Celery reads something
// else than what was written (`mon#1` as Monday, `1-5-7` as 1-5, a weekday as an hour), this is an error.
import { show } from '../canvas/words.js'
import { ImproperlyConfigured } from '../errors.js'

/** A number, Celery's text for the field, or a collection of numbers. */
export type CrontabField = number | string | Iterable<number>

export type FieldName = 'minute' | 'hour' | 'dayOfMonth' | 'monthOfYear' | 'dayOfWeek'

interface FieldRange {
  readonly min: number
  readonly max: number
  /** By their first three letters; the place in the list, counted from `min`, is the number. */
  readonly names?: readonly string[]
  /** How the names are said in an error. */
  readonly named?: string
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** In the order of the text form. */
export const ranges: Readonly<Record<FieldName, FieldRange>> = {
  minute: { min: 0, max: 59 },
  hour: { min: 0, max: 23 },
  dayOfMonth: { min: 1, max: 31 },
  monthOfYear: { min: 1, max: 12, names: months, named: 'jan to dec' },
  dayOfWeek: { min: 0, max: 6, names: weekdays, named: 'sun to sat (Sunday is 0)' },
}

export interface ReadField {
  /** As text, in which it is stored and shown. */
  readonly text: string
  readonly members: ReadonlySet<number>
}

/** @throws ImproperlyConfigured, naming the field, what was expected and what came. */
export function readField(name: FieldName, given: unknown): ReadField {
  if (given === '*') return whole[name]
  if (typeof given === 'string') return { text: given.trim(), members: new Parser(name, given).members() }
  const numbers = typeof given === 'number' ? [given] : isIterable(given) ? [...given] : undefined
  if (numbers === undefined || numbers.length === 0)
    throw wrong(name, `a number, a text such as "*/5" or a list of numbers`, given)
  for (const number of numbers)
    if (!Number.isInteger(number)) throw wrong(name, 'whole numbers', number)
    else checkRange(name, number as number, number)
  return { text: numbers.join(','), members: new Set(numbers as number[]) }
}

class Parser {
  readonly #range: FieldRange

  constructor(
    readonly name: FieldName,
    readonly spec: string,
  ) {
    this.#range = ranges[name]
  }

  members(): Set<number> {
    const members = new Set<number>()
    for (const part of this.spec.split(',')) for (const member of this.#part(part.trim())) members.add(member)
    return members
  }

  #part(part: string): number[] {
    if (part === '') throw this.#wrong('no empty part between commas')
    const [, whole, from, to, step] = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(.*))?$/.exec(part) ?? []
    if (whole === undefined && from === undefined) throw this.#wrong(this.#form())
    if (step !== undefined && whole === undefined && to === undefined)
      throw this.#wrong(`a range before the step, as in "${from}-${this.#range.max}/${step}" or "*/${step}"`)
    const { min, max } = this.#range
    const members = whole === undefined ? this.#between(from!, to) : spread(min, max)
    if (step === undefined) return members
    if (!/^\d+$/.test(step) || Number(step) === 0) throw this.#wrong('a whole number from 1 after the slash')
    return members.filter((_, index) => index % Number(step) === 0)
  }

  /** A range whose end is smaller than its start goes over the end of the field and on from its beginning. */
  #between(from: string, to: string | undefined): number[] {
    const start = this.#number(from)
    if (to === undefined) return [start]
    const end = this.#number(to)
    const { min, max } = this.#range
    return start <= end ? spread(start, end) : [...spread(start, max), ...spread(min, end)]
  }

  #number(text: string): number {
    if (/^\d+$/.test(text)) {
      checkRange(this.name, Number(text), this.spec)
      return Number(text)
    }
    const { names = [], min } = this.#range
    const index = /^[a-z]{3,}$/i.test(text) ? names.indexOf(text.slice(0, 3).toLowerCase()) : -1
    if (index < 0) throw this.#wrong(this.#form())
    return min + index
  }

  #form(): string {
    const { min, max, named } = this.#range
    const numbers = `numbers from ${min} to ${max}${named === undefined ? '' : ` or names from ${named}`}`
    return `${numbers}, with "*", ranges, steps and commas`
  }

  #wrong(expected: string): ImproperlyConfigured {
    return wrong(this.name, expected, this.spec)
  }
}

function checkRange(name: FieldName, number: number, given: unknown): void {
  const { min, max, named } = ranges[name]
  if (number >= min && number <= max) return
  throw wrong(name, `${min} to ${max}${named === undefined ? '' : `, or ${named}`}`, given)
}

const spread = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value

const wrong = (name: FieldName, expected: string, given: unknown): ImproperlyConfigured =>
  new ImproperlyConfigured(`crontab: ${name}: expected ${expected}, got ${show(given)}.`)

/** What `*` means, made once: it is what most fields of most entries are. */
const whole = Object.fromEntries(
  Object.entries(ranges).map(([name, { min, max }]) => [
    name,
    { text: '*', members: new Set(spread(min, max)) },
  ]),
) as unknown as Readonly<Record<FieldName, ReadField>>
