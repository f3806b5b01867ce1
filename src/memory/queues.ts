// Queues: what is published, set aside, held back until its moment, promoted.
import type { Draft } from './draft.js'
import { type Deque, emptyDeque, popFront, pushBack, pushFront } from './deque.js'
import { openChord } from './chords.js'
import { keepPages } from './graphs.js'
import { earliest, emptyHeap, heapToArray, insert, popDue } from './heap.js'
import type { AnyPush, OperationOf, ReplyTo } from './operations.js'
import { listKey, parkedKey, stepOf } from './keys.js'
import type { Message } from './records.js'

const setList = (draft: Draft, key: string, list: Deque<Message>): void =>
  draft.set('lists', key, list.size === 0 ? undefined : list)

/** The next message of one list. */
export const take = (draft: Draft, key: string): Message | null => {
  const list = draft.get('lists', key)
  const next = list === undefined ? null : popFront(list)
  if (next === null) return null
  setList(draft, key, next[1])
  return next[0]
}

const at = (draft: Draft, key: string): Deque<Message> => draft.get('lists', key) ?? emptyDeque()

/** Behind everything else of its priority. */
export const enqueue = (draft: Draft, message: Message): void => {
  const key = listKey(message.queue, message.step)
  setList(draft, key, pushBack(at(draft, key), message))
}

/** A redelivery: next of all. */
export const giveBack = (draft: Draft, message: Message): void => {
  const key = listKey(message.queue, 'redo')
  setList(draft, key, pushFront(at(draft, key), message))
}

/** Behind all other redeliveries. */
export const append = (draft: Draft, message: Message): void => {
  const key = listKey(message.queue, 'redo')
  setList(draft, key, pushBack(at(draft, key), message))
}

/** Behind everything else of its task that waits for the task's rate. */
export const park = (draft: Draft, message: Message, task: string): void => {
  const key = parkedKey(message.queue, task)
  setList(draft, key, pushBack(at(draft, key), message))
  const tasks = draft.get('limited', message.queue) ?? []
  if (!tasks.includes(task)) draft.set('limited', message.queue, [...tasks, task])
}

/** Held back until then. */
export const holdBack = (draft: Draft, message: Message, dueMs: number): void =>
  draft.set(
    'deferred',
    message.queue,
    insert(draft.get('deferred', message.queue) ?? emptyHeap(), dueMs, message),
  )

export const push = (draft: Draft, { queue, priority, raw, dueMs, fanout }: AnyPush): void => {
  if (fanout !== undefined) {
    draft.broadcast.push({ exchange: fanout.exchange, raw: String(raw) })
    return
  }
  const message: Message = {
    raw: typeof raw === 'string' ? Buffer.from(raw) : raw,
    queue,
    step: stepOf(priority),
    attempts: 0,
    standing: 'clear',
    worker: null,
  }
  if (dueMs === undefined) enqueue(draft, message)
  else holdBack(draft, message, dueMs)
}

export const publish = (draft: Draft, operation: OperationOf<'publish'>): boolean => {
  const { pushes, chords, pages, sender, number = 0 } = operation
  if (sender !== undefined) {
    if ((draft.get('senders', sender) ?? -1) >= number) return false
    draft.set('senders', sender, number)
  }
  for (const chord of chords) openChord(draft, chord)
  keepPages(draft, pages)
  for (const each of pushes) push(draft, each)
  return true
}

/** Who never started goes to the head of its own list, as new as it was; else it is a redelivery. */
export const promote = (draft: Draft, { queue, most }: OperationOf<'promote'>): ReplyTo<'promote'> => {
  let heap = draft.get('deferred', queue) ?? emptyHeap<Message>()
  const due: Message[] = []
  while (due.length < most) {
    const next = popDue(heap, draft.nowMs)
    if (next === null) break
    due.push(next[0])
    heap = next[1]
  }
  if (due.length > 0) draft.set('deferred', queue, heap.size === 0 ? undefined : heap)
  // The earliest is pushed last: it is popped first.
  for (const message of due.reverse()) {
    if (message.attempts > 0 || message.standing !== 'clear') giveBack(draft, message)
    else {
      const key = listKey(queue, message.step)
      setList(draft, key, pushFront(at(draft, key), { ...message, worker: null }))
    }
  }
  return { moved: due.length, nextMs: earliest(heap) }
}

/** Also forgets tasks whose last message was taken. */
export const parked = (draft: Draft, { queue }: OperationOf<'parked'>): readonly string[] => {
  const tasks = draft.get('limited', queue) ?? []
  const waiting = tasks.filter((task) => draft.get('lists', parkedKey(queue, task)) !== undefined)
  if (waiting.length < tasks.length) draft.set('limited', queue, waiting.length === 0 ? undefined : waiting)
  return waiting
}

export const deferred = (draft: Draft, { queue, most }: OperationOf<'deferred'>): ReplyTo<'deferred'> =>
  heapToArray(draft.get('deferred', queue) ?? emptyHeap<Message>())
    .slice(0, most)
    .map(({ atMs, value }) => ({ dueMs: atMs, raw: value.raw }))
