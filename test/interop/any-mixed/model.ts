// What a random canvas gives, and which of its tasks run: a plain interpreter, without messages, ids or queues. Pure.
import type { Task, Work } from './work.js'

export type Value = string | readonly Value[]

export interface Meaning {
  /** undefined: it fails. */
  readonly value: Value | undefined
  /** Labels: each runs once, where nothing fails. */
  readonly runs: ReadonlySet<string>
}

/** As the tasks of both languages say what came in. Members of a chord that grew stand in no order: so all are sorted. */
export const render = (label: string, given: Value | undefined): string =>
  `${label}(${given === undefined ? '' : shown(given)})`

const shown = (value: Value): string =>
  typeof value === 'string' ? value : `[${value.map(shown).sort().join(' ')}]`

export const meaning = (work: Work): Meaning => {
  const runs = new Set<string>()

  const run = (task: Task, given: Value | undefined): Value | undefined => {
    runs.add(task.label)
    if (task.fails) return undefined
    return task.heir === undefined ? render(task.label, given) : visit(task.heir, undefined)
  }

  const row = (parts: readonly Work[], given: Value | undefined): Value | undefined => {
    const values = parts.map((part) => visit(part, given))
    for (const part of parts)
      if (part.kind === 'task') for (const added of part.adds ?? []) values.push(visit(added, undefined))
    return values.includes(undefined) ? undefined : (values as readonly Value[])
  }

  const visit = (part: Work, given: Value | undefined): Value | undefined => {
    switch (part.kind) {
      case 'task':
        return run(part, given)
      case 'group':
        return row(part.parts, given)
      case 'chord': {
        const values = row(part.parts, given)
        return values === undefined ? undefined : visit(part.body, values)
      }
      default: {
        let value: Value | undefined = given
        for (const step of part.parts) {
          value = visit(step, value)
          if (value === undefined) return undefined
        }
        return value
      }
    }
  }

  return { value: visit(work, undefined), runs }
}
