// What a capture shows, beside what lies in an engine: each in a form in which they can be equal.
import { caseOf, messagesOf } from '../../../vectors/read.js'
import { messageForm, numbered, resultForm } from '../../../vectors/same.js'
import type { Looked } from '../look.js'

/** Ids are numbered in each item by itself: in which order workers finish is not the captures' subject. */
const sorted = (items: readonly unknown[]): unknown[] =>
  items.map(numbered).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

/** Two ways of writing the same: the order of stamps' names (a set in Python), and a single link without a list. */
const settled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(settled)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      if (name === 'stamped_headers' && Array.isArray(item))
        return [name, [...(item as string[])].sort((a, b) => (a < b ? -1 : 1))]
      return [name, settled(name === 'link' && !Array.isArray(item) ? [item] : item)]
    }),
  )
}

const formOf = (envelope: unknown): unknown => settled(messageForm(envelope as never))

/** Where a chord was sent, Celery names its header as the child; ours is the body, with the header as its parent. */
const headers = (meta: any): any => ({ ...meta, children: meta.children.map(headerOf) })

const headerOf = (child: any): any => {
  for (let at = child; at !== null; at = at[0][1]) if (at[1] !== null) return at
  return child
}

export interface Shown {
  readonly messages: readonly unknown[]
  readonly results: readonly unknown[]
  readonly chords: readonly unknown[]
  readonly groups: readonly unknown[]
}

const bySize = (chords: readonly { readonly size: number | null; readonly parts: number }[]) =>
  [...chords].sort((a, b) => (a.size ?? 0) - (b.size ?? 0))

export const shownBy = (file: string, name: string): Shown => {
  const item = caseOf(file, name)
  const keys = item.redis ?? []
  // A chord's parts may lie in a list as well.
  const queues = keys.filter(({ key }) => !key.startsWith('celery-taskset-meta-'))
  const chords = new Map<string, { size: number | null; parts: number }>()
  for (const { key, value } of keys) {
    const [, group, suffix] = /^celery-taskset-meta-(.*)\.([js])$/.exec(key) ?? []
    if (group === undefined) continue
    const chord = chords.get(group) ?? { size: null, parts: 0 }
    if (suffix === 's') chord.size = Number(value)
    else chord.parts = (value as unknown[]).length
    chords.set(group, chord)
  }
  const texts = (pattern: RegExp) =>
    keys.filter(({ key }) => pattern.test(key)).map(({ value }) => JSON.parse(value as string))
  return {
    messages: sorted(messagesOf({ ...item, redis: queues }).map(formOf)),
    results: sorted(texts(/^celery-task-meta-/).map(resultForm)),
    chords: bySize([...chords.values()]),
    groups: sorted(texts(/^celery-taskset-meta-[^.]*$/)),
  }
}

export const shownIn = ({ messages, results, chords, groups }: Looked): Shown => ({
  messages: sorted(
    Object.values(messages)
      .flat()
      .map((raw) => formOf(JSON.parse(raw))),
  ),
  results: sorted(Object.values(results).map((text) => resultForm(headers(JSON.parse(text))))),
  chords: bySize(chords),
  groups: sorted(Object.values(groups).map((text) => JSON.parse(text))),
})
