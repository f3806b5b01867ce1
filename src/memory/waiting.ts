// What waits in a queue, wherever it lies: counted and dropped.
import { dequeToArray } from './deque.js'
import type { Draft } from './draft.js'
import { emptyLines, inLines } from './gates.js'
import type { OperationOf } from './operations.js'
import { listKey, parkedKey, priorityLists } from './keys.js'
import type { Message } from './records.js'

const parkedOf = (draft: Draft, queue: string): readonly string[] =>
  (draft.get('limited', queue) ?? []).map((task) => parkedKey(queue, task))

const listsOf = (draft: Draft, queue: string): readonly string[] => [
  ...[...priorityLists, 'redo' as const].map((list) => listKey(queue, list)),
  ...parkedOf(draft, queue),
]

/** Where messages lie that may be inside a gate: on their way to a worker, or waiting for their rate. */
const insideOf = (draft: Draft, queue: string): readonly Message[] =>
  [listKey(queue, 'redo'), ...parkedOf(draft, queue)].flatMap((key) => {
    const list = draft.get('lists', key)
    return list === undefined ? [] : dequeToArray(list)
  })

export const length = (draft: Draft, { queue }: OperationOf<'length'>): number =>
  listsOf(draft, queue).reduce(
    (sum, key) => sum + (draft.get('lists', key)?.size ?? 0),
    inLines(draft, queue),
  )

export const purge = (draft: Draft, operation: OperationOf<'purge'>): number => {
  const { queue } = operation
  const count = length(draft, { ...operation, kind: 'length' })
  const leaving = insideOf(draft, queue)
  for (const key of listsOf(draft, queue)) if (draft.get('lists', key)) draft.set('lists', key, undefined)
  if (draft.get('limited', queue)) draft.set('limited', queue, undefined)
  emptyLines(draft, queue, leaving)
  return count
}
