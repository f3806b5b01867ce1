// A canvas in one line, for logs and errors: `proj.add(1, 2) | group(proj.mul(3), proj.mul(4))`.
import type { Typed } from './fit.js'
import type { Node } from './node.js'
import { fold, runningParts } from './walk.js'
import { show } from './words.js'

/** Of longer lists the beginning and the end are shown. */
const shown = 12

/** The signature in one line. What follows it by links is left out. */
export function print(signature: Node | Typed): string {
  return fold<Node, string>(signature as Node, (inner) => ({
    parts: runningParts(inner),
    close: (done) => text(inner, done),
  }))
}

function text(node: Node, done: readonly string[]): string {
  switch (node.kind) {
    case 'task':
      return call(node)
    case 'chain':
      return list(done, ' | ')
    case 'group':
      return `group(${list(done, ', ')})`
    case 'chord':
      return `chord([${list(done.slice(0, -1), ', ')}], ${done.at(-1)})`
    default:
      return `${node.kind}(${done[0]}, ${node.it.length} items${node.n === undefined ? '' : `, ${node.n} at a time`})`
  }
}

function call(node: Extract<Node, { kind: 'task' }>): string {
  const named = Object.entries(node.kwargs).map(([name, value]) => `${name}=${show(value)}`)
  return `${node.task}(${list([...node.args.map(show), ...named], ', ')})`
}

function list(items: readonly string[], between: string): string {
  if (items.length <= shown) return items.join(between)
  const half = shown / 2
  const left = `… ${items.length - shown} more`
  return [...items.slice(0, half), left, ...items.slice(-half)].join(between)
}
