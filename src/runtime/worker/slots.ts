// The hot loop: claims what the hand has free slots for, and sends what ended in it together
// with the next claim, in one call. At most one call for each lane of the consumer; what
// ends meanwhile goes with the next one. No timer, no stream: the claim window is the back-pressure.
import { LeaseLost } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Completion, Consumer, Delivery, Join } from '../consumer.js'
import { tracebackOf } from '../failure.js'
import { isOwnQueue } from '../broadcast.js'
import { factsOf, nameOf } from './held.js'
import type { Ended } from './ended.js'
import { Hand, type HandOptions } from './hand.js'
import type { Runs } from './runs.js'
import { Vigil } from './vigil.js'

export interface SlotsOptions extends HandOptions {
  readonly consumer: Pick<Consumer, 'lanes' | 'step' | 'wait' | 'interrupt'>
  readonly runs: Pick<Runs, 'handle' | 'join' | 'leave' | 'abort' | 'lose'>
  /** Messages in progress at once. */
  readonly concurrency: number
  /** Messages held at once, those in progress included. */
  readonly capacity: number
  /** Hears which ends are written: all of these but those at `refused`. */
  readonly onCommitted?: (ended: readonly Ended[], refused: readonly number[]) => void
  /** Hears which ends are under way while there is nothing else to do. */
  readonly whileSending?: (ends: readonly Completion[]) => void
  readonly log: Logger
}

/** One script's worth. */
const mostAtOnce = 1000
/** After a call that failed as no call should: a fault must not become a storm. */
const breathMs = 1000

export class Slots {
  /** Ends that go with the next call. */
  private readonly ready: Ended[] = []
  /** Ends whose call failed for no known reason: sent one by one, so that one of them cannot hold up the others. */
  private readonly doubtful: Ended[] = []
  private readonly hand: Hand
  private readonly freeLanes: number[]
  /** Slots for which a claim is under way. */
  private asked = 0
  private empty = false
  private listening = false
  private claiming = false
  private scheduled = false
  private breath: NodeJS.Timeout | undefined
  private idle: (() => void)[] = []
  private readonly answers = new Vigil()
  private readonly arrivals = new Vigil()
  private maxClaim = 0

  constructor(private readonly options: SlotsOptions) {
    const { consumer, concurrency, capacity } = options
    this.hand = new Hand(options, {
      onEnd: (ended) => this.ready.push(ended),
      onChange: () => this.schedule(),
    })
    this.freeLanes = Array.from({ length: consumer.lanes }, (_, lane) => lane).reverse()
    this.setSize(concurrency, capacity)
  }

  /** From now on so many. What is in hand stays. */
  resize(concurrency: number, capacity: number): void {
    this.setSize(concurrency, capacity)
    // A wait that is under way was for the slots that there were.
    this.options.consumer.interrupt()
    this.schedule()
  }

  private setSize(concurrency: number, capacity: number): void {
    this.maxClaim = this.claimOf(capacity)
    this.hand.resize(concurrency, capacity)
  }

  private claimOf(capacity: number): number {
    const { lanes } = this.options.consumer
    return Math.min(mostAtOnce, capacity < 4 ? capacity : Math.ceil(capacity / lanes))
  }

  /** Messages in hand, and whether they are all that it may hold. */
  get load(): { readonly held: number; readonly isFull: boolean } {
    const { held, capacity } = this.hand
    // Where nothing can be run, more slots would not help.
    return { held, isFull: capacity > 0 && held >= capacity }
  }

  /** What was claimed and has not begun. */
  get prefetched(): readonly Delivery[] {
    return this.hand.unbegun
  }

  start(): void {
    this.claiming = true
    this.schedule()
  }

  /** Stop claiming; resolves when what runs has ended and everything is committed. */
  async drain(): Promise<void> {
    this.claiming = false
    this.options.runs.leave()
    this.options.consumer.interrupt()
    this.hand.empty()
    if (!this.isIdle()) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  /** Deliveries that came another way than by a claim of ours. */
  offer(deliveries: readonly Delivery[]): void {
    this.accept(deliveries, false)
    this.schedule()
  }

  /** Abort what runs and give it back; then as `drain`. */
  abort(): void {
    this.options.runs.abort()
  }

  /** The lease is lost: everything in hand is somebody else's. */
  lose(): void {
    this.hand.forget()
    for (const list of [this.ready, this.doubtful]) list.length = 0
    this.options.runs.lose()
    this.soon()
  }

  // -------------------------------------------------------------------------------------------------
  // Calls

  private schedule(): void {
    // Nothing else runs: what ended is alone, and waiting for company would only cost time.
    if (this.hand.busy === 0 && !this.scheduled) this.pump()
    else this.soon()
  }

  private soon(): void {
    if (this.scheduled) return
    this.scheduled = true
    setImmediate(() => {
      this.scheduled = false
      this.pump()
    })
  }

  private pump(): void {
    this.hand.rest()
    for (;;) {
      const lane = this.freeLanes.at(-1)
      if (lane === undefined) break
      if (this.doubtful.length > 0 && this.breath === undefined) {
        this.freeLanes.pop()
        void this.call(lane, this.doubtful.splice(0, 1), 0)
        continue
      }
      const slots = this.claimable()
      if (this.ready.length === 0 && slots === 0) break
      // Nobody waits for this call: what ends until the one before is back goes with it.
      if (this.hand.ahead.list.length > 0 && this.freeLanes.length < this.options.consumer.lanes) break
      this.freeLanes.pop()
      void this.call(lane, this.ready.splice(0, mostAtOnce), slots)
    }
    this.listen()
    if (!this.isIdle()) return
    clearTimeout(this.breath)
    for (const resolve of this.idle.splice(0)) resolve()
  }

  /** Whether there may be more work for us, and we may take it. */
  private wants(): boolean {
    const { suspects } = this.hand
    return this.claiming && suspects.list.length === 0 && !suspects.isAlone && this.breath === undefined
  }

  private claimable(): number {
    if (!this.wants()) return 0
    const { capacity, held, roomAhead } = this.hand
    const free = capacity - held - this.asked
    // Empty a moment ago: only the slots that a completion frees are asked for, with its call.
    if (this.empty) return Math.max(0, Math.min(free, this.maxClaim, this.ready.length))
    const most = roomAhead === 0 ? this.maxClaim : this.claimOf(capacity + roomAhead)
    return Math.max(0, Math.min(free + roomAhead, most))
  }

  private async call(lane: number, ended: readonly Ended[], slots: number): Promise<void> {
    this.asked += slots
    try {
      const completions = ended.map(({ completion }) => completion)
      if (this.hand.busy === 0) this.answers.begin()
      const answer = this.options.consumer.step(lane, completions, slots)
      if (this.hand.busy === 0 && slots > 0) this.options.whileSending?.(completions)
      const { refused, joins, deliveries } = await answer
      this.answers.end()
      this.asked -= slots
      this.freeLanes.push(lane)
      if (slots > 0)
        this.empty = deliveries.length < slots || (this.empty && sentBy(ended) >= deliveries.length)
      for (const index of refused) this.sayRefused(ended[index])
      this.options.onCommitted?.(ended, refused)
      if (joins.length > 0) this.join(ended, joins)
      this.accept(deliveries)
    } catch (error) {
      this.asked -= slots
      this.freeLanes.push(lane)
      // A lost lease: nothing of this was written, and all of it belongs to somebody else.
      if (!(error instanceof LeaseLost)) this.recover(ended, error)
      // Not at once: an answer that comes without waiting would leave no turn to anybody else.
      this.soon()
      return
    }
    this.schedule()
  }

  /** No call should fail so. What was to be committed is tried again, each by itself, after a breath. */
  private recover(ended: readonly Ended[], error: unknown): void {
    this.options.log.critical(`The worker's loop failed: ${tracebackOf(error) ?? String(error)}`)
    this.breath ??= setTimeout(() => {
      this.breath = undefined
      this.pump()
    }, breathMs)
    // Who stops does not wait for what fails alone: closing the consumer gives it back.
    if (this.claiming || ended.length > 1) this.doubtful.push(...ended)
  }

  private sayRefused(ended: Ended | undefined): void {
    const message = ended?.held?.message
    // Of the copies that a topic or a broadcast makes the first end counts.
    if (message !== undefined && message.exchange === '' && !isOwnQueue(ended?.held?.queue ?? ''))
      this.options.log.warning(
        `Task ${nameOf(message)} ended, but another run of the same message had ended before: this one counts for nothing`,
        factsOf(message),
      )
  }

  /** One completion for all chords that an end completed: it is acknowledged with the last of the bodies. */
  private join(ended: readonly Ended[], joins: readonly Join[]): void {
    for (const [index, end] of ended.entries()) {
      const own = joins.filter(({ completion }) => completion === index)
      if (own.length === 0) continue
      this.hand.held += 1
      void this.options.runs.join(end, own).then((second) => {
        this.hand.held -= 1
        if (second !== undefined) this.ready.push(second)
        this.schedule()
      })
    }
  }

  /** Waits for work while there are free slots and the queues were empty. */
  private listen(): void {
    // With a claim on its way, its answer decides; and the wait shall be for all free slots, not for half of them.
    if (this.listening || !this.empty || this.asked > 0 || !this.wants()) return
    const free = Math.min(mostAtOnce, this.hand.capacity - this.hand.held)
    if (free <= 0) return
    this.listening = true
    this.asked += free
    void this.hear(free)
  }

  private async hear(free: number): Promise<void> {
    let deliveries: readonly Delivery[] = []
    try {
      if (this.hand.busy === 0) this.arrivals.begin()
      deliveries = await this.options.consumer.wait(free)
      if (deliveries.length > 0) this.arrivals.end()
    } catch (error) {
      if (!(error instanceof LeaseLost)) this.recover([], error)
    }
    this.asked -= free
    this.listening = false
    // Fewer than asked for are all that there was; none at all may mean that it is time for another look.
    this.empty = deliveries.length > 0 && deliveries.length < free
    this.accept(deliveries)
    if (deliveries.length === 0) this.soon()
    else this.schedule()
  }

  private isIdle(): boolean {
    return (
      !this.claiming &&
      this.hand.held === 0 &&
      this.ready.length === 0 &&
      this.doubtful.length === 0 &&
      !this.listening &&
      this.freeLanes.length === this.options.consumer.lanes
    )
  }

  /** `wereAsked`: they came by a claim. */
  private accept(deliveries: readonly Delivery[], wereAsked = true): void {
    if (this.claiming) this.hand.accept(deliveries, wereAsked)
    else this.hand.decline(deliveries)
  }
}

/** Messages that these ends sent: where there was nothing else, what comes is they, and tells of no others. */
const sentBy = (ended: readonly Ended[]): number =>
  ended.reduce((sum, { completion: { pushes } }) => sum + pushes.length, 0)
