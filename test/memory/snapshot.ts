// The state as plain data, in one order: two states are the same when their snapshots are. For explorers, for
// comparing with what lies in a Redis, and for tests that fail.
import { dequeToArray } from '../../src/memory/deque.js'
import { heapToArray } from '../../src/memory/heap.js'
import { theOne } from '../../src/memory/keys.js'
import type { Message } from '../../src/memory/records.js'
import type { State } from '../../src/memory/state.js'

const sorted = <T, U>(table: Map<string, T>, show: (value: T, key: string) => U): Record<string, U> =>
  Object.fromEntries(
    [...table]
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, value]) => [key, show(value, key)]),
  )

const text = ({ raw, ...rest }: Message) => ({ raw: raw.toString('latin1'), ...rest })

export const snapshot = (state: State) => ({
  consumers: sorted(state.consumers, ({ hostname, queues, leaseEndMs, lanes }) => ({
    hostname,
    queues,
    leaseEndMs,
    lanes: lanes.map((lane) => lane?.request ?? null),
  })),
  lists: sorted(state.lists, (list) => dequeToArray(list).map(text)),
  deferred: sorted(state.deferred, (heap) =>
    heapToArray(heap).map(({ atMs, value }) => ({ atMs, ...text(value) })),
  ),
  held: sorted(state.held, (tags) => sorted(tags, ({ message, ...rest }) => ({ ...text(message), ...rest }))),
  results: sorted(state.results, (result) => result),
  markers: sorted(state.markers, (marker) => marker),
  chords: sorted(state.chords, (chord, key) => ({
    ...chord,
    parts: sorted(state.parts.get(key) ?? new Map<string, never>(), (part) => part),
  })),
  senders: sorted(state.senders, (number) => number),
  dead: dequeToArray(state.dead.get(theOne) ?? { size: 0, front: null, back: null }).map(
    ({ raw, ...letter }) => ({
      ...letter,
      raw: raw.toString('latin1'),
    }),
  ),
})
