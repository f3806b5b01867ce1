// What a worker tells its listeners of the messages in its hands (task-signals.ts). It waits for none of them.
import { NotRegistered, WorkerLostError } from '../../errors.js'
import type { Delivery, Ending } from '../consumer.js'
import type { TaskSignalling, TaskSignals } from '../task-signals.js'
import type { Held } from './held.js'

const facts = ({ message }: Held, { queue, redelivered }: Delivery) => ({
  taskId: message.id,
  task: message.task,
  message,
  queue,
  redelivered,
})

export class Telling {
  constructor(private readonly signals: TaskSignalling) {}

  received(held: Held, delivery: Delivery): void {
    if (this.hears('taskReceived')) this.tell('taskReceived', facts(held, delivery))
  }

  /** It is not run, or was ended while it ran (`signum` says how). */
  revoked(
    held: Held,
    delivery: Delivery,
    how: { readonly expired: boolean; readonly terminated: boolean; readonly signum: string | null },
  ): void {
    if (this.hears('taskRevoked')) this.tell('taskRevoked', { ...facts(held, delivery), ...how })
  }

  /** It failed without having been run to its end here: nobody else tells of it. */
  failed({ message }: Held, error: unknown): void {
    const { id: taskId, task, args, kwargs } = message
    if (this.hears('taskFailure'))
      this.tell('taskFailure', { taskId, task, args, kwargs, request: undefined, error })
  }

  /** It may not be run. */
  refused(held: Held, { queue }: Delivery, error: Error): void {
    if (error instanceof WorkerLostError) return this.failed(held, error)
    const name = error instanceof NotRegistered ? 'taskUnknown' : 'taskRejected'
    const { id: taskId, task } = held.message
    if (this.hears(name)) this.tell(name, { taskId, task, queue, error })
  }

  /** Nothing of it can be read; `ending` may know a little. */
  unreadable({ queue }: Delivery, reason: string, ending: Ending): void {
    if (!this.hears('taskRejected')) return
    const { taskId, task } = ending.kind === 'dead' ? ending : {}
    this.tell('taskRejected', { taskId, task, queue, error: new Error(reason) })
  }

  broken({ queue }: Delivery, error: Error): void {
    if (this.hears('taskInternalError'))
      this.tell('taskInternalError', { taskId: undefined, task: undefined, queue, error })
  }

  private hears(name: keyof TaskSignals): boolean {
    return !this.signals.isQuiet && this.signals.has(name)
  }

  private tell<N extends keyof TaskSignals>(name: N, event: TaskSignals[N]): void {
    void this.signals.send(name, event)
  }
}
