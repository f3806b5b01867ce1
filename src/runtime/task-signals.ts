// What is told of tasks and workers: Celery's signals, in camelCase, with what a listener is given. docs/signals.md
// says in which process each of them is sent.
import type { Settings } from '../config.js'
import type { Request } from './request.js'
import type { Message } from './message.js'
import type { Outgoing } from './plan.js'
import type { Signalling } from './signalling.js'

/** A message on its way out. */
export type PublishedMessage = Omit<Outgoing, 'embed' | 'hold' | 'inheritedPriority'>

interface Publishing {
  readonly taskId: string
  readonly task: string
  readonly message: PublishedMessage
}

/** A task that is about to run, or has. */
interface Run {
  readonly taskId: string
  readonly task: string
  readonly args: readonly unknown[]
  readonly kwargs: Readonly<Record<string, unknown>>
  readonly request: Request
}

/** A message in a worker's hands. */
interface Received {
  readonly taskId: string
  readonly task: string
  readonly message: Pick<
    Message,
    | 'id'
    | 'task'
    | 'args'
    | 'kwargs'
    | 'retries'
    | 'eta'
    | 'expires'
    | 'rootId'
    | 'parentId'
    | 'headers'
    | 'stamps'
  >
  readonly queue: string
  readonly redelivered: boolean
}

/** As far as anybody can tell what it is. */
interface Unread {
  readonly taskId: string | undefined
  readonly task: string | undefined
  readonly queue: string
  readonly error: unknown
}

interface OfWorker {
  /** The node's name. */
  readonly hostname: string
}

/** Name → what a listener is given. */
export interface TaskSignals {
  /** What is put into `headers` travels with the message. */
  readonly beforeTaskPublish: Publishing & { readonly headers: Record<string, unknown> }
  readonly afterTaskPublish: Publishing

  readonly taskReceived: Received
  readonly taskPrerun: Run
  /** SUCCESS, FAILURE, RETRY, IGNORED, REJECTED or REPLACED. */
  readonly taskPostrun: Run & { readonly state: string; readonly value: unknown }
  readonly taskSuccess: Run & { readonly result: unknown }
  readonly taskRetry: Run & { readonly reason: unknown }
  /** `request` is undefined where it did not run: its process was lost, its time was over. */
  readonly taskFailure: Omit<Run, 'request'> & {
    readonly request: Request | undefined
    readonly error: unknown
  }
  /** A fault of this library's. */
  readonly taskInternalError: Unread
  readonly taskRevoked: Received & {
    readonly terminated: boolean
    readonly signum: string | null
    readonly expired: boolean
  }
  /** It cannot be read, or not be run. */
  readonly taskRejected: Unread
  readonly taskUnknown: Unread

  readonly celerydInit: OfWorker & { readonly settings: Settings }
  readonly celerydAfterSetup: OfWorker & { readonly queues: readonly string[] }
  readonly workerInit: OfWorker
  readonly workerReady: OfWorker
  readonly workerShuttingDown: OfWorker & {
    readonly how: 'Warm' | 'Cold'
    /** Undefined: a word in code or from afar. */
    readonly sig: 'SIGTERM' | 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | undefined
    readonly exitcode: 0 | 1
  }
  readonly workerShutdown: OfWorker
  /** In each child of the pools prefork and threads when it has loaded, elsewhere once. */
  readonly workerProcessInit: OfWorker & { readonly pid: number }
  /** When a child ends as it should; not when it is killed. */
  readonly workerProcessShutdown: OfWorker & { readonly pid: number }
}

export const taskSignalNames: readonly (keyof TaskSignals)[] = [
  'beforeTaskPublish',
  'afterTaskPublish',
  'taskReceived',
  'taskPrerun',
  'taskPostrun',
  'taskSuccess',
  'taskRetry',
  'taskFailure',
  'taskInternalError',
  'taskRevoked',
  'taskRejected',
  'taskUnknown',
  'celerydInit',
  'celerydAfterSetup',
  'workerInit',
  'workerReady',
  'workerShuttingDown',
  'workerShutdown',
  'workerProcessInit',
  'workerProcessShutdown',
]

/** What tells them: the app's, which knows more. */
export type TaskSignalling = Pick<Signalling<TaskSignals>, 'isQuiet' | 'has' | 'send'>
