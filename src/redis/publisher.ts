// Producing: what one turn publishes leaves in one call, or in a few when it is much. Two lanes, one call in flight on
// each, every call with a number that Redis remembers: a call that is sent again counts once, and costs nothing more.
// What must be confirmed by replicas or disks goes through a publisher of its own, with one lane on its own
// connection: its calls, then one wait that covers them, while others gather for the next.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { OperationalError } from '../errors.js'
import type { Publication } from '../runtime/publication.js'
import { Alarm } from './alarm.js'
import { assertAof, confirm, type Need } from './confirm.js'
import type { Databases, Keys } from './keys.js'
import type { Link } from './link.js'
import { buildPublish, inPieces, targetOf } from './publication.js'
import { mostMessages, takeAlike, takeBatch } from './publish-batches.js'
import {
  awaitConfirmation,
  type Entry,
  excuse,
  isTired,
  makeEntry,
  noQueue,
  refusedText,
  unanswered,
  unconfirmed,
} from './publish-entry.js'
import { QueueBindings } from './queue-bindings.js'
import { scripts } from './scripts.js'
import { isHopeless, toOperational, troubleOf } from './trouble.js'

const pauseMs = 20

/** One call's number and what is in it. */
interface Call {
  readonly number: number
  readonly batch: readonly Entry[]
}

interface Lane {
  /** Of its last call. */
  number: number
  busy: boolean
  /** On their way. */
  calls: readonly Call[]
}

export interface PublisherOptions {
  readonly link: Link
  readonly keys: Keys
  readonly databases: Databases
  readonly url: string
  readonly timeoutSeconds: number
  /** Calls in flight. */
  readonly lanes: number
}

export class Publisher {
  readonly #link: Link
  readonly #keys: Keys
  readonly #databases: Databases
  readonly #url: string
  readonly #timeoutMs: number
  readonly #sender = randomBytes(9).toString('base64url')
  readonly #lanes: readonly Lane[]
  readonly #bindings: QueueBindings
  #pending: Entry[] = []
  #scheduled = false
  readonly #alarm = new Alarm(() => this.#watch())
  /** A confirmation is awaited: what is pending cannot leave, and its time stands still. */
  #confirming = false
  #hasAof = false
  /** Somebody waits for the last of them. */
  #onSettled: (() => void) | undefined
  /** What Redis said instead of taking the last call, if it did. */
  #refusal: Error | undefined

  constructor({ link, keys, databases, url, timeoutSeconds, lanes }: PublisherOptions) {
    this.#link = link
    this.#keys = keys
    this.#bindings = new QueueBindings(link, keys)
    this.#databases = databases
    this.#url = url
    this.#timeoutMs = timeoutSeconds * 1000
    this.#lanes = Array.from({ length: lanes }, () => ({ number: 0, busy: false, calls: [] }))
  }

  /** `patience` in seconds; the timeout if not given. */
  publish(publication: Publication, patience?: number, need?: Need): Promise<void> {
    if (publication.pushes.length === 0 && publication.chords.length === 0) return Promise.resolve()
    const pieces = inPieces(publication)
    return pieces.length === 1
      ? this.#enqueue(publication, patience, need)
      : this.#inTurn(pieces, patience, need)
  }

  async #inTurn(pieces: readonly Publication[], patience?: number, need?: Need): Promise<void> {
    for (const piece of pieces) await this.#enqueue(piece, patience, need)
  }

  #enqueue(publication: Publication, patience: number | undefined, need: Need | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#link.hold()
      const entry = makeEntry({ publication, need, resolve, reject }, patience, this.#timeoutMs)
      // Whoever has no time for the pause before the next attempt gets one at once.
      if (entry.patienceMs < this.#timeoutMs) this.#link.hurry()
      this.#pending.push(entry)
      this.#alarm.by(entry.patientUntilMs)
      // A full call leaves before its turn ends: Redis takes it in while the turn makes the next.
      if (this.#pending.length >= mostMessages && this.#lanes.some(({ busy }) => !busy)) {
        this.#flush()
        this.#link.flush()
      }
      if (this.#scheduled) return
      this.#scheduled = true
      // After everything that this turn still publishes.
      process.nextTick(() => {
        this.#scheduled = false
        this.#flush()
      })
    })
  }

  connected(): void {
    this.#bindings.forget()
    this.#hasAof = false
  }

  /** Most troubles may pass before patience ends; a wrong password or database does not. */
  disconnected(error: Error): void {
    if (troubleOf(error) === 'denied' || isHopeless(error))
      return this.#fail([...this.#flying(), ...this.#pending.splice(0)], error)
    for (const entry of [...this.#flying(), ...this.#pending]) entry.troubled = true
    this.#watch()
  }

  /** Resolves when nothing is on its way any more, or when its usual time is over. */
  async settled(): Promise<void> {
    const endMs = Date.now() + this.#timeoutMs
    while (this.#flying().length + this.#pending.length > 0 && Date.now() < endMs)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endMs - Date.now())
        this.#onSettled = () => {
          clearTimeout(timer)
          resolve()
        }
      })
  }

  /** On their way, and not settled. Looked for when it matters: a set of all that come and go keeps them for the collector. */
  #flying(): Entry[] {
    return this.#lanes.flatMap(({ calls }) => livingOf(calls))
  }

  #flush(): void {
    for (const [index, lane] of this.#lanes.entries()) {
      if (lane.busy || this.#pending.length === 0) continue
      lane.busy = true
      void this.#drive(index)
    }
  }

  async #drive(index: number): Promise<void> {
    const lane = this.#lanes[index] as Lane
    const senderKey = this.#keys.sender(this.#sender, index)
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const { need } = first
      const batches = need === undefined ? [takeBatch(this.#pending)] : this.#takeAlike(need)
      lane.calls = batches.map((batch) => ({ number: ++lane.number, batch }))
      await this.#deliver(senderKey, lane.calls, need)
      lane.calls = []
    }
    lane.busy = false
  }

  #takeAlike(need: Need): readonly Entry[][] {
    const { batches, rest } = takeAlike(this.#pending, need)
    this.#pending = rest
    return batches
  }

  /** Sends these calls, one after the other, until their outcome is known or nobody waits for it any more. */
  async #deliver(senderKey: string, calls: readonly Call[], need: Need | undefined): Promise<void> {
    const living = (): Entry[] => livingOf(calls)
    let confirmByMs: number | undefined
    while (living().length > 0) {
      if (!this.#link.up) {
        await this.#link.whenUp().catch(() => undefined)
        if (this.#link.closed) return this.#giveUp(living(), this.#link.lastError)
        continue
      }
      try {
        if (need !== undefined && need.aof > 0) await this.#assertAof()
        // After a cut all of them: on a server that took over, the last one's number would hide those before.
        for (const call of calls) await this.#send(senderKey, call)
        if (need === undefined) return
        confirmByMs ??= Date.now() + need.timeoutMs
        await this.#confirm(living(), need, confirmByMs)
      } catch (error) {
        const trouble = troubleOf(error)
        if (trouble !== 'connection' && trouble !== 'unready') return this.#fail(living(), error)
        this.#remember(living(), error as Error, trouble)
        // Always a real pause: the event that says why must get its turn.
        await sleep(trouble === 'unready' ? pauseMs : 2)
        if (trouble === 'unready')
          this.#giveUp(
            living().filter((entry) => isTired(entry)),
            error,
          )
      }
    }
  }

  /** Until it is written. What was written before is written again by its number alone: see publish.lua. */
  async #send(senderKey: string, { number, batch }: Call): Promise<void> {
    for (;;) {
      const living = batch.filter((entry) => !entry.settled)
      if (living.length === 0) return
      const publications = living.map((entry) => entry.publication)
      const call = buildPublish(this.#keys, this.#databases, senderKey, number, publications)
      for (const entry of living) entry.sent = true
      this.#bind(living)
      const reply = await this.#link.run(scripts.publish, call.args)
      this.#refusal = undefined
      if (reply === -1) return this.#fail(living, new Error('what was sent ahead of it is gone'))
      if (!Array.isArray(reply)) {
        for (const entry of living)
          if (entry.need === undefined) this.#settle(entry)
          else entry.written = true
        return
      }
      this.#refuseKeys(
        living,
        (reply as number[]).map((index) => call.keys[index - 1] as string),
      )
    }
  }

  /** Whom Redis told that it takes nothing now, knows that nothing arrived. */
  #remember(entries: readonly Entry[], error: Error, trouble: 'connection' | 'unready'): void {
    if (trouble === 'unready') this.#refusal = error
    for (const entry of entries)
      if (trouble === 'connection') entry.doubtful ||= entry.sent
      else entry.sent = entry.doubtful
  }

  async #assertAof(): Promise<void> {
    if (this.#hasAof) return
    await assertAof(this.#link)
    this.#hasAof = true
  }

  async #confirm(batch: readonly Entry[], need: Need, byMs: number): Promise<void> {
    for (const entry of batch) awaitConfirmation(entry, byMs)
    const sinceMs = Date.now()
    this.#confirming = true
    try {
      const missing = await confirm(this.#link, need, byMs)
      const error = missing === null ? undefined : new OperationalError(unconfirmed(need, missing, this.#url))
      for (const entry of batch) this.#settle(entry, error)
    } finally {
      this.#confirming = false
      for (const entry of this.#pending) excuse(entry, sinceMs)
      this.#watch()
    }
  }

  #bind(batch: readonly Entry[]): void {
    for (const { publication } of batch)
      for (const { queue } of publication.pushes) this.#bindings.ensure(queue)
  }

  /** These keys hold something that is no queue: who wanted to push there is told, the others go on. */
  #refuseKeys(batch: readonly Entry[], wrong: readonly string[]): void {
    for (const entry of batch) {
      const push = entry.publication.pushes.find((each) =>
        wrong.includes(targetOf(this.#keys, this.#databases, each)),
      )
      if (push === undefined) continue
      const key = targetOf(this.#keys, this.#databases, push)
      this.#settle(entry, new OperationalError(noQueue(push.queue, key, this.#url)))
    }
  }

  /** Redis said no. */
  #fail(batch: readonly Entry[], error: unknown): void {
    for (const entry of batch)
      this.#settle(entry, toOperational(this.#url, this.#link.reasonOf(error), refusedText(entry)))
  }

  /** Nobody answers. */
  #giveUp(batch: readonly Entry[], error: unknown): void {
    for (const entry of batch)
      this.#settle(entry, toOperational(this.#url, this.#link.reasonOf(error), unanswered(entry)))
  }

  #settle(entry: Entry, error?: Error): void {
    if (entry.settled) return
    entry.settled = true
    this.#link.free()
    if (error === undefined) entry.resolve()
    else entry.reject(error)
    this.#onSettled?.()
  }

  /** Nobody waits longer than his patience, whatever the other side does. */
  #watch(): void {
    const now = Date.now()
    const { up } = this.#link
    const isLate = (entry: Entry): boolean =>
      entry.deadlineMs <= now || (!up && entry.troubled && isTired(entry, now))
    const reason = this.#refusal ?? (up ? new Error('no answer') : this.#link.lastError)
    const late = this.#confirming ? [] : this.#pending.filter(isLate)
    if (late.length > 0) this.#pending = this.#pending.filter((entry) => !isLate(entry))
    this.#giveUp(late, reason)
    const lateInFlight = this.#flying().filter(isLate)
    this.#giveUp(lateInFlight, reason)
    // What is under way must not arrive long after its sender was told so.
    if (lateInFlight.length > 0) this.#link.reset()
    let next = Number.POSITIVE_INFINITY
    const waiting = this.#confirming ? this.#flying() : [...this.#flying(), ...this.#pending]
    for (const entry of waiting)
      next = Math.min(next, isTired(entry, now) ? entry.deadlineMs : entry.patientUntilMs)
    this.#alarm.by(next)
  }
}

const livingOf = (calls: readonly Call[]): Entry[] =>
  calls.flatMap(({ batch }) => batch.filter(({ settled }) => !settled))
