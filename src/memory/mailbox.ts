// The Mailbox port over a memory room: who listens is called in a microtask.
import type { Mailbox } from '../runtime/mailbox.js'
import type { Room } from './room.js'

type Hear = (raw: string) => void

/** Exchange and key → who hears. Broadcasts have no key. */
type Ears = Map<string, Set<Hear>>

const earsOf = new WeakMap<Room, Ears>()

export class MemoryMailbox implements Mailbox {
  readonly #ears: Ears
  readonly #mine = new Set<() => void>()

  constructor(room: Room) {
    this.#ears = earsOf.get(room) ?? new Map()
    earsOf.set(room, this.#ears)
  }

  async listen(exchange: string, hear: Hear): Promise<() => Promise<void>> {
    return this.#open(exchange, hear)
  }

  async broadcast(exchange: string, raw: string): Promise<void> {
    this.#tell(exchange, raw)
  }

  async reply(exchange: string, key: string, raw: string): Promise<void> {
    this.#tell(`${exchange}\n${key}`, raw)
  }

  async replies(exchange: string, key: string, hear: Hear): Promise<() => Promise<void>> {
    return this.#open(`${exchange}\n${key}`, hear)
  }

  async close(): Promise<void> {
    for (const close of this.#mine) close()
  }

  #tell(place: string, raw: string): void {
    for (const hear of this.#ears.get(place) ?? [])
      queueMicrotask(() => {
        if (this.#ears.get(place)?.has(hear)) hear(raw)
      })
  }

  #open(place: string, hear: Hear): () => Promise<void> {
    const ears = this.#ears.get(place) ?? new Set()
    this.#ears.set(place, ears.add(hear))
    const close = (): void => {
      this.#mine.delete(close)
      ears.delete(hear)
      if (ears.size === 0 && this.#ears.get(place) === ears) this.#ears.delete(place)
    }
    this.#mine.add(close)
    return async () => close()
  }
}
