// Stamps: words that every task of a canvas carries, with its callbacks and errbacks: whose work it is, which run,
// which tenant. They are written into the signatures before anything is sent, and go where the signatures go.
import { InvalidSignature } from '../errors.js'
import type { AnySignature } from './flow.js'
import { asNode, change, type ChordNode, type GroupNode, make, type Node } from './node.js'
import { isOption, isRecord, readOptions } from './options.js'
import { ownStamps, said, together, type Words } from './stamp-words.js'
import type { Stamping, StampingVisitor, StampOptions, Stamps } from './visitor.js'
import { fold, type Level, listParts, type Part } from './walk.js'
import { show } from './words.js'

/** One node at one place; its words are asked for when the walk comes by, so that a visitor sees things in order. */
interface Place {
  readonly node: Node
  readonly words: () => Words
}

interface Manner {
  readonly visitor: Partial<StampingVisitor>
  readonly append: boolean
  /** Stamps that a signature has stay as they are. */
  readonly yields: boolean
}

/**
 * The canvas with these stamps on every task, callback and errback in it, or with what a visitor says of each.
 *
 * ```ts
 * chain(add.s(2, 2), mul.s(3)).stamp({ customer: 'acme' })
 * ```
 */
export function stamp<S extends AnySignature>(
  signature: S,
  how: Stamps | StampingVisitor,
  options: StampOptions = {},
): S {
  const node = asNode(signature, 'What stamp() is called on')
  if (!isRecord(how)) throw new InvalidSignature(`stamp() expects stamps or a visitor, but got ${show(how)}.`)
  const visits = isVisitor(how)
  const fixed = visits ? (options.stamps ?? {}) : { ...options.stamps, ...how }
  const visitor = visits ? how : {}
  const words = said(fixed, 'stamp()')
  return stampAll(node, words, { visitor, append: options.append === true, yields: false }) as unknown as S
}

/** The canvas under stamps that come from outside: a stamp of its own stays. */
export const underStamps = (node: Node, names: readonly string[], stamps: Stamps): Node => {
  const known = names.filter((name) => Object.hasOwn(stamps, name))
  if (known.length === 0) return node
  const words = { stamps: Object.fromEntries(known.map((name) => [name, stamps[name]])), options: {} }
  return stampAll(node, words, { visitor: {}, append: false, yields: true })
}

const isVisitor = (how: object): how is StampingVisitor =>
  typeof (how as Partial<StampingVisitor>).onSignature === 'function'

const stampAll = (root: Node, words: Words, manner: Manner): Node =>
  fold<Place, Node>({ node: root, words: () => words }, (place) => levelOf(place, manner))

const levelOf = (place: Place, manner: Manner): Level<Place, Node> => {
  const { node } = place
  switch (node.kind) {
    case 'chain': {
      const { visitor } = manner
      const words = around(node, place.words(), visitor.onChainStart?.(node, place.words().stamps), manner)
      const parts = listParts(
        'tasks',
        node.tasks.map((task) => at(task, words)),
      )
      return linked(node, words, manner, parts, (tasks) => {
        visitor.onChainEnd?.(node, words.stamps)
        return change(node, { tasks: [...tasks] })
      })
    }
    case 'group': {
      const words = withOwn(node, startOfGroup(node, place.words(), manner), manner)
      const parts = listParts(
        'tasks',
        node.tasks.map((task) => at(task, words)),
      )
      return linked(node, words, manner, parts, (tasks) => {
        manner.visitor.onGroupEnd?.(node, words.stamps)
        return change(node, { tasks: [...tasks] })
      })
    }
    case 'chord':
      return chordLevel(node, place.words(), manner)
    default:
      return linked(node, place.words(), manner, [], () => {
        const given = manner.visitor.onSignature?.(node, place.words().stamps)
        return written(node, together(place.words(), said(given, 'onSignature'), manner.append), manner)
      })
  }
}

const at = (node: Node, words: Words): Place => ({ node, words: () => words })

const startOfGroup = (group: GroupNode, words: Words, { visitor, append }: Manner): Words =>
  together(words, said(visitor.onGroupStart?.(group, words.stamps), 'a visitor'), append)

/** What is said of everything inside a composite: from around it, by the visitor, and by stamps of its own. */
const around = (node: Node, words: Words, given: Stamping | undefined, manner: Manner): Words =>
  withOwn(node, together(words, said(given, 'a visitor'), manner.append), manner)

/** (Who yields meets them again in each signature inside, where they are each one's own.) */
const withOwn = (node: Node, told: Words, { yields, append }: Manner): Words =>
  yields ? told : together(told, { stamps: ownStamps(node.options), options: {} }, append)

const chordLevel = (chord: ChordNode, outer: Words, manner: Manner): Level<Place, Node> => {
  const { visitor } = manner
  const header = groupOf(chord)
  const words =
    visitor.onChordHeaderStart === undefined
      ? startOfGroup(header, outer, manner)
      : around(chord, outer, visitor.onChordHeaderStart(chord, outer.stamps), manner)
  // A group that became a header keeps its stamps; they are not the body's.
  const inHeader = withOwn(header, words, manner)
  let ofBody: Words | undefined
  const bodyWords = (): Words => {
    if (ofBody !== undefined) return ofBody
    if (visitor.onChordHeaderEnd === undefined) visitor.onGroupEnd?.(header, words.stamps)
    else visitor.onChordHeaderEnd(chord, words.stamps)
    ofBody = together(words, said(visitor.onChordBody?.(chord, words.stamps), 'onChordBody'), manner.append)
    return ofBody
  }
  const parts: Part<Place>[] = [
    ...listParts(
      'header',
      chord.header.map((task) => at(task, inHeader)),
    ),
    { key: 'body', value: { node: chord.body, words: bodyWords } },
  ]
  return linked(chord, words, manner, parts, (done) =>
    change(chord, { header: done.slice(0, -1), body: done.at(-1)! }),
  )
}

const groupOf = ({ header, headerOptions = {} }: ChordNode): GroupNode =>
  make<GroupNode>({
    kind: 'group',
    tasks: header,
    args: [],
    kwargs: {},
    options: headerOptions,
    immutable: false,
  })

/** One level with what is linked to it: callbacks and errbacks are signatures like the others. */
const linked = (
  node: Node,
  words: Words,
  manner: Manner,
  parts: readonly Part<Place>[],
  close: (done: readonly Node[]) => Node,
): Level<Place, Node> => {
  const { link = [], linkError = [] } = node.options
  if (link.length === 0 && linkError.length === 0) return { parts, close }
  const { visitor } = manner
  const links = [
    ...link.map((callback) => linkPlace(callback, words, manner, visitor.onCallback?.bind(visitor))),
    ...linkError.map((errback) => linkPlace(errback, words, manner, visitor.onErrback?.bind(visitor))),
  ]
  return {
    parts: [...listParts('options.link', links), ...parts],
    close: (done) => {
      const closed = close(done.slice(links.length))
      const options = {
        ...closed.options,
        ...(link.length > 0 && { link: done.slice(0, link.length) }),
        ...(linkError.length > 0 && { linkError: done.slice(link.length, links.length) }),
      }
      return change(closed, { options })
    },
  }
}

const linkPlace = (
  node: Node,
  words: Words,
  manner: Manner,
  ask: ((node: Node, stamps: Stamps) => Stamping | undefined) | undefined,
): Place => {
  let told: Words | undefined
  return {
    node,
    words: () => {
      told ??= together(words, said(ask?.(node, words.stamps), 'a visitor'), manner.append)
      return told
    },
  }
}

/** The node with what is said of it. */
const written = (node: Node, words: Words, manner: Manner): Node => {
  const own: Words = { stamps: ownStamps(node.options), options: {} }
  const { stamps, options } = manner.yields
    ? { ...together(own, words, manner.append), options: words.options }
    : together(words, own, manner.append)
  if (Object.keys(stamps).length === 0 && Object.keys(options).length === 0) return node
  const known = Object.entries(options).filter(([name]) => isOption(name))
  const other = Object.entries(options).filter(([name]) => !isOption(name))
  return change(node, {
    options: {
      ...node.options,
      ...readOptions(Object.fromEntries(known)),
      ...(other.length > 0 && { other: { ...node.options.other, ...Object.fromEntries(other) } }),
      stampedHeaders: Object.keys(stamps),
      stamps,
    },
  })
}
