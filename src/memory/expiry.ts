// What ends by itself: results, markers and chords with an `expiresMs`. One heap knows when to look again;
// an entry that was prolonged meanwhile is put back, so there is about one entry for each key.
import type { Draft } from './draft.js'
import { emptyHeap, insert, popDue } from './heap.js'
import { theOne } from './keys.js'
import type { Expiring } from './records.js'

const isOver = (expiresMs: number | null, nowMs: number): boolean => expiresMs !== null && expiresMs <= nowMs

/** The value under a key unless its time is over: then it counts as absent, whether swept or not. */
export const live = <T extends Expiring['table']>(draft: Draft, table: T, key: string) => {
  const value = draft.get(table, key)
  return value === undefined || isOver(value.expiresMs, draft.nowMs) ? undefined : value
}

/** To be called before a value that expires is set. */
export const watchExpiry = (draft: Draft, entry: Expiring, expiresMs: number | null): void => {
  if (expiresMs === null) return
  const before = draft.get(entry.table, entry.key)
  if (before !== undefined && before.expiresMs !== null) return // it has its entry
  draft.set('expiry', theOne, insert(draft.get('expiry', theOne) ?? emptyHeap(), expiresMs, entry))
}

const remove = (draft: Draft, { table, key }: Expiring): void => {
  draft.set(table, key, undefined)
  if (table === 'chords')
    for (const [taskId] of draft.allIn('parts', key)) draft.setIn('parts', key, taskId, undefined)
}

/** Takes away what is over, at most so many at once. */
export const sweep = (draft: Draft, most: number): void => {
  const before = draft.get('expiry', theOne) ?? emptyHeap<Expiring>()
  let heap = before
  for (let count = 0; count < most; count += 1) {
    const next = popDue(heap, draft.nowMs)
    if (next === null) break
    const [entry, rest] = next
    heap = rest
    const expiresMs = draft.get(entry.table, entry.key)?.expiresMs
    if (expiresMs === undefined || expiresMs === null) continue
    if (isOver(expiresMs, draft.nowMs)) remove(draft, entry)
    else heap = insert(heap, expiresMs, entry)
  }
  if (heap !== before) draft.set('expiry', theOne, heap.size === 0 ? undefined : heap)
}
