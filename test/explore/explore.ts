// Every world that a graph can come to, the nearest first: what must hold is looked at in each, and a violation is
// told with the shortest way to it.
import { transition as shipped } from '../../src/memory/engine.js'
import { emptyState } from '../../src/memory/state.js'
import { type Action, actionsOf, apply, joinWorld, messagesIn, operation, type Rules } from './actions.js'
import type { Graph } from './graphs.js'
import { keyOf } from './key.js'
import { Script } from './script.js'
import { Visited } from './visited.js'
import { Ways } from './ways.js'
import type { Transition, World } from './world.js'

export interface Exploration {
  readonly workers: number
  /** Most faults on one way. */
  readonly faults: number
  /** Messages that a worker holds at once. */
  readonly capacity?: number
  /** Default: the engine that ships. */
  readonly transition?: Transition
}

export interface Violation {
  readonly what: string
  /** From the first world, what happened; empty: nothing needs to. */
  readonly trace: readonly string[]
}

export interface Found {
  readonly states: number
  readonly transitions: number
  /** Most steps to any of them. */
  readonly depth: number
  readonly ends: number
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
  const { transition = shipped, capacity = 1 } = exploration
  const script = new Script()
  const sent = operation('publish', { sender: 'client', number: 1, ...script.first(graph.canvas) })
  const rules: Rules = { transition, script, capacity, sent }
  const start = begin(graph, rules, exploration)
  const visited = new Visited()
  visited.add(keyOf(start, rules.script), -1, 0)
  let level: readonly (readonly [World, number])[] = [[start, 0]]
  let depth = 0
  const ends: number[] = []
  const ways = new Ways()
  let transitions = 0
  const done = (violation: Violation | null): Found => ({
    states: visited.size,
    transitions,
    depth,
    ends: ends.length,
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
        ends.push(number)
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
        const seen = visited.size
        const reached = visited.add(keyOf(after, rules.script), number, index)
        if (visited.size > seen) next.push([after, reached])
        if (!action.isFault) ways.add(number, reached)
      }
    }
    if (withOneMore !== null) return withOneMore
    if (next.length > 0) depth++
    level = next
  }
  const lost = ways.firstLost(visited.size, ends)
  return lost === -1 ? done(null) : violated('stuck: whatever happens from there, it comes to no end', lost)
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
