// The port through which a signature is sent. The canvas room does no I/O: the runtime installs one sender
// for the process, and `sig.delay()` hands the node to it.
import { InvalidUsage } from '../errors.js'
import type { Node, SignatureOptions } from './node.js'

/** What one call may say: the options of a signature, and keyword arguments. */
export interface CallOptions extends Omit<SignatureOptions, 'link' | 'linkError'> {
  readonly kwargs?: Readonly<Record<string, unknown>>
  /** Runs after success, with the result. */
  readonly link?: Callback | readonly Callback[]
  /** Runs after failure, with the failed task's id. */
  readonly linkError?: Callback | readonly Callback[]
}

/** Any signature, seen from where its types do not matter. */
type Callback = Node | { readonly kind: Node['kind'] }

export interface Sender {
  /** Sends the node with these arguments in front of its own. Rejects the result if it cannot. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes back is typed by the signature
  send(node: Node, args: readonly unknown[], options: CallOptions): PendingResult<any, any>
}

export interface GetOptions {
  /** Seconds to wait; without it `get` waits as long as it takes. */
  readonly timeout?: number
  /** Whether a failure rejects (the default) or is returned as the error. */
  readonly propagate?: boolean
  /** Stops waiting; the task goes on. */
  readonly signal?: AbortSignal
  /** Inside a task a wait can stop for ever, so it is refused unless this is true. */
  readonly allowInTask?: boolean
}

/** What `get({ propagate: false })` gives: the result, or the error in its place; member by member in a group. */
export type Settled<T> = [T] extends [never]
  ? Error
  : T extends readonly unknown[]
    ? T | { [K in keyof T]: T[K] | Error } | Error
    : T | Error

/** A wait for a result of type T. */
export interface Get<T> {
  (options?: GetOptions & { readonly propagate?: true }): Promise<T>
  (options: GetOptions & { readonly propagate: false }): Promise<Settled<T>>
  (options: GetOptions): Promise<Settled<T>>
}

/**
 * A message on its way: a real promise, fulfilled when the broker has it, with an AsyncResult (of a group:
 * a GroupResult). A publish that fails rejects it.
 */
export interface PendingResult<T, R = AsyncResult<T>> extends Promise<R> {
  /** The id is known before anything is sent. */
  readonly id: string
  /** Waits for the publish, then for the result: `await add.delay(2, 2).get()`. */
  readonly get: Get<T>
}

/** What is stored about a task. Missing pieces are null. */
export interface ResultMeta {
  readonly taskId: string
  /** PENDING, STARTED, RETRY, SUCCESS, FAILURE, REVOKED, or a state of the task's own. */
  readonly state: string
  /** The result, the error, or what `updateState` put there. */
  readonly result: unknown
  readonly traceback: string | null
  readonly dateDone: Date | null
  readonly groupId: string | null
  readonly parentId: string | null
  /** All that is stored, under its names there: with `resultExtended` name, args, kwargs, worker, retries, queue, stamps. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** One change of a task on its way. */
export interface ResultUpdate {
  readonly state: string
  /** The result, the error, or what `updateState` and `progress` gave. */
  readonly result: unknown
}

/** A result with all that belongs to it, down to the leaves: plain data. Each result stands in it once. */
export interface ResultGraph {
  readonly kind: 'task' | 'group'
  readonly id: string
  /** The task's name, where results are stored with it (`resultExtended`). */
  readonly name: string | null
  /** As in `state()`, at the moment when it was asked. */
  readonly state: string
  /** The members of a group; of a task, what it sent while it ran and what followed it. */
  readonly children: readonly ResultGraph[]
  /** The step before it in a chain; of a chord's body, the header. */
  readonly parent: ResultGraph | null
}

export interface ForgetOptions {
  /** Also what its tasks sent, and what these sent, as far as it is stored by now. */
  readonly children?: boolean
}

export interface RevokeOptions {
  /** End the task although it is running. */
  readonly terminate?: boolean
  /** How a child process is ended; default SIGTERM. */
  readonly signal?: string
}

/** The result of one task: a handle, not the value. */
export interface AsyncResult<T> {
  readonly id: string
  /** The step before this one in a chain; of a chord's body, the header. */
  // biome-ignore lint/suspicious/noExplicitAny: the type of an earlier step is not carried along
  readonly parent: AsyncResult<any> | null
  readonly get: Get<T>
  /** PENDING if nothing is known of the id. */
  state(): Promise<string>
  /** Done, well or not. */
  ready(): Promise<boolean>
  successful(): Promise<boolean>
  failed(): Promise<boolean>
  meta(): Promise<ResultMeta>
  /** The failed side's stack, as text. */
  traceback(): Promise<string | null>
  /** What this task sent while it ran. */
  children(): Promise<readonly AsyncResult<unknown>[]>
  /** This result and those of everything it sent, as they come in. */
  collect(options?: GetOptions): AsyncIterableIterator<readonly [AsyncResult<unknown>, unknown]>
  /** Every state and progress change until it is done. */
  updates(): AsyncIterableIterator<ResultUpdate>
  /** The tree of results with their states now. */
  graph(): Promise<ResultGraph>
  /** Drops what is stored of it and of the steps before it. */
  forget(options?: ForgetOptions): Promise<void>
  /** Asks all workers not to run it, or with `terminate` to end it. */
  revoke(options?: RevokeOptions): Promise<void>
}

/** The results of a group, in its order. Iterating over it gives them as they complete. */
export interface GroupResult<T> extends AsyncResult<T>, AsyncIterable<AsyncResult<unknown>> {
  readonly results: readonly AsyncResult<unknown>[]
  completedCount(): Promise<number>
  /** Whether a member is not done yet. */
  waiting(): Promise<boolean>
  /** Stores the group's shape, so that `app.groupResult.restore(id)` finds it. */
  save(): Promise<void>
}

const place = Symbol.for('lovage.sender')
const shared = globalThis as { [place]?: Sender }

/** Makes this the process's sender. A process may load the library twice; it has one sender all the same. */
export function installSender(sender: Sender): void {
  shared[place] = sender
}

/** The process's sender. Throws InvalidUsage where none is installed: a signature alone can be built, not sent. */
export function currentSender(): Sender {
  const sender = shared[place]
  if (sender === undefined)
    throw new InvalidUsage(
      'Nothing can be sent yet: no app was created in this process. Call createApp() first.',
    )
  return sender
}
