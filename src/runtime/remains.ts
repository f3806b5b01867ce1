// What is left of a signature that nobody can read: enough to tell those who wait for it, and nothing that could run.
// (Its shape is looked at when its message is read, its options when it is its turn.)
import type { Node } from '../canvas/node.js'
import { fromJSON, type SignatureJson } from '../canvas/wire.js'
import { isDict, text } from './fields.js'

/** The id of a canvas's end, in JSON; '' where it has none. Each header task asks, so the body is not read for it. */
export const endIdIn = (json: unknown): string => {
  for (let at = json; isDict(at); ) {
    const { subtask_type: kind, kwargs, options } = at
    const inner = isDict(kwargs) ? kwargs : {}
    if (kind === 'chain') at = Array.isArray(inner['tasks']) ? inner['tasks'].at(-1) : undefined
    else if (kind === 'chord') at = inner['body']
    else return (isDict(options) && text(options['task_id'])) || ''
  }
  return ''
}

const kept = ['group_id', 'group_index', 'chord', 'link_error']

/** A task that stands for it: its end's id, its place in a chord and its errbacks, as far as these can be read. */
export const remainsOf = (json: unknown): SignatureJson => {
  const { task, options } = isDict(json) ? json : {}
  const given = isDict(options) ? options : {}
  const id = endIdIn(json)
  const left = kept.filter((name) => given[name] != null && isLegible({ [name]: given[name] }))
  return {
    task: text(task) ?? 'unreadable',
    args: [],
    kwargs: {},
    options: {
      ...(id !== '' && { task_id: id }),
      ...Object.fromEntries(left.map((name) => [name, given[name]])),
    },
    subtask_type: null,
    immutable: false,
  }
}

const isLegible = (options: Readonly<Record<string, unknown>>): boolean => {
  try {
    fromJSON({ task: 'any', args: [], kwargs: {}, options })
    return true
  } catch {
    return false
  }
}

/** For those who tell of it: what it is, or what is left of it. `flaw` says why it never runs. */
export const legible = (json: unknown): { readonly node: Node; readonly flaw?: Error } => {
  try {
    return { node: fromJSON(json) }
  } catch (error) {
    return { node: fromJSON(remainsOf(json)), flaw: error as Error }
  }
}
