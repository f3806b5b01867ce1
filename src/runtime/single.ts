// Work that stands where one task stood has one result: where it would end in a group, a task that every
// Celery worker knows collects the members' results. Pure.
import { upgrade } from '../canvas/chain.js'
import { chunksGroup } from '../canvas/map.js'
import { change, type Node } from '../canvas/node.js'
import { accumulate, routing } from './freeze.js'

/**
 * The same work, ending in one result. It gets its place (its id, its group, its chord) from the task whose place
 * it takes, so what its end says of a place of its own is left out. `ignored`: whether that task's result is.
 */
export const asOne = (node: Node, ignored?: boolean): Node => {
  switch (node.kind) {
    case 'group':
      return upgrade(
        node,
        accumulate({ ...routing(node.options), ...(ignored === true && { ignoreResult: true }) }),
      )
    case 'chunks':
      return asOne(chunksGroup(node), ignored)
    case 'chain': {
      const last = node.tasks.at(-1)
      const tasks = last === undefined ? [] : [...node.tasks.slice(0, -1), asOne(last, ignored)]
      return change(placeless(node), { tasks })
    }
    case 'chord':
      return change(placeless(node), { body: asOne(node.body, ignored) })
    default: {
      const end = placeless(node)
      return ignored === undefined ? end : change(end, { options: { ...end.options, ignoreResult: ignored } })
    }
  }
}

const placeless = <N extends Node>(node: N): N => {
  const { taskId, groupId, groupIndex, ...options } = node.options
  const isPlaced = taskId !== undefined || groupId !== undefined || groupIndex !== undefined
  return isPlaced ? change(node, { options } as Partial<N>) : node
}
