// A step that travels inside another message says its queue: the worker that sends it on may be Python's, which
// knows neither our tasks nor our routes. What a signature says itself stays; what nobody knows stays unsaid.
import type { SignatureJson } from '../canvas/wire.js'
import { nestedKwargs, nestedOptions } from './embed.js'
import type { Embed } from './plan.js'
import { flatIn, inFlat, type Reference, referenceIn, withQueue } from './reference.js'

/** The queue of a task by what this app knows of it. */
export type QueueOf = (signature: SignatureJson) => string | undefined

type Dict = Readonly<Record<string, unknown>>

/** Gives a queue to every task in what follows a message; what needs none comes back as the same object. */
export class Carried {
  // The body of a chord is one object in all messages of its header.
  private readonly known = new WeakMap<SignatureJson, SignatureJson>()

  constructor(private readonly queueOf: QueueOf) {}

  embed(embed: Embed): Embed {
    const { callbacks, errbacks, chain, chord } = embed
    if (callbacks === null && errbacks === null && chain === null && chord === null) return embed
    return {
      ...embed,
      callbacks: this.list(callbacks),
      errbacks: this.list(errbacks),
      chain: this.list(chain),
      chord: chord === null ? null : this.signature(chord),
    }
  }

  private list(list: readonly SignatureJson[] | null): readonly SignatureJson[] | null {
    return list === null ? null : list.map((signature) => this.signature(signature))
  }

  signature(signature: SignatureJson): SignatureJson {
    let carried = this.known.get(signature)
    if (carried === undefined) {
      carried = this.placed(signature)
      this.known.set(signature, carried)
    }
    return carried
  }

  private placed(signature: SignatureJson): SignatureJson {
    const ref = referenceIn(signature)
    if (ref !== undefined) return this.placedReference(signature, ref)
    const flat = flatIn(signature)
    if (flat !== undefined)
      return this.placedReference(
        inFlat(signature, (inner) => this.signature(inner)),
        flat,
      )
    const { kwargs, options, subtask_type: kind } = signature
    const members = nestedKwargs.get(kind)
    const inner = members === undefined ? kwargs : this.nested(kwargs, members)
    const own = this.nested(options ?? {}, nestedOptions)
    const queue =
      members === undefined && own['queue'] == null && own['exchange'] == null && own['routing_key'] == null
        ? this.queueOf(signature)
        : undefined
    if (inner === kwargs && own === options && queue === undefined) return signature
    return { ...signature, kwargs: inner, options: queue === undefined ? own : { ...own, queue } }
  }

  /** It lies in the queue of what it stands for. */
  private placedReference(
    signature: SignatureJson,
    { first, queue }: Pick<Reference, 'first' | 'queue'>,
  ): SignatureJson {
    const { options } = signature
    if (options['queue'] != null) return signature
    const chord = this.nested(options, nestedOptions)
    const placed = chord === options ? signature : { ...signature, options: chord }
    const own = queue ?? this.queueOf({ ...signature, task: first, args: [], kwargs: {} }) ?? ''
    return own === '' ? placed : withQueue(placed, own)
  }

  private nested(dict: Dict, names: readonly string[]): Dict {
    let changed: Record<string, unknown> | undefined
    for (const name of names) {
      const value = dict[name]
      if (value === undefined || value === null) continue
      const carried = Array.isArray(value)
        ? this.list(value as SignatureJson[])
        : this.signature(value as SignatureJson)
      changed ??= { ...dict }
      changed[name] = carried
    }
    return changed ?? dict
  }
}
