// Plain tree → values: kombu's typed values, superjson's wrappers, and the marks on the user's look-alikes.
// From the leaves up, as Python's object_hook does it.
import { readTyped } from './json-typed.js'
import { markOf } from './json-write.js'

/** Can the text hold anything to revive? Keys may be spelt with escapes; Python would read them all the same. */
export function needsReviving(text: string): boolean {
  return (
    // One look settles it for most.
    (text.includes('__') && (text.includes('__type__') || text.includes('__superjson__'))) ||
    (text.includes('\\u00') && /\\u00(?:5f|6|7[0-9a])/i.test(text))
  )
}

/** Revives in place and returns the value that takes the tree's place. */
export function revive(tree: unknown, unpack: (wrapper: unknown) => unknown): unknown {
  if (typeof tree !== 'object' || tree === null) return tree
  const node = tree as Record<string, unknown>
  for (const key of Object.keys(node)) {
    const child = node[key]
    // Each key is an own property already, so even `__proto__` is only that.
    if (typeof child === 'object' && child !== null) node[key] = revive(child, unpack)
  }
  if (!Object.hasOwn(node, '__type__') && !Object.hasOwn(node, '__superjson__')) return node
  const mark = markOf(node)
  if (mark === null) return node
  if (mark === 0)
    return Object.hasOwn(node, '__superjson__')
      ? unpack(node.__superjson__)
      : readTyped(node.__type__, node.__value__)
  const { __esc__: _, ...own } = node
  return mark === 1 ? own : { ...node, __esc__: mark - 1 }
}
