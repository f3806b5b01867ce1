// One worker's hold on its queues, put together: who it is over there (registration), the calls that claim and complete
// (lanes), what is said of a message in between (held-calls), and who waits, looks and complains meanwhile. No call
// fails for trouble over there; when the lease is gone, every one hears *lost*.
import { OperationalError } from '../errors.js'
import type { Binding } from '../runtime/binding.js'
import type {
  Completion,
  Consumer,
  ConsumerOptions,
  Delivery,
  Note,
  Permit,
  StepReply,
} from '../runtime/consumer.js'
import type { ChordPart, PageKey, StagedPiece, StoredText, Unstaging } from '../runtime/publication.js'
import type { Gate } from '../runtime/gate.js'
import type { Pace } from '../runtime/pace.js'
import { ErrandWatch } from './errands.js'
import type { Far } from './far-errands.js'
import { HeldCalls } from './held-calls.js'
import { Holdings } from './holdings.js'
import type { Databases, Keys } from './keys.js'
import { Lanes } from './lanes.js'
import type { LeaseKeeper } from './lease.js'
import type { Link, LinkListener, Reply } from './link.js'
import { OrphanWatch } from './orphan-watch.js'
import { Patience } from './patience.js'
import { QueueBindings } from './queue-bindings.js'
import { Reaper } from './reaper.js'
import { leaseLost, Registration } from './registration.js'
import { scripts } from './scripts.js'
import { stageArgs, unstage } from './stages.js'
import { numberOf } from './tag.js'
import { Waiter } from './waiter.js'

export interface ConsumerParts {
  readonly keys: Keys
  readonly databases: Databases
  readonly url: string
  readonly leases: LeaseKeeper
  /** The server of the results, where that is another one. */
  readonly far?: Far | undefined
  readonly onClosed: (consumer: RedisConsumer) => void
  /** Resolves when what its steps wrote has arrived where results lie, if that is another server; soon in any case. */
  readonly seeOff: () => Promise<void> | undefined
  /** Makes a connection of ours. */
  readonly connect: (role: string, ...listeners: LinkListener[]) => Link
}

const leaveMs = 2000

const noop = (): void => undefined

export class RedisConsumer implements Consumer {
  readonly lanes = 2
  readonly #options: ConsumerOptions
  readonly #parts: ConsumerParts
  readonly #link: Link
  readonly #patience: Patience
  readonly #registration: Registration
  readonly #lanes: Lanes
  readonly #held: HeldCalls
  readonly #bindings: QueueBindings
  readonly #orphans: OrphanWatch
  readonly #reaper: Reaper
  #waiter: Waiter
  #turning: Promise<void> = Promise.resolve()
  #closing = false

  private constructor(options: ConsumerOptions, parts: ConsumerParts) {
    this.#options = options
    this.#parts = parts
    const { keys, databases, leases, url } = parts
    const link = parts.connect('consumer', {
      onUp: () => this.#connected(),
      onDown: (error) => this.#patience.complain(error, 'link'),
      onUnready: (error) => this.#patience.complain(error, 'link'),
    })
    this.#link = link
    link.hold()
    const patience = new Patience(link, url, options.onTrouble)
    this.#patience = patience
    const holdings = new Holdings()
    const leave = (id: string): Promise<void> => this.#reaper.leave(id)
    const registration = new Registration(options, {
      keys,
      databases,
      leases,
      link,
      patience,
      holdings,
      leave,
    })
    this.#registration = registration
    const orphans = new OrphanWatch(keys, link)
    this.#orphans = orphans
    const saw = (deliveries: readonly Delivery[]): void => orphans.saw(deliveries)
    this.#lanes = new Lanes({ keys, leases, link, patience, holdings, registration, saw })
    this.#held = new HeldCalls({ keys, databases, link, patience, holdings, registration })
    this.#bindings = new QueueBindings(link, keys)
    this.#waiter = this.#waitFor(options.queues)
    this.#reaper = new Reaper({
      keys,
      queues: () => registration.consumed,
      link,
      leaseMs: options.leaseMs,
      deadLetterMax: options.deadLetterMax,
      deadLetterExpires: options.deadLetterExpires,
      onError: (error) => patience.complain(error, 'reaper'),
      onWell: () => patience.relieve('reaper'),
      url,
      onParked: options.onParked ?? noop,
      errands: this.#errands(),
      orphans,
    })
  }

  /** Resolves when registered; waits for Redis as long as it takes. */
  static async open(options: ConsumerOptions, parts: ConsumerParts): Promise<RedisConsumer> {
    const consumer = new RedisConsumer(options, parts)
    await consumer.#registration.register()
    // Before it takes anything; where that fails, it is tried again each second.
    await consumer.#orphans.look().catch(noop)
    consumer.#reaper.start()
    return consumer
  }

  get id(): string {
    return this.#registration.id
  }

  step(lane: number, completions: readonly Completion[], slots: number): Promise<StepReply> {
    if (completions.length > 0) {
      if (this.#registration.isLost) return Promise.reject(leaseLost())
      this.#prepare(completions)
    }
    return this.#lanes.step(`l${lane}`, completions, slots)
  }

  begins(tag: string): boolean {
    return this.#registration.standby?.begins(numberOf(tag)) ?? true
  }

  rests(): void {
    this.#registration.standby?.rests()
  }

  pull(queue: string, task: string, slots: number): Promise<readonly Delivery[]> {
    return this.#lanes.pull(queue, task, slots)
  }

  wait(slots: number): Promise<readonly Delivery[]> {
    return this.#waiter.wait(slots)
  }

  interrupt(): void {
    this.#waiter.interrupt()
  }

  serve(queues: readonly string[], bindings: readonly Binding[]): Promise<void> {
    const turned = this.#turning.then(() => this.#turnTo(queues, bindings))
    this.#turning = turned.catch(noop)
    return turned
  }

  admit(delivery: Pick<Delivery, 'tag' | 'queue'>, gate: Gate): Promise<'run' | 'wait' | 'lost'> {
    return this.#held.admit(delivery, gate)
  }

  note(
    tag: string,
    fence: string,
    parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[],
  ): Promise<Note> {
    return this.#held.note(tag, fence, parts)
  }

  release(tag: string): Promise<boolean> {
    return this.#held.release(tag)
  }

  store(tag: string, result: StoredText): Promise<boolean> {
    return this.#held.store(tag, result)
  }

  async permit(task: string, { intervalMs, slackMs }: Pace, wanted: number): Promise<Permit> {
    const args = [1, this.#parts.keys.rate(task), intervalMs * 1000, slackMs * 1000, wanted]
    const reply = await this.#patience.send(() => this.#link.run(scripts.permit, args))
    const [granted, nextInMs] = reply as unknown as readonly [number, number]
    return { granted, nextInMs }
  }

  async recall(pages: readonly PageKey[]): Promise<readonly (string | null)[]> {
    const read = ({ graph, page }: PageKey): Promise<Reply> =>
      this.#patience.send(() => this.#link.send('hget', [this.#parts.keys.graph(graph), page]))
    return (await Promise.all(pages.map(read))).map((text) => (text === null ? null : String(text)))
  }

  async stage(piece: StagedPiece): Promise<void> {
    const args = stageArgs(this.#parts.keys, piece)
    if ((await this.#patience.send(() => this.#link.run(scripts.stage, args))) !== 1)
      throw new OperationalError('What was sent ahead is gone.')
  }

  unstage(list: Unstaging): Promise<number> {
    this.#bindings.ensure(list.queue)
    return unstage(list, this.#parts.keys, this.#link, this.#patience)
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#patience.hush()
    this.#reaper.stop()
    this.interrupt()
    this.#registration.end()
    await this.#waiter.close()
    // Bounded: whoever stops while Redis is away leaves the rest to the reaper.
    let timer: NodeJS.Timeout | undefined
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, leaveMs)
    })
    await Promise.race([this.#reaper.leave(this.id).catch(noop), patience])
    clearTimeout(timer)
    this.#link.free()
    this.#link.close()
    this.#parts.onClosed(this)
    await this.#parts.seeOff()
  }

  /** What the fast path does not look at: bindings of the queues that completions push to. */
  #prepare(completions: readonly Completion[]): void {
    for (let i = 0; i < completions.length; i++) {
      const { pushes, ending } = completions[i] as Completion
      for (const { queue, dueMs } of pushes) {
        if (dueMs !== undefined) this.#reaper.due(dueMs)
        this.#bindings.ensure(queue)
      }
      if (ending.kind === 'defer') this.#reaper.due(ending.dueMs)
    }
  }

  async #turnTo(queues: readonly string[], bindings: readonly Binding[]): Promise<void> {
    await this.#registration.turnTo(queues, bindings)
    if (this.#closing) return
    const before = this.#waiter
    this.#waiter = this.#waitFor(queues)
    await before.close()
  }

  #waitFor(queues: readonly string[]): Waiter {
    const { keys, connect } = this.#parts
    return new Waiter({
      keys,
      queues,
      link: this.#link,
      connect: (role) => connect(role),
      id: () => this.id,
      claim: (link, slots) => this.#lanes.claim(link, slots),
      onRefused: (error) => this.#patience.complain(error, 'waiter'),
      onTaken: () => this.#patience.relieve('waiter'),
    })
  }

  #errands(): ErrandWatch | undefined {
    const { newsOf, queues } = this.#options
    const { keys, databases, far } = this.#parts
    const [queue] = queues
    if (newsOf === undefined || queue === undefined) return undefined
    return new ErrandWatch({ keys, databases, link: this.#link, queue, newsOf, far })
  }

  #connected(): void {
    this.#bindings.forget()
    this.#patience.relieve('link')
    if (this.#registration.stands) void this.#lanes.reconcile().catch(noop)
  }
}
