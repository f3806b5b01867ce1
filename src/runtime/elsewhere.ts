// What waits behind a task that is not run by our workers, or around it, travels in its message: they read no pages.
// Where a canvas goes by reference, its client sees such a message never: it is a worker that writes it, half way
// through. So how deep it will be is told here, before anything is sent. Pure, and only an estimate of levels.
import type { Node } from '../canvas/node.js'
import { InvalidSignature } from '../errors.js'
import { deepestIn } from './check-canvas.js'
import { weigh } from './weight.js'

/** A message has body and embed around what it carries. */
const around = 2
/** A list in the options of a signature. */
const listed = 3
/** A signature in the options of another. */
const named = 2
/** What goes by reference is no deeper. */
const mostReferred = 128

export interface Elsewhere {
  /** Whether all tasks in this are run by our workers. */
  readonly isOurs: (node: Node) => boolean
  readonly mostLevels: number
}

/** Levels of what stands with a task in its message: the steps behind it, and the body of its chord. */
interface Company {
  readonly behind: number
  readonly seat: number
}

/** Without those of its arguments: there is room for them beside `mostLevels`. */
const levelsIn = (node: Node): number => weigh(node).levels - 2

/** Throws InvalidSignature when the message of some step of `root`, inline, would be too deep to be read. */
export const checkElsewhere = (root: Node, { isOurs, mostLevels }: Elsewhere): void => {
  const visit = (node: Node, { behind, seat }: Company): void => {
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
      '(the setting canvasMaxLevels). Let a task in the middle send the rest.',
  )
}
