// Which stamps the tasks of a canvas carry: they are in the signatures before anything runs.
import type { Stamped, Work } from './work.js'

export type Stamps = Readonly<Record<string, string | readonly string[]>>

/** Label of a task → the stamps with which each of its runs comes. */
export const stampsOf = (whole: Work): ReadonlyMap<string, Stamps> => {
  const all = new Map<string, Stamps>()
  const visit = (work: Work, around: readonly Stamped[], inherited: Stamps): void => {
    const sayings = work.stamped === undefined ? around : [work.stamped, ...around]
    const parts = 'parts' in work ? work.parts : []
    const inside = work.kind === 'chord' ? [...parts, work.body] : parts
    for (const part of [...inside, ...work.link, ...work.linkError]) visit(part, sayings, inherited)
    if (work.kind !== 'task') return
    const own = sayings.reduce<Stamps>((inner, outer) => together(outer.stamps, inner, outer.append), {})
    // What it is called under comes from around, and its own stays.
    const stamps = together(own, inherited, false)
    all.set(work.label, stamps)
    // Who takes a place gets its stamps; who is added does not.
    if (work.heir !== undefined) visit(work.heir, [], stamps)
    for (const added of work.adds ?? []) visit(added, [], {})
  }
  visit(whole, [], {})
  return all
}

/** The first counts; lists add up, and so does all with `append`. */
const together = (first: Stamps, then: Stamps, append: boolean): Stamps => {
  const both = Object.entries(first).map(([name, value]) => {
    const other = then[name]
    const isJoined = other !== undefined && other !== value && (append || (isList(value) && isList(other)))
    return [name, isJoined ? [...new Set([value, other].flat())] : value] as const
  })
  return { ...then, ...Object.fromEntries(both) }
}

const isList = Array.isArray
