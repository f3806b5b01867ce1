// A canvas in one line, for logs and errors: `proj.add(1, 2) | group(proj.mul(3), proj.mul(4))`.
import type { Typed } from './fit.js'
import type { Node } from './node.js'
import { runsOf, times } from './picture.js'
import { fold, runningParts } from './walk.js'
import { show } from './words.js'

/** Of longer lists the beginning and the end are shown, and less of those whose items are long. */
const shown = 12
const longest = 500

/** The signature in one line. What follows it by links is left out. */
export function print(signature: Node | Typed): string {
  return line(signature as Node, call)
}

/** The same without arguments: what signatures have in common that differ in these alone. */
export function printNames(signature: Node): string {
  return line(signature, ({ task, args, kwargs }) =>
    args.length === 0 && Object.keys(kwargs).length === 0 ? `${task}()` : `${task}(…)`,
  )
}

type TaskNode = Extract<Node, { kind: 'task' }>

function line(node: Node, ofTask: (task: TaskNode) => string): string {
  return fold<Node, string>(node, (inner) => ({
    parts: runningParts(inner),
    close: (done) => text(inner, done, ofTask),
  }))
}

function text(node: Node, done: readonly string[], ofTask: (task: TaskNode) => string): string {
  switch (node.kind) {
    case 'task':
      return ofTask(node)
    case 'chain':
      return list(done, ' | ')
    case 'group':
      return `group(${list(equal(done), ', ')})`
    case 'chord':
      return `chord([${list(equal(done.slice(0, -1)), ', ')}], ${done.at(-1)})`
    default:
      return `${node.kind}(${done[0]}, ${node.it.length} items${node.n === undefined ? '' : `, ${node.n} at a time`})`
  }
}

/** Members that are the same, as one and how many: `proj.add(1, 1) × 1 000`. */
function equal(members: readonly string[]): readonly string[] {
  return runsOf(members, (member) => member).map(({ first, count }) => first + times(count))
}

function call(node: TaskNode): string {
  const named = Object.entries(node.kwargs).map(([name, value]) => `${name}=${show(value)}`)
  return `${node.task}(${list([...node.args.map(show), ...named], ', ')})`
}

function list(items: readonly string[], between: string): string {
  const line = (half: number): string =>
    items.length <= 2 * half
      ? items.join(between)
      : [...items.slice(0, half), `… ${items.length - 2 * half} more`, ...items.slice(-half)].join(between)
  for (let half = shown / 2; half > 1; half -= 1) {
    const text = line(half)
    if (text.length <= longest) return text
  }
  return line(1)
}
