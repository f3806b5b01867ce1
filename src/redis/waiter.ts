// Waiting for work without holding any: BLMOVE of a list onto itself returns when something lies in it and
// leaves it there. With one queue the claim stands behind its BLMOVE in the same write, so that Redis runs it
// in the moment it wakes us. Every other list (lower priorities, redeliveries, more queues) has a connection
// that only wakes us: polling them each 50 ms would cost an idle worker more than 1 % of a core.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../runtime/consumer.js'
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'
import { troubleOf } from './trouble.js'

export interface WaiterOptions {
  readonly keys: Keys
  readonly queues: readonly string[]
  /** The consumer's connection, for everything that does not block. */
  readonly link: Link
  readonly connect: (role: string) => Link
  readonly id: () => string
  readonly claim: (link: Link, slots: number) => Promise<readonly Delivery[]>
  /** We may not block now; and when we may again. */
  readonly onRefused: (error: unknown) => void
  readonly onTaken: () => void
}

const blockSeconds = 4
/** Of those that only wake us; below the time after which a silent socket counts as dead. */
const perchSeconds = 10
/** More lists than this are polled instead: each costs a connection. */
const mostPerches = 20
const pollMs = 50
/** Each push wakes all who block on its list: more workers than this poll instead. */
const seats = 4
const seatMs = 9000
/** Who closes waits so long for a claim under way. */
const patienceMs = 1000
/** After a refusal (a full server takes no BLMOVE), poll for this long. */
const refusedMs = 1000

/** A list that we block on. */
interface Perch {
  readonly queue: string
  readonly list: string
  readonly link: Link
  blocked: boolean
}

const noop = (): void => undefined

export class Waiter {
  readonly #options: WaiterOptions
  /** With one queue: its plain list, where the claim rides behind. */
  readonly #ride: Perch | null
  readonly #perches: readonly Perch[]
  /** Lists of a queue that no perch watches, for polling. */
  readonly #unwatched: readonly string[]
  readonly #all: readonly string[]
  /** Queue → until when our place among its waiters is sure. */
  readonly #seatedUntil = new Map<string, number>()
  /** Ends the present wait early. */
  #wake: (() => void) | null = null
  /** Something was seen since the last claim. */
  #seen = false
  #interrupted = false
  /** The claim that rides behind a BLMOVE. */
  #riding: Promise<unknown> = Promise.resolve()
  #refusedUntil = 0
  #closed = false

  constructor(options: WaiterOptions) {
    this.#options = options
    const { keys, queues, connect } = options
    const plain = queues.map((queue) => ({ queue, list: keys.list(queue, 0) }))
    const side = queues.flatMap((queue) =>
      [keys.redo(queue), ...keys.lists(queue).slice(1)].map((list) => ({ queue, list })),
    )
    const few = plain.length + side.length <= mostPerches
    const perch = (place: { queue: string; list: string }): Perch => ({
      ...place,
      link: connect('waiter'),
      blocked: false,
    })
    this.#ride = queues.length === 1 ? perch(plain[0] as Perch) : null
    this.#perches = [...(this.#ride ? [] : plain), ...(few ? side : [])].map(perch)
    this.#unwatched = few ? [] : side.map(({ list }) => list)
    this.#all = [...plain, ...side].map(({ list }) => list)
    for (const { link } of this.#blocking()) link.hold()
  }

  async wait(slots: number): Promise<readonly Delivery[]> {
    const { link, claim } = this.#options
    if (this.#closed || slots <= 0) return []
    this.#interrupted = false
    const seated = Date.now() >= this.#refusedUntil && (await this.#sit())
    if (this.#interrupted || this.#closed) return []
    if (this.#seen) {
      this.#seen = false
      return claim(link, slots)
    }
    if (seated) for (const perch of this.#perches) void this.#settle(perch)
    const ride = this.#ride
    if (seated && ride?.link.up) return this.#rideAlong(ride, slots)
    // It is on its way: look once, and block then.
    if (seated) ride?.link.whenUp().then(() => this.#wake?.(), noop)

    let timer: NodeJS.Timeout | undefined
    const stopPolling = this.#poll(seated && ride === null ? this.#unwatched : this.#all)
    const woken = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true)
      timer = setTimeout(() => resolve(false), blockSeconds * 1000)
    })
    this.#wake = null
    clearTimeout(timer)
    stopPolling()
    this.#seen = false
    return woken && !this.#interrupted ? claim(link, slots) : []
  }

  interrupt(): void {
    this.#interrupted = true
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.interrupt()
    // Cut off, it would be asked for again over another connection, as after a real cut, and be called one.
    await Promise.race([this.#riding, sleep(patienceMs, undefined, { ref: false })])
    const { keys, link, id } = this.#options
    for (const queue of this.#seatedUntil.keys()) link.send('zrem', [keys.waiters(queue), id()]).catch(noop)
    for (const { link: own } of this.#blocking()) {
      own.free()
      own.close()
    }
  }

  #blocking(): readonly Perch[] {
    return this.#ride ? [this.#ride, ...this.#perches] : this.#perches
  }

  /** One queue: the claim rides behind the BLMOVE. */
  async #rideAlong(ride: Perch, slots: number): Promise<readonly Delivery[]> {
    const { claim } = this.#options
    let done = false
    this.#block(ride, blockSeconds).then(this.#options.onTaken, (error) => this.#refused(error))
    const claimed = claim(ride.link, slots)
    this.#riding = claimed
    const unblock = (): void => {
      // It may not block yet over there: ask again until it is over.
      if (!done) void this.#unblock(ride).then(() => setTimeout(unblock, 5))
    }
    this.#wake = unblock
    const stopPolling = this.#poll(this.#unwatched)
    try {
      return await claimed
    } finally {
      done = true
      stopPolling()
      this.#wake = null
      this.#seen = false
    }
  }

  /** Blocks on a list that only wakes us; stays there over several waits. */
  async #settle(perch: Perch): Promise<void> {
    if (perch.blocked) return
    perch.blocked = true
    try {
      await perch.link.whenUp()
      const found = await this.#block(perch, perchSeconds)
      this.#options.onTaken()
      if (found === null) return
      this.#seen = true
      this.#wake?.()
    } catch (error) {
      this.#refused(error)
    } finally {
      perch.blocked = false
      // Nothing came, and somebody waits: stay.
      if (!this.#seen && this.#wake !== null && !this.#closed && Date.now() >= this.#refusedUntil)
        void this.#settle(perch)
    }
  }

  /** A full server takes no BLMOVE. A cut connection is only made again. */
  #refused(error: unknown): void {
    if (troubleOf(error) === 'connection') return
    this.#refusedUntil = Date.now() + refusedMs
    // The reaper names a key that is no list, and says when it is one again.
    if (!String(error).includes('WRONGTYPE')) this.#options.onRefused(error)
  }

  #block({ link, list }: Perch, seconds: number) {
    return link.send('blmove', [list, list, 'RIGHT', 'RIGHT', seconds])
  }

  #unblock({ link }: Perch): Promise<unknown> {
    return this.#options.link.send('client', ['UNBLOCK', link.clientId]).catch(noop)
  }

  /** Whether we may block: true when there is a place for us at every queue. */
  async #sit(): Promise<boolean> {
    const { keys, link, id, queues } = this.#options
    const now = Date.now()
    const wanting = queues.filter(
      (queue) => (this.#seatedUntil.get(queue) ?? 0) - now < 1000 * blockSeconds + 500,
    )
    const places = await Promise.all(
      wanting.map(async (queue) => {
        const args = [1, keys.waiters(queue), id(), seats, seatMs]
        const mine = (await link.run(scripts.seat, args).catch(() => 0)) === 1
        if (mine) this.#seatedUntil.set(queue, now + seatMs)
        else this.#seatedUntil.delete(queue)
        return mine
      }),
    )
    return places.every(Boolean)
  }

  /** Looks at these lists now and then; returns what stops it. */
  #poll(lists: readonly string[]): () => void {
    if (lists.length === 0) return noop
    const { link } = this.#options
    let asked = false
    const timer = setInterval(() => {
      if (asked || !link.up) return
      asked = true
      link
        .send('exists', lists)
        .then((count) => (count as number) > 0 && this.#wake?.())
        .catch(noop)
        .finally(() => {
          asked = false
        })
    }, pollMs)
    return () => clearInterval(timer)
  }
}
