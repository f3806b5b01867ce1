// Which of very many entries are due: a heap keyed by the moment at which each is to be looked at. A wake
// touches the entries that are due and no others, so that 100 000 idle ones cost nothing.
import type { ScheduleEntry } from './entry.js'
import { type Decision, type Due, decide, type EntryState, type TickOptions } from './tick.js'

export interface Wake {
  /** By the moment at which they were to start, the oldest first. */
  readonly due: readonly Due[]
  /** Milliseconds to sleep, 0 or more; null: nothing will ever be due as things stand. */
  readonly sleepMs: number | null
  /** The new states of the entries that had ticks, by name: to be stored together with the runs. */
  readonly states: ReadonlyMap<string, EntryState>
  /** The first tick passed over by `catchUp`, for entries that have such. */
  readonly missed: ReadonlyMap<string, number>
  /** Entries whose schedule threw; each rests until it is set again. */
  readonly failed: ReadonlyMap<string, unknown>
}

interface Item {
  entry: ScheduleEntry
  state: EntryState
  wakeMs: number
  /** In the heap; -1 when it rests. */
  place: number
}

export class Agenda {
  readonly #items = new Map<string, Item>()
  readonly #heap: Item[] = []

  constructor(readonly options: TickOptions = {}) {}

  get size(): number {
    return this.#items.size
  }

  get(name: string): { readonly entry: ScheduleEntry; readonly state: EntryState } | undefined {
    return this.#items.get(name)
  }

  /** When the entry is to be looked at, in Unix milliseconds; null: never as things stand. */
  wakeMs(name: string): number | null {
    const item = this.#items.get(name)
    return item === undefined || item.place < 0 ? null : item.wakeMs
  }

  names(): IterableIterator<string> {
    return this.#items.keys()
  }

  /** Puts an entry in or replaces it; it is looked at on the next wake. */
  set(entry: ScheduleEntry, state: EntryState): void {
    this.delete(entry.name)
    const item = { entry, state, wakeMs: -Infinity, place: -1 }
    this.#items.set(entry.name, item)
    this.#rank(item)
  }

  delete(name: string): boolean {
    const item = this.#items.get(name)
    if (item === undefined) return false
    this.#take(item)
    return this.#items.delete(name)
  }

  /** Everything that is due at `nowMs`. What it hands out it will not hand out again, unless it is set again. */
  wake(nowMs: number): Wake {
    const due: Due[] = []
    const states = new Map<string, EntryState>()
    const missed = new Map<string, number>()
    const failed = new Map<string, unknown>()
    for (let item = this.#heap[0]; item !== undefined && item.wakeMs <= nowMs; item = this.#heap[0]) {
      const { name } = item.entry
      this.#take(item)
      let decision: Decision
      try {
        decision = decide(item.entry, item.state, nowMs, this.options)
      } catch (error) {
        failed.set(name, error)
        continue
      }
      due.push(...decision.due)
      if (decision.state !== item.state) states.set(name, decision.state)
      if (decision.missedMs !== null) missed.set(name, decision.missedMs)
      item.state = decision.state
      if (decision.wakeMs === null) continue
      // Never twice in one wake, whatever a schedule of the user's own answers.
      item.wakeMs = Math.max(decision.wakeMs, nowMs + 1)
      this.#rank(item)
    }
    due.sort((a, b) => a.startMs - b.startMs)
    const first = this.#heap[0]
    return { due, sleepMs: first === undefined ? null : first.wakeMs - nowMs, states, missed, failed }
  }

  // -------------------------------------------------------------------------------------------------
  // The heap: each item knows its place, so that one can be taken out of the middle.

  #rank(item: Item): void {
    item.place = this.#heap.push(item) - 1
    this.#rise(item)
  }

  #take(item: Item): void {
    const { place } = item
    if (place < 0) return
    item.place = -1
    const last = this.#heap.pop()!
    if (last === item) return
    this.#put(last, place)
    this.#rise(last)
    this.#sink(last)
  }

  #put(item: Item, place: number): void {
    this.#heap[place] = item
    item.place = place
  }

  #rise(item: Item): void {
    while (item.place > 0) {
      const { place } = item
      const above = this.#heap[(place - 1) >> 1]!
      if (above.wakeMs <= item.wakeMs) return
      this.#put(item, above.place)
      this.#put(above, place)
    }
  }

  #sink(item: Item): void {
    while (true) {
      const { place } = item
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      const least = right !== undefined && right.wakeMs < left!.wakeMs ? right : left
      if (least === undefined || least.wakeMs >= item.wakeMs) return
      this.#put(item, least.place)
      this.#put(least, place)
    }
  }
}
