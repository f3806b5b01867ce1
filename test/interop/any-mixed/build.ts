// A random canvas as signatures of real tasks, which a client of either language sends. The last argument of every task says
// what it is called, and what it does.
import { chain, chord, group, signature } from 'lovage'
import type { Task, Work } from './work.js'

export interface Spec {
  readonly canvas: string
  readonly label: string
  readonly fails?: true
  readonly heir?: unknown
  readonly adds?: readonly unknown[]
}

const places = {
  Node: { name: 'js.step', queue: 'js' },
  Python: { name: 'proj.step', queue: 'python' },
} as const

const specOf = ({ label, fails, heir, adds }: Task, canvas: string): Spec => ({
  canvas,
  label,
  ...(fails && { fails }),
  ...(heir !== undefined && { heir: build(heir, canvas).toJSON() }),
  ...(adds !== undefined && { adds: adds.map((added) => build(added, canvas).toJSON()) }),
})

/** `canvas` is its name. */
export const build = (work: Work, canvas: string): any => {
  const all = (parts: readonly Work[]): any => parts.map((part) => build(part, canvas))
  switch (work.kind) {
    case 'task': {
      const { name, queue } = places[work.side]
      return signature(name, { args: [specOf(work, canvas)], options: { queue } })
    }
    case 'chain':
      return chain(...(all(work.parts) as [any, any]))
    case 'group':
      return group(all(work.parts))
    default:
      return chord(all(work.parts), build(work.body, canvas))
  }
}

/** What Python builds it of: lists that begin with what they are. */
export const words = (work: Work, canvas: string): unknown => {
  const all = (parts: readonly Work[]): readonly unknown[] => parts.map((part) => words(part, canvas))
  switch (work.kind) {
    case 'task': {
      const { name, queue } = places[work.side]
      return ['task', name, queue, specOf(work, canvas)]
    }
    case 'chord':
      return ['chord', all(work.parts), words(work.body, canvas)]
    default:
      return [work.kind, all(work.parts)]
  }
}
