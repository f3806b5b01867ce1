// Waiting for work without holding any: BLMOVE of a list onto itself returns when something lies in it and
// leaves it there, and the claim stands behind it in the same write, so that Redis runs it in the moment it
// wakes us. Other lists (redeliveries, lower priorities) are looked at each 50 ms meanwhile.
import type { Delivery } from '../runtime/broker.js'
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'

export interface WaiterOptions {
  readonly keys: Keys
  readonly queues: readonly string[]
  /** The consumer's connection, for everything that does not block. */
  readonly link: Link
  readonly connect: (role: string) => Link
  readonly id: () => string
  readonly claim: (link: Link, slots: number) => Promise<readonly Delivery[]>
}

const blockSeconds = 2
const lookMs = 50
/** Each push wakes all who block on its list: more than this many poll instead. */
const seats = 4
const seatMs = 6000
/** After a refusal (a full server takes no BLMOVE), poll for this long. */
const refusedMs = 5000

interface Seat {
  readonly queue: string
  readonly link: Link
  /** When our place must be asked for again. */
  until: number
  /** A BLMOVE is under way. */
  blocked: Promise<void> | null
}

export class Waiter {
  readonly #options: WaiterOptions
  readonly #seats: Seat[]
  /** Ends the present wait early. */
  #wake: (() => void) | null = null
  #interrupted = false
  #pollUntil = 0
  #closed = false

  constructor(options: WaiterOptions) {
    this.#options = options
    this.#seats = options.queues.map((queue) => ({
      queue,
      link: options.connect('waiter'),
      until: 0,
      blocked: null,
    }))
  }

  async wait(slots: number): Promise<readonly Delivery[]> {
    if (this.#closed || slots <= 0) return []
    this.#interrupted = false
    const sole = this.#seats.length === 1 ? (this.#seats[0] as Seat) : null
    for (const seat of this.#seats) if (seat.link.client.status === 'wait') seat.link.hold()
    const polling = Date.now() < this.#pollUntil
    const seated = polling ? [] : await this.#sit()
    if (this.#interrupted) return []
    if (sole !== null && seated.length === 1) return this.#waitAlone(sole, slots)

    let timer: NodeJS.Timeout | undefined
    const woken = new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true)
      for (const seat of seated) {
        seat.blocked ??= this.#block(seat)
        void seat.blocked.then(() => resolve(true))
      }
      timer = setTimeout(() => resolve(false), blockSeconds * 1000)
    })
    const stop = this.#look(seated.length < this.#seats.length, () => this.#wake?.())
    const something = await woken
    stop()
    clearTimeout(timer)
    this.#wake = null
    return something && !this.#interrupted ? this.#options.claim(this.#options.link, slots) : []
  }

  interrupt(): void {
    this.#interrupted = true
    this.#wake?.()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.interrupt()
    const { keys, link, id } = this.#options
    for (const { queue, link: own, until } of this.#seats) {
      if (until > 0) link.send('zrem', [keys.waiters(queue), id()]).catch(() => undefined)
      if (own.client.status !== 'wait') own.free()
      own.close()
    }
  }

  /** One queue: the claim rides behind the BLMOVE. */
  async #waitAlone(seat: Seat, slots: number): Promise<readonly Delivery[]> {
    const { claim } = this.#options
    let done = false
    let claimed: Promise<readonly Delivery[]> | undefined
    seat.link.together(() => {
      seat.blocked = this.#block(seat)
      claimed = claim(seat.link, slots)
    })
    const unblock = (): void => {
      if (done) return
      // It may not block yet over there: ask again until it is over.
      void this.#unblock(seat).then(() => setTimeout(unblock, 5))
    }
    this.#wake = unblock
    const stop = this.#look(false, unblock)
    try {
      return (await claimed) ?? []
    } finally {
      done = true
      stop()
      this.#wake = null
    }
  }

  async #block(seat: Seat): Promise<void> {
    const list = this.#options.keys.list(seat.queue, 0)
    try {
      await seat.link.send('blmove', [list, list, 'RIGHT', 'RIGHT', blockSeconds])
    } catch {
      this.#pollUntil = Date.now() + refusedMs
    } finally {
      seat.blocked = null
    }
  }

  #unblock({ link }: Seat): Promise<unknown> {
    return this.#options.link.send('client', ['UNBLOCK', link.clientId]).catch(() => undefined)
  }

  /** The seats that may block: connected, and among the few. */
  async #sit(): Promise<Seat[]> {
    const { keys, link, id } = this.#options
    const now = Date.now()
    await Promise.all(
      this.#seats.map(async (seat) => {
        if (seat.until - now > blockSeconds * 1000 + 500) return
        const args = [1, keys.waiters(seat.queue), id(), seats, seatMs]
        const mine = await link.run(scripts.seat, args).catch(() => 0)
        seat.until = mine === 1 ? now + seatMs : 0
      }),
    )
    return this.#seats.filter(({ until, link: own }) => until > 0 && own.up)
  }

  /** Looks each 50 ms at what no BLMOVE watches; returns what stops it. */
  #look(plainToo: boolean, onFound: () => void): () => void {
    const { keys, link, queues } = this.#options
    const names: string[] = []
    for (const queue of queues) names.push(keys.redo(queue), ...keys.lists(queue).slice(plainToo ? 0 : 1))
    let asked = false
    const timer = setInterval(() => {
      if (asked || !link.up) return
      asked = true
      link
        .send('exists', names)
        .then((count) => {
          asked = false
          if ((count as number) > 0) onFound()
        })
        .catch(() => {
          asked = false
        })
    }, lookMs)
    return () => clearInterval(timer)
  }
}
