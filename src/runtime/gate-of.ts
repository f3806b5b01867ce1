// Which gate a message belongs to: what its task's `concurrencyKey` says of its arguments.
import { show } from '../config-decode.js'
import { InvalidTaskError } from '../errors.js'
import { bindArguments } from './bind.js'
import { type Gate, gateFor } from './gate.js'
import type { TaskDefinition } from './task.js'

interface Call {
  readonly id: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
}

/** Throws InvalidTaskError when the key is no text, and whatever the function throws. */
export const gateOf = (
  definition: TaskDefinition | undefined,
  { id, args, kwargs }: Call,
): Gate | undefined => {
  const { concurrencyKey, concurrencyLimit = 1 } = definition?.options ?? {}
  if (definition === undefined || concurrencyKey === undefined) return undefined
  const key: unknown = concurrencyKey(...bindArguments(definition, args, kwargs))
  if (key === null || key === undefined) return undefined
  if (typeof key !== 'string')
    throw new InvalidTaskError(
      `concurrencyKey of ${definition.name}: expected a text or null, got ${show(key)}.`,
    )
  return gateFor(definition.name, key, concurrencyLimit, id)
}
