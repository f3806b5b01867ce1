// A pool whose jobs run in children: processes or threads, which is `start`'s business. A job is given to an idle
// child and to no other, so that a short one never waits behind a long one; a child that dies takes one job with
// it. Who the children are is the crew's business (crew.ts).
import { TaskRevokedError, TimeLimitExceeded } from '../../errors.js'
import { after } from '../../timer.js'
import { softClock } from '../soft-clock.js'
import type { Courier, Job, Json, Outcome, Pool, Running } from '../pool.js'
import { type Child, unreadable } from './child.js'
import { Crew, type CrewOptions } from './crew.js'
import type { FromChild } from './messages.js'

export interface ChildPoolOptions<J extends Job> extends CrewOptions {
  readonly courier: Courier<J>
  /** Hears how many jobs it can run at once while children cannot be had; Infinity when they can again. */
  readonly onAble?: (most: number) => void
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
export class ChildPool<J extends Job> implements Pool<J> {
  readonly name: string
  concurrency: number
  private readonly crew: Crew<Run<J>>
  private readonly waiting: Run<J>[] = []
  private running = 0
  private runs = 0
  private quiet: (() => void)[] = []

  constructor(private readonly options: ChildPoolOptions<J>) {
    this.name = options.name
    this.concurrency = options.concurrency
    this.crew = new Crew(options, {
      offer: (child) => {
        const next = this.waiting.shift()
        if (next !== undefined) this.give(child, next)
        return next !== undefined
      },
      hear: (child, message) => this.hear(child, message),
      lose: (run, how) => {
        clearTimeout(run.grace)
        this.end(run, { kind: 'lost', how })
      },
      say: (line) => options.courier.log(line),
      able: (most) => options.onAble?.(most),
    })
  }

  start(): Promise<void> {
    return this.crew.start()
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
    const child = this.crew.take()
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
    this.crew.resize(concurrency)
  }

  restart(): void {
    this.crew.restart()
  }

  async stop(): Promise<void> {
    if (this.running > 0) await new Promise<void>((resolve) => this.quiet.push(resolve))
    await this.crew.stop()
  }

  /** Process ids (numbers of threads) of the children. */
  get ids(): readonly number[] {
    return this.crew.ids
  }

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
    return this.crew.with(run)?.id
  }

  private abort(run: Run<J>, reason: Error): void {
    if (run.over) return
    const place = this.waiting.indexOf(run)
    if (place >= 0) this.waiting.splice(place, 1)
    const child = this.crew.with(run)
    if (reason instanceof TaskRevokedError && reason.signal === 'SIGKILL')
      child?.kill('killed: its task was terminated')
    else if (child !== undefined) {
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
    if (this.running === 0) for (const resolve of this.quiet.splice(0)) resolve()
  }

  private hear(child: Child<Run<J>>, message: FromChild): void {
    const { courier } = this.options
    const { run } = child
    if (message[0] === 'log') return courier.log(message[1], child.name)
    if (message[0] === 'ask') return this.answer(child, message[1], message[2], message[3])
    if (message[0] !== 'ended' || run?.number !== message[1]) return
    child.finish()
    clearTimeout(run.grace)
    // The next job first: its way there is longer than ours to the end of this one.
    this.crew.back(child)
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
}
