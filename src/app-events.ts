// The events of an app: those that it hears, and what it tells of the messages that it sends.
import type { Observable } from 'rxjs'
import { type EventParts, EventStream, observe } from './runtime/event-stream.js'
import type { EventOf, EventType } from './runtime/events.js'
import { SentEvents } from './runtime/sent-events.js'

export class AppEvents {
  readonly #streams = new Set<{ close(): Promise<void> }>()
  readonly sent: SentEvents

  constructor(private readonly parts: EventParts) {
    this.sent = new SentEvents(parts)
  }

  open<T extends string = EventType>(types: readonly T[]): EventStream<T> {
    const stream: EventStream<T> = new EventStream<T>(this.parts, types, () => this.#streams.delete(stream))
    this.#streams.add(stream)
    return stream
  }

  observe<T extends string = EventType>(types: readonly T[]): Observable<EventOf<T>> {
    return observe(() => this.open(types))
  }

  /** Ends what listens, and lets out what is still to be told. */
  async close(): Promise<void> {
    await Promise.all([...this.#streams].map((stream) => stream.close()))
    await this.sent.settle()
  }
}
