// PORT ScheduleStore over a memory room: shared by all apps of one name at the same URL in this process.
import { pageSize, type PutOptions, type ScheduleStore, type Stored } from '../beat/store.js'
import type { Room } from './room.js'
import type { Timetabled } from './records.js'

type Listener = (names: readonly string[] | null) => void

const listeners = new WeakMap<Room, Map<string, Set<Listener>>>()

const listenersOf = (room: Room, scope: string): Set<Listener> => {
  const scopes = listeners.get(room) ?? new Map<string, Set<Listener>>()
  listeners.set(room, scopes)
  const found = scopes.get(scope) ?? new Set()
  scopes.set(scope, found)
  return found
}

const stored = (name: string, { lines: _lines, ...entry }: Timetabled): Stored => ({ name, ...entry })

export class MemoryScheduleStore implements ScheduleStore {
  readonly place = 'broker'
  readonly #listeners: Set<Listener>
  readonly #stops = new Set<() => void>()

  constructor(
    readonly url: string,
    readonly room: Room,
    readonly scope: string,
  ) {
    this.#listeners = listenersOf(room, scope)
  }

  async *pages(): AsyncGenerator<readonly Stored[]> {
    const all = this.room.submit('entries', { scope: this.scope })
    for (let from = 0; from < all.length; from += pageSize)
      yield all
        .slice(from, from + pageSize)
        .flatMap(([name, entry]) => (entry === undefined ? [] : [stored(name, entry)]))
  }

  async get(names: readonly string[]): Promise<readonly (Stored | undefined)[]> {
    return this.room
      .submit('entries', { scope: this.scope, names })
      .map(([name, entry]) => (entry === undefined ? undefined : stored(name, entry)))
  }

  async put(name: string, definition: string, { expect, state }: PutOptions): Promise<boolean> {
    const { scope } = this
    return this.#tell(name, this.room.submit('putEntry', { scope, name, definition, state, expect }))
  }

  async remove(name: string, expect?: number): Promise<boolean> {
    return this.#tell(name, this.room.submit('removeEntry', { scope: this.scope, name, expect }))
  }

  /** A fire writes them. */
  async save(): Promise<void> {}

  async history(name: string, limit: number): Promise<readonly string[]> {
    return this.room.submit('history', { scope: this.scope, name, most: limit })
  }

  watch(changed: Listener): () => void {
    const listener: Listener = (names) => changed(names)
    this.#listeners.add(listener)
    // A beat keeps its process alive, as a connection would.
    const alive = setInterval(() => undefined, 2 ** 30)
    queueMicrotask(() => this.#listeners.has(listener) && listener(null))
    const stop = (): void => {
      clearInterval(alive)
      this.#listeners.delete(listener)
      this.#stops.delete(stop)
    }
    this.#stops.add(stop)
    return stop
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop()
  }

  #tell(name: string, done: boolean): boolean {
    if (done) for (const listener of this.#listeners) queueMicrotask(() => listener([name]))
    return done
  }
}
