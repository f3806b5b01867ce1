// A worker holds what it has free slots for. Where tasks are over in a moment, most of the time is lost on the way: a slot
// is free while its end goes to Redis and the next message comes from there. So, while tasks are quick, a few more are held
// than there are slots, for some milliseconds each. When one waits for longer, behind a task that is not quick, all that
// wait go back uncounted, and other workers take them. (A loop that a task blocks cannot do that: its consumer does, see
// Consumer.begins.)
import type { Delivery } from '../consumer.js'

/** What is held ahead should wait for about so long, and is held no longer than twice that. */
const aheadMs = 5
const lateMs = 2 * aheadMs
/** More for each slot would save no more. */
const mostForSlot = 8
/** On one loop more slots than that have enough to do while one call is under way. */
export const mostSlotsOnLoop = 32
/** Of the mean; one slow task is felt by the next ten. */
const weight = 1 / 16

export interface Circumstances {
  /** Tasks run in processes or threads of their own. */
  readonly isApart: boolean
  /** Somebody gives back what waits behind a task that blocks this loop. */
  readonly isWatched: boolean
  /** Every task may run again when its worker dies; what must not is given up where it may have begun, and who waits ahead may have. */
  readonly mayRepeat: boolean
  readonly disablePrefetch: boolean
  readonly prefetchMultiplier: number
}

/** How far it is looked ahead. */
export interface Reach {
  /** With more slots than that nothing is held ahead: they make up for each other. */
  readonly mostSlots: number
  /** Slots run side by side, and not one after the other. */
  readonly isParallel: boolean
}

export const reachOf = ({ disablePrefetch, mayRepeat, isApart, ...own }: Circumstances): Reach => {
  if (disablePrefetch || !mayRepeat) return nowhere
  if (isApart) return { mostSlots: Number.POSITIVE_INFINITY, isParallel: true }
  const isHere = own.isWatched && own.prefetchMultiplier === 1
  return isHere ? { mostSlots: mostSlotsOnLoop, isParallel: false } : nowhere
}

const nowhere: Reach = { mostSlots: 0, isParallel: false }

export class LookAhead {
  private readonly waiting: Delivery[] = []
  /** How long a task took of late, from its start to its end. */
  private meanMs = lateMs
  private watch: NodeJS.Timeout | undefined

  constructor(
    private readonly reach: Reach,
    /** Takes back what has waited too long, the newest first. */
    private readonly giveBack: (deliveries: readonly Delivery[]) => void,
  ) {}

  get list(): readonly Delivery[] {
    return this.waiting
  }

  /** A task has ended, so long after its start. */
  ended(ms: number): void {
    this.meanMs += (Math.min(ms, lateMs) - this.meanMs) * weight
  }

  /** How many may be held ahead of so many slots. */
  room(slots: number): number {
    const { mostSlots, isParallel } = this.reach
    if (slots > mostSlots) return 0
    const inTime = Math.floor(aheadMs / this.meanMs)
    return Math.min(slots * mostForSlot, isParallel ? slots * inTime : inTime)
  }

  add(delivery: Delivery): void {
    this.waiting.push(delivery)
    this.watch ??= this.look()
  }

  next(): Delivery | undefined {
    return this.waiting.shift()
  }

  /** All that wait, which are no longer its. */
  clear(): readonly Delivery[] {
    clearTimeout(this.watch)
    this.watch = undefined
    return this.waiting.splice(0)
  }

  /** Whether the first of those that wait now is still the first a while later. */
  private look(): NodeJS.Timeout {
    const first = this.waiting[0]
    // The timer may be late because this process was: what has come meanwhile is heard before that is judged.
    return setTimeout(() => setImmediate(() => this.judge(first)), lateMs)
  }

  private judge(first: Delivery | undefined): void {
    if (this.watch === undefined) return
    this.watch = undefined
    if (this.waiting.length === 0) return
    if (this.waiting[0] !== first) {
      this.watch = this.look()
      return
    }
    this.meanMs = lateMs
    this.giveBack(this.waiting.splice(0).reverse())
  }
}
