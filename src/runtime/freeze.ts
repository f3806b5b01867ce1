// Freezing: every id of a canvas is fixed before anything is sent, so that results can be linked and a
// worker that continues the work uses the ids which the first sender handed out. Pure; `mint` makes ids.
//
// The body of a chord is NOT written into its header's signatures here (Celery does, and pays for it with
// a factor of four at each nesting); it is attached when the header is sent.
import type { ChordNode, GroupNode, Node, SignatureOptions } from '../canvas/node.js'
import type { ResultShape } from './plan.js'

/** What is handed down to a node from around it. */
export interface Given {
  readonly taskId?: string
  readonly groupId?: string
  readonly groupIndex?: number
  readonly rootId?: string
  /** The node reports to a chord: its end must be ONE result. */
  readonly reports?: boolean
}

export interface Frozen<N extends Node = Node> {
  readonly node: N
  readonly result: ResultShape
}

/** The same node with other options; methods are not needed inside the runtime. */
export const withOptions = <N extends Node>(node: N, patch: SignatureOptions): N => ({
  ...node,
  options: { ...node.options, ...patch },
})

/** `celery.accumulate(index=0)`, which every Celery worker knows: gives back its first argument. */
export const accumulate = (options: SignatureOptions = {}): Node => ({
  kind: 'task',
  task: 'celery.accumulate',
  args: [],
  kwargs: { index: 0 },
  options,
  immutable: false,
})

/** Members of nested groups stand in one row, in natural order. */
export const flatten = (nodes: readonly Node[]): readonly Node[] =>
  nodes.some((node) => node.kind === 'group')
    ? nodes.flatMap((node) =>
        node.kind === 'group' ? flatten(node.tasks.map((task) => inherit(task, node))) : [node],
      )
    : nodes

/** Options that were set on a nested group belong to its members. */
const inherit = (task: Node, group: GroupNode): Node => {
  const { taskId: _taskId, groupId: _groupId, groupIndex: _groupIndex, ...options } = group.options
  return Object.keys(options).length === 0 ? task : { ...task, options: { ...options, ...task.options } }
}

const definedOptions = (given: Given): SignatureOptions => ({
  ...(given.groupId !== undefined && { groupId: given.groupId }),
  ...(given.groupIndex !== undefined && { groupIndex: given.groupIndex }),
  ...(given.rootId !== undefined && { rootId: given.rootId }),
})

/** Fixes the ids of a node and of all below it. `parent` is the result to the left. */
export const freeze = (node: Node, given: Given, parent: ResultShape | null, mint: () => string): Frozen => {
  switch (node.kind) {
    case 'chain':
      return freezeChain(node.tasks, node, given, parent, mint)
    case 'group':
      return given.reports === true
        ? freezeChord(asChord(node), given, parent, mint)
        : freezeGroup(node, given, parent, mint)
    case 'chord':
      return freezeChord(node, given, parent, mint)
    default: {
      const id = node.options.taskId ?? given.taskId ?? mint()
      const { groupId, ...rest } = definedOptions(given)
      const options: SignatureOptions = {
        ...rest,
        ...((node.options.groupId ?? groupId) !== undefined && { groupId: node.options.groupId ?? groupId }),
        taskId: id,
      }
      return { node: withOptions(node, options), result: { kind: 'task', id, parent } }
    }
  }
}

/** A group that has to report as one: its members' results are collected by a task that all workers know. */
const asChord = (group: GroupNode): ChordNode => ({
  kind: 'chord',
  args: [],
  kwargs: {},
  options: group.options,
  immutable: false,
  header: group.tasks,
  body: accumulate(routing(group.options)),
})

const routing = ({ queue, priority }: SignatureOptions): SignatureOptions => ({
  ...(queue !== undefined && { queue }),
  ...(priority !== undefined && { priority }),
})

const freezeChain = (
  tasks: readonly Node[],
  chain: Extract<Node, { kind: 'chain' }>,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen => {
  const frozen: Node[] = []
  let before = parent
  for (const [index, task] of tasks.entries()) {
    const last = index === tasks.length - 1
    const handed: Given = last
      ? { ...given, ...(chain.options.taskId !== undefined && { taskId: chain.options.taskId }) }
      : { ...(given.rootId !== undefined && { rootId: given.rootId }) }
    const step = freeze(task, handed, before, mint)
    frozen.push(step.node)
    before = step.result
  }
  return { node: { ...chain, tasks: frozen }, result: before as ResultShape }
}

const freezeGroup = (
  group: GroupNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<GroupNode> => {
  const id = group.options.taskId ?? given.taskId ?? mint()
  const members = flatten(group.tasks).map((task, index) =>
    freeze(
      task,
      { groupId: id, groupIndex: index, ...(given.rootId !== undefined && { rootId: given.rootId }) },
      null,
      mint,
    ),
  )
  return {
    node: { ...withOptions(group, { taskId: id }), tasks: members.map(({ node }) => node) },
    result: { kind: 'group', id, results: members.map(({ result }) => result), parent },
  }
}

const freezeChord = (
  chord: ChordNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<ChordNode> => {
  const id = chord.headerOptions?.taskId ?? chord.options.taskId ?? mint()
  const root = given.rootId === undefined ? {} : { rootId: given.rootId }
  const members = flatten(chord.header).map((task, index) =>
    freeze(task, { groupId: id, groupIndex: index, reports: true, ...root }, null, mint),
  )
  const header: ResultShape = { kind: 'group', id, results: members.map(({ result }) => result), parent }
  // Like Celery, a body that stands in no group carries the id of its own header.
  const body = freeze(chord.body, { groupId: id, ...given }, header, mint)
  return {
    node: {
      ...withOptions(chord, { taskId: id }),
      headerOptions: { ...chord.headerOptions, taskId: id },
      header: members.map(({ node }) => node),
      body: body.node,
    },
    result: body.result,
  }
}

/** The id under which a chord's state is kept beside its group id: the id of the body's end. */
export const bodyIdOf = (body: Node): string => {
  switch (body.kind) {
    case 'chain': {
      const last = body.tasks.at(-1)
      return last === undefined ? '' : bodyIdOf(last)
    }
    case 'chord':
      return bodyIdOf(body.body)
    default:
      return body.options.taskId ?? ''
  }
}
