// The Mailbox port over a memory room.
import type { Mailbox } from '../runtime/mailbox.js'
import { anyKeyOf, type Hear, type Room } from './room.js'

export class MemoryMailbox implements Mailbox {
  readonly #room: Room
  readonly #mine = new Set<() => void>()

  constructor(room: Room) {
    this.#room = room
  }

  async listen(
    exchange: string,
    hear: Hear,
    { anyKey = false }: { readonly anyKey?: boolean } = {},
  ): Promise<() => Promise<void>> {
    return this.#open(anyKey ? anyKeyOf(exchange) : exchange, hear)
  }

  async broadcast(exchange: string, raw: string, routingKey = ''): Promise<void> {
    if (routingKey === '') this.#room.tell(exchange, raw)
    this.#room.tell(anyKeyOf(exchange), raw)
  }

  async reply(exchange: string, key: string, raw: string): Promise<void> {
    this.#room.tell(`${exchange}\n${key}`, raw)
  }

  async replies(exchange: string, key: string, hear: Hear): Promise<() => Promise<void>> {
    return this.#open(`${exchange}\n${key}`, hear)
  }

  async close(): Promise<void> {
    for (const close of this.#mine) close()
  }

  #open(place: string, hear: Hear): () => Promise<void> {
    const deafen = this.#room.hear(place, hear)
    const close = (): void => {
      this.#mine.delete(close)
      deafen()
    }
    this.#mine.add(close)
    return async () => close()
  }
}
