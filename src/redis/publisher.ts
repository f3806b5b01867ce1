// Producing: what one turn publishes leaves in one call. Two lanes, one call in flight on each, every call
// with a number that Redis remembers: a call that is sent again counts once, and costs nothing more.
import { randomBytes } from 'node:crypto'
import { OperationalError } from '../errors.js'
import type { Publication } from '../runtime/broker.js'
import { type Databases, directBinding, type Keys } from './keys.js'
import type { Link } from './link.js'
import { buildPublish, inPieces, targetOf } from './publication.js'
import { scripts } from './scripts.js'
import { explain, toOperational, troubleOf } from './trouble.js'

const laneCount = 2
const mostMessages = 200
const mostBytes = 1 << 20
const pauseMs = 20

interface Entry {
  readonly publication: Publication
  readonly bytes: number
  readonly deadlineMs: number
  readonly resolve: () => void
  readonly reject: (error: Error) => void
  settled: boolean
  /** It left at least once: it may have arrived. */
  sent: boolean
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export class Publisher {
  readonly #link: Link
  readonly #keys: Keys
  readonly #databases: Databases
  readonly #url: string
  readonly #timeoutMs: number
  readonly #sender = randomBytes(9).toString('base64url')
  readonly #lanes = Array.from({ length: laneCount }, () => ({ number: 0, busy: false }))
  readonly #bound = new Set<string>()
  #pending: Entry[] = []
  #flying = new Set<Entry>()
  #scheduled = false
  #watchdog: NodeJS.Timeout | null = null

  constructor(link: Link, keys: Keys, databases: Databases, url: string, timeoutSeconds: number) {
    this.#link = link
    this.#keys = keys
    this.#databases = databases
    this.#url = url
    this.#timeoutMs = timeoutSeconds * 1000
  }

  async publish(publication: Publication): Promise<void> {
    if (publication.pushes.length === 0 && publication.chords.length === 0) return
    for (const piece of inPieces(publication)) await this.#enqueue(piece)
  }

  #enqueue(publication: Publication): Promise<void> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const push of publication.pushes) bytes += push.raw.length
      this.#link.hold()
      this.#pending.push({
        publication,
        bytes,
        deadlineMs: Date.now() + this.#timeoutMs,
        resolve,
        reject,
        settled: false,
        sent: false,
      })
      if (this.#scheduled) return
      this.#scheduled = true
      // After everything that this turn still publishes.
      process.nextTick(() => {
        this.#scheduled = false
        this.#flush()
      })
    })
  }

  /** A new connection may be a new server: bindings are written again. */
  connected(): void {
    this.#bound.clear()
  }

  /** Most troubles may pass before the timeout; a wrong password does not. */
  disconnected(error: Error): void {
    if (troubleOf(error) === 'denied') this.#fail([...this.#flying, ...this.#pending.splice(0)], error)
  }

  #flush(): void {
    if (this.#watchdog === null) this.#watchdog = setTimeout(() => this.#watch(), this.#timeoutMs).unref()
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane.busy || this.#pending.length === 0) continue
      lane.busy = true
      void this.#drive(index)
    }
  }

  async #drive(index: number): Promise<void> {
    const lane = this.#lanes[index] as { number: number; busy: boolean }
    while (this.#pending.length > 0) {
      const batch = this.#take()
      for (const entry of batch) this.#flying.add(entry)
      await this.#deliver(this.#keys.sender(this.#sender, index), ++lane.number, batch)
    }
    lane.busy = false
  }

  #take(): Entry[] {
    let messages = 0
    let bytes = 0
    let count = 0
    for (const { publication, bytes: size } of this.#pending) {
      messages += publication.pushes.length
      bytes += size
      if (count > 0 && (messages > mostMessages || bytes > mostBytes)) break
      count++
    }
    return this.#pending.splice(0, count)
  }

  /** Sends one call until its outcome is known or nobody waits for it any more. */
  async #deliver(senderKey: string, number: number, batch: readonly Entry[]): Promise<void> {
    for (;;) {
      const living = batch.filter((entry) => !entry.settled)
      if (living.length === 0) return
      if (!this.#link.up) {
        await this.#link.whenUp().catch(() => undefined)
        if (this.#link.closed) return this.#fail(living, this.#link.lastError)
        continue
      }
      const publications = living.map((entry) => entry.publication)
      const call = buildPublish(this.#keys, this.#databases, senderKey, number, publications)
      for (const entry of living) entry.sent = true
      this.#bind(living)
      try {
        const reply = await this.#link.run(scripts.publish, call.args)
        if (!Array.isArray(reply)) {
          for (const entry of living) this.#settle(entry)
          return
        }
        this.#refuseKeys(
          living,
          (reply as number[]).map((index) => call.keys[index - 1] as string),
        )
      } catch (error) {
        const trouble = troubleOf(error)
        if (trouble !== 'connection' && trouble !== 'unready') return this.#fail(living, error)
        // Always a real pause: the event that says why must get its turn.
        await sleep(trouble === 'unready' ? pauseMs : 2)
      }
    }
  }

  /** A queue's binding goes before its first message, on the same connection; a full server refuses both. */
  #bind(batch: readonly Entry[]): void {
    for (const { publication } of batch)
      for (const { queue } of publication.pushes) {
        if (this.#bound.has(queue)) continue
        this.#bound.add(queue)
        this.#link
          .send('sadd', [this.#keys.binding(queue), directBinding(queue)])
          .catch(() => this.#bound.delete(queue))
      }
  }

  /** These keys hold something that is no queue: who wanted to push there is told, the others go on. */
  #refuseKeys(batch: readonly Entry[], wrong: readonly string[]): void {
    for (const entry of batch) {
      const push = entry.publication.pushes.find((each) => wrong.includes(targetOf(this.#keys, each)))
      if (push === undefined) continue
      const key = targetOf(this.#keys, push)
      this.#settle(
        entry,
        new OperationalError(
          `Cannot publish to queue "${push.queue}": the key "${key}" at ${this.#url} holds something that is no queue. Use another queue name, or remove the key.`,
        ),
      )
    }
  }

  #fail(batch: readonly Entry[], error: unknown): void {
    for (const entry of batch) this.#settle(entry, toOperational(this.#url, error, 'Not published. '))
  }

  #settle(entry: Entry, error?: Error): void {
    if (entry.settled) return
    entry.settled = true
    this.#flying.delete(entry)
    this.#link.free()
    if (error === undefined) entry.resolve()
    else entry.reject(error)
  }

  /** Nobody waits longer than the timeout, whatever the other side does. */
  #watch(): void {
    this.#watchdog = null
    const now = Date.now()
    const reason = explain(this.#url, this.#link.up ? new Error('no answer') : this.#link.lastError)
    const seconds = `${this.#timeoutMs / 1000} s`
    this.#pending = this.#pending.filter((entry) => {
      if (entry.deadlineMs > now) return true
      this.#settle(entry, new OperationalError(`Not published within ${seconds}. ${reason}`))
      return false
    })
    let cut = false
    for (const entry of this.#flying) {
      if (entry.deadlineMs > now) continue
      cut = true
      const what = entry.sent
        ? `No answer within ${seconds}: it may have arrived or not.`
        : `Not published within ${seconds}.`
      this.#settle(entry, new OperationalError(`${what} ${reason}`))
    }
    // What is under way must not arrive long after its sender was told so.
    if (cut) this.#link.reset()
    let next = Number.POSITIVE_INFINITY
    for (const entry of [...this.#pending, ...this.#flying]) next = Math.min(next, entry.deadlineMs)
    if (next < Number.POSITIVE_INFINITY)
      this.#watchdog = setTimeout(() => this.#watch(), Math.max(1, next - now)).unref()
  }
}
