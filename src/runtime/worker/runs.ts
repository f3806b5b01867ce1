// One delivery, from intake to the text of its completion: look at it, run it if it may run, and ask what
// follows. Also what a chord still needs when its last part is in. Nothing here rejects.
import {
  InvalidTaskError,
  LeaseLost,
  TaskRevokedError,
  TimeLimitExceeded,
  WorkerShutdown,
} from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Job, Outcome, Pool, Running } from '../../pools/pool.js'
import type { Completion, Consumer, Delivery, Ending } from '../consumer.js'
import type { TaskContext } from '../context.js'
import type { TaskInHand } from '../control/node.js'
import type { Complete } from '../follow-join.js'
import type { Message } from '../message.js'
import type { Gate } from '../gate.js'
import { gateOf } from '../gate-of.js'
import { seatsAround } from '../parts.js'
import { fenceOf } from '../perform.js'
import { stageIn } from '../stage.js'
import type { Completions } from './completions.js'
import type { Ends } from './ends.js'
import { factsOf, type Held, nameOf } from './held.js'
import type { Limits } from './limits.js'
import { deadLetter, type Intake, type IntakeRules, takeIn } from './intake.js'
import type { Reports } from './reports.js'
import type { Telling } from './telling.js'

/** One run, as the pool gets it. */
export interface TaskJob extends Job {
  readonly held: Held
  readonly delivery: Delivery
  /** What the task did while it runs: here its own context, from a child what came back of it. */
  context: Pick<TaskContext, 'sent' | 'added'> | undefined
  /** The child that ended it. */
  processName: string | undefined
}

export interface RunsOptions {
  readonly consumer: Pick<Consumer, 'admit' | 'note' | 'release' | 'store' | 'unstage'>
  readonly pool: Pick<Pool<TaskJob>, 'run'>
  readonly completions: Pick<Completions, 'ignoresResult' | 'passing'>
  readonly ends: Ends
  readonly rules: IntakeRules
  readonly limits: Pick<Limits, 'begins' | 'admit'>
  readonly now: () => number
  readonly log: Logger
  /** Seconds; the worker's, where neither message nor task has a limit. */
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
  readonly acksLate: boolean
  readonly trackStarted: boolean
  readonly hostname: string
  readonly telling: Telling
  readonly reports: Pick<Reports, 'received' | 'started' | 'revoked'>
}

/** A completion on its way, with what is needed if it brings the last part of a chord. */
export interface Ended {
  readonly completion: Completion
  readonly held: Held | undefined
}

/** An intake with a message in it. */
type Readable = Extract<Intake, { readonly held: Held }>

/** Seconds. */
export interface TimeLimits {
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
}

interface Run {
  readonly job: TaskJob
  /** ms, as performance.now() tells it. */
  readonly startedAt: number
  readonly running: Running
}

/** A completion with which nothing is stored and nothing follows. */
export const bare = (tag: string, ending: Ending): Ended => ({
  completion: { tag, ending, results: [], pushes: [], chords: [], parts: [] },
  held: undefined,
})

export class Runs {
  private readonly running = new Map<string, Run>()
  /** Counts lost leases: what was claimed under an earlier one is somebody else's. */
  private lease = 0
  /** Set by a cold stop: nothing starts any more. */
  private stopped = false
  /** Tasks started here, by name. */
  readonly totals = new Map<string, number>()
  /** All of them. */
  started = 0
  /** Limits that were set while the worker ran, by the task's name. */
  readonly timeLimits = new Map<string, TimeLimits>()

  constructor(private readonly options: RunsOptions) {}

  /** How many tasks run now. */
  get size(): number {
    return this.running.size
  }

  /** Aborts what runs and gives back what is about to. */
  abort(): void {
    this.stopped = true
    const reason = new WorkerShutdown(
      'The worker is stopping: this task was given back and runs again elsewhere.',
    )
    for (const { running } of this.running.values()) running.abort(reason)
  }

  /** What runs now. */
  active(): readonly TaskInHand[] {
    return [...this.running.values()].map(({ job: { held, delivery }, startedAt, running }) => ({
      message: held.message,
      redelivered: delivery.redelivered,
      startedAt: (performance.timeOrigin + startedAt) / 1000,
      acknowledged: !(held.definition?.options.acksLate ?? this.options.acksLate),
      pid: running.pid?.() ?? process.pid,
    }))
  }

  /** Ends what runs and is meant: its result is REVOKED. The answer is what that was. */
  terminate(matches: (message: Message) => boolean, signal: NodeJS.Signals): readonly Message[] {
    const meant = [...this.running.values()].filter(({ job }) => matches(job.held.message))
    for (const { running } of meant) running.abort(new TaskRevokedError('terminated', signal))
    return meant.map(({ job }) => job.held.message)
  }

  /** Everything in hand is somebody else's now. */
  lose(): void {
    this.lease += 1
    const reason = new LeaseLost('The worker lost its lease on this message: another one runs it now.')
    for (const { job, running } of this.running.values()) {
      const { message } = job.held
      this.options.log.warning(`Task ${nameOf(message)} aborted: the lease was lost`, factsOf(message))
      running.abort(reason)
    }
  }

  /** The end of a delivery; undefined when it is not ours any more. */
  async handle(delivery: Delivery): Promise<Ended | undefined> {
    const { lease } = this
    try {
      const ended = await this.process(delivery, lease)
      return lease === this.lease ? ended : undefined
    } catch (error) {
      return lease === this.lease && !(error instanceof LeaseLost) ? this.broken(delivery, error) : undefined
    }
  }

  /** Chords are complete with this end: the completion that sends their bodies. */
  async join({ completion, held }: Ended, joins: readonly Complete[]): Promise<Ended | undefined> {
    if (held === undefined) return undefined
    const { lease } = this
    const { ends, log } = this.options
    try {
      const second = await ends.ofJoins(held, joins, completion.ending)
      return lease === this.lease ? { completion: second, held } : undefined
    } catch (error) {
      log.critical(`The body of a chord could not be sent: ${describe(error)}`, factsOf(held.message))
      return undefined
    }
  }

  /** A fault of ours: its message is kept for those who look after the worker, and nobody waits for it. */
  private broken(delivery: Delivery, error: unknown): Ended {
    const { log, rules, now, telling } = this.options
    log.critical(`A message of queue ${delivery.queue} could not be handled: ${describe(error)}`)
    const reason = error instanceof Error ? error : new Error(String(error))
    telling.broken(delivery, reason)
    return { completion: deadLetter(delivery, reason, rules, now()), held: undefined }
  }

  /** No promise of its own: all that happens here between two waits is paid for by every task. */
  private process(
    delivery: Delivery,
    lease: number,
    permitted = this.options.limits.begins(delivery.tag),
  ): Ended | undefined | Promise<Ended | undefined> {
    const { rules, log, now, telling } = this.options
    const intake = takeIn(delivery, rules, now())
    if (intake.kind === 'unreadable') {
      const { reason } = intake
      log.error(`A message of queue ${delivery.queue} cannot be read and is a dead letter now: ${reason}`)
      telling.unreadable(delivery, reason, intake.completion.ending)
      return { completion: intake.completion, held: undefined }
    }
    if (intake.kind === 'defer') return bare(delivery.tag, { kind: 'defer', dueMs: intake.dueMs })
    const { message } = intake.held
    if (log.enabled('INFO')) log.info(`Task ${nameOf(message)} received`, factsOf(message))
    telling.received(intake.held, delivery)
    return delivery.redelivered && (delivery.uncertain || delivery.attempts > 0)
      ? this.afterNote(intake, delivery, lease, permitted)
      : this.proceed(intake, delivery, lease, permitted)
  }

  /** It may have been started before, and may even have ended. */
  private async afterNote(
    intake: Readable,
    delivery: Delivery,
    lease: number,
    permitted: boolean,
  ): Promise<Ended | undefined> {
    const { held } = intake
    const { message } = held
    const note = await this.options.consumer.note(delivery.tag, fenceOf(message), seatsAround(message))
    if (note.kind === 'lost') return undefined
    return note.kind === 'done'
      ? this.finishOld(held, note.joins)
      : this.proceed(intake, delivery, lease, permitted)
  }

  private proceed(
    intake: Readable,
    delivery: Delivery,
    lease: number,
    permitted: boolean,
  ): Promise<Ended | undefined> {
    return intake.kind === 'run'
      ? this.run(intake.held, delivery, lease, permitted)
      : this.withoutRun(intake, delivery)
  }

  private async withoutRun(intake: Exclude<Readable, { kind: 'run' }>, delivery: Delivery): Promise<Ended> {
    const { ends, reports, telling } = this.options
    const { held } = intake
    if (intake.kind === 'resume') return { completion: await ends.ofResume(held), held }
    if (intake.kind === 'release') return this.release(held)
    if (intake.kind === 'news') return { completion: await ends.ofNews(held), held }
    if (intake.kind !== 'fail') {
      const how = { expired: intake.kind === 'expired', terminated: false, signum: null }
      telling.revoked(held, delivery, how)
      reports.revoked(held, how)
      return { completion: await ends.ofRevoked(held, intake.kind), held }
    }
    const { id, task } = held.message
    const { error, dead } = intake
    telling.refused(held, delivery, error)
    const ending: Ending | undefined =
      dead === undefined ? undefined : { kind: 'dead', reason: dead, taskId: id, task }
    return { completion: await ends.ofFailure(held, error, ending), held }
  }

  /** Moves what was staged to its queues. Whoever is killed meanwhile leaves the rest to the redelivery. */
  private async release(held: Held): Promise<Ended> {
    const { consumer, ends } = this.options
    const staged = stageIn(held.message)
    if (staged === undefined || consumer.unstage === undefined) {
      const error = new InvalidTaskError('Expected the name of a stage and its queues in the message.')
      return { completion: await ends.ofFailure(held, error), held }
    }
    for (const [list, [queue, priority]] of staged.targets.entries())
      while ((await consumer.unstage({ stage: staged.stage, list, queue, priority })) > 0);
    return bare(held.tag, { kind: 'ack' })
  }

  /** Its end was committed before its worker died: only chord bodies may still be missing. */
  private async finishOld(held: Held, joins: readonly Complete[]): Promise<Ended> {
    if (joins.length === 0) return bare(held.tag, { kind: 'ack' })
    return { completion: await this.options.ends.ofJoins(held, joins, { kind: 'ack' }), held }
  }

  private async run(
    held: Held,
    delivery: Delivery,
    lease: number,
    permitted: boolean,
  ): Promise<Ended | undefined> {
    const { consumer, completions, ends, limits, pool, reports, hostname } = this.options
    const { message, definition, tag } = held
    const options = definition?.options ?? {}
    if (this.stopped) return bare(tag, { kind: 'back' })
    if (definition?.options.concurrencyKey !== undefined && delivery.gated !== true) {
      let gate: Gate | undefined
      try {
        gate = gateOf(definition, message)
      } catch (error) {
        return { completion: await ends.ofFailure(held, error), held }
      }
      // In line, or lost: somebody else's in either case.
      if (gate !== undefined && (await consumer.admit(delivery, gate)) !== 'run') return undefined
    }
    if (!permitted) {
      const admitted = limits.admit(message.task, held.queue)
      if (!(typeof admitted === 'boolean' ? admitted : await admitted))
        return bare(tag, { kind: 'park', task: message.task })
    }
    reports.received(held)
    if (!this.isLate(held) && !(await consumer.release(tag))) return undefined
    if ((options.trackStarted ?? this.options.trackStarted) && !completions.ignoresResult(held)) {
      const started = completions.passing(held, 'STARTED', { pid: process.pid, hostname })
      const ours = await consumer.store(tag, started)
      if (!ours) return undefined
    }
    if (this.stopped) return bare(tag, { kind: 'back' })
    if (lease !== this.lease) return undefined
    const own = this.timeLimits.size === 0 ? options : (this.timeLimits.get(message.task) ?? options)
    const softTimeLimit = message.softTimeLimit ?? own.softTimeLimit ?? this.options.softTimeLimit
    const job: TaskJob = {
      id: message.id,
      task: message.task,
      softTimeLimit,
      timeLimit: message.timeLimit ?? own.timeLimit ?? this.options.timeLimit,
      held,
      delivery,
      context: undefined,
      processName: undefined,
      onSoftLimit: softTimeLimit === undefined ? undefined : () => this.tellSoftLimit(message, softTimeLimit),
    }
    reports.started(held)
    const startedAt = performance.now()
    const running = pool.run(job)
    this.running.set(tag, { job, running, startedAt })
    this.started += 1
    this.totals.set(message.task, (this.totals.get(message.task) ?? 0) + 1)
    const outcome = await running.outcome
    this.running.delete(tag)
    if (outcome.kind === 'aborted' && outcome.error instanceof LeaseLost) return undefined
    const ms = Math.round((performance.now() - startedAt) * 1000) / 1000
    if (outcome.kind === 'lost') return this.again(held, delivery, lease, outcome.how)
    const sent = job.context?.sent ?? held.sent
    const added = job.context?.added ?? held.added
    const { processName } = job
    const isBare = sent.length === 0 && added.length === 0 && processName === undefined
    const finished: Held = isBare ? held : { ...held, sent, added, processName }
    const completion = this.endOf(finished, delivery, outcome, ms)
    return { completion: completion instanceof Promise ? await completion : completion, held: finished }
  }

  private endOf(
    held: Held,
    delivery: Delivery,
    outcome: Exclude<Outcome, { readonly kind: 'lost' }>,
    ms: number,
  ): Completion | Promise<Completion> {
    const { ends, reports, telling } = this.options
    if (outcome.kind === 'aborted' && outcome.error instanceof TaskRevokedError) {
      const how = { expired: false, terminated: true, signum: outcome.error.signal ?? null }
      telling.revoked(held, delivery, how)
      reports.revoked(held, how)
      return ends.ofRevoked(held, 'terminated')
    }
    // The code that ran into its hard limit tells of nothing any more.
    if (outcome.kind === 'failure' && outcome.error instanceof TimeLimitExceeded)
      telling.failed(held, outcome.error)
    return ends.ofOutcome(held, outcome, ms)
  }

  private tellSoftLimit(message: Message, seconds: number): void {
    this.options.log.warning(
      `Soft time limit (${seconds}s) exceeded for ${nameOf(message)}`,
      factsOf(message),
    )
  }

  /** What ran it died, and we did not: to us it is the same as a message that comes back, without the way. */
  private again(
    held: Held,
    delivery: Delivery,
    lease: number,
    how: string,
  ): Ended | undefined | Promise<Ended | undefined> {
    const { message, tag } = held
    this.options.log.error(`Task ${nameOf(message)} was lost with what ran it: ${how}`, factsOf(message))
    if (lease !== this.lease) return undefined
    if (this.stopped) return bare(tag, { kind: 'back' })
    const lost = !this.isLate(held)
    const lastWorker = `${this.options.hostname} (${how})`
    const next = { ...delivery, attempts: delivery.attempts + 1, redelivered: true, lost, lastWorker }
    return this.process(next, lease, true)
  }

  private isLate({ definition }: Held): boolean {
    return definition?.options.acksLate ?? this.options.acksLate
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)
