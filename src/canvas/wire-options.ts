// Options under Celery's names, and back. A stamp lies among them under its own name, and so does what nobody
// here knows.
import type { SignatureOptions } from './node.js'
import { checkOption, isRecord, optionOf, snake, wireName } from './options.js'
import { show } from './words.js'

export type Dict = Record<string, unknown>

/** Throws, with the place and this problem. */
export type Fail = (problem: string) => never

/** Options under Celery's names. Signatures among them are written as they are: give dicts for dicts. */
export function optionsToWire(options: SignatureOptions): Dict {
  const entries: [string, unknown][] = []
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (name === 'stamps' || name === 'other') entries.push(...Object.entries(value as object))
    else if (name === 'retryPolicy') entries.push([wireName(name), renamed(value as Dict, snake)])
    else entries.push([wireName(name), value])
  }
  return Object.fromEntries(entries)
}

/** Options under our names; signatures among them are still dicts. */
export function optionsFromWire(wire: Dict, fail: Fail): Dict {
  const stamped = Array.isArray(wire.stamped_headers) ? new Set(wire.stamped_headers) : new Set()
  const known: [string, unknown][] = []
  const stamps: [string, unknown][] = []
  const other: [string, unknown][] = []
  for (const [name, value] of Object.entries(wire)) {
    const option = optionOf(name)
    if (option === undefined) (stamped.has(name) ? stamps : other).push([name, value])
    else if (value !== null && value !== undefined) known.push([option, valueOf(option, value, fail)])
  }
  if (stamps.length > 0) known.push(['stamps', Object.fromEntries(stamps)])
  if (other.length > 0) known.push(['other', Object.fromEntries(other)])
  return Object.fromEntries(known)
}

function valueOf(option: NonNullable<ReturnType<typeof optionOf>>, value: unknown, fail: Fail): unknown {
  switch (option) {
    case 'chord':
      return isRecord(value) ? value : fail(`options.chord expects a signature, but got ${show(value)}.`)
    case 'chain':
    case 'link':
    case 'linkError':
      return isRecord(value) ? [value] : listOf(value, `options.${wireName(option)}`, fail)
    default:
      try {
        checkOption(option, value, `options.${wireName(option)}`)
      } catch (error) {
        return fail((error as Error).message)
      }
      return option === 'retryPolicy' ? renamed(value as Dict, camel) : value
  }
}

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Python unpacks a policy's words into arguments, so there they are its own. */
const renamed = (policy: Dict, word: (name: string) => string): Dict =>
  Object.fromEntries(Object.entries(policy).map(([name, value]) => [word(name), value]))

export function recordOf(value: unknown, name: string, fail: Fail): Dict {
  if (value === undefined || value === null) return {}
  return isRecord(value) ? value : fail(`${name} expects an object, but got ${show(value)}.`)
}

export function listOf(value: unknown, name: string, fail: Fail): readonly unknown[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : fail(`${name} expects an array, but got ${show(value)}.`)
}
