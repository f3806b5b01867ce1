// The fast path's question: does JSON.stringify write this value exactly as we would? Most arguments and
// results are such data, and they never meet the slower machinery.
import { maxValueDepth } from './json-limits.js'

/**
 * True for strings, ordinary numbers, booleans, null, undefined, and for arrays and objects of those that are
 * a tree: no part in two places, nothing with a `toJSON`, no instances, at most 256 levels.
 */
export function isPlain(value: unknown): boolean {
  return isPlainLeaf(value) || (typeof value === 'object' && isPlainTree(value as object, 1, new Sights()))
}

function isPlainLeaf(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return true
    case 'number':
      // Not NaN, an infinity, -0, nor a float that would be read back as a bigint.
      return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER && !Object.is(value, -0)
    default:
      return value === null
  }
}

function isPlainTree(node: object, depth: number, sights: Sights): boolean {
  if (depth > maxValueDepth || !sights.isFirst(node)) return false
  if (Array.isArray(node)) {
    for (let index = 0; index < node.length; index++) {
      const item: unknown = node[index]
      if (!isPlainLeaf(item) && !(typeof item === 'object' && isPlainTree(item as object, depth + 1, sights)))
        return false
    }
    return true
  }
  if (!isPlainObject(node) || typeof (node as { toJSON?: unknown }).toJSON === 'function') return false
  for (const key of Object.keys(node)) {
    const item = (node as Record<string, unknown>)[key]
    if (!isPlainLeaf(item) && !(typeof item === 'object' && isPlainTree(item as object, depth + 1, sights)))
      return false
  }
  return true
}

/** An object literal, one without a prototype, or an object literal of another realm (`node:vm`). */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/** Sets an own property, also one called `__proto__`, which an assignment would take for the prototype. */
export function defineOwn(object: object, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
  else (object as Record<string, unknown>)[key] = value
}

/** Which objects were met. A short list is searched faster than a set is made. */
class Sights {
  #few: object[] = []
  #many: Set<object> | undefined

  isFirst(node: object): boolean {
    if (this.#many !== undefined) return this.#many.size !== this.#many.add(node).size
    if (this.#few.includes(node)) return false
    this.#few.push(node)
    if (this.#few.length === 16) this.#many = new Set(this.#few)
    return true
  }
}
