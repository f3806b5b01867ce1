// One worker's hold on its queues: claims and completions by numbered calls on lanes, each sent again until
// its answer comes. What we hold stands in one hash; when that is gone (the reaper renamed it), every call
// hears *lost*, and we come back under a new id.
import { randomBytes } from 'node:crypto'
import { InvalidUsage, LeaseLost, OperationalError } from '../errors.js'
import type {
  ChordPart,
  Completion,
  Consumer,
  ConsumerOptions,
  Delivery,
  Note,
  Permit,
  PageKey,
  StepReply,
  StagedPiece,
  StoredText,
  Unstaging,
} from '../runtime/broker.js'
import type { Binding } from '../runtime/binding.js'
import { type Gate, gateText } from '../runtime/gate.js'
import type { Pace } from '../runtime/pace.js'
import { ErrandWatch } from './errands.js'
import { Holdings } from './holdings.js'
import { bindingMember, type Databases, directBinding, isFar, type Keys, stepOf, writtenAs } from './keys.js'
import type { LeaseKeeper } from './lease.js'
import type { Link, LinkListener, Reply } from './link.js'
import { Patience } from './patience.js'
import { Reaper } from './reaper.js'
import { scripts } from './scripts.js'
import {
  buildPull,
  buildStep,
  describeSharing,
  firstNote,
  readStep,
  type StepCall,
  type StepContext,
  wholeSeconds,
} from './step.js'
import { isListed, tagsOf, unackedTag } from './shared.js'
import { Waiter } from './waiter.js'

export interface ConsumerParts {
  readonly keys: Keys
  readonly databases: Databases
  readonly url: string
  readonly leases: LeaseKeeper
  readonly onClosed: (consumer: RedisConsumer) => void
  /** Makes a connection of ours. */
  readonly connect: (role: string, ...listeners: LinkListener[]) => Link
}

/** A few milliseconds of Redis. */
const unstagedAtOnce = 500
/** More would be too long for one script (and for Lua's stack). */
const mostSlots = 1000
const redoLookMs = 50
const leaveMs = 2000

const noop = (): void => undefined

export class RedisConsumer implements Consumer {
  id = newId()
  readonly lanes = 2
  readonly #options: ConsumerOptions
  readonly #parts: ConsumerParts
  readonly #link: Link
  #waiter: Waiter
  readonly #reaper: Reaper
  readonly #patience: Patience
  readonly #holdings = new Holdings()
  /** Requests without an answer yet: lane → number. */
  readonly #open = new Map<string, number>()
  readonly #bound = new Set<string>()
  /** The next request's number; it never starts again, so that no tag comes twice. */
  #next = 1
  /** All that it ever consumed. What is held names its queue by its place here, so that none moves or goes. */
  #queues: readonly string[]
  #bindings: readonly Binding[]
  /** Places of the queues that it consumes now, the next to be served first. */
  #order: readonly number[]
  #turning: Promise<void> = Promise.resolve()
  #context: StepContext
  #redoLookedAt = 0
  /** Some message may have a concurrency key. */
  #gated: boolean
  #closing = false
  #registered = false
  #comeback: Promise<void> | null = null

  private constructor(options: ConsumerOptions, parts: ConsumerParts) {
    this.#options = options
    this.#parts = parts
    this.#queues = options.queues
    this.#bindings = options.bindings ?? []
    this.#order = this.#orderOf(options.queues)
    this.#gated = options.gated === true
    this.#context = this.#describe()
    this.#link = parts.connect('consumer', {
      onUp: () => this.#connected(),
      onDown: (error) => this.#patience.complain(error, 'link'),
    })
    this.#patience = new Patience(this.#link, parts.url, options.onTrouble)
    this.#link.hold()
    this.#waiter = this.#waitFor(options.queues)
    this.#reaper = new Reaper({
      keys: parts.keys,
      queues: () => this.#consumed,
      link: this.#link,
      leaseMs: options.leaseMs,
      deadLetterMax: options.deadLetterMax,
      deadLetterExpires: options.deadLetterExpires,
      onError: (error) => this.#patience.complain(error, 'reaper'),
      onWell: () => this.#patience.relieve('reaper'),
      url: parts.url,
      onParked: options.onParked ?? noop,
      errands: this.#errands(),
    })
  }

  /** Resolves when registered; waits for Redis as long as it takes. */
  static async open(options: ConsumerOptions, parts: ConsumerParts): Promise<RedisConsumer> {
    const consumer = new RedisConsumer(options, parts)
    await consumer.#register()
    consumer.#reaper.start()
    return consumer
  }

  get #consumed(): readonly string[] {
    return this.#order.map((place) => this.#queues[place] as string)
  }

  #orderOf(queues: readonly string[]): readonly number[] {
    const sorted = this.#options.strategy === 'sorted' ? [...queues].sort() : queues
    return sorted.map((queue) => this.#queues.indexOf(queue))
  }

  #waitFor(queues: readonly string[]): Waiter {
    const { keys, connect } = this.#parts
    return new Waiter({
      keys,
      queues,
      link: this.#link,
      connect: (role) => connect(role),
      id: () => this.id,
      claim: (link, slots) => this.#claim(link, slots),
      onRefused: (error) => this.#patience.complain(error, 'waiter'),
      onTaken: () => this.#patience.relieve('waiter'),
    })
  }

  #errands(): ErrandWatch | undefined {
    const { newsOf, queues } = this.#options
    const { keys, databases } = this.#parts
    const [queue] = queues
    if (newsOf === undefined || queue === undefined || isFar(databases)) return undefined
    return new ErrandWatch({ keys, databases, link: this.#link, queue, newsOf })
  }

  step(lane: number, completions: readonly Completion[], slots: number): Promise<StepReply> {
    if (this.#comeback !== null && completions.length > 0) return Promise.reject(leaseLost())
    if (completions.length > 0) this.#prepare(completions)
    return this.#step(this.#link, `l${lane}`, completions, slots)
  }

  wait(slots: number): Promise<readonly Delivery[]> {
    return this.#waiter.wait(Math.min(slots, mostSlots))
  }

  async pull(queue: string, task: string, slots: number): Promise<readonly Delivery[]> {
    const context = this.#context
    const wanted = Math.min(slots, mostSlots)
    const call = buildPull(context, 'lp', this.#take(wanted), queue, task, wanted)
    return (await this.#ask(this.#link, 'lp', context, call, [])).deliveries
  }

  async permit(task: string, { intervalMs, slackMs }: Pace, wanted: number): Promise<Permit> {
    const args = [1, this.#parts.keys.rate(task), intervalMs * 1000, slackMs * 1000, wanted]
    const reply = await this.#patience.send(() => this.#link.run(scripts.permit, args))
    const [granted, nextInMs] = reply as unknown as readonly [number, number]
    return { granted, nextInMs }
  }

  async admit(delivery: Pick<Delivery, 'tag' | 'queue'>, gate: Gate): Promise<'run' | 'wait' | 'lost'> {
    const { tag, queue } = delivery
    if (!this.#gated) {
      this.#gated = true
      this.#context = this.#describe()
    }
    const { keys } = this.#parts
    const field = this.#holdings.fieldOf(tag)
    const names = [keys.consumer(this.id)]
    if (isListed(field)) names.push(keys.unacked, keys.unackedIndex)
    const args = [names.length, ...names, field, keys.base, this.id, gateText(gate), queue]
    args.push(firstNote(tag), unackedTag(this.id, field))
    const reply = String(await this.#patience.send(() => this.#link.run(scripts.admit, args)))
    if (reply !== 'run') this.#holdings.drop(tag)
    else if (!field.includes('g')) this.#holdings.mark(tag, 'g')
    return reply as 'run' | 'wait' | 'lost'
  }

  serve(queues: readonly string[], bindings: readonly Binding[]): Promise<void> {
    const turned = this.#turning.then(() => this.#turnTo(queues, bindings))
    this.#turning = turned.catch(noop)
    return turned
  }

  async #turnTo(queues: readonly string[], bindings: readonly Binding[]): Promise<void> {
    const { keys } = this.#parts
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
    if ((await this.#patience.send(() => this.#link.run(scripts.serve, args))) !== 1)
      await this.#lose(id).catch(noop)
    this.#order = this.#orderOf(queues)
    this.#context = this.#describe()
    if (this.#closing) return
    const before = this.#waiter
    this.#waiter = this.#waitFor(queues)
    await before.close()
  }

  interrupt(): void {
    this.#waiter.interrupt()
  }

  async note(
    tag: string,
    fence: string,
    parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[],
  ): Promise<Note> {
    const { keys, databases } = this.#parts
    const field = this.#holdings.fieldOf(tag)
    const args = [3, keys.consumer(this.id), keys.unacked, keys.unackedIndex, field]
    args.push(
      fence === '' ? '' : keys.done(fence),
      databases.broker,
      databases.results,
      this.#listedAs(field),
    )
    for (const part of parts)
      args.push(keys.seen(part), keys.taken(part), part.taskId, part.groupId, part.bodyId)
    const reply = await this.#patience.send(() => this.#link.run(scripts.note, args))
    if (!Array.isArray(reply)) {
      if (String(reply) === 'lost') {
        this.#holdings.drop(tag)
        return { kind: 'lost' }
      }
      this.#holdings.mark(tag, 'n')
      return { kind: 'run' }
    }
    this.#holdings.mark(tag, 'j')
    const joins = (reply as [Buffer, Buffer, Buffer[]][]).map(([groupId, bodyId, members]) => ({
      groupId: String(groupId),
      bodyId: String(bodyId),
      members: members.map(String),
    }))
    return { kind: 'done', joins }
  }

  async recall(pages: readonly PageKey[]): Promise<readonly (string | null)[]> {
    const read = ({ graph, page }: PageKey): Promise<Reply> =>
      this.#patience.send(() => this.#link.send('hget', [this.#parts.keys.graph(graph), page]))
    return (await Promise.all(pages.map(read))).map((text) => (text === null ? null : String(text)))
  }

  async stage(piece: StagedPiece): Promise<void> {
    const args = [1, this.#parts.keys.stage(piece), piece.offset, ...piece.raws]
    if ((await this.#patience.send(() => this.#link.run(scripts.stage, args))) !== 1)
      throw new OperationalError('What was sent ahead is gone.')
  }

  async unstage(list: Unstaging): Promise<number> {
    const { keys } = this.#parts
    this.#bind(list.queue)
    const args = [2, keys.stage(list), keys.list(list.queue, stepOf(list.priority)), unstagedAtOnce]
    const reply = await this.#patience.send(() =>
      this.#link.run(scripts.unstage, args).catch((error: Error) => {
        // Waiting does not help: somebody put another type under the queue's name.
        if (error.message.startsWith('WRONGTYPE')) return error
        throw error
      }),
    )
    if (reply instanceof Error) throw new OperationalError(reply.message)
    return reply as number
  }

  async release(tag: string): Promise<boolean> {
    const field = this.#holdings.fieldOf(tag)
    const { keys } = this.#parts
    const args = [3, keys.consumer(this.id), keys.unacked, keys.unackedIndex, field, `${field}e`]
    args.push(this.#listedAs(field))
    const reply = await this.#patience.send(() => this.#link.run(scripts.mark, args))
    if (reply !== 1) return false
    this.#holdings.mark(tag, 'e')
    return true
  }

  async store(tag: string, { taskId, text, expires }: StoredText): Promise<boolean> {
    const { keys, databases } = this.#parts
    const args = [
      1,
      keys.consumer(this.id),
      this.#holdings.fieldOf(tag),
      writtenAs(keys, databases, taskId),
      text,
    ]
    args.push(wholeSeconds(expires), databases.broker, databases.written)
    return (await this.#patience.send(() => this.#link.run(scripts.store, args))) === 1
  }

  /** Its tag in `unacked`, where a message of a shared queue has one. */
  #listedAs(field: string): string {
    return isListed(field) ? unackedTag(this.id, field) : ''
  }

  async close(): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#patience.hush()
    this.#reaper.stop()
    this.interrupt()
    this.#parts.leases.drop(this.id)
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
  }

  // -------------------------------------------------------------------------------------------------
  // Steps

  #step(link: Link, lane: string, completions: readonly Completion[], slots: number): Promise<StepReply> {
    const wanted = Math.min(slots, mostSlots)
    const request = this.#take(wanted)
    const now = Date.now()
    const lookAtRedo = now - this.#redoLookedAt >= redoLookMs
    if (lookAtRedo && wanted > 0) this.#redoLookedAt = now
    const context = this.#context
    const call = buildStep(context, lane, request, completions, wanted, lookAtRedo, this.#order)
    return this.#ask(link, lane, context, call, completions)
  }

  /** The number of a request for so many messages: each of them is named by one. */
  #take(slots: number): number {
    const request = this.#next
    this.#next += slots + 1
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
      Array.isArray(reply) && reply.length > 1 && !this.#parts.leases.isSure(context.id)
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
    if (!Array.isArray(reply)) return this.#lose(context.id)
    const answer = readStep(context.queues, call, reply)
    const { deliveries } = answer
    this.#holdings.settle(completions, answer)
    if (deliveries.length > 0 && this.#order.length > 1) this.#rotate(deliveries)
    return answer
  }

  /** The waiter's claims, on their own lane. */
  async #claim(link: Link, slots: number): Promise<readonly Delivery[]> {
    this.#redoLookedAt = 0
    try {
      return (await this.#step(link, 'lw', [], slots)).deliveries
    } catch {
      return []
    }
  }

  #bind(queue: string): void {
    if (queue === '' || this.#bound.has(queue)) return
    this.#bound.add(queue)
    this.#link
      .send('sadd', [this.#parts.keys.binding(queue), directBinding(queue)])
      .catch(() => this.#bound.delete(queue))
  }

  /** What the fast path does not look at: bindings of the queues that completions push to. */
  #prepare(completions: readonly Completion[]): void {
    for (let i = 0; i < completions.length; i++) {
      const { pushes } = completions[i] as Completion
      for (const { queue, dueMs } of pushes) {
        if (dueMs !== undefined) this.#reaper.due(dueMs)
        this.#bind(queue)
      }
      const { ending } = completions[i] as Completion
      if (ending.kind === 'defer') this.#reaper.due(ending.dueMs)
    }
  }

  /** Round robin: who delivered last is served last. */
  #rotate(deliveries: readonly Delivery[]): void {
    if (this.#options.strategy !== 'round_robin') return
    const last = this.#queues.indexOf((deliveries[deliveries.length - 1] as Delivery).queue)
    // (It may have come from one that is left by now.)
    if (this.#order.includes(last)) this.#order = [...this.#order.filter((index) => index !== last), last]
  }

  // -------------------------------------------------------------------------------------------------
  // Registration, loss, trouble

  #describe(): StepContext {
    const { hostname, deadLetterMax, deadLetterExpires } = this.#options
    const queues = this.#queues
    const { keys, databases } = this.#parts
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
      fieldOf: this.#holdings.fieldOf,
      rawOf: this.#holdings.rawOf,
      sharing: describeSharing(keys, this.id, queues),
    }
  }

  async #register(): Promise<void> {
    const { keys, leases } = this.#parts
    const { leaseMs, hostname } = this.#options
    const queues = this.#queues
    const bindings = this.#bindings
    const exchanges = [...queues, ...bindings.map(({ exchange }) => exchange)]
    const names = [keys.consumer(this.id), keys.consumers, ...exchanges.map(keys.binding)]
    const args = [names.length, ...names, this.id, leaseMs, hostname, JSON.stringify(queues)]
    args.push(...queues.map(directBinding), ...bindings.map(bindingMember))
    await this.#patience.send(() => this.#link.run(scripts.register, args))
    this.#registered = true
    const listed =
      this.#context.sharing === '' ? null : { hash: keys.consumer(this.id), tags: tagsOf(this.id) }
    leases.keep({ id: this.id, leaseMs, listed, onLost: (id) => void this.#lose(id).catch(noop) })
  }

  /** Everything we held is somebody else's. Comes back under a new id, once, then rejects. */
  async #lose(id: string): Promise<never> {
    if (id === this.id && !this.#closing) {
      this.#comeback ??= this.#reappear(id)
      await this.#comeback
    }
    throw leaseLost()
  }

  async #reappear(id: string): Promise<void> {
    this.#parts.leases.drop(id)
    this.#registered = false
    this.id = newId()
    this.#context = this.#describe()
    this.#holdings.clear()
    // If only the lease was lost and not the hash, nobody else would ever find it.
    await this.#reaper.leave(id).catch(noop)
    await this.#register()
    this.#comeback = null
    this.#options.onLost()
  }

  #connected(): void {
    this.#bound.clear()
    this.#patience.relieve('link')
    if (this.#registered) void this.#reconcile().catch(noop)
  }

  /**
   * After a cut: every call is sent again and finds its answer, so nothing should be held over there that
   * nobody here knows. What is all the same goes back.
   */
  async #reconcile(): Promise<void> {
    const { id } = this
    const before = Math.min(this.#next, ...this.#open.values())
    const fields = (await this.#link.send('hkeys', [this.#parts.keys.consumer(id)])) as readonly Buffer[]
    const unknown = this.#holdings.unknown(fields.map(String), before)
    if (unknown.length === 0 || id !== this.id) return
    const back = unknown.map((tag): Completion => ({ tag, ending: { kind: 'back' }, ...nothing }))
    await this.#step(this.#link, 'lr', back, 0)
  }
}

const nothing = { results: [], pushes: [], chords: [], parts: [] } as const

const newId = (): string => randomBytes(9).toString('base64url')

const leaseLost = (): LeaseLost =>
  new LeaseLost(
    'The lease on this message is lost: another worker has it now, and this run counts for nothing.',
  )
