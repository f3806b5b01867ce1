// What waits for a moment, earliest first: a pairing heap, which never changes either (see deque.ts). Putting
// in is one new node, whatever lies there; values of one moment come out in the order in which they went in.

interface Node<T> {
  readonly atMs: number
  readonly order: number
  readonly value: T
  /** Later ones, the youngest first. */
  readonly children: Children<T> | null
}

interface Children<T> {
  readonly node: Node<T>
  readonly next: Children<T> | null
}

export interface Heap<T> {
  readonly size: number
  /** How many were ever put in: the tie-break. */
  readonly inserted: number
  readonly root: Node<T> | null
}

const empty: Heap<never> = { size: 0, inserted: 0, root: null }

export const emptyHeap = <T>(): Heap<T> => empty

const above = <T>({ atMs, order, value, children }: Node<T>, node: Node<T>): Node<T> => ({
  atMs,
  order,
  value,
  children: { node, next: children },
})

const merge = <T>(a: Node<T>, b: Node<T>): Node<T> =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order) ? above(a, b) : above(b, a)

/** In pairs, then the pairs from the last to the first: that keeps the heap flat. No recursion: there may be many. */
const mergeAll = <T>(children: Children<T> | null): Node<T> | null => {
  const pairs: Node<T>[] = []
  for (let at = children; at !== null; at = at.next?.next ?? null)
    pairs.push(at.next === null ? at.node : merge(at.node, at.next.node))
  let root = pairs.pop() ?? null
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop())
    root = root === null ? pair : merge(root, pair)
  return root
}

export const insert = <T>(heap: Heap<T>, atMs: number, value: T): Heap<T> => {
  const node: Node<T> = { atMs, order: heap.inserted, value, children: null }
  const root = heap.root === null ? node : merge(heap.root, node)
  return { size: heap.size + 1, inserted: heap.inserted + 1, root }
}

/** When the earliest is due; null when there is none. */
export const earliest = <T>(heap: Heap<T>): number | null => heap.root?.atMs ?? null

/** The earliest value, if it is due by `nowMs`, and the rest. */
export const popDue = <T>(heap: Heap<T>, nowMs: number): readonly [T, Heap<T>] | null => {
  const top = heap.root
  if (top === null || top.atMs > nowMs) return null
  const rest = { size: heap.size - 1, inserted: heap.inserted, root: mergeAll(top.children) }
  return [top.value, rest]
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
