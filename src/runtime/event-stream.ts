// What is heard of workers and tasks: as an async iterable, and as an Observable of rxjs, which is loaded by the
// first who asks for one.
import { createRequire } from 'node:module'
import * as Either from '../either.js'
import type * as Rxjs from 'rxjs'
import type { Logger } from '../log.js'
import { decodeEvents } from './event-message.js'
import { type EventOf, type EventType, eventTypes, type OwnEvent } from './events.js'
import type { Mailbox } from './mailbox.js'

export interface EventParts {
  readonly mailbox: () => Promise<Mailbox>
  readonly exchange: () => string
  /** Asks the workers to say that they are there. */
  readonly wake: () => Promise<unknown>
  readonly log: () => Logger
}

/** Events that wait for a reader; beyond that the oldest are forgotten. */
const mostWaiting = 100_000
/** Whoever sends nonsense must not fill the log. */
const mostReasons = 100

/** Resolves when it listens, with what ends it. What cannot be read is said once for each reason. */
const listen = async (parts: EventParts, hear: (event: OwnEvent) => void): Promise<() => Promise<void>> => {
  const said = new Set<string>()
  const refuse = (why: string): void => {
    if (said.has(why) || said.size >= mostReasons) return
    said.add(why)
    parts.log().warning(`An event was not understood and is ignored: ${why}`)
  }
  const mailbox = await parts.mailbox()
  const stop = await mailbox.listen(
    parts.exchange(),
    (raw) => {
      for (const read of decodeEvents(raw))
        if (Either.isLeft(read)) refuse(read.left)
        else hear(read.right)
    },
    { anyKey: true },
  )
  // Whoever is deaf, or not there, says nothing: that is no trouble of the listener's.
  parts.wake().catch(() => undefined)
  return stop
}

/** `for await (const event of app.events())`: listens from the first look, until the loop ends or the app is closed. */
export class EventStream<T extends string = EventType> implements AsyncIterableIterator<EventOf<T>> {
  #listening: Promise<() => Promise<void>> | undefined
  /** Undefined: all of them. */
  readonly #types: ReadonlySet<string> | undefined
  #waiting: EventOf<T>[] = []
  #readers: {
    readonly resolve: (next: IteratorResult<EventOf<T>>) => void
    readonly reject: (error: unknown) => void
  }[] = []
  #isOver = false
  #isBehind = false

  constructor(
    private readonly parts: EventParts,
    types: readonly T[],
    private readonly onEnd: () => void,
  ) {
    const wanted: readonly string[] = types.length === 0 ? eventTypes : types
    this.#types = wanted.includes('*') ? undefined : new Set(wanted)
  }

  /** Resolves when it listens: what happens from now on is heard. Rejects with OperationalError. */
  async ready(): Promise<this> {
    if (!this.#isOver) {
      this.#listening ??= listen(this.parts, (event) => this.#hear(event))
      await this.#listening
    }
    return this
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<EventOf<T>>> {
    await this.ready()
    const value = this.#waiting.shift()
    if (value !== undefined) return { done: false, value }
    if (this.#isOver) return over
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
  }

  async return(): Promise<IteratorResult<EventOf<T>>> {
    await this.close()
    return over
  }

  /** Listens no more; whoever waits for an event is told that there is none. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#waiting = []
    this.onEnd()
    for (const { resolve } of this.#readers.splice(0)) resolve(over)
    const stop = await this.#listening?.catch(() => undefined)
    await stop?.()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #hear(heard: OwnEvent): void {
    if (this.#isOver || this.#types?.has(heard.type) === false) return
    // Those that Celery has are as their types say: the border has looked (flawOf).
    const event = heard as EventOf<T>
    const reader = this.#readers.shift()
    if (reader !== undefined) return reader.resolve({ done: false, value: event })
    if (this.#waiting.length >= mostWaiting) {
      if (!this.#isBehind)
        this.parts.log().warning(`${mostWaiting} events wait to be read: the oldest are dropped.`)
      this.#isBehind = true
      this.#waiting.shift()
    }
    this.#waiting.push(event)
  }
}

const over: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

const require = createRequire(import.meta.url)

/** The same for rxjs: each subscriber listens for itself, and it completes when the app is closed. */
export const observe = <T extends string>(open: () => EventStream<T>): Rxjs.Observable<EventOf<T>> => {
  const { Observable: Stream } = require('rxjs') as typeof Rxjs
  return new Stream<EventOf<T>>((subscriber) => {
    const stream = open()
    const read = async (): Promise<void> => {
      for await (const event of stream) subscriber.next(event)
      subscriber.complete()
    }
    read().catch((error: unknown) => subscriber.error(error))
    return () => void stream.close()
  })
}
