// Any value → a tree that the writer or superjson can take, or an error that names the part which cannot
// travel. Works on copies: `toJSON` results are put in place, undefined properties dropped, and what kombu
// has a form for is written out (`Written`), so that superjson leaves it alone and Python sees its own types.
import { types } from 'node:util'
import { EncodeError } from '../errors.js'
import { hasTooManyDigits, maxDigits, maxRegExpText, maxValueDepth } from './json-limits.js'
import { defineOwn, isPlainObject } from './json-plain.js'
import { placeText, type Step, whyNot } from './json-refusal.js'
import { bytesJson, dateJson, wireTextJson } from './json-typed.js'
import { isWireText } from './json-types.js'
import { numberText, Written } from './json-write.js'

export type Class = abstract new (...args: never[]) => object

/** How many values sharing may add to the text before it is written without the copies. */
const tolerableRepeats = 100_000

/** The preparation of one value. */
export class Preparation {
  /** It holds something that JSON and kombu cannot say: it has to go through superjson. */
  isRich = false
  #path: Step[] = []
  #copies = new Map<object, object>()
  /** Values below each finished copy, and in all: written out, a shared part counts each time. */
  #sizes = new Map<object, number>()
  #size = 0
  #repeats = 0
  /** Above 0 inside a `toJSON` result, where a part that is used twice means two equal parts. */
  #insideJson = 0
  #regExpText = 0
  /** Where a key stands that superjson refuses. */
  #forbidden: string | undefined

  constructor(
    readonly where: string,
    readonly classes: ReadonlyMap<unknown, string>,
    /** Byte for byte as Python would write it. */
    readonly asPython: boolean,
  ) {}

  /** Shared parts repeat so often that only the first of each should be written. */
  get isRepetitive(): boolean {
    return this.#repeats > tolerableRepeats
  }

  run(value: unknown): unknown {
    const tree = this.#value(value, 1)
    if (this.isRich && this.#forbidden !== undefined)
      throw new EncodeError(
        `${this.#forbidden} has a name that may reach a prototype, and superjson, which has to carry the values ` +
          'around it (a Map, a Set, shared parts, …), refuses that. Rename the key, or send plain data only.',
      )
    return tree
  }

  #value(value: unknown, depth: number): unknown {
    this.#size++
    switch (typeof value) {
      case 'string':
      case 'boolean':
      case 'undefined':
        return value
      case 'number':
        // Only these would be spelt as text by superjson.
        return Number.isFinite(value) && !Object.is(value, -0) ? value : new Written(numberText(value))
      case 'bigint':
        return this.#bigint(value)
      case 'function':
        if (hasToJson(value)) return this.#json(value, depth)
        throw this.#refusal(
          `is a function (${value.name || 'anonymous'}); code cannot travel. Send the data it works on.`,
        )
      case 'symbol':
        throw this.#refusal(
          `is a symbol (${String(value)}), which means nothing in another process. Send a string.`,
        )
      default:
        return value === null ? null : this.#object(value as object, depth)
    }
  }

  #bigint(value: bigint): bigint | Written {
    if (hasTooManyDigits(value))
      throw this.#refusal(`has more than ${maxDigits} digits; Python refuses to read that.`)
    // A small one would come back as a number: only superjson can say that it was a bigint.
    this.isRich ||= Number.isSafeInteger(Number(value))
    return Number.isSafeInteger(Number(value)) ? value : new Written(String(value))
  }

  #object(value: object, depth: number): unknown {
    if (isWireText(value)) return this.#written(value, wireTextJson(value))
    if (types.isDate(value)) return this.#written(value, this.#dateJson(value))
    if (types.isUint8Array(value)) return this.#written(value, bytesJson(value))
    if (depth > maxValueDepth)
      throw this.#refusal(
        `is nested deeper than ${maxValueDepth} levels (or circular); a Python worker would die of it.`,
      )
    const copy = this.#copies.get(value)
    if (copy !== undefined && this.#insideJson === 0) return this.#again(value, copy)
    if (Array.isArray(value)) return this.#fill(value, [], (copied) => this.#items(value, copied, depth))
    if (isPlainObject(value) && !hasToJson(value))
      return this.#fill(value, {}, (copied) => this.#fields(value, copied, depth))
    return this.#instance(value, depth)
  }

  #instance(value: object, depth: number): unknown {
    if (this.classes.has(value.constructor))
      return this.#rich(value, Object.create(Object.getPrototypeOf(value)), (copy) =>
        // An error's message is not enumerable, but the best part of it.
        this.#fields(
          value instanceof Error ? Object.assign({ message: value.message }, value) : value,
          copy,
          depth,
        ),
      )
    if (types.isMap(value)) return this.#rich(value, new Map(), (copy) => this.#entries(value, copy, depth))
    if (types.isSet(value)) return this.#rich(value, new Set(), (copy) => this.#members(value, copy, depth))
    if (types.isRegExp(value)) return this.#rich(value, this.#regExp(value))
    if (value instanceof URL) return this.#rich(value, new URL(value))
    if (types.isTypedArray(value)) return this.#rich(value, plainTypedArray(value))
    if (hasToJson(value)) return this.#json(value, depth)
    if (types.isNativeError(value) || value instanceof Error)
      return this.#rich(value, plainError(value), (copy) => {
        if ('cause' in value) copy.cause = this.#at({ shown: '.cause' }, value.cause, depth + 1)
      })
    throw this.#refusal(whyNot(value))
  }

  #regExp(value: RegExp): RegExp {
    this.#regExpText += String(value).length
    if (this.#regExpText > maxRegExpText)
      throw this.#refusal(
        `brings regular expressions to more than ${maxRegExpText} characters; nobody reads that.`,
      )
    return new RegExp(value.source, value.flags)
  }

  /** A typed value of kombu's: the same object stays the same one, but it is no reason for superjson. */
  #written(value: object, text: string): object {
    const written = this.#copies.get(value) ?? new Written(text)
    this.#copies.set(value, written)
    return written
  }

  #again(value: object, copy: object): object {
    const size = this.#sizes.get(value) ?? 1
    this.#size += size
    this.#repeats += size
    this.isRich = true
    return copy
  }

  #rich<T extends object>(value: object, copy: T, fill?: (copy: T) => void): T {
    this.isRich = true
    return this.#fill(value, copy, fill)
  }

  /** Known before it is filled, so that a circle finds it. */
  #fill<T extends object>(value: object, copy: T, fill?: (copy: T) => void): T {
    const before = this.#size
    if (this.#insideJson === 0) this.#copies.set(value, copy)
    fill?.(copy)
    this.#sizes.set(value, this.#size - before + 1)
    return copy
  }

  #items(array: readonly unknown[], copy: unknown[], depth: number): void {
    for (let index = 0; index < array.length; index++)
      copy.push(this.#at(index, array[index], depth + 1) ?? null)
  }

  #fields(object: object, copy: object, depth: number): void {
    for (const key of Object.keys(object)) {
      const item = (object as Record<string, unknown>)[key]
      if (item === undefined) continue
      const field = this.#at(key, item, depth + 1)
      if (key === '__proto__' || key === 'constructor' || key === 'prototype')
        this.#forbidden ??= placeText(this.where, [...this.#path, key])
      defineOwn(copy, key, field)
    }
  }

  #entries(map: ReadonlyMap<unknown, unknown>, copy: Map<unknown, unknown>, depth: number): void {
    let row = 0
    for (const [key, item] of map) {
      const shown = typeof key === 'string' ? `.get(${JSON.stringify(key)})` : `.values()[${row}]`
      copy.set(this.#at({ shown: `.keys()[${row}]` }, key, depth + 2), this.#at({ shown }, item, depth + 2))
      row++
    }
  }

  #members(set: ReadonlySet<unknown>, copy: Set<unknown>, depth: number): void {
    for (const item of set) copy.add(this.#at({ shown: `.values()[${copy.size}]` }, item, depth + 1))
  }

  /** What `toJSON` gives is JSON already: parts in two places there are just written twice. */
  #json(value: { toJSON(): unknown }, depth: number): unknown {
    if (this.#insideJson > maxValueDepth) throw this.#refusal('has a toJSON() that never comes to an end.')
    this.#insideJson++
    const json = value.toJSON()
    const tree =
      json === value
        ? this.#fill(value, {}, (copy) => this.#fields(value, copy, depth))
        : this.#at({ shown: '.toJSON()' }, json, depth)
    this.#insideJson--
    return tree ?? null
  }

  #dateJson(date: Date): string {
    if (Number.isNaN(date.getTime()))
      throw this.#refusal('is an invalid Date. Send null, or check the date before.')
    try {
      return dateJson(date, this.asPython)
    } catch {
      throw this.#refusal(
        `is the date ${date.toISOString()}; Python's datetime ends with the years 1 and 9999. Send a string or a number.`,
      )
    }
  }

  #at(step: Step, value: unknown, depth: number): unknown {
    this.#path.push(step)
    const tree = this.#value(value, depth)
    this.#path.pop()
    return tree
  }

  #refusal(why: string): EncodeError {
    return new EncodeError(`${placeText(this.where, this.#path)} ${why}`)
  }
}

const hasToJson = (value: object): value is { toJSON(): unknown } =>
  typeof (value as { toJSON?: unknown }).toJSON === 'function'

/** superjson names a typed array by its constructor, which may be a subclass. */
function plainTypedArray(array: NodeJS.TypedArray): object {
  const base = (globalThis as never as Record<string, new (from: unknown) => object>)[
    array[Symbol.toStringTag]
  ]!
  return new base(array)
}

function plainError(error: Error): Error {
  const copy = new Error(String(error.message))
  copy.name = String(error.name)
  return copy
}
