// What JSON cannot hold travels as `{"__superjson__": {"json", "meta"}}`: self-contained, so that a Python
// worker carries it on untouched as a plain dict. superjson writes it; json-rebuild.ts reads it.
//
// superjson is loaded at once: it takes 8 ms, and a lazy require() of an ES module warns on Node 20.
import { SuperJSON } from 'superjson'
import { DecodeError, ImproperlyConfigured } from '../errors.js'
import type { Class } from './json-prepare.js'
import { asRecord, type Budget, broken } from './json-places.js'
import { Rebuilding } from './json-rebuild.js'

/** One set of registered classes and the superjson instances that know it. Nothing here is global. */
export class RichValues {
  /** Constructor → the name under which it travels. */
  readonly names = new Map<unknown, string>()
  readonly #classes = new Map<string, Class>()
  readonly #writer = new SuperJSON()
  readonly #thriftyWriter = new SuperJSON({ dedupe: true })

  register(ctor: Class, name: string): void {
    const other = this.#classes.get(name)
    if (name === '' || (other !== undefined && other !== ctor))
      throw new ImproperlyConfigured(
        `Expected a name for the class that no other has, got "${name}". Give one: registerClass(${ctor.name}, 'billing.${ctor.name || 'Invoice'}').`,
      )
    this.names.set(ctor, name)
    this.#classes.set(name, ctor)
    for (const writer of [this.#writer, this.#thriftyWriter]) writer.registerClass(ctor as never, name)
  }

  /** A prepared tree → `{json, meta}`. Shared parts are written in each place, or once if told to be thrifty. */
  pack(tree: unknown, isThrifty: boolean): object {
    return (isThrifty ? this.#thriftyWriter : this.#writer).serialize(tree as never)
  }

  /** `{json, meta}` → the value. @throws DecodeError if they do not fit together. */
  unpack(wrapper: unknown, budget: Budget): unknown {
    const { json, meta } = asRecord(wrapper, 'the wrapper')
    if (json === undefined) throw broken('no json in it')
    try {
      return new Rebuilding(meta, this.#classes, budget).build(json)
    } catch (error) {
      throw error instanceof DecodeError ? error : broken((error as Error).message)
    }
  }
}
