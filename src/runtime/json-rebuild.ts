// `{json, meta}` → value. Not left to superjson: version 2.2.6 reads its own text wrongly where objects are
// shared inside a Set, a Map or an instance, or where a circle is reached twice; and a meta from outside could
// make it allocate 8 GB (a typed array made of a number). Nothing here follows a path into an object: the json
// is walked, and beside it the tree of what meta says (json-places.ts).
import { DecodeError } from '../errors.js'
import { readIsoDate } from './dates.js'
import { maxDigits, maxRegExpText } from './json-limits.js'
import {
  asArray,
  asRecord,
  type Budget,
  broken,
  type Place,
  readMeta,
  type Type,
  within,
} from './json-places.js'
import { defineOwn, isPlainObject } from './json-plain.js'
import type { Class } from './json-prepare.js'

/**
 * Builds one value from its json, in the order in which superjson walked it: the first place of a shared
 * object is the complete one, all later places get the same object.
 */
export class Rebuilding {
  readonly #root: Place

  constructor(
    meta: unknown,
    readonly classes: ReadonlyMap<string, Class>,
    private readonly budget: Budget,
  ) {
    this.#root = readMeta(meta, budget)
  }

  build(json: unknown, place = this.#root): unknown {
    if (place.shared?.isBuilt) return place.shared.value
    if (place.type !== undefined) return this.#typed(place.type, json, place)
    if (Array.isArray(json))
      return this.#fill(place, [] as unknown[], (array) =>
        this.#each(json, place, (item) => array.push(item)),
      )
    if (typeof json === 'object' && json !== null && isPlainObject(json)) return this.#fields(place, {}, json)
    return this.#keep(place, json)
  }

  #typed(type: Type, json: unknown, place: Place): unknown {
    if (typeof type !== 'string')
      return type[0] === 'class'
        ? this.#instance(type[1], json, place)
        : this.#typedArray(type[1], json, place)
    switch (type) {
      case 'map':
        return this.#fill(place, new Map(), (map) => {
          asArray(json).forEach((entry, row) => {
            const inside = within(place, row)
            const key = this.build(asArray(entry)[0], within(inside, 0))
            map.set(key, this.build(asArray(entry)[1], within(inside, 1)))
          })
        })
      case 'set':
        return this.#fill(place, new Set(), (set) =>
          this.#each(asArray(json), place, (item) => set.add(item)),
        )
      case 'Error':
        return this.#error(asRecord(json, 'an Error'), place)
      case 'regexp':
        return this.#keep(place, this.#regExp(json))
      default:
        return this.#keep(place, leaf(type, json))
    }
  }

  #error(json: Record<string, unknown>, place: Place): Error {
    const ctor = nativeErrors.get(json.name) ?? Error
    return this.#fill(place, new ctor(String(json.message)), (error) => {
      error.name = String(json.name)
      // The stack of this very line would mislead.
      error.stack = `${error.name}: ${error.message}`
      if (Object.hasOwn(json, 'cause')) error.cause = this.build(json.cause, within(place, 'cause'))
    })
  }

  #regExp(json: unknown): RegExp {
    const text = asText(json, 'regexp')
    this.budget.regExpText -= text.length
    if (this.budget.regExpText < 0)
      throw broken(`more than ${maxRegExpText} characters of regular expressions in one text`)
    const end = text.lastIndexOf('/')
    return new RegExp(text.slice(1, end), text.slice(end + 1))
  }

  #instance(name: string, json: unknown, place: Place): object {
    const ctor = this.classes.get(name)
    if (ctor === undefined)
      throw new DecodeError(
        `Expected a class that is registered here, got "${name.slice(0, 60)}". Register it on this side too: app.registerClass(${name.slice(0, 60)}).`,
      )
    return this.#fields(place, Object.create(ctor.prototype as object) as object, asRecord(json, name))
  }

  #fields(place: Place, object: object, json: object): object {
    return this.#fill(place, object, () => {
      for (const [key, item] of Object.entries(json))
        defineOwn(object, key, this.build(item, within(place, key)))
    })
  }

  #typedArray(name: string, json: unknown, place: Place): object {
    const items = asArray(json)
    const isBig = name.startsWith('Big')
    if (!items.every((item) => typeof item === 'number' || (isBig && typeof item === 'bigint')))
      throw broken(`no numbers for a ${name}`)
    const ctor = (globalThis as never as Record<string, { from(items: readonly unknown[]): object }>)[name]!
    return this.#keep(place, ctor.from(isBig ? items.map((item) => BigInt(item as number)) : items))
  }

  #each(items: readonly unknown[], place: Place, use: (item: unknown) => void): void {
    items.forEach((item, index) => use(this.build(item, within(place, index))))
  }

  #fill<T>(place: Place, value: T, fill: (value: T) => void): T {
    this.#keep(place, value)
    fill(value)
    return value
  }

  #keep<T>(place: Place, value: T): T {
    const shared = place.shared
    if (shared !== undefined) Object.assign(shared, { isBuilt: true, value })
    return value
  }
}

function leaf(type: string, json: unknown): unknown {
  if (type === 'undefined') return undefined
  const text = asText(json, type)
  switch (type) {
    case 'bigint':
      if (text.length > maxDigits + 1) throw broken(`a bigint of more than ${maxDigits} digits`)
      return BigInt(text)
    case 'URL':
      return new URL(text)
    case 'Date':
      return new Date(readIsoDate(text))
    default:
      return Number(text)
  }
}

/** Errors that every JavaScript has come back as themselves. */
const nativeErrors = new Map<unknown, ErrorConstructor>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((ctor) => [ctor.name, ctor]),
)

function asText(value: unknown, type: string): string {
  if (typeof value === 'string') return value
  throw broken(`no text for a ${type}`)
}
