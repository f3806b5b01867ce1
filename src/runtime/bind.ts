// From the arguments of a message to those of the function.
import { InvalidTaskError } from '../errors.js'
import type { TaskDefinition } from './task.js'

/**
 * Positional arguments for the function. With `params`, keyword arguments take their places; without, what
 * keywords there are arrive as one trailing object, as JavaScript does it.
 */
export const bindArguments = (
  definition: TaskDefinition,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
): readonly unknown[] => {
  const { params } = definition.options
  if (params !== undefined && args.length > params.length)
    throw new InvalidTaskError(
      `${definition.name}() takes ${params.length} arguments (${params.join(', ')}), got ${args.length}`,
    )
  const names = Object.keys(kwargs)
  if (names.length === 0) return args
  if (params === undefined) return [...args, kwargs]
  const bound = [...args]
  for (const name of names) {
    const place = params.indexOf(name)
    if (place === -1)
      throw new InvalidTaskError(
        `${definition.name}() has no parameter "${name}"; its params are: ${params.join(', ')}`,
      )
    if (place < args.length)
      throw new InvalidTaskError(`${definition.name}() got two values for its parameter "${name}"`)
    bound[place] = kwargs[name]
  }
  return bound
}
