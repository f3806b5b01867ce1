// The meta of superjson, as a tree: what stands at which place of the json. A path is taken apart once, where it is read;
// to write paths out while the json is walked would cost its size times the length of its keys.
import { DecodeError } from '../errors.js'
import { maxPlaces, maxRegExpText } from './json-limits.js'
import { isPlainObject } from './json-plain.js'

export type Type = string | readonly [kind: string, name: string]

/** A place in the json of which meta says something, or of what is in it. */
export interface Place {
  type?: Type
  /** It is one object with other places. */
  shared?: Shared
  within?: Map<string, Place>
}

export interface Shared {
  isBuilt: boolean
  value: unknown
}

/** What all wrappers of one text may have together. */
export interface Budget {
  /** Characters of regular expressions: to read one costs much more than its length. */
  regExpText: number
  /** Places of which meta speaks. */
  places: number
}

export const newBudget = (): Budget => ({ regExpText: maxRegExpText, places: maxPlaces })

/** The place of the whole json. Throws DecodeError for a meta that superjson did not write, or one that speaks of too much. */
export function readMeta(meta: unknown, budget: Budget): Place {
  const root: Place = {}
  if (meta === undefined) return root
  const { values, referentialEqualities, v } = asRecord(meta, 'meta')
  if (v !== 1) throw broken(`version ${JSON.stringify(v)} of meta, expected 1`)
  if (values !== undefined) readTypes(values, root, budget)
  const [rootPaths, others] = Array.isArray(referentialEqualities)
    ? referentialEqualities
    : [undefined, referentialEqualities]
  const share = (first: Place, paths: unknown): void => {
    const shared = { isBuilt: false, value: undefined }
    first.shared = shared
    for (const path of asArray(paths)) placeAt(String(path), root, budget).shared = shared
  }
  if (rootPaths !== undefined) share(root, rootPaths)
  if (others !== undefined)
    for (const [path, same] of Object.entries(asRecord(others, 'equalities')))
      share(placeAt(path, root, budget), same)
  return root
}

function readTypes(tree: unknown, place: Place, budget: Budget): void {
  const [type, children] = Array.isArray(tree) ? tree : [undefined, tree]
  if (Array.isArray(tree)) place.type = asType(type)
  if (children === undefined) return
  for (const [path, child] of Object.entries(asRecord(children, 'values')))
    readTypes(child, placeAt(path, place, budget), budget)
}

/** Made where it is not there yet. */
function placeAt(path: string, from: Place, budget: Budget): Place {
  let place = from
  for (const step of stepsOf(path)) {
    place.within ??= new Map()
    let next = place.within.get(step)
    if (next === undefined) {
      if (--budget.places < 0) throw broken(`more than ${maxPlaces} places in meta`)
      next = {}
      place.within.set(step, next)
    }
    place = next
  }
  return place
}

/** Of most places meta says nothing. */
const nowhere: Place = Object.freeze({})

export const within = (place: Place, key: string | number): Place => place.within?.get(String(key)) ?? nowhere

/** Keys joined by points; in a key, a point and a backslash have a backslash before them. */
function stepsOf(path: string): readonly string[] {
  if (!path.includes('\\')) return path.split('.')
  const steps: string[] = []
  let step = ''
  for (const [word] of path.matchAll(/\\?./gs))
    if (word !== '.') step += word.length === 2 ? word[1] : word
    else {
      steps.push(step)
      step = ''
    }
  return [...steps, step]
}

const leafTypes = ['undefined', 'bigint', 'regexp', 'URL', 'Date', 'number']
const simpleTypes = new Set<unknown>([...leafTypes, 'map', 'set', 'Error'])
const typedArrays = new Set<unknown>(
  [
    'Int8',
    'Uint8',
    'Uint8Clamped',
    'Int16',
    'Uint16',
    'Int32',
    'Uint32',
    'Float32',
    'Float64',
    'BigInt64',
    'BigUint64',
  ].map((kind) => `${kind}Array`),
)

function asType(type: unknown): Type {
  if (simpleTypes.has(type)) return type as string
  if (Array.isArray(type) && type.length === 2 && typeof type[1] === 'string')
    if (type[0] === 'class' || (type[0] === 'typed-array' && typedArrays.has(type[1])))
      return [type[0], type[1]]
  throw broken(`the unknown type ${(JSON.stringify(type) ?? 'undefined').slice(0, 60)}`)
}

export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || !isPlainObject(value))
    throw broken(`no object for ${what}`)
  return value as Record<string, unknown>
}

export function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw broken('something else where a list belongs')
  return value
}

export const broken = (what: string): DecodeError =>
  new DecodeError(`Expected a __superjson__ wrapper as superjson writes it, got ${what}.`)
