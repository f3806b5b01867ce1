// Keyword arguments of a call go where its other arguments go: to the task, to the first step of a chain, to the
// members of a group, to the header of a chord. They win over those of the signature; an immutable one takes none.
import type { Node } from './node.js'
import { fold, listParts } from './walk.js'

export type Keywords = Readonly<Record<string, unknown>>

/** The signature with these keyword arguments beside its own. */
export const withKeywords = (node: Node, kwargs: Keywords): Node =>
  fold<Node, Node>(node, (inner) => {
    const unchanged = { parts: [], close: () => inner }
    if (inner.immutable) return unchanged
    switch (inner.kind) {
      case 'task':
        return { parts: [], close: () => ({ ...inner, kwargs: { ...inner.kwargs, ...kwargs } }) }
      case 'chain':
        return {
          parts: listParts('tasks', inner.tasks.slice(0, 1)),
          close: (first) => ({ ...inner, tasks: [...first, ...inner.tasks.slice(1)] }),
        }
      case 'group':
        return { parts: listParts('tasks', inner.tasks), close: (tasks) => ({ ...inner, tasks }) }
      case 'chord':
        return { parts: listParts('header', inner.header), close: (header) => ({ ...inner, header }) }
      default:
        return unchanged
    }
  })
