// A consumer's calls never fail for trouble over there: each is sent, with the same number, until its answer
// comes. What is wrong is said once, and once that it is over.
import { LeaseLost } from '../errors.js'
import type { ConsumerOptions } from '../runtime/broker.js'
import type { Link } from './link.js'
import { explain, troubleOf } from './trouble.js'

const pauseMs = 100

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export class Patience {
  readonly #link: Link
  readonly #url: string
  readonly #onTrouble: ConsumerOptions['onTrouble']
  #troubled = false
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
    for (;;) {
      if (this.#link.closed) throw new LeaseLost('The consumer is closed: what it held was given back.')
      this.complain(reason)
      // Always a real pause: the event that says why must get its turn.
      await sleep(troubleOf(reason) === 'connection' ? 5 : pauseMs * (0.5 + Math.random()))
      try {
        await this.#link.whenUp()
        const reply = await attempt()
        this.relieve()
        return reply
      } catch (next) {
        reason = next
      }
    }
  }

  complain(error: unknown): void {
    if (this.#troubled || this.#silent) return
    this.#troubled = true
    this.#onTrouble({ ok: false, message: explain(this.#url, error) })
  }

  relieve(): void {
    if (!this.#troubled) return
    this.#troubled = false
    const { master } = this.#link
    const where = master === '' ? '' : ` The master is ${master} now.`
    this.#onTrouble({ ok: true, message: `Connected to ${this.#url} again.${where}` })
  }

  /** We are leaving: nobody wants to hear of it any more. */
  hush(): void {
    this.#silent = true
  }
}
