// The third part of a message's body, read: what follows the task. Signatures stay Celery's JSON, as they are
// carried on; only their shape is looked at.
import type { SignatureJson } from '../canvas/wire.js'
import { InvalidTaskError } from '../errors.js'
import { isDict, none, show, text, withoutKeys } from './fields.js'
import type { Embed } from './plan.js'

/** Where signatures lie within a signature: `link` and its kin, and the members of a canvas. */
export const nestedOptions = ['link', 'link_error', 'chain', 'chord']
export const nestedKwargs: ReadonlyMap<unknown, readonly string[]> = new Map([
  ['chain', ['tasks']],
  ['group', ['tasks']],
  ['chord', ['header', 'body']],
])

/** Looks only at the shape, so that nobody finds out after the task has run that nothing can follow it. */
const checkSignature = (value: unknown, place: string): void => {
  if (!isDict(value) || text(value['task']) === null)
    throw new InvalidTaskError(`Expected a signature in ${place} of the message, got ${show(value)}`)
  const { args, kwargs, options, subtask_type: kind } = value
  if (args != null && !Array.isArray(args))
    throw new InvalidTaskError(
      `Expected a list as args of a signature in ${place} of the message, got ${show(args)}`,
    )
  for (const [name, dict] of [
    ['kwargs', kwargs],
    ['options', options],
  ] as const)
    if (dict != null && !isDict(dict))
      throw new InvalidTaskError(
        `Expected an object as ${name} of a signature in ${place} of the message, got ${show(dict)}`,
      )
  if (isDict(options)) for (const name of nestedOptions) checkNested(options[name], place)
  if (isDict(kwargs)) for (const name of nestedKwargs.get(kind) ?? []) checkNested(kwargs[name], place)
}

const checkNested = (value: unknown, place: string): void => {
  if (value == null) return
  if (Array.isArray(value)) for (const item of value) checkSignature(item, place)
  else checkSignature(value, place)
}

export const signatures = (value: unknown, place: string): readonly SignatureJson[] | null => {
  if (value === undefined || value === null) return null
  // Python writes one signature bare in places; its own readers then lose it. Ours do not.
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  for (const item of list) checkSignature(item, place)
  return list as readonly SignatureJson[]
}

export const noEmbed: Embed = Object.freeze({ callbacks: null, errbacks: null, chain: null, chord: null })
const embedKeys = new Set(Object.keys(noEmbed))

export const embedOf = (value: unknown): Embed => {
  if (value === undefined || value === null) return noEmbed
  if (!isDict(value))
    throw new InvalidTaskError(`Expected the third part of the body as an object, got ${show(value)}`)
  const other = withoutKeys(value, embedKeys)
  return {
    callbacks: signatures(value['callbacks'], 'callbacks'),
    errbacks: signatures(value['errbacks'], 'errbacks'),
    chain: signatures(value['chain'], 'chain'),
    chord: signatures(value['chord'], 'chord')?.[0] ?? null,
    ...(other !== none && { other }),
  }
}
