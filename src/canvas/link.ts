// What runs after a signature: callbacks with its result, errbacks with the id of what failed. Where they
// are written follows Celery: a chord's on its body, a group's callback on its first member only (as an
// immutable one, for it is no result of the group), a group's errback on every member.
import { InvalidSignature } from '../errors.js'
import { isEqual } from './equal.js'
import type { Callback, Errback } from './fit.js'
import type { AnySignature } from './flow.js'
import { asNode, type ChordNode, change, type Node } from './node.js'
import { fold, listParts } from './walk.js'

/** The signature with a callback: a task that runs after success, with the result in front of its own arguments. */
export function link<S extends AnySignature, C>(signature: S, callback: Callback<C, S>): S
export function link(signature: unknown, callback: unknown): unknown {
  const node = asNode(signature, 'What link() is called on')
  return addCallback(node, asNode(callback, 'A callback'))
}

/** The signature with an errback: a task that runs after failure, with the failed task's id as first argument. */
export function linkError<S extends AnySignature, E>(signature: S, errback: Errback<E>): S
export function linkError(signature: unknown, errback: unknown): unknown {
  const node = asNode(signature, 'What linkError() is called on')
  return addErrback(node, asNode(errback, 'An errback'))
}

export function addCallback(node: Node, callback: Node): Node {
  const added = endsInGroup(node) ? change(callback, { immutable: true }) : callback
  return fold<Node, Node>(node, (inner) => {
    switch (inner.kind) {
      case 'chord':
        return {
          parts: [{ key: 'body', value: inner.body }],
          close: ([body]) => change(inner, { body: body! }),
        }
      case 'group': {
        const [first, ...others] = inner.tasks
        if (first === undefined)
          throw new InvalidSignature('A callback of a group goes to its first task, but this group is empty.')
        return {
          parts: [{ key: 'tasks[0]', value: first }],
          close: ([task]) => change(inner, { tasks: [task!, ...others] }),
        }
      }
      default:
        return { parts: [], close: () => append(inner, 'link', added) }
    }
  })
}

export function addErrback(node: Node, errback: Node): Node {
  const added = endsInGroup(node) ? forMany(errback) : errback
  return fold<Node, Node>(node, (inner) => {
    switch (inner.kind) {
      case 'chord': {
        // A chord within the header fails by its own body, and is told so itself.
        const within = chordsIn(inner.header)
        return {
          parts: [...listParts('header', within), { key: 'body', value: inner.body }],
          close: (done) => {
            const told = new Map(within.map((chord, i) => [chord, done[i]!]))
            return change(inner, { header: exchange(inner.header, told), body: done.at(-1)! })
          },
        }
      }
      case 'group':
        return {
          parts: listParts('tasks', inner.tasks),
          close: (tasks) => change(inner, { tasks: [...tasks] }),
        }
      default:
        return { parts: [], close: () => append(inner, 'linkError', added) }
    }
  })
}

/** The chords among these, and among the members of groups. A group that reports as one only looks like a chord. */
const chordsIn = (nodes: readonly Node[]): readonly Node[] =>
  nodes.flatMap((node) => {
    if (node.kind === 'group') return chordsIn(node.tasks)
    return node.kind === 'chord' && !isCollected(node) ? [node] : []
  })

const exchange = (nodes: readonly Node[], fresh: ReadonlyMap<Node, Node>): readonly Node[] =>
  fresh.size === 0
    ? nodes
    : nodes.map((node) =>
        node.kind === 'group'
          ? change(node, { tasks: exchange(node.tasks, fresh) })
          : (fresh.get(node) ?? node),
      )

/** Whether it is a group whose members' results are only collected, by the task that all workers know. */
export const isCollected = ({ body }: ChordNode): boolean =>
  body.kind === 'task' && body.task === 'celery.accumulate'

/**
 * A copy for each of many. Celery marks them so; it is an option that nobody reads: the errback still gets the
 * failed id.
 */
export const forMany = (errback: Node): Node => {
  const options = { ...errback.options, other: { ...errback.options.other, immutable: true } }
  return change(errback, { options })
}

/** Whether what finishes the node is a group, looking through the bodies of chords. */
function endsInGroup(node: Node): boolean {
  let end = node
  while (end.kind === 'chord') end = end.body
  return end.kind === 'group'
}

/** The same callback twice is one callback, as in Celery: what equals one that is there. */
function append(node: Node, option: 'link' | 'linkError', added: Node): Node {
  const present = node.options[option] ?? []
  if (present.some((there) => isEqual(there, added))) return node
  return change(node, { options: { ...node.options, [option]: Object.freeze([...present, added]) } })
}
