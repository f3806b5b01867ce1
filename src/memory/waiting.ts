// What waits in a queue, wherever it lies: counted and dropped.
import { dequeToArray } from './deque.js'
import type { Draft } from './draft.js'
import { emptyLines, inLines, lined } from './gates.js'
import { purgedQueue } from '../runtime/purged.js'
import type { OperationOf } from './operations.js'
import { listKey, parkedKey, priorityLists } from './keys.js'
import { append, enqueue } from './queues.js'
import type { Message } from './records.js'

const parkedOf = (draft: Draft, queue: string): readonly string[] =>
  (draft.get('limited', queue) ?? []).map((task) => parkedKey(queue, task))

const listsOf = (draft: Draft, queue: string): readonly string[] => [
  ...[...priorityLists, 'redo' as const].map((list) => listKey(queue, list)),
  ...parkedOf(draft, queue),
]

const messagesAt = (draft: Draft, key: string): readonly Message[] => {
  const list = draft.get('lists', key)
  return list === undefined ? [] : dequeToArray(list)
}

/** Where messages lie that may be inside a gate: on their way to a worker, or waiting for their rate. */
const insideOf = (draft: Draft, queue: string): readonly Message[] =>
  [listKey(queue, 'redo'), ...parkedOf(draft, queue)].flatMap((key) => messagesAt(draft, key))

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

/** Out of its gates, and out of sight. */
export const setAside = (draft: Draft, operation: OperationOf<'setAside'>): number | null => {
  const { queue } = operation
  const aside = purgedQueue(queue)
  if (listsOf(draft, aside).some((key) => draft.get('lists', key))) return null
  const plain = priorityLists.flatMap((step) => messagesAt(draft, listKey(queue, step)))
  const noted = [...insideOf(draft, queue), ...lined(draft, queue)]
  const count = purge(draft, { ...operation, kind: 'purge' })
  for (const message of plain) enqueue(draft, { ...message, queue: aside })
  for (const { gate: _gate, ...message } of noted) append(draft, { ...message, queue: aside })
  return count
}
