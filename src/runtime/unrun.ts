// What never ran, as it would have stood among the results: each with what came before it, and that with what
// followed. Kept with `resultExtended`, so that a workflow that failed is drawn as whole as one that went well.
import type { Node } from '../canvas/node.js'
import { bodyIdOf } from './freeze.js'
import type { ResultTuple } from './meta.js'
import type { Step } from './plan.js'

/** The results among these steps, put in their places behind `before`; `line` is what waited, in running order. */
export const inPlace = (steps: readonly Step[], line: readonly Node[], before: string): readonly Step[] => {
  const parents = new Map<string, string>()
  const children = new Map<string, ResultTuple>()
  walk(line, before, parents, children)
  return steps.map((step) => {
    if (step.do !== 'store') return step
    const parentId = step.parentId ?? parents.get(step.taskId) ?? null
    const child = children.get(step.taskId)
    return { ...step, parentId, children: child === undefined ? step.children : [...step.children, child] }
  })
}

/** Gives the id behind which the next step stands; undefined behind a group, where a chain ends. */
const walk = (
  line: readonly Node[],
  before: string | undefined,
  parents: Map<string, string>,
  children: Map<string, ResultTuple>,
): string | undefined => {
  let at = before
  for (const step of line) {
    if (at === undefined) return undefined
    const follows = at
    if (step.kind === 'chain') {
      at = walk(step.tasks, follows, parents, children)
      continue
    }
    const tuple = tupleOf(step)
    if (!children.has(follows)) children.set(follows, tuple)
    // Members stand side by side: each in its own line, and among the children by their group alone.
    const members = step.kind === 'group' ? step.tasks : step.kind === 'chord' ? step.header : []
    for (const member of members) walk([member], follows, parents, children)
    if (step.kind === 'chord') at = walk([step.body], follows, parents, children)
    else if (step.kind === 'group') at = undefined
    else {
      const id = bodyIdOf(step)
      parents.set(id, follows)
      at = id
    }
  }
  return at
}

/** The result of a canvas, with what stands to its left. */
const tupleOf = (node: Node, left: ResultTuple | null = null): ResultTuple => {
  switch (node.kind) {
    case 'chain':
      return (
        node.tasks.reduce<ResultTuple | null>((at, step) => tupleOf(step, at), left) ?? [['', left], null]
      )
    case 'group':
      return groupTuple(node.options.taskId, node.tasks, left)
    case 'chord':
      return tupleOf(node.body, groupTuple(node.headerOptions?.taskId, node.header, left))
    default:
      return [[bodyIdOf(node), left], null]
  }
}

const groupTuple = (
  id: string | undefined,
  members: readonly Node[],
  left: ResultTuple | null,
): ResultTuple => [[id ?? '', left], members.map((member) => tupleOf(member))]
