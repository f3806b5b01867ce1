// One worker's hold on its queues in a memory room. There is no connection to lose here, but a lease can still
// be taken (by a test, by an explorer), and then the same happens as over Redis.
import { randomUUID } from 'node:crypto'
import { LeaseLost } from '../errors.js'
import type {
  Completion,
  Consumer,
  ConsumerOptions,
  Delivery,
  Note,
  Permit,
  StepReply,
} from '../runtime/consumer.js'
import type { PageKey, StoredText } from '../runtime/publication.js'
import type { Gate } from '../runtime/gate.js'
import type { Pace } from '../runtime/pace.js'
import type { Room, Waiter } from './room.js'

const lanes = 2
/** `wait` claims on a lane of its own, beside the steps. */
const waitLane = lanes
/** So does `pull`. */
const pullLane = lanes + 1
/** A wait ends empty after so long. */
const waitAtMostMs = 5000

export class MemoryConsumer implements Consumer {
  id = randomUUID() as string
  readonly lanes = lanes
  #queues: readonly string[]
  #bindings: NonNullable<ConsumerOptions['bindings']>
  /** The same in the order of the next claim. */
  #order: readonly string[]
  /** Goes on over a lost lease: a tag of before must never name a message of now. */
  #request = 0
  #isOpen = true
  /** Ends the wait that is going on, if any. */
  #endWait: (() => void) | undefined
  readonly #member = { queues: [] as readonly string[], renew: () => this.#renew() }

  constructor(
    readonly room: Room,
    readonly options: ConsumerOptions,
    readonly onClose: () => void = () => undefined,
  ) {
    this.#bindings = options.bindings ?? []
    this.#queues = this.#order = this.#member.queues = this.#ordered(options.queues)
    this.#register()
    room.join(this.#member)
  }

  async step(lane: number, completions: readonly Completion[], slots: number): Promise<StepReply> {
    const reply = this.#step(lane, completions, slots)
    if (reply === null)
      throw new LeaseLost(`The lease of ${this.options.hostname} is over: others run what it held.`)
    return reply
  }

  async wait(slots: number): Promise<readonly Delivery[]> {
    if (slots <= 0) return []
    const found = this.#look(slots)
    if (found === null || found.length > 0 || !this.#isOpen) return found ?? []
    return new Promise((resolve) => {
      const finish = (deliveries: readonly Delivery[]) => {
        clearTimeout(timer)
        this.room.unwait(waiter)
        this.#endWait = undefined
        resolve(deliveries)
      }
      const waiter: Waiter = {
        queues: this.#queues,
        wake: () => {
          const deliveries = this.#look(slots)
          if (deliveries === null || deliveries.length > 0) finish(deliveries ?? [])
        },
      }
      const timer = setTimeout(() => finish([]), waitAtMostMs)
      this.#endWait = () => finish([])
      this.room.wait(waiter)
    })
  }

  async pull(queue: string, task: string, slots: number): Promise<readonly Delivery[]> {
    return this.#step(pullLane, [], slots, { queues: [queue], parkedFor: task })?.deliveries ?? []
  }

  async permit(task: string, pace: Pace, wanted: number): Promise<Permit> {
    return this.room.submit('permit', { task, pace, wanted })
  }

  async admit({ tag }: Pick<Delivery, 'tag'>, gate: Gate): Promise<'run' | 'wait' | 'lost'> {
    return this.room.submit('admit', { consumer: this.id, tag, gate })
  }

  async serve(queues: readonly string[], bindings: NonNullable<ConsumerOptions['bindings']>): Promise<void> {
    this.#queues = this.#order = this.#member.queues = this.#ordered(queues)
    this.#bindings = [...this.#bindings, ...bindings]
    // (There it is seen what is due in the new ones.)
    this.room.join(this.#member)
    if (this.room.submit('renew', { consumer: this.id, leaseMs: this.options.leaseMs })) this.#register()
    else this.#lost()
    this.interrupt()
  }

  #ordered(queues: readonly string[]): readonly string[] {
    return this.options.strategy === 'sorted' ? [...queues].sort() : queues
  }

  interrupt(): void {
    this.#endWait?.()
  }

  async note(tag: string, fence: string, parts: Parameters<Consumer['note']>[2]): Promise<Note> {
    return this.room.submit('note', { consumer: this.id, tag, fence, parts })
  }

  async recall(pages: readonly PageKey[]): Promise<readonly (string | null)[]> {
    return this.room.submit('recall', { pages })
  }

  async release(tag: string): Promise<boolean> {
    return this.room.submit('release', { consumer: this.id, tag })
  }

  async store(tag: string, result: StoredText): Promise<boolean> {
    return this.room.submit('store', { consumer: this.id, tag, result })
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.room.leave(this.#member)
    this.room.submit('unregister', { consumer: this.id })
    this.#endWait?.()
    this.onClose()
  }

  /** Claims on the lane of `wait`; null when the lease is lost. */
  #look(slots: number): readonly Delivery[] | null {
    return this.#step(waitLane, [], slots)?.deliveries ?? null
  }

  #step(
    lane: number,
    completions: readonly Completion[],
    slots: number,
    source: { readonly queues: readonly string[]; readonly parkedFor?: string } = { queues: this.#order },
  ): StepReply | null {
    const request = this.#request
    this.#request += 1
    const asked = { consumer: this.id, lane, request, completions, slots, ...source }
    const reply = this.room.submit('step', asked)
    if (reply.kind !== 'done') {
      this.#lost()
      return null
    }
    this.#rotate(reply.deliveries)
    const { refused, joins, deliveries } = reply
    return { refused, joins, deliveries }
  }

  /** As kombu's round robin: the queue that delivered last is looked at last. */
  #rotate(deliveries: readonly Delivery[]): void {
    const last = deliveries[deliveries.length - 1]?.queue
    if (last === undefined || this.options.strategy !== 'round_robin') return
    // (It may have come from one that is left by now.)
    if (!this.#order.includes(last)) return
    this.#order = [...this.#order.filter((queue) => queue !== last), last]
  }

  #register(): void {
    const { hostname, leaseMs, deadLetterMax, deadLetterExpires, gated = false } = this.options
    const limits = { deadLetterMax, deadLetterExpires, gated, bindings: this.#bindings }
    this.room.submit('register', { consumer: this.id, hostname, queues: this.#queues, leaseMs, ...limits })
  }

  #renew(): void {
    const { leaseMs, onParked } = this.options
    if (!this.room.submit('renew', { consumer: this.id, leaseMs })) this.#lost()
    for (const queue of this.#queues) {
      const tasks = this.room.submit('parked', { queue })
      if (tasks.length > 0) onParked?.(queue, tasks)
    }
  }

  #lost(): void {
    if (!this.#isOpen) return
    this.id = randomUUID()
    this.#register()
    this.options.onLost()
    this.#endWait?.()
  }
}
