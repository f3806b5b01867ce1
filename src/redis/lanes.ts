// Claims and completions: numbered calls of the script `step`, one in flight on each lane, each sent again with the
// same number until its answer comes. Redis remembers a lane's last number, so that a call counts once.
import type { Completion, Delivery, StepReply } from '../runtime/consumer.js'
import type { Holdings } from './holdings.js'
import type { Keys } from './keys.js'
import type { LeaseKeeper } from './lease.js'
import type { Link, Reply } from './link.js'
import type { Patience } from './patience.js'
import type { Registration } from './registration.js'
import { scripts } from './scripts.js'
import { buildPull, buildStep, type StepCall } from './step.js'
import type { StepContext } from './step-context.js'
import { readStep } from './step-reply.js'

/** More would be too long for one script (and for Lua's stack). */
const mostSlots = 1000
const redoLookMs = 50

export interface LanesParts {
  readonly keys: Keys
  readonly leases: LeaseKeeper
  readonly link: Link
  readonly patience: Patience
  readonly holdings: Holdings
  readonly registration: Registration
  /** Is told of all that is delivered. */
  readonly saw: (deliveries: readonly Delivery[]) => void
}

export class Lanes {
  readonly #keys: Keys
  readonly #leases: LeaseKeeper
  readonly #link: Link
  readonly #patience: Patience
  readonly #holdings: Holdings
  readonly #registration: Registration
  readonly #saw: LanesParts['saw']
  /** Requests without an answer yet: lane → number. */
  readonly #open = new Map<string, number>()
  /** The next request's number; it never starts again, so that no tag comes twice. */
  #next = 1
  #redoLookedAt = 0

  constructor({ keys, leases, link, patience, holdings, registration, saw }: LanesParts) {
    this.#keys = keys
    this.#leases = leases
    this.#link = link
    this.#patience = patience
    this.#holdings = holdings
    this.#registration = registration
    this.#saw = saw
  }

  step(
    lane: string,
    completions: readonly Completion[],
    slots: number,
    link = this.#link,
  ): Promise<StepReply> {
    const wanted = Math.min(slots, mostSlots)
    const request = this.#take(wanted)
    const now = Date.now()
    const lookAtRedo = now - this.#redoLookedAt >= redoLookMs
    if (lookAtRedo && wanted > 0) this.#redoLookedAt = now
    const { context, order } = this.#registration
    const call = buildStep(context, lane, request, completions, wanted, lookAtRedo, order)
    return this.#ask(link, lane, context, call, completions)
  }

  async pull(queue: string, task: string, slots: number): Promise<readonly Delivery[]> {
    const { context } = this.#registration
    const wanted = Math.min(slots, mostSlots)
    const call = buildPull(context, 'lp', this.#take(wanted), queue, task, wanted)
    return (await this.#ask(this.#link, 'lp', context, call, [])).deliveries
  }

  /** The waiter's claims, on their own lane. */
  async claim(link: Link, slots: number): Promise<readonly Delivery[]> {
    this.#redoLookedAt = 0
    try {
      return (await this.step('lw', [], slots, link)).deliveries
    } catch {
      return []
    }
  }

  /**
   * After a cut: every call is sent again and finds its answer, so nothing should be held over there that
   * nobody here knows. What is all the same goes back.
   */
  async reconcile(): Promise<void> {
    const { id } = this.#registration
    const before = Math.min(this.#next, ...this.#open.values())
    const fields = (await this.#link.send('hkeys', [this.#keys.consumer(id)])) as readonly Buffer[]
    const unknown = this.#holdings.unknown(fields.map(String), before)
    if (unknown.length === 0 || id !== this.#registration.id) return
    const back = unknown.map((tag): Completion => ({ tag, ending: { kind: 'back' }, ...nothing }))
    await this.step('lr', back, 0)
  }

  /** The number of a request for so many messages: each of them is named by one. */
  #take(slots: number): number {
    const request = this.#next
    this.#next += slots + 1
    this.#registration.standby?.request(request + slots)
    return request
  }

  #ask(
    link: Link,
    lane: string,
    context: StepContext,
    call: StepCall,
    completions: readonly Completion[],
  ): Promise<StepReply> {
    this.#open.set(lane, call.request)
    const send = (): Promise<Reply> => this.#link.run(scripts.step, call.args)
    const read = (reply: Reply): StepReply | Promise<StepReply> =>
      this.#read(context, lane, call, completions, reply)
    // If we slept for a lease while this answer was in the post, what it hands us may be somebody else's by now.
    // The same call again tells; it counts once.
    const take = (reply: Reply): StepReply | Promise<StepReply> =>
      Array.isArray(reply) && reply.length > 1 && !this.#leases.isSure(context.id)
        ? this.#patience.send(send).then(read)
        : read(reply)
    return link
      .run(scripts.step, call.args)
      .then(take, (error) => this.#patience.again(error, send).then(take))
  }

  #read(
    context: StepContext,
    lane: string,
    call: StepCall,
    completions: readonly Completion[],
    reply: Reply,
  ): StepReply | Promise<StepReply> {
    this.#patience.relieve()
    this.#open.delete(lane)
    const registration = this.#registration
    if (!Array.isArray(reply)) return registration.lose(context.id)
    const answer = readStep(context.queues, call, reply)
    const { deliveries } = answer
    this.#holdings.settle(completions, answer)
    this.#saw(deliveries)
    if (deliveries.length > 0 && registration.order.length > 1) registration.rotate(deliveries)
    return answer
  }
}

const nothing = { results: [], pushes: [], chords: [], parts: [] } as const
