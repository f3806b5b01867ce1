// A canvas as a picture before anything runs: Mermaid for README files and issues, DOT for Graphviz. Each
// task is a box; solid arrows carry results; dotted ones lead to callbacks and errbacks.
import type { Typed } from './fit.js'
import { type Node, asNode } from './node.js'

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
    ...arrows.map(({ from, to, label }) => `  ${from} ${label === undefined ? '-->' : `-. ${label} .->`} ${to}`),
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
      label === undefined ? `  ${from} -> ${to};` : `  ${from} -> ${to} [style=dotted, label=${quote(label)}];`,
    ),
    '}',
    '',
  ].join('\n')
}
