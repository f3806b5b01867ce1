// Freezing: every id of a canvas is fixed before anything is sent, so that results can be linked and a
// worker that continues the work uses the ids which the first sender handed out. Pure; `mint` makes ids.
//
// The body of a chord is NOT written into its header's signatures here (Celery does, and pays for it with
// a factor of four at each nesting); it is attached when the header is sent.
import { addCallback, addErrback } from '../canvas/link.js'
import { chunksGroup } from '../canvas/map.js'
import type { ChainNode, ChordNode, GroupNode, Node, SignatureOptions } from '../canvas/node.js'
import type { ResultShape } from './plan.js'

/** What is handed down to a node from around it. */
export interface Given {
  readonly taskId?: string
  readonly groupId?: string
  readonly groupIndex?: number
  readonly rootId?: string
  /** The node reports to a chord: its end must be ONE result. */
  readonly reports?: boolean
  /** It takes the place of a task, which is all the place that its end has. */
  readonly replaces?: boolean
  /** It is sent now. Members of what waits learn their group's id when they are sent, as in Celery. */
  readonly now?: boolean
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
const flatten = (nodes: readonly Node[]): readonly Node[] =>
  nodes.some((node) => node.kind === 'group')
    ? nodes.flatMap((node) =>
        node.kind === 'group' ? flatten(node.tasks.map((task) => inherit(task, node))) : [node],
      )
    : nodes

/** What was said of a nested group (its arguments, its options) is said of its members. */
const inherit = (task: Node, group: GroupNode): Node => {
  const { taskId: _taskId, groupId: _groupId, groupIndex: _groupIndex, ...options } = group.options
  const args = task.immutable || group.args.length === 0 ? task.args : [...group.args, ...task.args]
  return {
    ...task,
    args,
    immutable: task.immutable || group.immutable,
    options: { ...options, ...task.options },
  }
}

/** Fixes the ids of a node and of all below it. `parent` is the result to the left. */
export const freeze = (node: Node, given: Given, parent: ResultShape | null, mint: () => string): Frozen => {
  switch (node.kind) {
    case 'chain':
      return freezeChain(node, given, parent, mint)
    case 'group':
      return given.reports === true
        ? freezeChord(asChord(node), given, parent, mint)
        : freezeGroup(node, given, parent, mint)
    case 'chord':
      return freezeChord(node, given, parent, mint)
    case 'chunks':
      return freeze(chunksGroup(node), given, parent, mint)
    default: {
      const { options } = node
      const id = options.taskId ?? given.taskId ?? mint()
      const groupId = options.groupId ?? given.groupId
      const groupIndex = options.groupIndex ?? given.groupIndex
      const place: SignatureOptions = {
        taskId: id,
        ...(groupId !== undefined && { groupId }),
        ...(groupIndex !== undefined && { groupIndex }),
        ...(given.rootId !== undefined && { rootId: given.rootId }),
      }
      return { node: withOptions(node, place), result: { kind: 'task', id, parent } }
    }
  }
}

/** A group that has to report as one: its members' results are collected by a task that all workers know. */
const asChord = (group: GroupNode): ChordNode => ({
  kind: 'chord',
  args: group.args,
  kwargs: {},
  options: {},
  headerOptions: group.options,
  immutable: group.immutable,
  header: group.tasks,
  body: accumulate(routing(group.options)),
})

export const routing = ({ queue, priority }: SignatureOptions): SignatureOptions => ({
  ...(queue !== undefined && { queue }),
  ...(priority !== undefined && { priority }),
})

const rootOf = ({ rootId }: Given): Given => (rootId === undefined ? {} : { rootId })

/** What the members of a group are given. */
const memberOf = (
  groupId: string,
  groupIndex: number,
  { now = false, rootId }: Given,
  reports = false,
): Given => ({
  groupIndex,
  now,
  reports,
  ...(now && { groupId }),
  ...(rootId !== undefined && { rootId }),
})

export const freezeChain = (
  chain: ChainNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<ChainNode> => {
  const { taskId } = chain.options
  const tasks: Node[] = []
  let before = parent
  const whole = given.reports === true && endsWide(chain) ? handLinks(chain) : chain
  for (const [index, task] of whole.tasks.entries()) {
    const isLast = index === whole.tasks.length - 1
    const place = isLast ? { ...given, ...(taskId !== undefined && { taskId }) } : rootOf(given)
    const step = freeze(task, { ...place, now: index === 0 && given.now === true }, before, mint)
    tasks.push(step.node)
    before = step.result
  }
  return { node: { ...whole, tasks }, result: before as ResultShape }
}

/** Whether the end of it is many. */
const endsWide = (node: Node): boolean => {
  let end: Node | undefined = node
  while (end?.kind === 'chain' || end?.kind === 'chord')
    end = end.kind === 'chain' ? end.tasks.at(-1) : end.body
  return end?.kind === 'group' || end?.kind === 'chunks'
}

/** What is linked to the chain, linked to its steps: a group at its end is about to become a chord. */
const handLinks = (chain: ChainNode): ChainNode => {
  const { link = [], linkError = [], ...options } = chain.options
  const tasks = chain.tasks.map((task) => linkError.reduce(addErrback, task))
  const end = tasks.length - 1
  tasks[end] = link.reduce(addCallback, tasks[end] as Node)
  return { ...chain, tasks, options }
}

export const freezeGroup = (
  group: GroupNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<GroupNode> => {
  const id = group.options.taskId ?? given.taskId ?? mint()
  const members = flatten(group.tasks).map((task, groupIndex) =>
    freeze(task, memberOf(id, groupIndex, given), null, mint),
  )
  return {
    node: { ...withOptions(group, { taskId: id }), tasks: members.map(({ node }) => node) },
    result: { kind: 'group', id, results: members.map(({ result }) => result), parent },
  }
}

interface Settled {
  readonly frozen: Frozen<ChordNode>
  readonly given: Given
  readonly parent: ResultShape | null
}

/** A chord in a header is frozen with all that stands around it, and then sent: to freeze it again would change nothing. */
const settled = new WeakMap<ChordNode, Settled>()

export const freezeChord = (
  chord: ChordNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<ChordNode> => {
  const before = settled.get(chord)
  if (
    before !== undefined &&
    before.parent === parent &&
    before.given.now === given.now &&
    before.given.rootId === given.rootId
  )
    return before.frozen
  const frozen = frozenChord(chord, given, parent, mint)
  settled.set(frozen.node, { frozen, given, parent })
  return frozen
}

const frozenChord = (
  chord: ChordNode,
  given: Given,
  parent: ResultShape | null,
  mint: () => string,
): Frozen<ChordNode> => {
  // A fresh chord's own id is that of its result, the body's; in a frozen one Celery writes the header's there.
  const before = chord.headerOptions?.taskId
  const id = before ?? mint()
  const { taskId } = chord.options
  const own: Given = before === undefined && taskId !== undefined ? { taskId } : {}
  const members = flatten(chord.header).map((task, groupIndex) =>
    freeze(task, memberOf(id, groupIndex, given, true), null, mint),
  )
  const header: ResultShape = { kind: 'group', id, results: members.map(({ result }) => result), parent }
  // Like Celery, a body that stands in no group carries the id of its own header.
  const place = {
    ...(given.now === true && given.replaces !== true && { groupId: id }),
    ...own,
    ...given,
    now: false,
  }
  const body = freeze(chord.body, place, header, mint)
  return {
    node: {
      ...withOptions(chord, { taskId: id }),
      headerOptions: { ...chord.headerOptions, taskId: id },
      header: members.map(({ node }) => node),
      body:
        given.now === true && body.node.kind === 'chain'
          ? withOptions(body.node, { taskId: body.result.id })
          : body.node,
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
