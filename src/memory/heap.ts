// What waits for a moment, earliest first: a leftist heap, which never changes either (see deque.ts). Values
// of one moment come out in the order in which they went in.

interface Node<T> {
  readonly atMs: number
  readonly order: number
  readonly value: T
  /** Steps to the nearest missing child; the right side is never the deeper one, so it stays short. */
  readonly rank: number
  readonly left: Node<T> | null
  readonly right: Node<T> | null
}

export interface Heap<T> {
  readonly size: number
  /** How many were ever put in: the tie-break. */
  readonly inserted: number
  readonly root: Node<T> | null
}

const empty: Heap<never> = { size: 0, inserted: 0, root: null }

export const emptyHeap = <T>(): Heap<T> => empty

const earlier = <T>(a: Node<T>, b: Node<T>): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

const merge = <T>(a: Node<T> | null, b: Node<T> | null): Node<T> | null => {
  if (a === null) return b
  if (b === null) return a
  const [top, other] = earlier(a, b) ? [a, b] : [b, a]
  const merged = merge(top.right, other)
  const [left, right] = (top.left?.rank ?? 0) >= (merged?.rank ?? 0) ? [top.left, merged] : [merged, top.left]
  return { ...top, left, right, rank: (right?.rank ?? 0) + 1 }
}

export const insert = <T>(heap: Heap<T>, atMs: number, value: T): Heap<T> => ({
  size: heap.size + 1,
  inserted: heap.inserted + 1,
  root: merge(heap.root, { atMs, order: heap.inserted, value, rank: 1, left: null, right: null }),
})

/** When the earliest is due; null when there is none. */
export const earliest = <T>(heap: Heap<T>): number | null => heap.root?.atMs ?? null

/** The earliest value, if it is due by `nowMs`, and the rest. */
export const popDue = <T>(heap: Heap<T>, nowMs: number): readonly [T, Heap<T>] | null => {
  const top = heap.root
  if (top === null || top.atMs > nowMs) return null
  return [top.value, { size: heap.size - 1, inserted: heap.inserted, root: merge(top.left, top.right) }]
}

/** In the order in which they will be due. */
export const heapToArray = <T>(heap: Heap<T>): { readonly atMs: number; readonly value: T }[] => {
  const all: { readonly atMs: number; readonly value: T }[] = []
  let rest = heap
  for (;;) {
    const atMs = earliest(rest)
    const next = popDue(rest, Number.POSITIVE_INFINITY)
    if (atMs === null || next === null) return all
    all.push({ atMs, value: next[0] })
    rest = next[1]
  }
}
