// Every world that a graph can come to, the nearest first: what must hold is looked at in each, and a violation is
// told with the shortest way to it.
import { transition as shipped } from '../../src/memory/engine.js'
import { emptyState } from '../../src/memory/state.js'
import { type Action, actionsOf, apply, joinWorld, messagesIn, operation, type Rules } from './actions.js'
import type { Graph } from './graphs.js'
import { keyOf } from './key.js'
import { Script } from './script.js'
import { Visited } from './visited.js'
import type { Transition, World } from './world.js'

export interface Exploration {
  readonly workers: number
  /** Most faults on one way. */
  readonly faults: number
  /** Messages that a worker holds at once. */
  readonly capacity?: number
  /** Default: the engine that ships. */
  readonly transition?: Transition
  /** Stop there, for who has not so much time. */
  readonly mostStates?: number
}

export interface Violation {
  readonly what: string
  /** From the first world, what happened. */
  readonly trace: readonly string[]
}

export interface Found {
  readonly states: number
  readonly transitions: number
  /** Most steps to any of them. */
  readonly depth: number
  readonly ends: number
  /** False: `mostStates` was reached. */
  readonly isComplete: boolean
  readonly violation: Violation | null
}

const begin = (graph: Graph, rules: Rules, { workers, faults }: Exploration): World => {
  const empty: World = {
    engine: emptyState(),
    workers: [],
    echoes: [],
    sent: new Map(),
    isLater: false,
    faultsLeft: faults,
  }
  let world: World = { ...empty, workers: Array.from({ length: workers }, () => null as never) }
  for (let index = 0; index < workers; index++) world = joinWorld(world, rules, index, `w${index}.0`)
  return apply(world, rules, rules.sent)[0]
}

/** What is wrong with a world in which nothing more can happen; null when nothing is. */
const wrongEnd = (world: World, graph: Graph, rules: Rules): string | null => {
  const { engine } = world
  for (const [id, state] of Object.entries(graph.ends)) {
    const text = engine.results.get(id)?.text
    if (text === undefined) return `${id} is lost: nothing more can happen, and it has no end`
    const { status, result } = JSON.parse(text) as { status: string; result: unknown }
    if (status !== state) return `${id} ended as ${status}, not as ${state}`
    if (status === 'SUCCESS' && result !== (graph.gives[id] ?? id))
      return `${id} ended with ${JSON.stringify(result)}`
  }
  const [left] = messagesIn(engine)
  if (left !== undefined) return `stuck: ${rules.script.know(left.raw).name} is left, and nobody takes it`
  for (const [key, { taken, size, count }] of engine.chords)
    if (taken !== null || size !== null || count > 0)
      return `stuck: the chord ${key.replace('\n', ' ')} is not closed`
  if (engine.dead.size > 0) return 'there is a dead letter'
  return null
}

const wrongNow = ({ sent }: World): string | null => {
  for (const [name, count] of sent) if (count > 1) return `a double edge: ${name} was sent ${count} times`
  return null
}

export const explore = (graph: Graph, exploration: Exploration): Found => {
  const { transition = shipped, capacity = 1, mostStates = Number.POSITIVE_INFINITY } = exploration
  const script = new Script()
  const sent = operation('publish', { sender: 'client', number: 1, ...script.first(graph.canvas) })
  const rules: Rules = { transition, script, capacity, sent }
  const start = begin(graph, rules, exploration)
  const visited = new Visited()
  visited.add(keyOf(start, rules.script), -1, 0)
  let level: readonly (readonly [World, number])[] = [[start, 0]]
  let depth = 0
  let ends = 0
  let transitions = 0
  const done = (violation: Violation | null, isComplete = violation === null): Found => ({
    states: visited.size,
    transitions,
    depth,
    ends,
    isComplete,
    violation,
  })
  const violated = (what: string, at: number, last: readonly Action[] = []): Found =>
    done({ what, trace: [...retrace(start, rules, visited.way(at)), ...last.map(({ label }) => label())] })

  while (level.length > 0) {
    const next: (readonly [World, number])[] = []
    // Nothing that goes wrong with one step more is shorter than an end of this level that is wrong.
    let withOneMore: Found | null = null
    for (const [world, number] of level) {
      const actions = actionsOf(world, rules)
      if (!actions.some(({ isFault }) => !isFault)) {
        ends++
        const wrong = wrongEnd(world, graph, rules)
        if (wrong !== null) return violated(wrong, number)
      }
      if (withOneMore !== null) continue
      for (const [index, action] of actions.entries()) {
        transitions++
        const after = action.act()
        const wrong = wrongNow(after)
        if (wrong !== null) {
          withOneMore = violated(wrong, number, [action])
          break
        }
        const found = visited.add(keyOf(after, rules.script), number, index)
        if (found !== -1) next.push([after, found])
      }
      if (visited.size >= mostStates) return done(null, false)
    }
    if (withOneMore !== null) return withOneMore
    if (next.length > 0) depth++
    level = next
  }
  return done(null)
}

/** The way once more, in words. */
const retrace = (start: World, rules: Rules, way: readonly number[]): readonly string[] => {
  const labels: string[] = []
  let world = start
  for (const index of way) {
    const action = actionsOf(world, rules)[index] as Action
    labels.push(action.label())
    world = action.act()
  }
  return labels
}
