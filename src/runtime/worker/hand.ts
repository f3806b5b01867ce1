// The messages in a worker's hand: those that run, and those that wait here for a slot of the pool. It takes what was
// claimed, starts what may start, and tells what ended; it never asks for more (slots does).
import type { Consumer, Delivery } from '../consumer.js'
import { bare, type Ended } from './ended.js'
import { LookAhead, type Reach } from './look-ahead.js'
import type { Runs } from './runs.js'
import { Suspects } from './suspects.js'

export interface HandOptions {
  readonly runs: Pick<Runs, 'handle'>
  /** What a loop that tasks may block asks and tells (see Consumer). */
  readonly standby?: Required<Pick<Consumer, 'begins' | 'rests'>> | undefined
  /** How many more messages may be held while tasks are quick. */
  readonly reach: Reach
  /** Hears what goes back without having begun. */
  readonly onGivenBack?: (tag: string) => void
}

export interface HandListener {
  /** An end that is to be sent. */
  readonly onEnd: (ended: Ended) => void
  /** Something has changed: there may be ends to send, or room for more. */
  readonly onChange: () => void
}

export class Hand {
  /** All in hand: waiting, suspected, running, or joining a chord. */
  held = 0
  /** Between their start and the text of their completion. */
  busy = 0
  /** Messages in progress at once, and those held at once. */
  concurrency = 0
  capacity = 0
  /** Deliveries that wait for a slot (prefetched). */
  readonly waiting: Delivery[] = []
  /** Deliveries beyond the capacity, for a moment. */
  readonly ahead: LookAhead
  readonly suspects = new Suspects(
    (delivery, onEnd) => this.take(delivery, onEnd),
    () => {
      this.fill()
      this.listener.onChange()
    },
  )

  constructor(
    private readonly options: HandOptions,
    private readonly listener: HandListener,
  ) {
    this.ahead = new LookAhead(options.reach, (late) => this.giveBack(late))
  }

  /** From now on so many; with none, what has not begun goes back. What runs stays. */
  resize(concurrency: number, capacity: number): void {
    this.concurrency = concurrency
    this.capacity = capacity
    if (concurrency === 0) this.empty()
    else this.fill()
    this.rest()
  }

  /** What has not begun. */
  get unbegun(): readonly Delivery[] {
    return [...this.suspects.list, ...this.waiting, ...this.ahead.list]
  }

  /** How many more than it has room for may be asked for. */
  get roomAhead(): number {
    return this.ahead.room(this.concurrency)
  }

  /** `wereAsked`: they came by a claim. */
  accept(deliveries: readonly Delivery[], wereAsked: boolean): void {
    if (this.concurrency === 0) return this.decline(deliveries)
    for (const delivery of deliveries) {
      this.held += 1
      const isAhead = wereAsked && (this.held > this.capacity || this.ahead.list.length > 0)
      if (delivery.attempts >= 2) this.suspects.add(delivery)
      else if (isAhead) this.ahead.add(delivery)
      else this.waiting.push(delivery)
    }
    this.fill()
  }

  /** They came when nothing begins any more. */
  decline(deliveries: readonly Delivery[]): void {
    this.held += deliveries.length
    this.giveBack(deliveries)
  }

  /** Nothing begins any more: what has not goes back, the oldest last, since what came back last is the next to be taken. */
  empty(): void {
    const unbegun = [...this.waiting.splice(0), ...this.suspects.clear(), ...this.ahead.clear()]
    this.giveBack(unbegun.reverse())
  }

  /** What has not begun is somebody else's. */
  forget(): void {
    this.held -= this.waiting.splice(0).length + this.suspects.clear().length + this.ahead.clear().length
  }

  /** A turn is over: where a slot is free nothing waits, but for a suspect. */
  rest(): void {
    if (this.busy < this.concurrency && !this.suspects.isAlone) this.options.standby?.rests()
  }

  private giveBack(deliveries: readonly Delivery[]): void {
    for (const { tag } of deliveries) {
      this.held -= 1
      this.options.onGivenBack?.(tag)
      this.listener.onEnd(bare(tag, { kind: 'back' }))
    }
    this.listener.onChange()
  }

  /** Starts what can be started. */
  private fill(): void {
    if (this.suspects.isAlone) return
    if (this.suspects.list.length > 0) this.suspects.begin(this.busy)
    else
      while (this.busy < this.concurrency) {
        const next = this.waiting.shift() ?? this.ahead.next()
        if (next === undefined) return
        this.take(next)
      }
  }

  private take(delivery: Delivery, onEnd?: () => void): void {
    const { standby, runs } = this.options
    if (standby?.begins(delivery.tag) === false) {
      this.giveBack([delivery])
      onEnd?.()
      return
    }
    this.busy += 1
    const startedAt = performance.now()
    void runs.handle(delivery).then((ended) => {
      this.ahead.ended(performance.now() - startedAt)
      this.busy -= 1
      this.held -= 1
      if (ended !== undefined) this.listener.onEnd(ended)
      onEnd?.()
      this.fill()
      if (this.busy === 0) this.rest()
      this.listener.onChange()
    })
  }
}
