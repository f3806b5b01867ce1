// `{json, meta}` → value. Not left to superjson: version 2.2.6 reads its own text wrongly where objects are
// shared inside a Set, a Map or an instance, or where a circle is reached twice; and a meta from outside could
// make it allocate 8 GB (a typed array made of a number). Nothing here follows a path into an object: the json
// is walked, and meta only says what stands where.
import { DecodeError } from '../errors.js'
import { readIsoDate } from './dates.js'
import { maxDigits } from './json-limits.js'
import { defineOwn, isPlainObject } from './json-plain.js'
import type { Class } from './json-prepare.js'

/** The text of meta: a path of escaped keys joined by points; null is the root. */
type Path = string | null
type Type = string | readonly [kind: string, name: string]

/**
 * Builds one value from its json, in the order in which superjson walked it: the first place of a shared
 * object is the complete one, all later places get the same object.
 */
export class Rebuilding {
  readonly #types = new Map<Path, Type>()
  readonly #shared = new Map<Path, { isBuilt: boolean; value: unknown }>()

  constructor(
    meta: unknown,
    readonly classes: ReadonlyMap<string, Class>,
  ) {
    if (meta === undefined) return
    const { values, referentialEqualities, v } = asRecord(meta, 'meta')
    if (v !== 1) throw broken(`version ${JSON.stringify(v)} of meta, expected 1`)
    if (values !== undefined) this.#readTypes(values, null)
    const [rootPaths, others] = Array.isArray(referentialEqualities)
      ? referentialEqualities
      : [undefined, referentialEqualities]
    if (rootPaths !== undefined) this.#share(null, rootPaths)
    if (others !== undefined)
      for (const [path, same] of Object.entries(asRecord(others, 'equalities'))) this.#share(path, same)
  }

  build(json: unknown, path: Path): unknown {
    const shared = this.#shared.get(path)
    if (shared?.isBuilt) return shared.value
    const type = this.#types.get(path)
    if (type !== undefined) return this.#typed(type, json, path)
    if (Array.isArray(json))
      return this.#fill(path, [] as unknown[], (array) => this.#each(json, path, (item) => array.push(item)))
    if (typeof json === 'object' && json !== null && isPlainObject(json)) return this.#fields(path, {}, json)
    return this.#keep(path, json)
  }

  #typed(type: Type, json: unknown, path: Path): unknown {
    if (typeof type !== 'string')
      return type[0] === 'class' ? this.#instance(type[1], json, path) : this.#typedArray(type[1], json, path)
    switch (type) {
      case 'map':
        return this.#fill(path, new Map(), (map) => {
          asArray(json).forEach((entry, row) => {
            const key = this.build(asArray(entry)[0], join(join(path, row), 0))
            map.set(key, this.build(asArray(entry)[1], join(join(path, row), 1)))
          })
        })
      case 'set':
        return this.#fill(path, new Set(), (set) => this.#each(asArray(json), path, (item) => set.add(item)))
      case 'Error':
        return this.#error(asRecord(json, 'an Error'), path)
      default:
        return this.#keep(path, leaf(type, json))
    }
  }

  #error(json: Record<string, unknown>, path: Path): Error {
    const ctor = nativeErrors.get(json.name) ?? Error
    return this.#fill(path, new ctor(String(json.message)), (error) => {
      error.name = String(json.name)
      // The stack of this very line would mislead.
      error.stack = `${error.name}: ${error.message}`
      if (Object.hasOwn(json, 'cause')) error.cause = this.build(json.cause, join(path, 'cause'))
    })
  }

  #instance(name: string, json: unknown, path: Path): object {
    const ctor = this.classes.get(name)
    if (ctor === undefined)
      throw new DecodeError(
        `Expected a class that is registered here, got "${name}". Register it on this side too: app.registerClass(${name}).`,
      )
    return this.#fields(path, Object.create(ctor.prototype as object) as object, asRecord(json, name))
  }

  #fields(path: Path, object: object, json: object): object {
    return this.#fill(path, object, () => {
      for (const [key, item] of Object.entries(json))
        defineOwn(object, key, this.build(item, join(path, key)))
    })
  }

  #typedArray(name: string, json: unknown, path: Path): object {
    const items = asArray(json)
    const isBig = name.startsWith('Big')
    if (!items.every((item) => typeof item === 'number' || (isBig && typeof item === 'bigint')))
      throw broken(`no numbers for a ${name}`)
    const ctor = (globalThis as never as Record<string, { from(items: readonly unknown[]): object }>)[name]!
    return this.#keep(path, ctor.from(isBig ? items.map((item) => BigInt(item as number)) : items))
  }

  #each(items: readonly unknown[], path: Path, use: (item: unknown) => void): void {
    items.forEach((item, index) => use(this.build(item, join(path, index))))
  }

  #fill<T>(path: Path, value: T, fill: (value: T) => void): T {
    this.#keep(path, value)
    fill(value)
    return value
  }

  #keep<T>(path: Path, value: T): T {
    const shared = this.#shared.get(path)
    if (shared !== undefined) Object.assign(shared, { isBuilt: true, value })
    return value
  }

  #readTypes(tree: unknown, path: Path): void {
    const [type, children] = Array.isArray(tree) ? tree : [undefined, tree]
    if (Array.isArray(tree)) this.#types.set(path, asType(type))
    if (children === undefined) return
    for (const [key, child] of Object.entries(asRecord(children, 'values')))
      this.#readTypes(child, path === null ? key : `${path}.${key}`)
  }

  #share(first: Path, others: unknown): void {
    const shared = { isBuilt: false, value: undefined }
    this.#shared.set(first, shared)
    for (const path of asArray(others)) this.#shared.set(path as string, shared)
  }
}

function leaf(type: string, json: unknown): unknown {
  if (type === 'undefined') return undefined
  if (typeof json !== 'string') throw broken(`no text for a ${type}`)
  switch (type) {
    case 'bigint':
      if (json.length > maxDigits + 1) throw broken(`a bigint of more than ${maxDigits} digits`)
      return BigInt(json)
    case 'regexp':
      return new RegExp(json.slice(1, json.lastIndexOf('/')), json.slice(json.lastIndexOf('/') + 1))
    case 'URL':
      return new URL(json)
    case 'Date':
      return new Date(readIsoDate(json))
    default:
      return Number(json)
  }
}

/** Errors that every JavaScript has come back as themselves. */
const nativeErrors = new Map<unknown, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((ctor) => [ctor.name, ctor]),
)

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
  throw broken(`the unknown type ${JSON.stringify(type)}`)
}

const join = (path: Path, key: string | number): string => {
  const step = String(key).replaceAll('\\', '\\\\').replaceAll('.', '\\.')
  return path === null ? step : `${path}.${step}`
}

export function asRecord(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || !isPlainObject(value))
    throw broken(`no object for ${what}`)
  return value as Record<string, unknown>
}

function asArray(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw broken('something else where a list belongs')
  return value
}

export const broken = (what: string): DecodeError =>
  new DecodeError(`Expected a __superjson__ wrapper as superjson writes it, got ${what}.`)
