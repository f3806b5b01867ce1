// A list that never changes: pushing and popping give a new one that shares almost all of the old. Thus a
// transition can be computed without touching the state, and an explorer may keep every version for nothing.
// The front is popped; the back is reversed into it when it is empty, so each message moves once.

interface Cell<T> {
  readonly value: T
  readonly next: Cell<T> | null
}

export interface Deque<T> {
  readonly size: number
  readonly front: Cell<T> | null
  readonly back: Cell<T> | null
}

const empty: Deque<never> = { size: 0, front: null, back: null }

export const emptyDeque = <T>(): Deque<T> => empty

/** To the producing end: popped last. */
export const pushBack = <T>(deque: Deque<T>, value: T): Deque<T> => ({
  size: deque.size + 1,
  front: deque.front,
  back: { value, next: deque.back },
})

/** To the consuming end: popped next. */
export const pushFront = <T>(deque: Deque<T>, value: T): Deque<T> => ({
  size: deque.size + 1,
  front: { value, next: deque.front },
  back: deque.back,
})

const reversed = <T>(cell: Cell<T> | null): Cell<T> | null => {
  let result: Cell<T> | null = null
  for (let at = cell; at !== null; at = at.next) result = { value: at.value, next: result }
  return result
}

/** The first value and the rest; null when there is none. */
export const popFront = <T>(deque: Deque<T>): readonly [T, Deque<T>] | null => {
  const front = deque.front ?? reversed(deque.back)
  if (front === null) return null
  const back = deque.front === null ? null : deque.back
  return [front.value, { size: deque.size - 1, front: front.next, back }]
}

/** From the next to be popped to the last. */
export const dequeToArray = <T>(deque: Deque<T>): T[] => {
  const values: T[] = []
  for (let at = deque.front; at !== null; at = at.next) values.push(at.value)
  const behind: T[] = []
  for (let at = deque.back; at !== null; at = at.next) behind.push(at.value)
  return values.concat(behind.reverse())
}
