// One memory:// server: a state, the clock, and who waits for what. There is one for each URL in a process;
// whoever opens the same URL meets the same queues and results, as with a Redis.
import { Draft } from './draft.js'
import { transition } from './engine.js'
import { earliest } from './heap.js'
import type { Kind, OperationOf, Operations, ReplyTo } from './operations.js'
import { queueOfList } from './keys.js'
import { apply, emptyState } from './state.js'
import { length } from './waiting.js'

/** Leases are renewed and the dead are looked for this often. */
const beatMs = 1000
/** The longest sleep before due messages are looked at again, so that a clock that jumps is noticed. */
const sleepAtMostMs = 30_000
/** Messages that become due in one go. */
const promoteAtMost = 1000

/** Somebody who has nothing to do. */
export interface Waiter {
  readonly queues: readonly string[]
  /** Something lies in one of the queues: look. */
  readonly wake: () => void
}

/** A consumer, as the room sees it. */
export interface Member {
  readonly queues: readonly string[]
  readonly renew: () => void
}

/** Somebody who listens at an exchange. */
export type Hear = (raw: string) => void

/** Where those listen who hear everything of an exchange, whatever its routing key. */
export const anyKeyOf = (exchange: string): string => `${exchange}\n*`

export class Room {
  readonly state = emptyState()
  readonly #members = new Set<Member>()
  readonly #waiters = new Set<Waiter>()
  readonly #watchers = new Map<string, Set<(text: string) => void>>()
  readonly #ears = new Map<string, Set<Hear>>()
  /** Queues that got messages in this turn. */
  #filled = new Set<string>()
  #beat: NodeJS.Timeout | undefined
  #due: NodeJS.Timeout | undefined

  /** One transition, now. */
  submit<K extends Kind>(kind: K, asked: Operations[K]['asked']): ReplyTo<K> {
    const operation = { kind, nowMs: Date.now(), ...asked } as unknown as OperationOf<K>
    const { changes, reply, announced, broadcast } = transition(this.state, operation)
    apply(this.state, changes)
    for (const { taskId, text } of announced)
      for (const listener of this.#watchers.get(taskId) ?? []) queueMicrotask(() => listener(text))
    for (const { exchange, raw } of broadcast) this.tell(anyKeyOf(exchange), raw)
    let held = false
    for (const { table, key, value } of changes) {
      if (table === 'lists' && value !== undefined) this.#fill(queueOfList(key))
      if (table === 'deferred') held = true
    }
    if (held) this.#sleepUntilDue()
    return reply
  }

  join(member: Member): void {
    this.#members.add(member)
    this.#keepAwake()
    this.#sleepUntilDue()
  }

  leave(member: Member): void {
    this.#members.delete(member)
    this.#keepAwake()
  }

  /** Returns what ends it. */
  hear(place: string, hear: Hear): () => void {
    const ears = this.#ears.get(place) ?? new Set()
    this.#ears.set(place, ears.add(hear))
    return () => {
      ears.delete(hear)
      if (ears.size === 0 && this.#ears.get(place) === ears) this.#ears.delete(place)
    }
  }

  /** Whoever listens there is called in a microtask. */
  tell(place: string, raw: string): void {
    for (const hear of this.#ears.get(place) ?? [])
      queueMicrotask(() => {
        if (this.#ears.get(place)?.has(hear)) hear(raw)
      })
  }

  wait(waiter: Waiter): void {
    this.#waiters.add(waiter)
  }

  unwait(waiter: Waiter): void {
    this.#waiters.delete(waiter)
  }

  /** `listener` hears of each result of the task that is written from now on, in a microtask. */
  watch(taskId: string, listener: (text: string) => void): () => void {
    const listeners = this.#watchers.get(taskId) ?? new Set()
    this.#watchers.set(taskId, listeners.add(listener))
    this.#keepAwake()
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.#watchers.get(taskId) === listeners) this.#watchers.delete(taskId)
      this.#keepAwake()
    }
  }

  /** Those who wait look in a microtask, once for all that was published in this turn. */
  #fill(queue: string): void {
    if (this.#waiters.size === 0) return
    if (this.#filled.size === 0) queueMicrotask(() => this.#wake())
    this.#filled.add(queue)
  }

  #wake(): void {
    const filled = this.#filled
    this.#filled = new Set()
    const view = new Draft(this.state, Date.now())
    for (const waiter of this.#waiters)
      if (
        waiter.queues.some(
          (queue) => filled.has(queue) && length(view, { kind: 'length', nowMs: view.nowMs, queue }) > 0,
        )
      )
        waiter.wake()
  }

  /** The process lives while a consumer is open or somebody waits for a result. */
  #keepAwake(): void {
    if (this.#members.size === 0 && this.#watchers.size === 0) {
      clearInterval(this.#beat)
      this.#beat = undefined
    } else this.#beat ??= setInterval(() => this.#onBeat(), beatMs)
  }

  #onBeat(): void {
    for (const member of this.#members) member.renew()
    while (this.submit('reap', {}).consumer !== null);
  }

  /** Only queues that somebody consumes: what the others hold back is promoted when somebody comes. */
  #sleepUntilDue(): void {
    clearTimeout(this.#due)
    this.#due = undefined
    const consumed = new Set([...this.#members].flatMap(({ queues }) => queues))
    let next = Number.POSITIVE_INFINITY
    for (const queue of consumed) {
      const heap = this.state.deferred.get(queue)
      next = Math.min(next, (heap && earliest(heap)) ?? next)
    }
    if (next === Number.POSITIVE_INFINITY) return
    const ms = Math.min(Math.max(next - Date.now(), 1), sleepAtMostMs)
    this.#due = setTimeout(() => {
      for (const queue of consumed)
        while (this.submit('promote', { queue, most: promoteAtMost }).moved === promoteAtMost);
      this.#sleepUntilDue()
    }, ms)
    this.#due.unref()
  }
}

const rooms = new Map<string, Room>()

/** The room of this name, for the whole process. */
export const roomOf = (name: string): Room => {
  const room = rooms.get(name) ?? new Room()
  rooms.set(name, room)
  return room
}
