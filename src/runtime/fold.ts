// What would be written again and again is written once: a plan keeps it as pages, and its messages carry
// references to them. A page holds as much as is carried on at once: some steps of a chain, or the body of a
// chord; what waits further behind has pages of its own, so that carrying on costs what is carried on, and not
// all that is left. Pure, as what calls it (decompose).
import type { Node, SignatureOptions, TaskNode } from '../canvas/node.js'
import { partsOf } from '../canvas/walk.js'
import { toJSON } from '../canvas/wire.js'
import type { IsOurs } from './outgoing.js'
import type { Step } from './plan.js'
import { flatReference, isOursAlone, referenceIn, referTo, resumeTask, withoutPlace } from './reference.js'
import { weigh } from './weight.js'

/**
 * What repeats less than this stays inline, where everybody can read it: the steps of a chain of about twenty,
 * the body of a chord of a hundred. Below, pages would save less than the calls that read them cost.
 */
const mostRepeated = 32 * 1024
/** A reference has a quarter of it: what is smaller is not worth one. */
const smallest = 1024
/** Deep JSON kills Python's workers. A message has some levels around what it carries, and stays below 128. */
const mostLevels = 100
/** A page of a chain: read at once by whoever carries it on. */
const mostSteps = 64
const mostPageBytes = 16 * 1024
/** Chords further out than that are named on pages only, and not in each message. */
const mostSeats = 8

export interface FoldOrigin {
  readonly mint: () => string
  /** Whether a task is run by our workers: only these read references. Absent: nothing is folded. */
  readonly isOurs?: IsOurs | undefined
}

export class Fold {
  private graph: string | undefined
  private pages = 0
  private readonly known = new WeakMap<Node, boolean>()
  private readonly some = new WeakMap<Node, boolean>()
  private readonly carriers = new WeakMap<Node, number>()

  constructor(
    private readonly origin: FoldOrigin,
    private readonly steps: Step[],
  ) {}

  /** What waits behind `head` (in Celery's order: the next step is the last), as its message carries it. */
  behind(head: Node, waiting: readonly Node[]): readonly Node[] {
    return isHeavy(waiting) && this.areOurs([head]) ? [this.row([...waiting].reverse())] : waiting
  }

  /** The body of a chord, as the messages of its header carry it. */
  body(header: readonly Node[], body: Node): Node {
    if (!this.isHeavyBody(body, header) || !this.areOurs(header)) return body
    const kept = this.keep([this.inside(body)])
    return seatsOn(body) > mostSeats ? withoutPlace(kept) : kept
  }

  /**
   * The canvas with its callbacks in callbacks on pages, where they are too deep for one message. An errback
   * stands in many messages, and nobody would know with which of them its page goes: it is written flat, and so
   * is a callback which is perhaps carried, or called, by Python.
   */
  links(node: Node): Node {
    const inner = { ...node, options: this.linksOf(node.options, node) }
    switch (inner.kind) {
      case 'chain':
      case 'group':
        return { ...inner, tasks: inner.tasks.map((task) => this.links(task)) }
      case 'chord':
        return {
          ...inner,
          header: inner.header.map((task) => this.links(task)),
          body: this.links(inner.body),
        }
      default:
        return inner
    }
  }

  /** Of options that are said of `node`. The callbacks of a group, and of chunks, would be said of each member. */
  linksOf(options: SignatureOptions, node: Node): SignatureOptions {
    const { link, linkError } = options
    const isOne = node.kind !== 'group' && node.kind !== 'chunks' && this.areOurs([node])
    return {
      ...options,
      ...(link !== undefined && {
        link: link.map((next) => (isOne && this.areOurs([next]) ? this.callback(next) : this.flat(next))),
      }),
      ...(linkError !== undefined && { linkError: linkError.map((errback) => this.flat(errback)) }),
    }
  }

  private callback(node: Node): Node {
    const inner = this.links(node)
    return weigh(inner).levels > mostLevels ? this.keep([inner]) : inner
  }

  private flat(node: Node): Node {
    const { isOurs } = this.origin
    return isOurs !== undefined && weigh(node).levels > mostLevels ? flatReference(node, isOurs) : node
  }

  /** Steps in running order, on as many pages as they need. */
  private row(steps: readonly Node[]): Node {
    const last = steps.at(-1)
    let next = last !== undefined && isReference(last) ? last : undefined
    const pages = inPages(next === undefined ? steps : steps.slice(0, -1))
    for (const page of pages.reverse()) {
      const inner = page.map((step) => this.inside(step))
      next = this.keep(next === undefined ? inner : [...inner, next])
    }
    return next as Node
  }

  private keep(steps: readonly Node[]): TaskNode {
    this.graph ??= this.origin.mint()
    const key = { graph: this.graph, page: this.pages }
    this.pages += 1
    this.steps.push({ do: 'keep', key, steps: steps.map(toJSON) })
    const { isOurs = () => false } = this.origin
    return referTo(
      key,
      steps,
      steps.every((step) => everyTask(step, isOurs, undefined, isAllOurs)),
    )
  }

  /** What waits, with all that will repeat itself in it on pages of its own. Callbacks stay where they are. */
  private inside(node: Node): Node {
    const { chain } = node.options
    const options =
      chain !== undefined && isHeavy(chain)
        ? { ...node.options, chain: [this.row([...chain].reverse())] }
        : node.options
    switch (node.kind) {
      case 'chain': {
        const [first, ...rest] = node.tasks
        if (first === undefined) return node
        const behind = isHeavy([...rest].reverse()) ? [this.row(rest)] : rest.map((step) => this.inside(step))
        return { ...node, options, tasks: [this.inside(first), ...behind] }
      }
      case 'group':
        return { ...node, options, tasks: node.tasks.map((task) => this.inside(task)) }
      case 'chord': {
        const header = node.header.map((task) => this.inside(task))
        const body = this.inside(node.body)
        return {
          ...node,
          options,
          header,
          body: this.isHeavyBody(node.body, node.header) ? this.keep([body]) : body,
        }
      }
      default:
        return options === node.options ? node : { ...node, options }
    }
  }

  /** Whether all that runs in a canvas is run by our workers. */
  isOurs(node: Node): boolean {
    return this.areOurs([node])
  }

  /** Whether our workers run anything in a canvas, or of what is linked in it: then it may be written flat. */
  hasOurs(node: Node): boolean {
    const { isOurs } = this.origin
    if (isOurs === undefined) return false
    let has = this.some.get(node)
    if (has === undefined) {
      has =
        (node.kind === 'task' && isOursAlone(node.task, node.options.queue, isOurs)) ||
        partsOf<Node>(node).some(({ value }) => this.hasOurs(value))
      this.some.set(node, has)
    }
    return has
  }

  private areOurs(nodes: readonly Node[]): boolean {
    const { isOurs } = this.origin
    return isOurs !== undefined && nodes.every((node) => this.isKnown(node, isOurs))
  }

  /** A header stands in all headers around it: what it is made of is looked at once. */
  private isKnown(node: Node, isOurs: IsOurs): boolean {
    let known = this.known.get(node)
    if (known === undefined) {
      known = everyTask(node, isOurs, (inner) => this.isKnown(inner, isOurs))
      this.known.set(node, known)
    }
    return known
  }

  private isHeavyBody(body: Node, header: readonly Node[]): boolean {
    if (isReference(body)) return false
    const { bytes, levels } = weigh(body)
    return levels > mostLevels || (bytes > smallest && bytes * (this.carriersIn(header) - 1) > mostRepeated)
  }

  /** How many messages carry the body of a chord with these members: also those of the chords that stand in its header. */
  private carriersIn(header: readonly Node[]): number {
    return header.reduce((sum, member) => sum + this.carriersOf(member), 0)
  }

  private carriersOf(node: Node): number {
    switch (node.kind) {
      case 'chain': {
        const last = node.tasks.at(-1)
        return last === undefined ? 0 : this.carriersOf(last)
      }
      case 'group':
        return this.carriersIn(node.tasks)
      case 'chord': {
        let carriers = this.carriers.get(node)
        if (carriers === undefined) {
          carriers = this.carriersIn(node.header) + this.carriersOf(node.body)
          this.carriers.set(node, carriers)
        }
        return carriers
      }
      default:
        return 1
    }
  }
}

/** In how many chords, one in the header of the other, this body reports. */
const seatsOn = (body: Node): number => {
  let seats = 0
  for (let at = body.options.chord; at !== undefined; at = at.options.chord) seats += 1
  return seats
}

const isReference = (node: Node): boolean => node.kind === 'task' && node.task === resumeTask

const isAllOurs = (reference: TaskNode): boolean => referenceIn(reference)?.isOurs === true

/** The last of what waits is carried by every message before it. */
const isHeavy = (waiting: readonly Node[]): boolean => {
  let repeated = 0
  let levels = 0
  for (const [index, node] of waiting.entries()) {
    const weight = weigh(node)
    repeated += weight.bytes * (waiting.length - 1 - index)
    levels = Math.max(levels, weight.levels)
  }
  return repeated > mostRepeated || levels > mostLevels
}

const inPages = (steps: readonly Node[]): Node[][] => {
  const pages: Node[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const step of steps) {
    const weight = weigh(step).bytes
    const page = pages.at(-1)
    if (page !== undefined && page.length < mostSteps && bytes + weight <= mostPageBytes) {
      page.push(step)
      bytes += weight
    } else {
      pages.push([step])
      bytes = weight
    }
  }
  return pages
}

/** Whether our workers run every task that stands in a canvas; a map runs the task that it calls. */
export const everyTask = (
  node: Node,
  holds: IsOurs,
  inside: (node: Node) => boolean = (inner) => everyTask(inner, holds, undefined, reference),
  reference: (node: TaskNode) => boolean = () => true,
): boolean => {
  switch (node.kind) {
    case 'task':
      return isReference(node) ? reference(node) : holds(node.task, node.options.queue)
    case 'chain':
    case 'group':
      return node.tasks.every(inside)
    case 'chord':
      return node.header.every(inside) && inside(node.body)
    default:
      return inside(node.task)
  }
}
