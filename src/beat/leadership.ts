// Who of many beats fires, and what time it is. One leads and the others watch its lease, which saves work and
// guards nothing: each fire is a compare-and-set in the broker. The clock is the broker's, carried on by one that
// nobody sets, so that a host whose clock jumps fires nothing at a wrong time.
import type { Logger } from '../log.js'
import type { BeatParts } from './parts.js'

export interface LeadershipOptions {
  readonly parts: Pick<BeatParts, 'lead' | 'now'> & { readonly log: Logger }
  readonly by: string
  /** It began or ended to be the one. */
  readonly onChange: () => void
}

/** Killed or frozen, a leader is missed after this; the others look each second. */
const leaseMs = 6000
const renewMs = 2000
const candidateMs = 1000

export class Leadership {
  readonly #options: LeadershipOptions
  #leads = false
  /** When the lease was last asked for that it has, by the clock that nobody sets. */
  #askedMs = -Infinity
  #isLost = false
  #isRunning = true
  #brokerMs = 0
  #ownMs = 0
  #hurry: (() => void) | undefined
  readonly #ended: Promise<void>

  constructor(options: LeadershipOptions) {
    this.#options = options
    this.#ended = this.#run()
  }

  /** Who was frozen for as long as a lease does not know, and asks: others may have done its work. */
  get leads(): boolean {
    if (this.#hasLease) return true
    if (this.#leads) this.hurry()
    return false
  }

  get #hasLease(): boolean {
    return this.#leads && performance.now() - this.#askedMs < leaseMs
  }

  /** The broker's clock, Unix ms. */
  now(): number {
    return this.#brokerMs + (performance.now() - this.#ownMs)
  }

  /** Asks for lease and time now, not in a second. */
  hurry(): void {
    this.#hurry?.()
  }

  /** Another may lead at once. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.hurry()
    await this.#ended
    const { parts, by } = this.#options
    if (this.#leads) await parts.lead(by, 0).catch(() => false)
    this.#leads = false
  }

  async #run(): Promise<void> {
    const { parts, onChange } = this.#options
    while (this.#isRunning) {
      const [led, hadLease] = [this.#leads, this.#hasLease]
      await this.#renew()
      if (this.#leads !== led)
        parts.log.info(this.#leads ? 'beat: this one fires now.' : 'beat: this one does not fire now.')
      if (this.#leads !== led || (led && !hadLease)) onChange()
      if (this.#isRunning)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, this.#leads ? renewMs : candidateMs)
          this.#hurry = () => {
            clearTimeout(timer)
            resolve()
          }
        })
    }
  }

  async #renew(): Promise<void> {
    const { parts, by } = this.#options
    const askedMs = performance.now()
    try {
      this.#leads = await parts.lead(by, leaseMs)
      this.#askedMs = askedMs
      this.#brokerMs = parts.now()
      this.#ownMs = performance.now()
      if (this.#isLost) parts.log.info('beat: The broker is back.')
      this.#isLost = false
    } catch (error) {
      this.#leads = false
      const message = error instanceof Error ? error.message : String(error)
      if (!this.#isLost && this.#isRunning) parts.log.error(`beat: ${message} Trying until it is back.`)
      this.#isLost = true
    }
  }
}
