// The rates of tasks in one worker. A message whose task may not start yet is set aside in Redis (the ending
// `park`): it costs no slot and no memory here, outlives every crash, and holds nobody up. As soon as the rate
// allows it, whichever worker may start the task takes the one that has waited longest.
//
//   rateLimit        each worker by its own clock
//   globalRateLimit  all workers together, by the server's
import type { Logger } from '../../log.js'
import type { Consumer, Delivery } from '../consumer.js'
import { type Pace, takeStarts } from '../pace.js'

/** What a task says, or the settings. null is without limit. */
export interface Rates {
  readonly own: Pace | null
  readonly global: Pace | null
}

export interface LimitsOptions {
  readonly consumer: Pick<Consumer, 'pull' | 'permit'>
  /** undefined: the task cannot be run here. */
  readonly ratesOf: (task: string) => Rates | undefined
  /** Deliveries that may start: they go the way of all others. */
  readonly start: (deliveries: readonly Delivery[]) => void
  readonly log: Logger
}

/** Tasks of one name. */
interface Lane {
  readonly task: string
  rates: Rates
  /** When this worker may start the next one. */
  nextMs: number
  /** Queues in which messages of this task wait, as far as is known. */
  readonly queues: Set<string>
  /** How many came from there that have not begun yet. */
  pulled: number
  timer: NodeJS.Timeout | undefined
  pulling: boolean
}

/** What is asked for at once. */
const mostAtOnce = 100
/** While pulled messages wait for a slot, no more are pulled; looked at again after so long. */
const crowdedMs = 50
/** After a call that failed. */
const breathMs = 1000

export class Limits {
  private readonly lanes = new Map<string, Lane | null>()
  /** Tags of what was pulled and has not begun: its start is counted already. */
  private readonly pulled = new Map<string, Lane>()
  /** Nothing is fetched before anybody takes it, nor after. */
  private fetches = false

  constructor(private readonly options: LimitsOptions) {}

  /** From now on what waits is fetched. */
  start(): void {
    this.fetches = true
    for (const lane of this.lanes.values()) if (lane !== null && lane.queues.size > 0) this.later(lane, 0)
  }

  /** A delivery begins. True: its start is counted already. */
  begins(tag: string): boolean {
    const lane = this.pulled.size === 0 ? undefined : this.pulled.get(tag)
    if (lane === undefined) return false
    this.pulled.delete(tag)
    lane.pulled -= 1
    return true
  }

  /** A delivery goes back, and has not begun: what waits behind it may be fetched. */
  goesBack(tag: string): void {
    this.begins(tag)
  }

  /** Whether a message of this task may start now; its start is counted then. If not, it is to be set aside. */
  admit(task: string, queue: string): boolean | Promise<boolean> {
    const lane = this.laneOf(task)
    if (lane === null) return true
    // Who comes later stands behind those who wait.
    if (lane.queues.size > 0 || this.take(lane, 1) === 0) return this.wait(lane, queue)
    if (lane.rates.global === null) return true
    return this.options.consumer.permit(task, lane.rates.global, 1).then(({ granted, nextInMs }) => {
      if (granted === 1) return true
      this.wait(lane, queue)
      this.later(lane, nextInMs)
      return false
    })
  }

  /** Messages of these tasks wait in this queue, whoever set them aside. */
  parked(queue: string, tasks: readonly string[]): void {
    for (const task of tasks) {
      const rates = this.options.ratesOf(task)
      if (rates !== undefined) this.wait(this.laneOf(task) ?? this.open(task, rates), queue)
    }
  }

  /** Another limit of this worker for a task; null takes it away. */
  change(task: string, own: Pace | null): void {
    const global = this.options.ratesOf(task)?.global ?? null
    const lane = this.laneOf(task) ?? this.open(task, { own, global })
    lane.rates = { own, global }
    lane.nextMs = Number.NEGATIVE_INFINITY
    if (lane.queues.size > 0) this.later(lane, 0)
  }

  /** What was pulled belongs to somebody else now. */
  lose(): void {
    for (const tag of this.pulled.keys()) this.begins(tag)
  }

  stop(): void {
    this.fetches = false
    for (const lane of this.lanes.values()) clearTimeout(lane?.timer)
  }

  private laneOf(task: string): Lane | null {
    const known = this.lanes.get(task)
    if (known !== undefined) return known
    const { own = null, global = null } = this.options.ratesOf(task) ?? {}
    if (own !== null || global !== null) return this.open(task, { own, global })
    this.lanes.set(task, null)
    return null
  }

  private open(task: string, rates: Rates): Lane {
    const queues = new Set<string>()
    const nextMs = Number.NEGATIVE_INFINITY
    const lane: Lane = { task, rates, nextMs, queues, pulled: 0, timer: undefined, pulling: false }
    this.lanes.set(task, lane)
    return lane
  }

  private take(lane: Lane, wanted: number): number {
    const { own } = lane.rates
    if (own === null) return wanted
    const { granted, nextMs } = takeStarts(own, lane.nextMs, wanted, performance.now())
    lane.nextMs = nextMs
    return granted
  }

  private wait(lane: Lane, queue: string): false {
    lane.queues.add(queue)
    if (lane.timer === undefined && !lane.pulling) this.later(lane, 0)
    return false
  }

  /** The next look: not before this worker may start the task again. */
  private later(lane: Lane, inMs: number): void {
    clearTimeout(lane.timer)
    if (!this.fetches) return
    const own = lane.rates.own === null ? 0 : lane.nextMs - performance.now()
    // One more millisecond: timers may be early by a part of one.
    lane.timer = setTimeout(() => void this.pull(lane), Math.ceil(Math.max(inMs, own, 0)) + 1)
  }

  private async pull(lane: Lane): Promise<void> {
    lane.timer = undefined
    lane.pulling = true
    let nextInMs = 0
    try {
      nextInMs = lane.pulled > 0 ? crowdedMs : await this.pullSome(lane)
    } catch (error) {
      // A lost lease is told elsewhere; what waits is still there.
      this.options.log.debug(
        `Messages of ${lane.task} that wait for its rate could not be fetched: ${String(error)}`,
      )
      nextInMs = breathMs
    } finally {
      lane.pulling = false
    }
    if (lane.queues.size > 0) this.later(lane, nextInMs)
  }

  /** As many as may start now; answers how long it is until the next may. */
  private async pullSome(lane: Lane): Promise<number> {
    const { task, rates, queues } = lane
    const { consumer, start } = this.options
    let granted = this.take(lane, mostAtOnce)
    let nextInMs = 0
    if (granted > 0 && rates.global !== null) {
      const permit = await consumer.permit(task, rates.global, granted)
      granted = permit.granted
      nextInMs = permit.nextInMs
    }
    for (const queue of queues) {
      if (granted <= 0 || !this.fetches) break
      const deliveries = await consumer.pull(queue, task, granted)
      if (deliveries.length < granted) queues.delete(queue)
      granted -= deliveries.length
      lane.pulled += deliveries.length
      for (const { tag } of deliveries) this.pulled.set(tag, lane)
      start(deliveries)
    }
    return nextInMs
  }
}
