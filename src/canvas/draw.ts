// A canvas as a picture before anything runs, and its results as one. Each task is a box; solid arrows carry
// results; dotted ones lead to callbacks and errbacks. Equal members that stand side by side are one box.
import { isResultGraph, pictureOfGraph } from './draw-graph.js'
import type { Typed } from './fit.js'
import { asNode, type Node } from './node.js'
import {
  type Arrow,
  asDot,
  asMermaid,
  type Box,
  inTurn,
  kindsOf,
  mostBoxes,
  type Picture,
  type Run,
  runsOf,
  times,
} from './picture.js'
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

/** A part of the picture: where it is entered, where it is left, and whose failure its errbacks are told. */
interface Ends {
  readonly first: readonly string[]
  readonly last: readonly string[]
  readonly fail: readonly string[]
}

/** A signature, how many like it stand beside and behind it, and whether these differ in their arguments. */
interface Item {
  readonly node: Node
  readonly count: number
  readonly steps: number
  readonly differ: boolean
}

function picture(root: Node): Picture {
  const boxes: Box[] = []
  const arrows: Arrow[] = []
  const box = (text: string): Ends => {
    const id = `n${boxes.length}`
    boxes.push({ id, text })
    return { first: [id], last: [id], fail: [id] }
  }
  const lead = (from: readonly string[], to: Ends, label?: string) => {
    for (const start of from)
      for (const end of to.first)
        arrows.push({ from: start, to: end, ...(label === undefined ? {} : { label }) })
  }
  // A signature that stands in two places is two boxes: it runs twice.
  fold<Item, Ends>(
    { node: root, count: 1, steps: 1, differ: false },
    (item) => {
      const { node, count, steps, differ } = item
      // A map is one message, so it is one box.
      const own = isComposite(node)
        ? undefined
        : box((differ ? printNames(node) : print(node)) + inTurn(steps) + times(count))
      const inside = isComposite(node) ? partsOf(item) : []
      const { link = [], linkError = [] } = node.options
      const follow = (slot: string, nodes: readonly Node[]) =>
        listParts(
          slot,
          nodes.map((next): Item => ({ node: next, count: count * steps, steps: 1, differ })),
        )
      return {
        parts: [...inside, ...follow('options.link', link), ...follow('options.linkError', linkError)],
        close: (done) => {
          const ends = own ?? flow(node, done.slice(0, inside.length))
          const following = done.slice(inside.length)
          following.forEach((next, i) =>
            i < link.length ? lead(ends.last, next, 'on success') : lead(ends.fail, next, 'on error'),
          )
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
      for (let i = 1; i < inside.length; i++) lead(inside[i - 1]!.last, inside[i]!)
      return {
        first: inside.at(0)?.first ?? [],
        last: inside.at(-1)?.last ?? [],
        fail: inside.flatMap(({ fail }) => fail),
      }
    }
    const members = node.kind === 'chord' ? inside.slice(0, -1) : inside
    const header = members.length === 0 ? box('group()') : row(members)
    if (node.kind !== 'chord') return header
    const body = inside.at(-1)!
    lead(header.last, body)
    return { first: header.first, last: body.last, fail: body.fail }
  }
}

/** The running parts, where those that are alike are one. */
function partsOf({ node, count, differ }: Item) {
  const all = runningParts(node).map(({ value }) => value)
  const body = node.kind === 'chord' ? all.splice(-1) : []
  const within = (inner: Node): Item => ({ node: inner, count, steps: 1, differ })
  const parts = node.kind === 'chain' ? inARow(all, within) : sideBySide(all, within)
  return listParts('parts', [...parts, ...body.map(within)])
}

type AsItem = (node: Node) => Item

/** Equal members are one; if there are many, also those that differ in their arguments alone, wherever they stand. */
function sideBySide(members: readonly Node[], within: AsItem): readonly Item[] {
  const asItems = (runs: readonly Run<Node>[], isVague: boolean) =>
    runs.map(({ first, count }): Item => {
      const item = within(first)
      return { ...item, count: item.count * count, differ: item.differ || (isVague && count > 1) }
    })
  const equal = runsOf(members, whole(print))
  if (equal.length <= mostBoxes) return asItems(equal, false)
  const alike = runsOf(members, whole(printNames))
  return asItems(alike.length <= mostBoxes ? alike : kindsOf(members, whole(printNames)), true)
}

/** Of many steps those that follow each other and are alike are one, unless they have an inside to be shown. */
function inARow(nodes: readonly Node[], within: AsItem): readonly Item[] {
  if (nodes.length <= mostBoxes) return nodes.map(within)
  const runs = (text: (node: Node) => string) => {
    let alone = 0
    const key = whole(text)
    return runsOf(nodes, (node) => (isComposite(node) ? `\n${(alone += 1)}` : key(node)))
  }
  const asItems = (all: readonly Run<Node>[], isVague: boolean) =>
    all.map(({ first, count }): Item => {
      const item = within(first)
      return { ...item, steps: count, differ: item.differ || (isVague && count > 1) }
    })
  const equal = runs(print)
  return equal.length <= mostBoxes ? asItems(equal, false) : asItems(runs(printNames), true)
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

function row(members: readonly Ends[]): Ends {
  return {
    first: members.flatMap(({ first }) => first),
    last: members.flatMap(({ last }) => last),
    fail: members.flatMap(({ fail }) => fail),
  }
}
