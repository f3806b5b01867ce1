// A pool whose jobs run in children: processes or threads, which is `start`'s business. A job is given to an idle
// child and to no other, so that a short one never waits behind a long one; a child that dies takes one job with
// it and is replaced. One that dies without having been given anything is replaced ever more slowly.
import { availableParallelism } from 'node:os'
import { ImproperlyConfigured, TaskRevokedError, TimeLimitExceeded } from '../../errors.js'
import { after } from '../lazy-abort.js'
import { softClock } from '../soft-clock.js'
import type { Courier, Job, Json, Outcome, Pool, Running } from '../pool.js'
import { Child, type ChildEvents, type ChildState, unreadable } from './child.js'
import type { FromChild, StartChild } from './messages.js'

export interface ChildPoolOptions<J extends Job> {
  readonly name: string
  readonly concurrency: number
  readonly start: StartChild
  /** What the log calls the n-th child that is started; those that replace others count on. */
  readonly nameOf?: (n: number) => string
  /** What a child loads. */
  readonly cargo: Json
  /** Looks at what the first child has loaded; what it throws ends the start. */
  readonly check: (facts: Json) => void
  readonly courier: Courier<J>
  /** Seconds that a child may take until it is ready. */
  readonly aliveTimeout: number
  /** Jobs, after which a child is replaced. */
  readonly maxTasksPerChild: number | undefined
  /** KiB, above which it is. */
  readonly maxMemoryPerChild: number | undefined
}

interface Run<J> {
  readonly number: number
  readonly job: J
  over: boolean
  stopHard: (() => void) | undefined
  stopSoft: (() => void) | undefined
  grace: NodeJS.Timeout | undefined
  readonly settle: (outcome: Outcome) => void
}

/** What was aborted may clean up for so long; then its child is killed. */
const graceMs = 1000
/** The pause before a child that died by itself is replaced; it doubles. */
const firstPauseMs = 100
const longestPauseMs = 10_000

/** A stop is told to a whole process group, also to a child that is too young to leave it to the worker. */
const wasTold = (state: ChildState, how: string): boolean =>
  state === 'starting' && /\((SIGTERM|SIGINT|SIGQUIT|SIGHUP)\)$/.test(how)

export class ChildPool<J extends Job> implements Pool<J> {
  readonly name: string
  concurrency: number
  private readonly children = new Set<Child<Run<J>>>()
  private readonly idle: Child<Run<J>>[] = []
  private readonly waiting: Run<J>[] = []
  private running = 0
  private runs = 0
  private starts = 0
  private phase: 'new' | 'running' | 'stopped' = 'new'
  /** Children that died in a row without having been of use. */
  private deaths = 0
  private pause: NodeJS.Timeout | undefined
  private started: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  private quiet: (() => void)[] = []

  constructor(private readonly options: ChildPoolOptions<J>) {
    this.name = options.name
    this.concurrency = options.concurrency
  }

  /** Resolves with the first child that is ready; the others follow. */
  start(): Promise<void> {
    this.phase = 'running'
    return new Promise((resolve, reject) => {
      this.started = { resolve, reject }
      this.fill()
    })
  }

  run(job: J): Running {
    let settle: (outcome: Outcome) => void = () => undefined
    const outcome = new Promise<Outcome>((resolve) => {
      settle = resolve
    })
    this.runs += 1
    const run: Run<J> = {
      number: this.runs,
      job,
      over: false,
      stopHard: undefined,
      stopSoft: undefined,
      grace: undefined,
      settle,
    }
    this.running += 1
    const child = this.idle.pop()
    if (child === undefined) this.waiting.push(run)
    else this.give(child, run)
    return {
      outcome,
      abort: (reason) => this.abort(run, reason),
      waits: () => this.waiting.includes(run),
      pid: () => this.pidOf(run),
    }
  }

  resize(concurrency: number): void {
    this.concurrency = concurrency
    this.fill()
    while (this.idle.length > 0 && this.members > this.concurrency) this.idle.shift()?.leave()
  }

  restart(): void {
    // Those that come now are not meant.
    const old = [...this.children].filter(({ state }) => state !== 'leaving')
    for (const child of old) this.dismiss(child)
  }

  async stop(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.quiet.push(resolve))
    this.phase = 'stopped'
    clearTimeout(this.pause)
    for (const child of this.children) child.leave()
    if (this.children.size > 0) await new Promise<void>((resolve) => this.quiet.push(resolve))
  }

  /** Process ids (numbers of threads) of the children. */
  get ids(): readonly number[] {
    return [...this.children].map(({ id }) => id)
  }

  // -------------------------------------------------------------------------------------------------
  // Jobs

  private give(child: Child<Run<J>>, run: Run<J>): void {
    const { id, task, softTimeLimit, timeLimit, onSoftLimit } = run.job
    child.state = 'busy'
    child.run = run
    child.say(['run', run.number, id, task, softTimeLimit ?? null, this.options.courier.pack(run.job)])
    if (softTimeLimit !== undefined && onSoftLimit !== undefined)
      run.stopSoft = softClock(softTimeLimit, onSoftLimit)
    if (timeLimit !== undefined)
      run.stopHard = after(timeLimit, () => {
        this.end(run, { kind: 'failure', error: new TimeLimitExceeded(timeLimit) })
        child.kill(`killed at the time limit of ${task}[${id}]`)
      })
  }

  /** A thread has none of its own. */
  private pidOf(run: Run<J>): number | undefined {
    if (this.name !== 'prefork') return undefined
    return [...this.children].find((child) => child.run === run)?.id
  }

  private abort(run: Run<J>, reason: Error): void {
    if (run.over) return
    const place = this.waiting.indexOf(run)
    if (place >= 0) this.waiting.splice(place, 1)
    for (const child of this.children)
      if (child.run === run) {
        if (reason instanceof TaskRevokedError && reason.signal === 'SIGKILL') {
          child.kill('killed: its task was terminated')
          continue
        }
        child.say(['abort', run.number, [reason.name, reason.message]])
        run.grace = setTimeout(() => child.kill('killed: the task went on after it was aborted'), graceMs)
      }
    this.end(run, { kind: 'aborted', error: reason })
  }

  private end(run: Run<J>, outcome: Outcome): void {
    if (run.over) return
    run.over = true
    run.stopHard?.()
    run.stopSoft?.()
    run.settle(outcome)
    this.running -= 1
    if (this.running === 0) this.tellQuiet()
  }

  private tellQuiet(): void {
    for (const resolve of this.quiet.splice(0)) resolve()
  }

  // -------------------------------------------------------------------------------------------------
  // Children

  private get members(): number {
    let count = 0
    for (const { state } of this.children) if (state !== 'leaving') count += 1
    return count
  }

  /** Starts what is missing; not more at once than there are cores to start them on. */
  private fill(): void {
    if (this.phase !== 'running' || this.pause !== undefined) return
    const { start, nameOf, cargo, maxMemoryPerChild, aliveTimeout } = this.options
    let starting = [...this.children].filter(({ state }) => state === 'starting').length
    for (; this.members < this.concurrency && starting < availableParallelism(); starting += 1) {
      this.starts += 1
      const limits = { maxMemory: maxMemoryPerChild ?? null }
      const name = nameOf?.(this.starts)
      this.children.add(new Child(name, start, cargo, limits, aliveTimeout * 1000, this.events))
    }
  }

  private readonly events: ChildEvents<Run<J>> = {
    ready: (child, facts) => {
      if (this.started !== undefined)
        try {
          this.options.check(facts)
          this.started.resolve()
          this.started = undefined
        } catch (error) {
          return this.fail(error as Error)
        }
      this.rest(child)
      this.fill()
    },
    broken: (child, why) => {
      if (this.started === undefined) this.say('ERROR', `Child ${child.id} cannot load: ${why}`)
      else this.fail(new ImproperlyConfigured(`A child of the pool ${this.name} cannot load: ${why}`))
    },
    full: (child, rss) => {
      const { maxMemoryPerChild: most } = this.options
      this.say(
        'INFO',
        `Child ${child.id} has ${rss} KiB of memory, at most ${most} are wanted: it is replaced`,
      )
      this.dismiss(child)
    },
    heard: (child, message) => this.hear(child, message),
    gone: (child, how) => this.bury(child, how),
  }

  private hear(child: Child<Run<J>>, message: FromChild): void {
    const { courier, maxTasksPerChild } = this.options
    const { run } = child
    if (message[0] === 'log') return courier.log(message[1], child.name)
    if (message[0] === 'ask') return this.answer(child, message[1], message[2], message[3])
    if (message[0] !== 'ended' || run?.number !== message[1]) return
    child.finish()
    this.deaths = 0
    clearTimeout(run.grace)
    if (child.state !== 'leaving' && maxTasksPerChild !== undefined && child.done >= maxTasksPerChild)
      this.dismiss(child)
    // The next job first: its way there is longer than ours to the end of this one.
    this.rest(child)
    if (!run.over) this.end(run, this.outcomeOf(run, message[2], child))
  }

  private outcomeOf(run: Run<J>, outcome: Json, child: Child<Run<J>>): Outcome {
    try {
      return this.options.courier.unpack(run.job, outcome, child.name)
    } catch (error) {
      const how = unreadable(error)
      child.kill(how)
      return { kind: 'lost', how }
    }
  }

  private answer(child: Child<Run<J>>, question: number, asker: number | null, what: Json): void {
    const { run } = child
    if (asker !== null && run?.number !== asker) return child.say(['refusal', question, 'The run is over.'])
    this.options.courier.answer(asker === null ? undefined : run?.job, what).then(
      (value) => child.say(['answer', question, value]),
      (error: unknown) =>
        child.say(['refusal', question, error instanceof Error ? error.message : String(error)]),
    )
  }

  /** It has nothing to do: there is something, or it waits, or it is one too many. */
  private rest(child: Child<Run<J>>): void {
    if (child.state === 'leaving') return
    child.state = 'idle'
    if (this.members > this.concurrency) return child.leave()
    const next = this.waiting.shift()
    if (next === undefined) this.idle.push(child)
    else this.give(child, next)
  }

  /** Its last job was its last; what it does now it may end. */
  private dismiss(child: Child<Run<J>>): void {
    const place = this.idle.indexOf(child)
    if (place >= 0) this.idle.splice(place, 1)
    child.leave()
    this.fill()
  }

  private bury(child: Child<Run<J>>, how: string): void {
    const { run, state } = child
    this.children.delete(child)
    const place = this.idle.indexOf(child)
    if (place >= 0) this.idle.splice(place, 1)
    child.run = undefined
    clearTimeout(run?.grace)
    if (this.started !== undefined)
      this.fail(
        new ImproperlyConfigured(
          `A child of the pool ${this.name} ended before it was ready: ${how}. ` +
            'What its module does at its top level must come to an end, and must not end the process.',
        ),
      )
    if (this.phase === 'stopped') {
      if (this.children.size === 0) this.tellQuiet()
      return
    }
    if (run === undefined && state !== 'leaving')
      this.say(wasTold(state, how) ? 'INFO' : 'ERROR', `Child ${child.id} ended: ${how}`)
    if (run !== undefined) this.end(run, { kind: 'lost', how })
    else if (state !== 'leaving') this.takeBreath()
    this.fill()
  }

  private takeBreath(): void {
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** this.deaths)
    this.deaths += 1
    clearTimeout(this.pause)
    this.pause = setTimeout(() => {
      this.pause = undefined
      this.fill()
    }, ms)
  }

  /** It never began: nobody is left behind. */
  private fail(error: Error): void {
    this.started?.reject(error)
    this.started = undefined
    this.phase = 'stopped'
    for (const child of this.children) child.kill()
  }

  private say(level: 'INFO' | 'ERROR', text: string): void {
    this.options.courier.log({ level, text, fields: {} })
  }
}
