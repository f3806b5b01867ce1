// What tasks of a random canvas say: known to the interpreter and to the tasks themselves.
import { createHash } from 'node:crypto'
import type { Calls } from './work.js'

export type Value = string | readonly Value[]

/** In the labels of what was added to a chord. */
export const addedMark = '^'

/** Where a value comes from stands in front. */
const isAdded = (value: unknown): boolean =>
  Array.isArray(value) ? value.some(isAdded) : String(value).split('(')[0]?.includes(addedMark) === true

/** What was added to a chord stands somewhere beside who added it: here it stands at the end, in order. */
export const tidy = (value: unknown): unknown => {
  if (!Array.isArray(value)) return value
  const all = value.map(tidy)
  const added = all.filter(isAdded).map((each) => [JSON.stringify(each), each] as const)
  return [
    ...all.filter((each) => !isAdded(each)),
    ...added.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each),
  ]
}

const textOf = (value: unknown): string => {
  const text = Array.isArray(value) ? `[${value.map(textOf).join(', ')}]` : String(value)
  // A group in a group in a chain repeats its input: what is long is told by its hash.
  return text.length <= 80 ? text : `#${createHash('sha1').update(text).digest('hex').slice(0, 12)}`
}

/** What a task gives: its label, with what came in. */
export const render = (label: string, inputs: readonly unknown[]): string =>
  inputs.length === 0 ? label : `${label}(${inputs.map((input) => textOf(tidy(input))).join(', ')})`

/** The calls of a map, in order. */
export const callsOf = ({ label, count, bad, first = 0 }: Calls) =>
  Array.from({ length: count }, (_, i) => ({ label: `${label}.${first + i}`, isBad: first + i === bad }))

/** Chunks as the messages that they are. */
export const messagesOf = (work: Calls): readonly Calls[] =>
  Array.from({ length: Math.ceil(work.count / work.n) }, (_, i) => ({
    ...work,
    kind: 'xstarmap',
    link: [],
    linkError: [],
    first: i * work.n,
    count: Math.min(work.n, work.count - i * work.n),
  }))
