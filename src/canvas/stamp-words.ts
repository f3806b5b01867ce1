// What is said of one place of a canvas when it is stamped, and how two such sayings become one.
import { InvalidSignature } from '../errors.js'
import type { SignatureOptions } from './node.js'
import { isRecord, optionOf } from './options.js'
import type { Stamping, Stamps } from './visitor.js'
import { show } from './words.js'

/** What is said of one place: stamps, and options that a visitor gave beside them. */
export interface Words {
  readonly stamps: Stamps
  readonly options: Readonly<Record<string, unknown>>
}

const silent: Words = Object.freeze({ stamps: Object.freeze({}), options: Object.freeze({}) })

export const ownStamps = ({ stamps = {}, stampedHeaders = Object.keys(stamps) }: SignatureOptions): Stamps =>
  Object.fromEntries(Object.entries(stamps).filter(([name]) => stampedHeaders.includes(name)))

export const said = (given: Stamping | undefined, by: string): Words => {
  if (given === undefined || given === null) return silent
  if (!isRecord(given))
    throw new InvalidSignature(`${by} is expected to give an object of stamps, but it gave ${show(given)}.`)
  const { stampedHeaders, ...words } = given
  const names = stampedHeaders ?? Object.keys(words)
  if (!Array.isArray(names) || names.some((name) => typeof name !== 'string'))
    throw new InvalidSignature(`stampedHeaders: expected an array of names, got ${show(stampedHeaders)}.`)
  const stamps: [string, unknown][] = []
  const options: [string, unknown][] = []
  for (const [name, value] of Object.entries(words))
    if (names.includes(name)) stamps.push([checkedName(name), value])
    else options.push([name, value])
  return { stamps: Object.fromEntries(stamps), options: Object.fromEntries(options) }
}

/** On the wire a stamp lies among the options, under its own name. */
const checkedName = (name: string): string => {
  if (optionOf(name) === undefined) return name
  throw new InvalidSignature(`A stamp cannot be called "${name}": an option of signatures has that name.`)
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

/** The first ones count; lists add up, and with `append` all that is said twice becomes a list. */
export const together = (first: Words, then: Words, append: boolean): Words => {
  if (then === silent) return first
  const stamps: Record<string, unknown> = { ...then.stamps, ...first.stamps }
  for (const [name, value] of Object.entries(then.stamps))
    if (Object.hasOwn(first.stamps, name) && first.stamps[name] !== value) {
      const own = first.stamps[name]
      if (append || (Array.isArray(own) && Array.isArray(value)))
        stamps[name] = [...new Set([...listOf(own), ...listOf(value)])]
    }
  return { stamps, options: { ...then.options, ...first.options } }
}
