// Task events on their way: gathered for a moment, sent as lists in the order in which they happened, and kept
// while the broker is away. No task waits for them: where too many gather, the oldest are forgotten.
import type { Logger } from '../../log.js'
import type { OwnEvent } from '../events.js'

export interface BatchesOptions {
  /** Of one group, and never more than `mostInOne`. */
  readonly publish: (events: readonly [OwnEvent, ...OwnEvent[]]) => Promise<void>
  readonly mostInOne: number
  readonly log: Logger
}

const gatherMs = 10
const againMs = 1000
/** So many are kept while the broker is away. */
const mostWaiting = 10_000

export class Batches {
  private waiting: OwnEvent[] = []
  private timer: NodeJS.Timeout | undefined
  private sending: Promise<boolean> | undefined
  private dropped = 0
  private isClosing = false

  constructor(private readonly options: BatchesOptions) {}

  add(event: OwnEvent): void {
    this.waiting.push(event)
    if (this.waiting.length > mostWaiting) this.forget()
    if (this.timer === undefined && this.sending === undefined) this.later(gatherMs)
  }

  /** Resolves when all is sent, or could not be. */
  async close(): Promise<void> {
    this.isClosing = true
    clearTimeout(this.timer)
    if ((await this.sending) !== false) await this.sendAll()
  }

  private later(ms: number): void {
    this.timer = setTimeout(() => this.send(), ms)
  }

  private send(): void {
    this.timer = undefined
    this.sending = this.sendAll().then((isDone) => {
      this.sending = undefined
      if (!this.isClosing && this.waiting.length > 0) this.later(isDone ? gatherMs : againMs)
      return isDone
    })
  }

  /** False: the broker is away. What could not be sent waits, before what came meanwhile. */
  private async sendAll(): Promise<boolean> {
    const { publish, mostInOne, log } = this.options
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, mostInOne) as [OwnEvent, ...OwnEvent[]]
      try {
        await publish(batch)
        this.dropped = 0
      } catch (error) {
        this.waiting = [...batch, ...this.waiting]
        if (this.isClosing)
          log.warning(`The last task events of this worker could not be sent: ${String(error)}`)
        return false
      }
    }
    return true
  }

  /** Some at a time: to take one from the front of many costs as much as to take a hundred. */
  private forget(): void {
    if (this.dropped === 0)
      this.options.log.warning(`${mostWaiting} task events wait for the broker: the oldest are dropped.`)
    this.dropped += this.waiting.splice(0, mostWaiting / 100).length
  }
}
