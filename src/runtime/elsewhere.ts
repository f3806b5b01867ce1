// What waits behind a task that is not run by our workers, or around it, travels in its message: they read no pages.
// Where a canvas goes by reference, its client sees such a message never: it is a worker that writes it, half way
// through. So how deep it will be is told here, before anything is sent. Pure, and only an estimate of levels.
import type { Node } from '../canvas/node.js'
import { InvalidSignature } from '../errors.js'
import { deepestIn } from './check-canvas.js'
import { adviceOnDepth } from './depth.js'
import type { Fold } from './fold.js'

/** A message has body and embed around what it carries. */
const around = 2
/** A list in the options of a signature. */
const listed = 3
/** A signature in the options of another. */
const named = 2
/** What goes by reference is no deeper. */
const mostReferred = 128

/** Levels of what stands with a task in its message: the steps behind it, and the body of its chord. */
interface Company {
  readonly behind: number
  readonly seat: number
}

/**
 * Of a signature, without those of its arguments: there is room for them beside `mostLevels`. `isSent`: its ids are
 * fixed, as they are when it waits behind a task, and then its headers are groups; what is linked to it is as it was written.
 */
class Levels {
  private readonly known = [new WeakMap<Node, number>(), new WeakMap<Node, number>()] as const

  of(node: Node, isSent: boolean): number {
    const known = this.known[isSent ? 1 : 0]
    let levels = known.get(node)
    if (levels === undefined) {
      levels = 1 + Math.max(0, this.within(node, isSent))
      known.set(node, levels)
    }
    return levels
  }

  private within(node: Node, isSent: boolean): number {
    const { link = [], linkError = [] } = node.options
    const most = (deeper: number, nodes: readonly Node[], sent = isSent): number =>
      nodes.reduce((levels, inner) => Math.max(levels, deeper + this.of(inner, sent)), 0)
    const linked = most(listed - 1, [...link, ...linkError], false)
    switch (node.kind) {
      case 'chain':
      case 'group':
        return Math.max(linked, most(listed - 1, node.tasks))
      case 'chord': {
        const isGroup = isSent || node.headerOptions !== undefined
        const header = most(isGroup ? 2 * named : named, node.header)
        return Math.max(linked, header, most(named - 1, [node.body]))
      }
      default:
        return linked
    }
  }
}

/** Throws InvalidSignature when the message of some step of `root`, or of what is linked in it, would be too deep to be read. */
export const checkElsewhere = (
  root: Node,
  fold: Pick<Fold, 'isOurs' | 'hasOurs'>,
  mostLevels: number,
): void => {
  const isOurs = (node: Node): boolean => fold.isOurs(node)
  const known = new Levels()
  const levelsIn = (node: Node): number => known.of(node, true)
  const visit = (node: Node, { behind, seat }: Company): void => {
    const { link = [], linkError = [] } = node.options
    for (const linked of [...link, ...linkError]) {
      // Where our workers run something of it, it is written flat.
      const levels = around + 1 + known.of(linked, false)
      if (levels > mostLevels && !fold.hasOurs(linked)) throw tooDeep(root, linked, levels, mostLevels)
      visit(linked, { behind: 0, seat: 0 })
    }
    switch (node.kind) {
      case 'chain': {
        let waiting = behind
        for (let index = node.tasks.length - 1; index >= 0; index -= 1) {
          const step = node.tasks[index] as Node
          const isLast = index === node.tasks.length - 1
          visit(step, isLast ? { behind, seat } : { behind: waiting, seat: 0 })
          waiting = Math.max(waiting, levelsIn(step), isLast && seat > 0 ? seat + named : 0)
        }
        break
      }
      case 'group':
        for (const member of node.tasks)
          visit(member, { behind: 0, seat: seatOf(node.tasks, { behind, seat }, 0) })
        break
      case 'chord': {
        const own = seatOf(node.header, { behind, seat }, levelsIn(node.body))
        for (const member of node.header) visit(member, { behind: 0, seat: own })
        visit(node.body, { behind, seat })
        break
      }
      default: {
        const carried = isOurs(node) ? 0 : behind + 1
        const levels = around + Math.max(carried, seat)
        if (levels > mostLevels) throw tooDeep(root, node, levels, mostLevels)
      }
    }
  }
  /** The body of a chord, as the messages of its header carry it. */
  const seatOf = (header: readonly Node[], { behind, seat }: Company, body: number): number => {
    const levels = Math.max(body, behind > 0 ? behind + listed : 0, seat > 0 ? seat + named : 0)
    return levels > mostReferred && header.every(isOurs) ? mostReferred : levels
  }
  visit(root, { behind: 0, seat: 0 })
}

const tooDeep = (root: Node, node: Node, levels: number, mostLevels: number): InvalidSignature => {
  const task = node.kind === 'task' ? node.task : node.kind
  return new InvalidSignature(
    `${deepestIn(root)} is nested too deep: ${task} stands with tasks that Lovage's workers may not run, so that what follows ` +
      `it has to stand in its message, which would have some ${levels} levels of JSON; at most ${mostLevels} are sent ` +
      `(the setting canvasMaxLevels). ${adviceOnDepth}`,
  )
}
