// Who a consumer is over there: its id, the queues that it is registered for, the lease that is kept for it. When
// the lease is lost, everything that it held is somebody else's, and it comes back under a new id.
import { randomBytes } from 'node:crypto'
import { InvalidUsage, LeaseLost } from '../errors.js'
import type { Binding } from '../runtime/binding.js'
import type { ConsumerOptions, Delivery } from '../runtime/consumer.js'
import { isPurged } from '../runtime/purged.js'
import type { Holdings } from './holdings.js'
import { bindingMember, type Databases, directBinding, type Keys } from './keys.js'
import type { LeaseKeeper } from './lease.js'
import type { Link } from './link.js'
import type { Patience } from './patience.js'
import { scripts } from './scripts.js'
import { Standby } from './standby.js'
import { tagsOf } from './shared.js'
import { describeSharing, type StepContext } from './step-context.js'

export interface RegistrationParts {
  readonly keys: Keys
  readonly databases: Databases
  readonly leases: LeaseKeeper
  readonly link: Link
  readonly patience: Patience
  readonly holdings: Holdings
  /** Gives everything back that this id holds. */
  readonly leave: (id: string) => Promise<void>
}

const noop = (): void => undefined

const newId = (): string => randomBytes(9).toString('base64url')

export const leaseLost = (): LeaseLost =>
  new LeaseLost(
    'The lease on this message is lost: another worker has it now, and this run counts for nothing.',
  )

export class Registration {
  id = newId()
  /** What steps are made with now; another one with each change. */
  context: StepContext
  /** Places of the queues that it consumes now, the next to be served first. */
  order: readonly number[]
  /** It was registered, and has not lost that. */
  stands = false
  /** Where its own loop runs the tasks: what it holds beyond what runs. */
  readonly standby: Standby | undefined
  readonly #options: ConsumerOptions
  readonly #parts: RegistrationParts
  /** All that it ever consumed. What is held names its queue by its place here, so that none moves or goes. */
  #queues: readonly string[]
  #bindings: readonly Binding[]
  /** Some message may have a concurrency key. */
  #gated: boolean
  #ended = false
  #comeback: Promise<void> | null = null

  constructor(options: ConsumerOptions, parts: RegistrationParts) {
    this.#options = options
    this.#parts = parts
    this.#queues = options.queues
    this.#bindings = options.bindings ?? []
    this.#gated = options.gated === true
    this.standby = options.blocks === true ? new Standby(() => parts.leases.watch(this.id)) : undefined
    this.order = this.#orderOf(options.queues)
    this.context = this.#describe()
  }

  /** Its lease is lost, and it is not back yet. */
  get isLost(): boolean {
    return this.#comeback !== null
  }

  get consumed(): readonly string[] {
    return this.order.map((place) => this.#queues[place] as string)
  }

  /** Waits for Redis as long as it takes. */
  async register(): Promise<void> {
    const { keys, leases, link, patience } = this.#parts
    const { leaseMs, hostname } = this.#options
    const queues = this.#queues
    const bindings = this.#bindings
    const own = queues.filter((queue) => !isPurged(queue))
    const exchanges = [...own, ...bindings.map(({ exchange }) => exchange)]
    const names = [keys.consumer(this.id), keys.consumers, ...exchanges.map(keys.binding)]
    const args = [names.length, ...names, this.id, leaseMs, hostname, JSON.stringify(queues)]
    args.push(...own.map(directBinding), ...bindings.map(bindingMember))
    await patience.send(() => link.run(scripts.register, args))
    this.stands = true
    const listed =
      this.context.sharing === '' ? null : { hash: keys.consumer(this.id), tags: tagsOf(this.id) }
    const standby = this.standby && {
      buffer: this.standby.buffer,
      hash: keys.consumer(this.id),
      redoPrefix: keys.redoPrefix,
      hostname: this.context.hostname,
    }
    leases.keep({ id: this.id, leaseMs, listed, standby, onLost: (id) => void this.lose(id).catch(noop) })
  }

  /** From now on it claims from these queues. */
  async turnTo(queues: readonly string[], bindings: readonly Binding[]): Promise<void> {
    const { keys, link, patience } = this.#parts
    const added = queues.filter((queue) => !this.#queues.includes(queue))
    const shared = added.find(keys.isShared)
    if (shared !== undefined)
      throw new InvalidUsage(
        `The queue "${shared}" is shared with Python workers: start a worker with -Q ${shared}.`,
      )
    if (this.#comeback !== null) await this.#comeback.catch(noop)
    this.#queues = [...this.#queues, ...added]
    this.#bindings = [...this.#bindings, ...bindings]
    const sets = [...added, ...bindings.map(({ exchange }) => exchange)]
    const { id } = this
    const names = [keys.consumer(id), ...sets.map(keys.binding)]
    const args = [names.length, ...names, JSON.stringify(this.#queues)]
    args.push(...added.map(directBinding), ...bindings.map(bindingMember))
    // The list stands over there before anything is claimed by it; who lost the lease registers with it.
    if ((await patience.send(() => link.run(scripts.serve, args))) !== 1) await this.lose(id).catch(noop)
    this.order = this.#orderOf(queues)
    this.context = this.#describe()
  }

  /** From now on it looks for concurrency keys. */
  gate(): void {
    if (this.#gated) return
    this.#gated = true
    this.context = this.#describe()
  }

  /** Round robin: who delivered last is served last. */
  rotate(deliveries: readonly Delivery[]): void {
    if (this.#options.strategy !== 'round_robin') return
    const last = this.#queues.indexOf((deliveries[deliveries.length - 1] as Delivery).queue)
    // (It may have come from one that is left by now.)
    if (this.order.includes(last)) this.order = [...this.order.filter((index) => index !== last), last]
  }

  /** Everything we held is somebody else's. Comes back under a new id, once, then rejects. */
  async lose(id: string): Promise<never> {
    if (id === this.id && !this.#ended) {
      this.#comeback ??= this.#reappear(id)
      await this.#comeback
    }
    throw leaseLost()
  }

  /** It does not come back any more. */
  end(): void {
    this.#ended = true
    this.#parts.leases.drop(this.id)
  }

  async #reappear(id: string): Promise<void> {
    const { leases, holdings, leave } = this.#parts
    leases.drop(id)
    this.stands = false
    this.id = newId()
    this.context = this.#describe()
    holdings.clear()
    // If only the lease was lost and not the hash, nobody else would ever find it.
    await leave(id).catch(noop)
    await this.register()
    this.#comeback = null
    this.#options.onLost()
  }

  #orderOf(queues: readonly string[]): readonly number[] {
    const sorted = this.#options.strategy === 'sorted' ? [...queues].sort() : queues
    return sorted.map((queue) => this.#queues.indexOf(queue))
  }

  #describe(): StepContext {
    const { hostname, deadLetterMax, deadLetterExpires } = this.#options
    const queues = this.#queues
    const { keys, databases, holdings } = this.#parts
    return {
      keys,
      databases,
      id: this.id,
      // It stands in lines of ours.
      hostname: hostname.replace(/[\r\n]/g, ' '),
      queues,
      deadLetterMax,
      deadLetterExpires,
      gated: this.#gated,
      fieldOf: holdings.fieldOf,
      rawOf: holdings.rawOf,
      sharing: describeSharing(keys, this.id, queues),
    }
  }
}
