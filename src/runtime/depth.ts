// How deep a canvas is nested in its messages and pages. What is deeper than its readers take is refused where it is
// sent, and not by the worker that cannot read it: canvasMaxLevels, and some levels for the arguments.
import type { Node } from '../canvas/node.js'
import type { SignatureJson } from '../canvas/wire.js'
import { InvalidSignature } from '../errors.js'
import { deepestIn } from './check-canvas.js'
import type { Step } from './plan.js'

interface Place {
  readonly value: unknown
  readonly level: number
}

/** The signatures in a signature, with the levels at which they stand. */
const inner = ({ kwargs, options }: SignatureJson, level: number): Place[] => [
  ...['tasks', 'header', 'body', 'task'].map((name) => ({ value: kwargs?.[name], level: level + 2 })),
  ...['link', 'link_error', 'chain', 'chord'].map((name) => ({ value: options?.[name], level: level + 2 })),
]

const levelsOf = (root: unknown): number => {
  let deepest = 0
  const todo: Place[] = [{ value: root, level: 1 }]
  for (let place = todo.pop(); place !== undefined; place = todo.pop()) {
    const { value, level } = place
    if (value === null || typeof value !== 'object') continue
    deepest = Math.max(deepest, level)
    if (Array.isArray(value)) for (const item of value) todo.push({ value: item, level: level + 1 })
    else for (const part of inner(value as SignatureJson, level)) todo.push(part)
  }
  return deepest
}

/** Levels of JSON in the deepest message or page of a plan. */
export const deepestOf = (steps: readonly Step[]): number => {
  let deepest = 0
  let seen: SignatureJson | null = null
  for (const step of steps)
    if (step.do === 'publish') {
      const { callbacks, errbacks, chain, chord } = step.message.embed
      const parts: unknown[] = [callbacks, errbacks, chain]
      if (chord !== seen) parts.push(chord)
      seen = chord
      // Body and embed are two levels around it.
      deepest = Math.max(deepest, 2 + Math.max(...parts.map(levelsOf)))
    } else if (step.do === 'keep') deepest = Math.max(deepest, levelsOf(step.steps))
  return deepest
}

export const adviceOnDepth =
  "Let a task in the middle send the rest; or, where only Lovage's workers run all of it, say shared: false of their queue " +
  'in taskQueues.'

/** Throws InvalidSignature when a message of the plan of `root`, which has so many levels, would be too deep to be read. */
export const checkDepth = (root: Node, levels: number, mostLevels: number): void => {
  if (levels > mostLevels)
    throw new InvalidSignature(
      `${deepestIn(root)} is nested too deep: its message has ${levels} levels of JSON, at most ${mostLevels} are sent ` +
        `(the setting canvasMaxLevels). ${adviceOnDepth}`,
    )
}

/** A canvas is taken apart by recursion, some thousand levels of it: beyond, a sentence instead of the engine's. */
export const withinStack = <T>(root: Node, act: () => T): T => {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof RangeError && error.message.includes('call stack'))) throw error
    throw new InvalidSignature(
      `${deepestIn(root)} stands too deep for the call stack of this process. Let a task in the middle send the rest, ` +
        'leave the setting canvasMaxDepth at 1000, or start node with a larger --stack-size.',
    )
  }
}
