// From an Outcome (or a message that must not run) to the completion that ends it: asks `follow` what comes next, and
// says it in the log in Celery's words.
import type { Node } from '../../canvas/node.js'
import type { SignatureJson } from '../../canvas/wire.js'
import { NotRegistered, type Reject, type Retry, TimeLimitExceeded } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Outcome } from '../../pools/pool.js'
import type { Completion, Ending } from '../consumer.js'
import { reprException, toExceptionInfo, tracebackOf } from '../failure.js'
import type { FollowContext } from '../continue.js'
import { followSuccess } from '../follow.js'
import { unflatten } from '../flat.js'
import { type Failure, failureOf, followFailure, revokedBy } from '../follow-failure.js'
import { type Complete, headerShape } from '../follow-join.js'
import { followBack, followNothing } from '../follow-nothing.js'
import { followReplace } from '../follow-replace.js'
import { followResume } from '../follow-resume.js'
import { followRetry } from '../follow-retry.js'
import { followTold } from '../follow-told.js'
import { findUnsent, followWithout, type Unsent } from '../follow-unsent.js'
import { encodeValue } from '../json.js'
import type { Message } from '../message.js'
import { newsIn } from '../news.js'
import type { Plan } from '../plan.js'
import { flatIn, resumeTask } from '../reference.js'
import { repr } from '../repr.js'
import { isOfKind } from '../task.js'
import { type Completions, type EndSettings, freeing } from './completions.js'
import { bare } from './ended.js'
import { factsOf, type Held, nameOf, toldBy } from './held.js'
import { joinChords } from './joins.js'
import type { KeptHeaders } from './kept-headers.js'
import type { Opened, Pages } from './pages.js'
import { reached } from './reached.js'
import type { Reports } from './reports.js'

type EndReports = Pick<Reports, 'succeeded' | 'failed' | 'retried' | 'rejected'>

export class Ends {
  constructor(
    private readonly settings: Pick<EndSettings, 'acksOnFailureOrTimeout' | 'resultExtended'>,
    private readonly completions: Completions,
    private readonly pages: Pages,
    private readonly log: Logger,
    private readonly reports: EndReports,
    /** With `resultExtended`: keeps which tasks a header had, for whoever has only the id of its body. */
    private readonly headers: Pick<KeptHeaders, 'keep'>,
  ) {}

  /** The end of a run. `ms` is how long it took. A promise only where something has to be asked first. */
  ofOutcome(
    held: Held,
    outcome: Exclude<Outcome, { kind: 'lost' | 'aborted' }>,
    ms: number,
  ): Completion | Promise<Completion> {
    const { message } = held
    switch (outcome.kind) {
      case 'success':
        return this.ofSuccess(held, outcome.value, ms)
      case 'retry':
        return this.ofRetry(held, outcome.error as Retry)
      case 'replace':
        return this.ofReplace(held, outcome.signature as Node)
      case 'ignore':
        this.log.info(`Task ${nameOf(message)} ignored`, toldBy(held))
        return this.stop(held, outcome.error)
      case 'reject': {
        const { requeue, message: reason } = outcome.error as Reject
        this.log.warning(
          `Task ${nameOf(message)} reject requeue=${requeue ? 'True' : 'False'}: ${reason}`,
          toldBy(held),
        )
        this.reports.rejected(held, requeue)
        return requeue ? this.completions.commit(held, followBack()) : this.stop(held, outcome.error)
      }
      default:
        return this.goesBack(held, outcome.error)
          ? this.completions.commit(held, followBack())
          : this.ofFailure(held, outcome.error)
    }
  }

  private ofSuccess(held: Held, value: unknown, ms: number): Completion | Promise<Completion> {
    const { message } = held
    const say = (completion: Completion): Completion => {
      if (this.log.enabled('INFO'))
        this.log.info(`Task ${nameOf(message)} succeeded in ${seconds(ms)}s: ${repr(value)}`, toldBy(held))
      this.reports.succeeded(held, value, ms)
      return completion
    }
    try {
      const success = (opened: Held): Plan =>
        followSuccess(opened.message, value, this.completions.context(held))
      const completion = this.completions.carry(held, this.pages.next(message), success)
      if (completion instanceof Promise)
        return completion.then(say, (error: unknown) => this.ofUnsent(held, value, error, ms))
      return say(completion)
    } catch (error) {
      return this.ofUnsent(held, value, error, ms)
    }
  }

  /** The task has succeeded, but what follows cannot be sent, or not all of it; or its value cannot travel. */
  private async ofUnsent(held: Held, value: unknown, error: unknown, ms: number): Promise<Completion> {
    let opened: Opened
    let unsent: readonly Unsent[]
    try {
      encodeValue(value)
      opened = (await this.pages.next(held.message)) ?? { message: held.message, frees: [] }
      const alone = this.completions.context({ ...held, added: [] })
      unsent = await findUnsent(opened.message, value, alone, (plan) => this.completions.commit(held, plan))
      if (unsent.some(({ follower }) => follower.kind === 'next'))
        opened = (await this.pages.all(held.message, 'waiting')) ?? opened
      const uncalled = unsent.filter(({ follower }) => follower.kind === 'callback')
      const lost = await this.pages.lost(uncalled.map(({ follower }) => follower.json))
      opened = { ...opened, frees: [...opened.frees, ...lost] }
    } catch {
      return this.ofFailure(held, error)
    }
    const { message, frees } = opened
    for (const { follower, error: reason } of unsent)
      this.log.error(
        `Task ${nameOf(message)} succeeded, but ${follower.json.task} cannot follow it: ${String(reason)}`,
        toldBy(held),
      )
    const without = (context: FollowContext): Plan =>
      freeing(followWithout(message, value, unsent, context), frees)
    for (const some of [false, true])
      try {
        if (unsent.length === 0) break
        const context = some
          ? await reached(held, this.completions, this.log, without)
          : this.completions.context(held)
        const completion = await this.completions.commit(held, without(context))
        this.reports.succeeded(held, value, ms)
        return completion
      } catch {
        // Errbacks of theirs cannot be sent either; or what the task added, which is its own fault.
      }
    return this.ofFailure(held, error)
  }

  /** As in Celery, a task that ran into its hard limit may be wanted again: then it has not ended. */
  private goesBack({ message, definition }: Held, error: unknown): boolean {
    const ends = definition?.options.acksOnFailureOrTimeout ?? this.settings.acksOnFailureOrTimeout
    if (ends || !(error instanceof TimeLimitExceeded)) return false
    this.log.warning(`Task ${nameOf(message)} goes back to its queue: ${error.message}`, factsOf(message))
    return true
  }

  private async ofRetry(held: Held, retry: Retry): Promise<Completion> {
    const { message } = held
    try {
      const completion = await this.completions.commit(
        held,
        followRetry(message, retry, this.completions.context(held)),
      )
      this.log.info(`Task ${nameOf(message)} retry: ${retry.message}`, toldBy(held))
      this.reports.retried(held, retry)
      return completion
    } catch (error) {
      return this.ofFailure(held, error)
    }
  }

  private async ofReplace(held: Held, signature: Node): Promise<Completion> {
    const { message } = held
    try {
      const replace = (opened: Held): Plan =>
        followReplace(opened.message, signature, this.completions.context(held))
      const completion = await this.completions.carry(held, this.pages.heir(message, signature), replace)
      this.log.info(`Task ${nameOf(message)} replaced by ${briefly(signature)}`, toldBy(held))
      return completion
    } catch (error) {
      return this.ofFailure(held, error)
    }
  }

  async ofFailure(held: Held, error: unknown, ending: Ending = { kind: 'ack' }): Promise<Completion> {
    const { message, definition } = held
    const expected = isOfKind(error, definition?.options.throws)
    const word = expected ? 'expected' : 'unexpected'
    if (error instanceof TimeLimitExceeded)
      this.log.error(`Hard time limit (${error.args[0]}s) exceeded for ${nameOf(message)}`, toldBy(held))
    const text = `Task ${nameOf(message)} raised ${word}: ${reprException(toExceptionInfo(error))}`
    if (expected) this.log.info(text, toldBy(held))
    else this.log.error(`${text}\n${tracebackOf(error) ?? ''}`.trimEnd(), toldBy(held))
    this.reports.failed(held, error)
    const always = definition?.run === undefined && error instanceof NotRegistered
    const failure = { ...failureOf(error, ending), always }
    return this.failBy(held, failure)
  }

  /** An errback that cannot be sent must not hide the failure, nor hold up the others: the failure is stored without it, and that is said. */
  private async failBy(held: Held, failure: Failure): Promise<Completion> {
    try {
      return await this.fail(held, failure)
    } catch {
      try {
        const some = await reached(held, this.completions, this.log, (context) =>
          followFailure(held.message, failure, context),
        )
        return await this.fail(held, failure, some)
      } catch (error) {
        this.log.error(
          `Task ${nameOf(held.message)}: its errbacks could not be sent: ${String(error)}`,
          toldBy(held),
        )
        return this.fail(held, { ...failure, errbacks: false })
      }
    }
  }

  ofRevoked(held: Held, reason: Parameters<typeof revokedBy>[0]): Completion | Promise<Completion> {
    if (reason !== 'terminated')
      this.log.info(`Discarding ${reason} task: ${nameOf(held.message)}`, factsOf(held.message))
    return this.fail(held, revokedBy(reason))
  }

  /** A reference that was sent as a message: what it stands for is sent instead. */
  async ofResume(held: Held): Promise<Completion> {
    const { message } = held
    try {
      const reference = sentAlone(message)
      const flat = flatIn(reference)
      const { value, frees } =
        flat === undefined ? await this.pages.referred(reference) : { value: unflatten(flat.list), frees: [] }
      return await this.completions.commit(
        held,
        freeing(followResume(message, value, this.completions.context(held)), frees),
      )
    } catch (error) {
      return this.ofFailure(held, error)
    }
  }

  /** A task that ran elsewhere has ended, and nobody told whom it concerns. */
  async ofNews(held: Held): Promise<Completion> {
    const news = newsIn(held.message)
    const { task } = news
    const { id } = held.message
    if ('told' in news) {
      this.log.info(`Task ${task}[${id}] has ended elsewhere: its chord is told`, { task, id })
      return this.completions.commit(held, followTold(held.message, news.told))
    }
    const { failure } = news
    const ended: Held = { ...held, message: { ...held.message, task } }
    this.log.warning(
      `Task ${task}[${id}] has ended elsewhere with ${reprException(failure.info)}, and its chord was not told: it is now`,
      { task, id },
    )
    return this.failBy(ended, failure)
  }

  /** Last parts of chords came with this message: their bodies are sent, or fail. `ending` is the message's own. */
  async ofJoins(held: Held, complete: readonly Complete[], ending: Ending): Promise<Completion> {
    const joins = complete.filter(({ members }) => members.length > 0)
    if (joins.length === 0) return bare(held.tag, ending).completion
    if (this.settings.resultExtended)
      for (const { groupId, members } of joins) {
        const shape = headerShape(groupId, members)
        if (shape !== null) await this.headers.keep(groupId, shape, this.completions.expires(held))
      }
    const { completions, pages, log } = this
    return joinChords(held, joins, ending, { completions, pages, log })
  }

  private fail(
    held: Held,
    failure: Failure,
    context = this.completions.context(held),
  ): Completion | Promise<Completion> {
    const whole = referredBehind(held.message)
    const plan = ({ message }: Held): Plan => followFailure(message, failure, context)
    const opened = this.pages.all(whole, 'callbacks too')
    return this.completions.carry({ ...held, message: whole }, opened, plan)
  }

  /** Nothing is stored and nothing follows. `word` is what the task threw. */
  private stop(held: Held, word: unknown): Completion | Promise<Completion> {
    return this.completions.carry(held, this.pages.all(held.message, 'callbacks too'), ({ message }) =>
      followNothing(message, word),
    )
  }
}

/** A reference that was sent as a message, as it was. */
const sentAlone = ({ id, task, args, kwargs }: Message): SignatureJson => ({
  task,
  args,
  kwargs,
  options: { task_id: id },
  subtask_type: null,
  immutable: false,
})

/** Where it goes no further, all that it stands for has ended with it. */
const referredBehind = (message: Message): Message => {
  if (message.task !== resumeTask) return message
  const reference = sentAlone(message)
  const flat = flatIn(reference)
  const { chain } = message.embed
  try {
    const referred = flat === undefined ? { ...reference, options: {} } : unflatten(flat.list)
    return { ...message, embed: { ...message.embed, chain: [...(chain ?? []), referred] } }
  } catch {
    // What cannot be read can neither be waited for.
    return message
  }
}

/** To the microsecond: what a clock says below that is noise. */
const seconds = (ms: number): number => Math.round(ms * 1000) / 1e6

/** A canvas may be huge: its kind is enough for a line of the log. */
const briefly = (node: Node): string => (node.kind === 'task' ? node.task : `a ${node.kind}`)
