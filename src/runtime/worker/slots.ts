// The hot loop: claims what there are free slots for, hands it to the pool, and sends what ended together
// with the next claim, in one call (docs/hot-path.md). At most one call for each lane of the consumer; what
// ends meanwhile goes with the next one. No timer, no stream: the claim window is the back-pressure.
import { LeaseLost, WorkerShutdown } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Job, Pool, Running } from '../../pools/pool.js'
import type { Completion, Consumer, Delivery, Join } from '../broker.js'
import type { TaskContext } from '../context.js'
import { partsOf } from '../follow.js'
import { fenceOf } from '../perform.js'
import { type Ends, factsOf, type Held, nameOf } from './ends.js'
import { type IntakeRules, takeIn } from './intake.js'

/** One run, as the pool gets it. */
export interface TaskJob extends Job {
  readonly held: Held
  readonly delivery: Delivery
  /** Made when the run starts; what the task sent is read from it at the end. */
  context: TaskContext | undefined
}

export interface SlotsOptions {
  readonly consumer: Consumer
  readonly pool: Pool<TaskJob>
  readonly ends: Ends
  readonly rules: IntakeRules
  /** Messages held at once, running ones included. */
  readonly capacity: number
  readonly now: () => number
  readonly log: Logger
  /** Seconds; the worker's, where neither message nor task has a limit. */
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
  readonly acksLate: boolean
  readonly trackStarted: boolean
  /** The text of STARTED for this message. */
  readonly startedText: (held: Held) => Parameters<Consumer['store']>[1]
}

/** A completion on its way, with what is needed if it brings the last part of a chord. */
interface Ended {
  readonly completion: Completion
  readonly held: Held | undefined
}

interface Run {
  readonly job: TaskJob
  readonly running: Running
}

export class Slots {
  private readonly ready: Ended[] = []
  private readonly runs = new Map<string, Run>()
  /** Deliveries that wait for a slot of the pool (prefetched) or for a suspect to be alone. */
  private readonly waiting: Delivery[] = []
  /** Deliveries whose workers died more than once: each runs alone, so that one killer takes no neighbours along. */
  private readonly suspects: Delivery[] = []
  private suspectRuns = false
  private readonly freeLanes: number[]
  /** Slots for which a claim is under way. */
  private asked = 0
  /** Messages in hand: waiting, running, or between their end and their completion's text. */
  private held = 0
  private empty = false
  private listening = false
  private claiming = false
  private scheduled = false
  private idle: (() => void)[] = []
  private readonly maxClaim: number

  constructor(private readonly options: SlotsOptions) {
    const { consumer, capacity } = options
    this.freeLanes = Array.from({ length: consumer.lanes }, (_, lane) => lane).reverse()
    this.maxClaim = Math.min(1000, capacity < 4 ? capacity : Math.ceil(capacity / consumer.lanes))
  }

  /** How many tasks run now. */
  get active(): number {
    return this.runs.size
  }

  start(): void {
    this.claiming = true
    this.schedule()
  }

  /** Stop claiming; resolves when what runs has ended and everything is committed. */
  async drain(): Promise<void> {
    this.claiming = false
    this.options.consumer.interrupt()
    for (const delivery of [...this.waiting.splice(0), ...this.suspects.splice(0)]) this.giveBack(delivery)
    this.schedule()
    if (!this.isIdle()) await new Promise<void>((resolve) => this.idle.push(resolve))
  }

  /** Abort what runs and give it back; then as `drain`. */
  abort(): void {
    const reason = new WorkerShutdown(
      'The worker is stopping: this task was given back and runs again elsewhere.',
    )
    for (const { running } of this.runs.values()) running.abort(reason)
  }

  /** The lease is lost: everything in hand is somebody else's. */
  lose(): void {
    const reason = new LeaseLost('The worker lost its lease on this message: another one runs it now.')
    this.held -= this.waiting.length + this.suspects.length
    this.waiting.length = 0
    this.suspects.length = 0
    this.ready.length = 0
    for (const { job, running } of this.runs.values()) {
      this.options.log.warning(
        `Task ${nameOf(job.held.message)} aborted: the lease was lost`,
        factsOf(job.held.message),
      )
      running.abort(reason)
    }
    this.schedule()
  }

  // -------------------------------------------------------------------------------------------------
  // Calls

  private schedule(): void {
    if (this.scheduled) return
    this.scheduled = true
    // Nothing else runs: what ended is alone, and waiting for company would only cost time.
    if (this.runs.size === 0) {
      this.scheduled = false
      this.pump()
    } else
      setImmediate(() => {
        this.scheduled = false
        this.pump()
      })
  }

  private pump(): void {
    for (;;) {
      const lane = this.freeLanes.at(-1)
      if (lane === undefined) break
      const slots = this.claimable()
      if (this.ready.length === 0 && slots === 0) break
      this.freeLanes.pop()
      void this.call(lane, this.ready.splice(0, 1000), slots)
    }
    this.listen()
    if (this.isIdle()) for (const resolve of this.idle.splice(0)) resolve()
  }

  private claimable(): number {
    if (!this.claiming || this.suspects.length > 0 || this.suspectRuns) return 0
    // Empty a moment ago: only the slots that a completion frees are asked for, with its call.
    const free = this.options.capacity - this.held - this.asked
    const most = this.empty ? this.ready.length : this.maxClaim
    return Math.max(0, Math.min(free, most, this.maxClaim))
  }

  private async call(lane: number, ended: readonly Ended[], slots: number): Promise<void> {
    this.asked += slots
    try {
      const { refused, joins, deliveries } = await this.options.consumer.step(
        lane,
        ended.map(({ completion }) => completion),
        slots,
      )
      this.asked -= slots
      this.freeLanes.push(lane)
      if (slots > 0) this.empty = deliveries.length < slots
      for (const index of refused) this.sayRefused(ended[index])
      for (const join of joins) void this.join(ended[join.completion], join)
      this.accept(deliveries)
    } catch (error) {
      this.asked -= slots
      this.freeLanes.push(lane)
      // A lost lease: nothing of this was written, and all of it belongs to somebody else.
      if (!(error instanceof LeaseLost))
        this.options.log.critical(`The worker's loop failed: ${String(error)}`)
    }
    this.schedule()
  }

  private sayRefused(ended: Ended | undefined): void {
    const message = ended?.held?.message
    if (message !== undefined)
      this.options.log.warning(
        `Task ${nameOf(message)} ended, but another run of the same message had ended before: this one counts for nothing`,
        factsOf(message),
      )
  }

  private async join(ended: Ended | undefined, join: Join): Promise<void> {
    if (ended?.held === undefined) return
    this.held += 1
    const completion = await this.options.ends.ofJoin(ended.held, join)
    this.held -= 1
    this.end(completion, ended.held)
  }

  /** Waits for work while there are free slots and the queues were empty. */
  private listen(): void {
    if (this.listening || !this.empty || !this.claiming || this.suspects.length > 0 || this.suspectRuns)
      return
    const free = Math.min(1000, this.options.capacity - this.held - this.asked)
    if (free <= 0) return
    this.listening = true
    this.asked += free
    this.options.consumer
      .wait(free)
      .catch((error: unknown): readonly Delivery[] => {
        if (!(error instanceof LeaseLost))
          this.options.log.critical(`The worker's wait failed: ${String(error)}`)
        return []
      })
      .then((deliveries) => {
        this.asked -= free
        this.listening = false
        this.empty = false
        this.accept(deliveries)
        this.schedule()
      })
  }

  private isIdle(): boolean {
    return (
      !this.claiming &&
      this.held === 0 &&
      this.ready.length === 0 &&
      !this.listening &&
      this.freeLanes.length === this.options.consumer.lanes
    )
  }

  private end(completion: Completion, held: Held | undefined): void {
    this.ready.push({ completion, held })
    this.schedule()
  }

  // -------------------------------------------------------------------------------------------------
  // Deliveries

  private accept(deliveries: readonly Delivery[]): void {
    this.held += deliveries.length
    for (const delivery of deliveries)
      if (!this.claiming) this.giveBack(delivery)
      else if (delivery.attempts >= 2 && delivery.uncertain) this.suspects.push(delivery)
      else this.waiting.push(delivery)
    this.fill()
  }

  /** Starts what can be started. */
  private fill(): void {
    if (this.suspectRuns) return
    if (this.suspects.length > 0) {
      if (this.runs.size > 0) return
      const suspect = this.suspects.shift() as Delivery
      this.suspectRuns = true
      void this.handle(suspect).finally(() => {
        this.suspectRuns = false
        this.fill()
        this.schedule()
      })
      return
    }
    while (this.waiting.length > 0 && this.runs.size + this.starting < this.options.pool.concurrency) {
      this.starting += 1
      void this.handle(this.waiting.shift() as Delivery)
    }
  }

  /** Taken in hand but not yet running. */
  private starting = 0

  private giveBack({ tag }: Delivery): void {
    this.held -= 1
    this.end({ tag, ending: { kind: 'back' }, results: [], pushes: [], chords: [], parts: [] }, undefined)
  }

  /** One delivery from intake to the text of its completion. Never rejects. */
  private async handle(delivery: Delivery): Promise<void> {
    let counted = !this.suspectRuns
    const started = (): void => {
      if (counted) this.starting -= 1
      counted = false
    }
    try {
      const ended = await this.process(delivery, started)
      this.held -= 1
      if (ended !== undefined) this.end(ended.completion, ended.held)
    } catch (error) {
      this.held -= 1
      this.options.log.critical(
        `A message of queue ${delivery.queue} could not be handled: ${describe(error)}`,
      )
      this.end(
        {
          tag: delivery.tag,
          ending: { kind: 'dead', reason: `internal error: ${String(error)}` },
          results: [],
          pushes: [],
          chords: [],
          parts: [],
        },
        undefined,
      )
    } finally {
      started()
      this.fill()
      this.schedule()
    }
  }

  private async process(delivery: Delivery, started: () => void): Promise<Ended | undefined> {
    const { consumer, ends, rules, log, now } = this.options
    const intake = takeIn(delivery, rules, now())
    if (intake.kind === 'unreadable') {
      log.error(
        `A message of queue ${delivery.queue} cannot be read and is a dead letter now: ${intake.error.message}`,
      )
      return { completion: intake.completion, held: undefined }
    }
    if (intake.kind === 'defer')
      return {
        completion: {
          tag: delivery.tag,
          ending: { kind: 'defer', dueMs: intake.dueMs },
          results: [],
          pushes: [],
          chords: [],
          parts: [],
        },
        held: undefined,
      }
    const { held } = intake
    const { message } = held
    if (log.enabled('INFO')) log.info(`Task ${nameOf(message)} received`, factsOf(message))
    if (delivery.redelivered && (delivery.uncertain || delivery.attempts > 0)) {
      const note = await consumer.note(delivery.tag, fenceOf(message), partsOf(message))
      if (note.kind === 'lost') return undefined
      if (note.kind === 'done') return this.finishOld(held, note.joins)
    }
    if (intake.kind === 'expired') return { completion: await ends.ofRevoked(held, 'expired'), held }
    if (intake.kind === 'fail') {
      const ending =
        intake.dead === undefined
          ? undefined
          : ({ kind: 'dead', reason: intake.dead, taskId: message.id, task: message.task } as const)
      return { completion: await ends.ofFailure(held, intake.error, ending), held }
    }
    return this.run(held, delivery, started)
  }

  /** Its end was committed before its worker died: only chord bodies may still be missing. */
  private async finishOld(held: Held, joins: readonly Omit<Join, 'completion'>[]): Promise<Ended> {
    const [join] = joins
    if (join !== undefined) return { completion: await this.options.ends.ofJoin(held, join), held }
    return {
      completion: { tag: held.tag, ending: { kind: 'ack' }, results: [], pushes: [], chords: [], parts: [] },
      held: undefined,
    }
  }

  private async run(held: Held, delivery: Delivery, started: () => void): Promise<Ended | undefined> {
    const { consumer, ends, pool } = this.options
    const { message, definition } = held
    const options = definition?.options ?? {}
    if (!(options.acksLate ?? this.options.acksLate) && !(await consumer.release(held.tag))) return undefined
    if ((options.trackStarted ?? this.options.trackStarted) && !ends.ignoresResult(held))
      await consumer.store(held.tag, this.options.startedText(held))
    const job: TaskJob = {
      id: message.id,
      task: message.task,
      softTimeLimit: message.softTimeLimit ?? options.softTimeLimit ?? this.options.softTimeLimit,
      timeLimit: message.timeLimit ?? options.timeLimit ?? this.options.timeLimit,
      held,
      delivery,
      context: undefined,
    }
    const startedAt = performance.now()
    const running = pool.run(job)
    this.runs.set(held.tag, { job, running })
    started()
    const outcome = await running.outcome
    this.runs.delete(held.tag)
    if (outcome.kind === 'aborted' && outcome.error instanceof LeaseLost) return undefined
    const ms = Math.round((performance.now() - startedAt) * 1000) / 1000
    const sent = job.context?.sent ?? held.sent
    const finished: Held = sent.length === 0 ? held : { ...held, sent }
    return { completion: await ends.ofOutcome(finished, outcome, ms), held: finished }
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
