// One delivery, from intake to the text of its completion: look at it, run it if it may run, and ask what
// follows. Also what a chord still needs when its last part is in. Nothing here rejects.
import { LeaseLost, TaskRevokedError, TimeLimitExceeded } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Outcome, Pool } from '../../pools/pool.js'
import type { Completion, Consumer, Delivery } from '../consumer.js'
import { tracebackOf } from '../failure.js'
import type { Complete } from '../follow-join.js'
import type { Message } from '../message.js'
import type { Gate } from '../gate.js'
import { gateOf } from '../gate-of.js'
import { seatsAround } from '../parts.js'
import { fenceOf } from '../perform.js'
import { ActiveRuns, type TaskJob } from './active-runs.js'
import type { Completions } from './completions.js'
import { bare, type Ended } from './ended.js'
import type { Ends } from './ends.js'
import { factsOf, type Held, nameOf } from './held.js'
import type { Limits } from './limits.js'
import { deadLetter, type IntakeRules, type Readable, takeIn } from './intake.js'
import type { Reports } from './reports.js'
import type { Telling } from './telling.js'
import { endWithoutRun, finishOld } from './without-run.js'

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
  readonly reports: Pick<Reports, 'received' | 'started' | 'revoked' | 'cancelled'>
}

/** Seconds. */
export interface TimeLimits {
  readonly softTimeLimit: number | undefined
  readonly timeLimit: number | undefined
}

export class Runs {
  /** What runs now. */
  readonly active: ActiveRuns
  /** Counts lost leases: what was claimed under an earlier one is somebody else's. */
  private lease = 0
  /** Nobody knows whether there will be another child: nothing waits for one. */
  private isShort = false
  /** Set by a warm stop: what is lost with what ran it does not start again. */
  private leaving = false
  /** Set by a cold stop: nothing starts any more. */
  private stopped = false
  /** Limits that were set while the worker ran, by the task's name. */
  readonly timeLimits = new Map<string, TimeLimits>()

  constructor(private readonly options: RunsOptions) {
    this.active = new ActiveRuns((held) => this.isLate(held), options.log)
  }

  /** From now on only what has begun is brought to its end. */
  leave(): void {
    this.leaving = true
    this.active.giveBackWaiting()
  }

  /** Whether children cannot be had: then what waits for one goes back. */
  setShort(isShort: boolean): void {
    this.isShort = isShort
    if (isShort) this.active.giveBackWaiting()
  }

  /** Aborts what runs and gives back what is about to. */
  abort(): void {
    this.leaving = true
    this.stopped = true
    this.active.abort()
  }

  /** Everything in hand is somebody else's now. */
  lose(): void {
    this.lease += 1
    this.active.lose()
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
      log.critical(
        `The body of a chord could not be sent: ${tracebackOf(error) ?? String(error)}`,
        factsOf(held.message),
      )
      return undefined
    }
  }

  /** A fault of ours: its message is kept for those who look after the worker, and nobody waits for it. */
  private broken(delivery: Delivery, error: unknown): Ended {
    const { log, rules, now, telling } = this.options
    log.critical(
      `A message of queue ${delivery.queue} could not be handled: ${tracebackOf(error) ?? String(error)}`,
    )
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
      ? finishOld(held, note.joins, this.options)
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
      : endWithoutRun(intake, delivery, this.options)
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
    if (this.stopped) return unrun(delivery)
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
    if (this.stopped) return unrun(delivery)
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
    const seat = this.active.begin(job, running, startedAt)
    if (this.leaving || this.isShort) this.active.giveBackWaiting()
    const outcome = await running.outcome
    this.active.end(seat)
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
    if (outcome.kind === 'aborted') {
      if (!(outcome.error instanceof TaskRevokedError)) return this.goesBack(held, delivery).completion
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
    const { message } = held
    const { log, hostname, rules, now } = this.options
    log.error(`Task ${nameOf(message)} was lost with what ran it: ${how}`, factsOf(message))
    if (lease !== this.lease) return undefined
    const lost = !this.isLate(held)
    const lastWorker = `${hostname} (${how})`
    const next = { ...delivery, attempts: delivery.attempts + 1, redelivered: true, lost, lastWorker }
    if (this.leaving && takeIn(next, rules, now()).kind === 'run') {
      log.info(`Task ${nameOf(message)} goes back to its queue: this worker stops`, factsOf(message))
      return this.goesBack(held, next)
    }
    return this.process(next, lease, true)
  }

  /** It had begun. */
  private goesBack(held: Held, delivery: Delivery): Ended {
    this.options.reports.cancelled(held)
    return unrun(delivery)
  }

  private isLate({ definition }: Held): boolean {
    return definition?.options.acksLate ?? this.options.acksLate
  }
}

/** Back to its queue, with the starts that are known here. */
const unrun = ({ tag, attempts }: Delivery): Ended => bare(tag, { kind: 'back', starts: attempts })
