// Signatures nested in each other, written flat: a list of them, where each names by its number what would stand in it,
// and all numbers point onward. So text of any depth becomes text of a few levels, and of the same length.
import type { SignatureJson } from '../canvas/wire.js'
import { InvalidSignature } from '../errors.js'
import { nestedKwargs, nestedOptions } from './embed.js'

/** A signature with numbers, or whatever else, in the place of those that stand in it. */
type Dict = Readonly<Record<string, unknown>>

/** Every signature that stands directly in this one becomes what `put` makes of it. */
const replace = (dict: Dict, put: (inner: unknown) => unknown): Dict => {
  const each = (value: unknown): unknown => (Array.isArray(value) ? value.map(put) : put(value))
  const within = (part: unknown, names: readonly string[]): Dict =>
    Object.fromEntries(
      Object.entries(Object(part) as Dict).map(([name, value]) => [
        name,
        value != null && names.includes(name) ? each(value) : value,
      ]),
    )
  return {
    ...dict,
    kwargs: within(dict['kwargs'], nestedKwargs.get(dict['subtask_type']) ?? []),
    options: within(dict['options'], nestedOptions),
  }
}

/** The signature itself is the first of the list. */
export const flatten = (signature: SignatureJson): readonly Dict[] => {
  const found: unknown[] = [signature]
  const list: Dict[] = []
  for (let at = 0; at < found.length; at += 1)
    list.push(replace(found[at] as Dict, (inner) => found.push(inner) - 1))
  return list
}

/** As much as the call stack bears of what walks through it; canvasMaxDepth says less. */
const mostDepth = 2000

/** The other way. Whoever wrote the list may be anybody: one that is no tree, or too deep, is refused. */
export const unflatten = (list: readonly unknown[]): SignatureJson => {
  const built: (Dict | undefined)[] = []
  const depths: number[] = []
  for (let at = list.length - 1; at >= 0; at -= 1) {
    let depth = 1
    built[at] = replace(Object(list[at]) as Dict, (number) => {
      const inner = Number.isSafeInteger(number) ? built[number as number] : undefined
      if (inner === undefined)
        throw new InvalidSignature(
          `A signature that was written flat names no. ${String(number)}, which is not there.`,
        )
      built[number as number] = undefined
      depth = Math.max(depth, 1 + (depths[number as number] as number))
      return inner
    })
    depths[at] = depth
  }
  if (built[0] === undefined) throw new InvalidSignature('A signature that was written flat is empty.')
  if ((depths[0] as number) > mostDepth)
    throw new InvalidSignature(
      `A signature that was written flat has ${depths[0]} in each other, at most ${mostDepth} are read.`,
    )
  return built[0] as unknown as SignatureJson
}
