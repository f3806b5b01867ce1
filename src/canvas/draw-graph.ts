// Results as a picture: what `await result.graph()` gave, with the state of each. Solid arrows lead from step to
// step, dotted ones to what a task sent, or what followed it. Members that are alike are one box, and so are steps.
import { type Arrow, type Box, mostBoxes, type Picture, runsOf, times } from './picture.js'
import { foldRows } from './rows.js'
import type { ResultGraph } from './sender.js'

export const isResultGraph = (value: unknown): value is ResultGraph => {
  const { kind, children, state } = Object(value) as Partial<ResultGraph>
  return (kind === 'task' || kind === 'group') && Array.isArray(children) && typeof state === 'string'
}

export const pictureOfGraph = (root: ResultGraph): Picture => {
  const boxes: Box[] = []
  /** What boxes have in common that are alike. Results without a name are, in one state. */
  const keys = new Map<Box, string>()
  const arrows = new Map<string, Arrow>()
  const known = new Map<string, readonly string[]>()
  const todo: ResultGraph[] = [root]

  const boxOf = ({ id, name, state }: ResultGraph, count: number): string => {
    const box = { id: `n${boxes.length}`, text: `${name ?? short(id)}${times(count)}\n${state}`, state }
    boxes.push(box)
    keys.set(box, `${name} ${state}${times(count)}`)
    return box.id
  }
  /** The boxes of a result; those of a group are its members'. */
  const enter = (graph: ResultGraph): readonly string[] => {
    const there = known.get(graph.id)
    if (there !== undefined) return there
    todo.push(graph)
    if (graph.kind === 'task' || graph.children.length === 0) {
      const own = [boxOf(graph, 1)]
      known.set(graph.id, own)
      return own
    }
    const isMany = graph.children.length > mostBoxes
    const keyOf = (member: ResultGraph) =>
      isMany && isLeaf(member) ? `${member.name} ${member.state}` : member.id
    const ids = runsOf(graph.children, keyOf).flatMap(({ first, count }) =>
      count === 1 ? enter(first) : [boxOf(first, count)],
    )
    known.set(graph.id, ids)
    return ids
  }
  const lead = (from: readonly string[], to: readonly string[], label?: string): void => {
    for (const start of from)
      for (const end of to) {
        const key = `${start} ${end}`
        if (label === undefined) arrows.set(key, { from: start, to: end })
        else if (!arrows.has(key)) arrows.set(key, { from: start, to: end, label })
      }
  }

  enter(root)
  for (let graph = todo.pop(); graph !== undefined; graph = todo.pop()) {
    const own = known.get(graph.id) ?? []
    if (graph.parent !== null) lead(enter(graph.parent), own)
    if (graph.kind === 'task') for (const child of graph.children) lead(own, enter(child), 'sent')
  }
  return foldRows({ boxes, arrows: [...arrows.values()] }, (box) => keys.get(box) as string)
}

const isLeaf = ({ kind, children, parent }: ResultGraph): boolean =>
  kind === 'task' && children.length === 0 && parent === null

const short = (id: string): string => `${id.slice(0, 8)}…`
