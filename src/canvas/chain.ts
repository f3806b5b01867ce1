// A chain: one step after the other, each with the result of the one before. Building it settles its shape:
// nested chains are spliced in, a group of one is that task, and a group (or chunks) with something behind it
// is a chord whose body is all the rest.
import { InvalidSignature } from '../errors.js'
import type { Parts } from './fit.js'
import type { Next, Steps } from './fit-steps.js'
import type { AnySignature, ChainOf, PipeOf } from './flow.js'
import { addCallback, addErrback } from './link.js'
import { chunksGroup } from './map.js'
import {
  asNode,
  type ChainNode,
  type ChordNode,
  change,
  type GroupNode,
  make,
  type Node,
  takenOut,
} from './node.js'
import { mergeOptions } from './options.js'
import { mapNodes } from './walk.js'

/**
 * Steps that run one after the other; each gets the result of the one before as its first argument, unless
 * it is immutable. Takes the steps, or one array of them.
 *
 * ```ts
 * await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get()   // 16
 * ```
 */
export function chain<const S extends Parts>(...steps: Steps<S>): ChainOf<S> {
  const listed: readonly unknown[] = steps.length === 1 && Array.isArray(steps[0]) ? steps[0] : steps
  return join(listed.map((step, i) => asNode(step, `chain[${i}]:`))) as unknown as ChainOf<S>
}

/** `sig.pipe(…next)`: the chain that goes on from here. From a group that is always a chord, even a group of one. */
export function pipe<S extends AnySignature, const N extends readonly unknown[]>(
  signature: S,
  ...next: Next<S, N>
): PipeOf<S, N> {
  const head = asNode(signature, 'What pipe() is called on')
  const steps = next.map((step, i) => asNode(step, `pipe[${i}]:`))
  return goOn(head, steps) as unknown as PipeOf<S, N>
}

function goOn(head: Node, steps: readonly Node[]): Node {
  if (steps.length === 0) return head
  if (head.kind === 'group') return upgrade(head, together(inLine(steps)))
  // A long chain is often built by one pipe after the other: then there is nothing to settle.
  if (head.kind === 'chain' && isBare(head) && arePlain(head.tasks) && arePlain(steps))
    return chainOf([...head.tasks, ...steps])
  return join([head, ...steps])
}

/** Whether none of them is a composite. A loop, because `every` is five times slower on a frozen array. */
function arePlain(nodes: readonly Node[]): boolean {
  for (const { kind } of nodes)
    if (kind === 'chain' || kind === 'group' || kind === 'chord' || kind === 'chunks') return false
  return true
}

/** Whether nothing is written on the composite itself. */
const isBare = (node: Node): boolean =>
  node.args.length === 0 && !node.immutable && Object.keys(node.options).length === 0

/** The steps as one signature: a chain, or what a chain of them comes to. */
function join(steps: readonly Node[]): Node {
  if (steps.length === 0) throw emptyChain()
  const whole = together(inLine(steps))
  return whole.kind === 'group' || whole.kind === 'chord' || whole.kind === 'chain' ? whole : chainOf([whole])
}

/**
 * The signature with every chain in it, however deep, brought into the shape that `chain()` gives: one that
 * was written by hand or read from JSON may still have a group in its middle.
 */
export function normalise(node: Node): Node {
  return mapNodes(node, (inner) => (inner.kind === 'chain' ? settled(inner) : inner))
}

function settled(node: ChainNode): Node {
  const whole = join(node.tasks)
  // The chain's own options and arguments stay where there is still a chain to hold them.
  if (whole.kind !== 'chain') return unchain({ ...node, tasks: [whole] })[0]!
  const same =
    whole.tasks.length === node.tasks.length && whole.tasks.every((task, i) => task === node.tasks[i])
  return same ? node : change(node, { tasks: whole.tasks })
}

/** Every step in one row: chains opened, groups of one opened, and a chord with something behind it too. */
function inLine(steps: readonly Node[]): readonly Node[] {
  const line: Node[] = []
  const waiting = [...steps].reverse()
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    if (step.kind === 'chain') {
      const inner = unchain(step)
      for (let i = inner.length - 1; i >= 0; i--) waiting.push(inner[i]!)
    } else if (step.kind === 'group' && opens(step)) waiting.push(onlyMember(step))
    else if (step.kind === 'chord' && waiting.length > 0) {
      // What follows a chord goes on from its body: the body's steps stand in the row behind the header.
      line.push(step)
      waiting.push(step.body)
    } else if (step.kind === 'chunks' && waiting.length > 0) line.push(chunksGroup(step))
    else line.push(step)
  }
  return line
}

/** From last to first: what stands behind a group, or behind the header of a chord, becomes the body. */
function together(line: readonly Node[]): Node {
  let behind: Node[] = []
  const rest = () => (behind.length === 1 ? behind[0]! : chainOf(behind.reverse()))
  for (let i = line.length - 1; i >= 0; i--) {
    const step = line[i]!
    if (step.kind === 'chord' && behind.length > 0) behind = [change(step, { body: rest() })]
    else if (step.kind === 'group' && behind.length > 0) behind = [upgrade(step, rest())]
    else behind.push(step)
  }
  return rest()
}

function emptyChain(): InvalidSignature {
  return new InvalidSignature('A chain needs at least one step, but it has none.')
}

function chainOf(tasks: readonly Node[]): ChainNode {
  return make<ChainNode>({ kind: 'chain', tasks, args: [], kwargs: {}, options: {}, immutable: false })
}

/** A group with something behind it. Its options stay those of the header. */
export function upgrade(group: GroupNode, body: Node): ChordNode {
  const { kind: _, tasks: header, options, ...common } = group
  const headerOptions = Object.keys(options).length === 0 ? {} : { headerOptions: options }
  return make<ChordNode>({ ...common, kind: 'chord', header, ...headerOptions, body, options: {} })
}

/** The steps of a chain as they run without it: its arguments go to the first, its callbacks to the last. */
function unchain(node: ChainNode): readonly Node[] {
  const { tasks, options } = node
  if (tasks.length === 0) throw emptyChain()
  if (isBare(node)) return tasks
  const { link = [], linkError = [], taskId, groupId, groupIndex, chord, chain: behind, ...sending } = options
  const steps = tasks.map((task) => linkError.reduce(addErrback, task))
  steps[0] = handDown(steps[0]!, node, sending)
  const end = steps.length - 1
  const last = link.reduce(addCallback, steps[end]!)
  const place = withoutUndefined({ taskId, groupId, groupIndex, chord, chain: behind })
  steps[end] =
    Object.keys(place).length === 0 ? last : change(last, { options: mergeOptions(place, last.options) })
  return steps
}

/** A group of one is that task, unless it has an id: then somebody holds a result of that group. */
const opens = ({ tasks, options }: GroupNode): boolean => tasks.length === 1 && options.taskId === undefined

/** The only member of a group, as it runs without the group. */
function onlyMember(group: GroupNode): Node {
  const { groupId: _g, groupIndex: _i, ...options } = group.options
  return takenOut(handDown(group.tasks[0]!, group, options))
}

/** A node that takes over what was written on the composite around it. */
function handDown(node: Node, around: Node, options: Node['options']): Node {
  const args = node.immutable || around.args.length === 0 ? node.args : [...around.args, ...node.args]
  const immutable = node.immutable || around.immutable
  if (args === node.args && immutable === node.immutable && Object.keys(options).length === 0) return node
  return change(node, { args, immutable, options: mergeOptions(node.options, options) })
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, held]) => held !== undefined)) as Partial<T>
}
