// Which of very many entries are due: a heap keyed by the moment at which each is to be looked at. A wake
// touches the entries that are due and no others, so that 100 000 idle ones cost nothing; and of one that is not
// due for a while no more is kept than its name and that moment.
import type { ScheduleEntry } from './entry.js'
import { type Decision, type Due, decide, type EntryState, type TickOptions } from './tick.js'

export interface Wake {
  /** By the moment at which they were to start, the oldest first. */
  readonly due: readonly Due[]
  /** Milliseconds to sleep, 0 or more; null: nothing will ever be due as things stand. */
  readonly sleepMs: number | null
  /** The first tick passed over by `catchUp`, for entries that have such. */
  readonly missed: ReadonlyMap<string, number>
  /** Entries whose schedule threw; each rests until it is set again. */
  readonly failed: ReadonlyMap<string, unknown>
  /** These sleep from now on: nobody needs to keep them. */
  readonly slept: readonly string[]
  /** These slept and are due soon: to be set again. */
  readonly stirred: readonly string[]
}

interface Item {
  readonly name: string
  /** Undefined: it sleeps. */
  entry: ScheduleEntry | undefined
  state: EntryState | undefined
  wakeMs: number
  /** In the heap; -1 when it rests. */
  place: number
}

/** An entry that is not due for so long sleeps: reading it again costs less than keeping it. */
const farMs = 120_000
/** Sleepers stir so much before they are due, since a hundred thousand may have to be read. */
const leadMs = 10_000
/** Handed out in one wake: the first of ten thousand do not wait for the last. */
const atOnce = 1000

export class Agenda {
  readonly #items = new Map<string, Item>()
  readonly #heap: Item[] = []

  constructor(readonly options: TickOptions = {}) {}

  get size(): number {
    return this.#items.size
  }

  /** Undefined as well while it sleeps. */
  get(name: string): { readonly entry: ScheduleEntry; readonly state: EntryState } | undefined {
    const { entry, state } = this.#items.get(name) ?? {}
    return entry === undefined || state === undefined ? undefined : { entry, state }
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
    const { name } = entry
    this.delete(name)
    const item = { name, entry, state, wakeMs: -Infinity, place: -1 }
    this.#items.set(name, item)
    this.#rank(item)
  }

  delete(name: string): boolean {
    const item = this.#items.get(name)
    if (item === undefined) return false
    this.#take(item)
    return this.#items.delete(name)
  }

  /** After its runs were stored: whether the entry sleeps now, because it is not due for a while. */
  doze(name: string, nowMs: number): boolean {
    const item = this.#items.get(name)
    if (item === undefined || (item.place >= 0 && item.wakeMs < nowMs + farMs)) return false
    const { place, wakeMs } = item
    this.#take(item)
    this.#sleep(item, place < 0 ? null : wakeMs)
    return true
  }

  /**
   * What is due at `nowMs`, the oldest `most` of it: when there is more, `sleepMs` is 0. What it hands out it will
   * not hand out again, unless it is set again.
   */
  wake(nowMs: number, most = atOnce): Wake {
    const due: Due[] = []
    const missed = new Map<string, number>()
    const failed = new Map<string, unknown>()
    const slept: string[] = []
    const stirred: string[] = []
    for (let item = this.#heap[0]; item !== undefined && item.wakeMs <= nowMs; item = this.#heap[0]) {
      if (due.length >= most || stirred.length >= most) break
      const { name, entry, state } = item
      this.#take(item)
      if (entry === undefined || state === undefined) {
        stirred.push(name)
        continue
      }
      let decision: Decision
      try {
        decision = decide(entry, state, nowMs, this.options)
      } catch (error) {
        failed.set(name, error)
        continue
      }
      due.push(...decision.due)
      if (decision.missedMs !== null) missed.set(name, decision.missedMs)
      item.state = decision.state
      const { wakeMs } = decision
      if (decision.state === state && (wakeMs === null || wakeMs >= nowMs + farMs)) {
        this.#sleep(item, wakeMs)
        slept.push(name)
      } else if (wakeMs !== null) {
        // Never twice in one wake, whatever a schedule of the user's own answers.
        item.wakeMs = Math.max(wakeMs, nowMs + 1)
        this.#rank(item)
      }
    }
    due.sort((a, b) => a.startMs - b.startMs)
    const first = this.#heap[0]
    const sleepMs = first === undefined ? null : Math.max(0, first.wakeMs - nowMs)
    return { due, sleepMs, missed, failed, slept, stirred }
  }

  /** It is out of the heap, and comes back a little before its moment. */
  #sleep(item: Item, wakeMs: number | null): void {
    item.entry = undefined
    item.state = undefined
    if (wakeMs === null) return
    item.wakeMs = wakeMs - leadMs
    this.#rank(item)
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
