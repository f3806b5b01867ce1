// A canvas as a picture before anything runs, and its results as one. Each task is a box; solid arrows carry
// results; dotted ones lead to callbacks and errbacks. Equal members that stand side by side are one box.
import { isResultGraph, pictureOfGraph } from './draw-graph.js'
import type { Typed } from './fit.js'
import { asNode, type Node } from './node.js'
import { type Arrow, asDot, asMermaid, type Box, mostBoxes, type Picture, runsOf, times } from './picture.js'
import { print, printNames } from './print.js'
import type { ResultGraph } from './sender.js'
import { fold, listParts, runningParts } from './walk.js'

/** The canvas, or what `await result.graph()` gave, as a Mermaid flowchart. */
export function toMermaid(drawn: Typed | ResultGraph): string {
  return asMermaid(pictureOf(drawn, 'toMermaid'))
}

/** The canvas, or what `await result.graph()` gave, as a Graphviz digraph. */
export function toDot(drawn: Typed | ResultGraph): string {
  return asDot(pictureOf(drawn, 'toDot'))
}

const pictureOf = (drawn: unknown, name: string): Picture =>
  isResultGraph(drawn) ? pictureOfGraph(drawn) : picture(asNode(drawn, `What ${name}() is given`))

/** A part of the picture: where it is entered, and where it is left. */
interface Ends {
  readonly first: readonly string[]
  readonly last: readonly string[]
}

/** A signature, how many like it stand there, and whether these differ in their arguments. */
interface Item {
  readonly node: Node
  readonly count: number
  readonly differ: boolean
}

function picture(root: Node): Picture {
  const boxes: Box[] = []
  const arrows: Arrow[] = []
  const box = (text: string): Ends => {
    const id = `n${boxes.length}`
    boxes.push({ id, text })
    return { first: [id], last: [id] }
  }
  const lead = (from: Ends, to: Ends, label?: string) => {
    for (const start of from.last)
      for (const end of to.first)
        arrows.push({ from: start, to: end, ...(label === undefined ? {} : { label }) })
  }
  // A signature that stands in two places is two boxes: it runs twice.
  fold<Item, Ends>(
    { node: root, count: 1, differ: false },
    (item) => {
      const { node, count, differ } = item
      // A map is one message, so it is one box.
      const own = isComposite(node)
        ? undefined
        : box((differ ? printNames(node) : print(node)) + times(count))
      const inside = isComposite(node) ? partsOf(item) : []
      const { link = [], linkError = [] } = node.options
      const follow = (slot: string, nodes: readonly Node[]) =>
        listParts(
          slot,
          nodes.map((next): Item => ({ node: next, count, differ })),
        )
      return {
        parts: [...inside, ...follow('options.link', link), ...follow('options.linkError', linkError)],
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

/** The running parts, where members that are alike are one. */
function partsOf({ node, count, differ }: Item) {
  const all = runningParts(node).map(({ value }) => value)
  const body = node.kind === 'chord' ? all.splice(-1) : []
  const within = (inner: Node): Item => ({ node: inner, count, differ })
  const members = node.kind === 'chain' ? all.map(within) : alike(all, count, differ)
  return listParts('parts', [...members, ...body.map(within)])
}

function alike(members: readonly Node[], count: number, differ: boolean): readonly Item[] {
  const asItems = (keyOf: (node: Node) => string, isVague: boolean) =>
    runsOf(members, keyOf).map(
      ({ first, count: run }): Item => ({
        node: first,
        count: count * run,
        differ: differ || (isVague && run > 1),
      }),
    )
  const equal = asItems(whole(print), false)
  return equal.length <= mostBoxes ? equal : asItems(whole(printNames), true)
}

/** With what is linked to it. */
const whole =
  (text: (node: Node) => string) =>
  (node: Node): string => {
    const { link = [], linkError = [] } = node.options
    if (link.length === 0 && linkError.length === 0) return text(node)
    return [text(node), ...link.map(text), '!', ...linkError.map(text)].join(' + ')
  }

function isComposite({ kind }: Node): boolean {
  return kind === 'chain' || kind === 'group' || kind === 'chord'
}

function sideBySide(members: readonly Ends[]): Ends {
  return { first: members.flatMap(({ first }) => first), last: members.flatMap(({ last }) => last) }
}
