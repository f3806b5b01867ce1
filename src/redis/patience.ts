// A consumer's calls never fail for trouble over there: each is sent, with the same number, until its answer
// comes. What is wrong is said once for each kind, and once that all of it is over.
import { setTimeout as sleep } from 'node:timers/promises'
import { LeaseLost } from '../errors.js'
import type { ConsumerOptions } from '../runtime/consumer.js'
import type { Link } from './link.js'
import { explain, kindOf, troubleOf } from './trouble.js'

/** Who is in trouble: the connection; calls that are sent again and again; those who look and wait by themselves. */
type Who = 'link' | 'calls' | 'reaper' | 'waiter'

const pauseMs = 100

export class Patience {
  readonly #link: Link
  readonly #url: string
  readonly #onTrouble: ConsumerOptions['onTrouble']
  readonly #troubled = new Set<Who>()
  /** What was said since all was well. */
  readonly #said = new Set<string>()
  /** Calls that are being sent again. */
  #struggling = 0
  #silent = false

  constructor(link: Link, url: string, onTrouble: ConsumerOptions['onTrouble']) {
    this.#link = link
    this.#url = url
    this.#onTrouble = onTrouble
  }

  /** Sends until an answer comes; rejects with LeaseLost, and only when the link is closed. */
  async send<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      await this.#link.whenUp()
      const reply = await attempt()
      this.relieve()
      return reply
    } catch (error) {
      return this.again(error, attempt)
    }
  }

  /** The same, when a first attempt has failed. */
  async again<T>(error: unknown, attempt: () => Promise<T>): Promise<T> {
    let reason = error
    this.#struggling++
    try {
      for (;;) {
        if (this.#link.closed) throw new LeaseLost('The consumer is closed: what it held was given back.')
        this.complain(reason)
        // Always a real pause: the event that says why must get its turn.
        await sleep(troubleOf(reason) === 'connection' ? 5 : pauseMs * (0.5 + Math.random()))
        try {
          await this.#link.whenUp()
          return await attempt()
        } catch (next) {
          reason = next
        }
      }
    } finally {
      this.#struggling--
      this.relieve()
    }
  }

  complain(error: unknown, who: Who = 'calls'): void {
    this.#troubled.add(who)
    const reason = this.#link.reasonOf(error)
    const kind = kindOf(reason)
    // A connection that breaks because of what is wrong is no news.
    if (this.#silent || this.#said.has(kind) || (kind === 'connection' && this.#said.size > 0)) return
    this.#said.add(kind)
    this.#onTrouble({ ok: false, message: explain(this.#url, reason) })
  }

  relieve(who: Who = 'calls'): void {
    if (this.#troubled.size === 0 || (who === 'calls' && this.#struggling > 0)) return
    this.#troubled.delete(who)
    if (this.#troubled.size > 0 || this.#said.size === 0) return
    this.#said.clear()
    if (this.#silent) return
    const { master } = this.#link
    const where = master === '' ? '' : ` The master is ${master} now.`
    this.#onTrouble({ ok: true, message: `Connected to ${this.#url} again.${where}` })
  }

  /** We are leaving: nobody wants to hear of it any more. */
  hush(): void {
    this.#silent = true
  }
}
