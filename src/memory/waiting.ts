// What waits in a queue, wherever it lies: counted and dropped.
import { dequeToArray } from './deque.js'
import type { Draft } from './draft.js'
import { emptyLines, inLines } from './gates.js'
import type { OperationOf } from './operations.js'
import { listKey, parkedKey, priorityLists } from './state.js'

const listsOf = (draft: Draft, queue: string): readonly string[] => [
  ...[...priorityLists, 'redo' as const].map((list) => listKey(queue, list)),
  ...(draft.get('limited', queue) ?? []).map((task) => parkedKey(queue, task)),
]

export const length = (draft: Draft, { queue }: OperationOf<'length'>): number =>
  listsOf(draft, queue).reduce(
    (sum, key) => sum + (draft.get('lists', key)?.size ?? 0),
    inLines(draft, queue),
  )

export const purge = (draft: Draft, operation: OperationOf<'purge'>): number => {
  const { queue } = operation
  const count = length(draft, { ...operation, kind: 'length' })
  const redo = draft.get('lists', listKey(queue, 'redo'))
  for (const key of listsOf(draft, queue)) if (draft.get('lists', key)) draft.set('lists', key, undefined)
  if (draft.get('limited', queue)) draft.set('limited', queue, undefined)
  emptyLines(draft, queue, redo === undefined ? [] : dequeToArray(redo))
  return count
}
