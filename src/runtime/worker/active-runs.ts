// What runs in this worker now, and how much has run.
import { LeaseLost, TaskRevokedError, WorkerShutdown } from '../../errors.js'
import type { Logger } from '../../log.js'
import type { Job, Running } from '../../pools/pool.js'
import type { Delivery } from '../consumer.js'
import type { TaskContext } from '../context.js'
import type { TaskInHand } from '../control/node.js'
import type { Message } from '../message.js'
import { Seats } from '../../seats.js'
import { factsOf, type Held, nameOf } from './held.js'

/** One run, as the pool gets it. */
export interface TaskJob extends Job {
  readonly held: Held
  readonly delivery: Delivery
  /** What the task did while it runs: here its own context, from a child what came back of it. */
  context: Pick<TaskContext, 'sent' | 'added'> | undefined
  /** The child that ended it. */
  processName: string | undefined
}

interface ActiveRun {
  readonly job: TaskJob
  /** ms, as performance.now() tells it. */
  readonly startedAt: number
  readonly running: Running
}

export class ActiveRuns {
  private readonly runs = new Seats<ActiveRun>()
  /** Tasks started here, by name. */
  readonly totals = new Map<string, number>()
  /** All of them. */
  started = 0

  constructor(
    private readonly isLate: (held: Held) => boolean,
    private readonly log: Logger,
  ) {}

  get size(): number {
    return this.runs.size
  }

  /** The longest first. */
  list(): readonly TaskInHand[] {
    const runs = [...this.runs].sort((one, other) => one.startedAt - other.startedAt)
    return runs.map(({ job: { held, delivery }, startedAt, running }) => ({
      message: held.message,
      redelivered: delivery.redelivered,
      startedAt: (performance.timeOrigin + startedAt) / 1000,
      acknowledged: !this.isLate(held),
      pid: running.pid?.() ?? process.pid,
    }))
  }

  /** The answer is what `end` asks for. */
  begin(job: TaskJob, running: Running, startedAt: number): number {
    this.started += 1
    this.totals.set(job.task, (this.totals.get(job.task) ?? 0) + 1)
    return this.runs.take({ job, running, startedAt })
  }

  end(seat: number): void {
    this.runs.leave(seat)
  }

  /** Ends what runs and is meant: its result is REVOKED. The answer is what that was. */
  terminate(matches: (message: Message) => boolean, signal: NodeJS.Signals): readonly Message[] {
    const meant = [...this.runs].filter(({ job }) => matches(job.held.message))
    for (const { running } of meant) running.abort(new TaskRevokedError('terminated', signal))
    return meant.map(({ job }) => job.held.message)
  }

  /** What waits for a child has not begun, and there may never be one: it goes back. What was acknowledged early stays. */
  giveBackWaiting(): void {
    for (const { job, running } of this.runs)
      if (running.waits?.() === true && this.isLate(job.held)) running.abort(givenBack())
  }

  /** The worker stops at once. */
  abort(): void {
    const reason = givenBack()
    for (const { running } of this.runs) running.abort(reason)
  }

  /** Everything in hand is somebody else's now. */
  lose(): void {
    const reason = new LeaseLost('The worker lost its lease on this message: another one runs it now.')
    for (const { job, running } of this.runs) {
      const { message } = job.held
      this.log.warning(`Task ${nameOf(message)} aborted: the lease was lost`, factsOf(message))
      running.abort(reason)
    }
  }
}

const givenBack = (): WorkerShutdown =>
  new WorkerShutdown('This worker stops, or has no child: the task was given back and runs again elsewhere.')
