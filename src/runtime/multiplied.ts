// Chords in the bodies of chords, as Celery's workers send them on: each body is written into each part of its header, with
// all that stands in it, and so is every body inside. So n parts multiply what stands behind them by n + 2, and a few chords
// in a row are more than any worker can write (`npm run bench -- depth`). Ours write what is next. Pure.
import type { Node } from '../canvas/node.js'

/** A task that Python may run, after which its worker would have to write more than it can. */
export interface Multiplied {
  readonly task: string
  /** As its signature says. */
  readonly queue: string | undefined
}

/** Of Celery's signatures that is a message of some 14 MB: more than 16 MiB nobody of ours reads. Each chord more is four times that, or more. */
const mostSignatures = 10_000

/** What stands behind a node or around it, counted in signatures. */
interface Company {
  /** All that waits behind it. */
  readonly rest: number
  /** Of that, what is written by whoever sends the next step: nothing where that is a task. */
  readonly next: number
  /** The body of its chord, for whoever reports last. */
  readonly seat: number
}

const nobody: Company = { rest: 0, next: 0, seat: 0 }

/** Those of a canvas. */
export const multipliedIn = (
  root: Node,
  isOurs: (node: Node) => boolean,
  most = mostSignatures,
): readonly Multiplied[] => {
  const found = new Map<string, Multiplied>()
  const sum = (nodes: readonly Node[], company: Company): number =>
    nodes.reduce((written, node) => written + visit(node, company), 0)
  /** What is written of a node with all that waits behind it. */
  const visit = (node: Node, company: Company): number => {
    const { rest, next, seat } = company
    switch (node.kind) {
      case 'chain': {
        let behind = company
        for (const step of [...node.tasks].reverse()) {
          const written = visit(step, behind)
          behind = { rest: written, next: step.kind === 'task' ? 0 : written, seat: 0 }
        }
        return behind.rest
      }
      case 'group':
        return sum(node.tasks, { ...nobody, seat: seat + rest }) + (node.tasks.length + 2) * rest
      case 'chord': {
        const body = visit(node.body, company)
        return sum(node.header, { ...nobody, seat: seat + body }) + (node.header.length + 2) * body
      }
      default: {
        const signatures = Math.max(next, seat)
        const task = node.kind === 'task' ? node.task : `celery.${node.kind}`
        const { queue } = node.options
        if (signatures > most && !isOurs(node)) found.set(`${task} ${queue}`, { task, queue })
        return 1 + rest
      }
    }
  }
  visit(root, nobody)
  return [...found.values()]
}

/** `shared`: Python consumes the queue, as the settings say. `unknown`: perhaps it does. */
export const tooMuchForPython = (
  { task, queue }: { readonly task: string; readonly queue: string },
  who: 'shared' | 'unknown',
): string => {
  const much =
    `write more than ${mostSignatures} signatures into one message for what follows it, since chords that stand behind chords ` +
    'multiply there: each one more is several times as much, and soon it never ends.'
  return who === 'shared'
    ? `${task} may be run by Python, which consumes its queue "${queue}" (shared: true): its worker would ${much} ` +
        'Send it to a queue of Lovage alone, or let a task in the middle send the rest.'
    : `${task} goes to the queue "${queue}", which no worker of Lovage consumes now. If Python's do, they would ${much} ` +
        `If it is ours, say so: taskQueues: { '${queue}': { shared: false } }.`
}
