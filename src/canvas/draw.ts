// A canvas as a picture before anything runs: Mermaid for README files and issues, DOT for Graphviz. Each
// task is a box; solid arrows carry results; dotted ones lead to callbacks and errbacks.
import type { Typed } from './fit.js'
import { asNode, type Node } from './node.js'
import { print } from './print.js'
import { fold, listParts, runningParts } from './walk.js'

/** A part of the picture: where it is entered, and where it is left. */
interface Ends {
  readonly first: readonly string[]
  readonly last: readonly string[]
}

interface Arrow {
  readonly from: string
  readonly to: string
  /** What follows by a link and not by the flow. */
  readonly label?: 'on success' | 'on error'
}

interface Picture {
  readonly boxes: readonly { readonly id: string; readonly text: string }[]
  readonly arrows: readonly Arrow[]
}

/** The canvas as a Mermaid flowchart. */
export function toMermaid(signature: Typed): string {
  const { boxes, arrows } = picture(asNode(signature, 'What toMermaid() is given'))
  return [
    'flowchart LR',
    ...boxes.map(({ id, text }) => `  ${id}["${text.replaceAll('"', '#quot;')}"]`),
    ...arrows.map(
      ({ from, to, label }) => `  ${from} ${label === undefined ? '-->' : `-. ${label} .->`} ${to}`,
    ),
    '',
  ].join('\n')
}

/** The canvas as a Graphviz digraph. */
export function toDot(signature: Typed): string {
  const { boxes, arrows } = picture(asNode(signature, 'What toDot() is given'))
  const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  return [
    'digraph canvas {',
    '  rankdir=LR; node [shape=box];',
    ...boxes.map(({ id, text }) => `  ${id} [label=${quote(text)}];`),
    ...arrows.map(({ from, to, label }) =>
      label === undefined
        ? `  ${from} -> ${to};`
        : `  ${from} -> ${to} [style=dotted, label=${quote(label)}];`,
    ),
    '}',
    '',
  ].join('\n')
}

function picture(root: Node): Picture {
  const boxes: { id: string; text: string }[] = []
  const arrows: Arrow[] = []
  const box = (text: string): Ends => {
    const id = `n${boxes.length}`
    boxes.push({ id, text })
    return { first: [id], last: [id] }
  }
  const lead = (from: Ends, to: Ends, label?: Arrow['label']) => {
    for (const start of from.last)
      for (const end of to.first)
        arrows.push({ from: start, to: end, ...(label === undefined ? {} : { label }) })
  }
  // A signature that stands in two places is two boxes: it runs twice.
  fold<Node, Ends>(
    root,
    (node) => {
      // A map is one message, so it is one box.
      const own = isComposite(node) ? undefined : box(print(node))
      const inside = isComposite(node) ? runningParts(node) : []
      const { link = [], linkError = [] } = node.options
      return {
        parts: [...inside, ...listParts('options.link', link), ...listParts('options.linkError', linkError)],
        close: (done) => {
          const ends = own ?? flow(node, done.slice(0, inside.length))
          const following = done.slice(inside.length)
          following.forEach((next, i) => lead(ends, next, i < link.length ? 'on success' : 'on error'))
          return ends
        },
      }
    },
    { everyPlace: true },
  )
  return { boxes, arrows }

  /** The arrows between the parts of a composite. */
  function flow(node: Node, inside: readonly Ends[]): Ends {
    if (node.kind === 'chain') {
      for (let i = 1; i < inside.length; i++) lead(inside[i - 1]!, inside[i]!)
      return { first: inside.at(0)?.first ?? [], last: inside.at(-1)?.last ?? [] }
    }
    const members = node.kind === 'chord' ? inside.slice(0, -1) : inside
    const row = members.length === 0 ? box('group()') : sideBySide(members)
    if (node.kind !== 'chord') return row
    const body = inside.at(-1)!
    lead(row, body)
    return { first: row.first, last: body.last }
  }
}

function isComposite({ kind }: Node): boolean {
  return kind === 'chain' || kind === 'group' || kind === 'chord'
}

function sideBySide(members: readonly Ends[]): Ends {
  return { first: members.flatMap(({ first }) => first), last: members.flatMap(({ last }) => last) }
}
