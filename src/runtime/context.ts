// The current request: what a task can know and do while it runs, as `this` and as `currentTask()`.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { OutOf } from '../canvas/fit.js'
import type { AnySignature } from '../canvas/flow.js'
import { asNode, type Node } from '../canvas/node.js'
import type { AsyncResult } from '../canvas/sender.js'
import {
  InvalidSignature,
  InvalidUsage,
  MaxRetriesExceededError,
  Replace,
  Retry,
  type RetryOptions,
} from '../errors.js'
import type { Logger } from '../log.js'
import type { LazySignal } from '../pools/pool.js'
import { type Addition, noAdditions } from './addition.js'
import { checkRetry } from './check-retry.js'
import type { Fields, SendEvent } from './events.js'
import type { ResultTuple } from './meta.js'
import { checkOwnEvent } from './own-event.js'
import { ownPlace } from './parts.js'
import { shownArgs, shownKwargs } from './redaction.js'
import { repr } from './repr.js'
import { type Request, requestOf, type RequestParts } from './request.js'
import type { ResultSource } from './result-source.js'
import { backoffDelay, hasRetriesLeft, type RetryPolicy, retryPolicyOf } from './retry.js'

/** Storing a passing state of a running task. Resolves false when the run counts no more. */
export type StoreState = (state: string, meta: unknown) => Promise<boolean>

/** What a context is made of. */
export interface ContextParts extends RequestParts {
  /** The task's own words on retries. */
  readonly definition: { readonly options: Partial<RetryPolicy> }
  readonly abort: LazySignal
  readonly app: unknown
  readonly log: Logger
  readonly store: StoreState
  readonly event: SendEvent
  readonly random: () => number
  readonly tools: ContextTools
}

/** What the contexts of one worker share. */
export interface ContextTools {
  readonly mint: () => string
  /** Refuses a canvas whose tasks get other arguments than they take. */
  readonly check: (node: Node) => void
  readonly handle: ResultSource['handle']
}

const readyStates = new Set(['SUCCESS', 'FAILURE', 'REVOKED', 'PENDING'])

/** `this` inside a task. */
export class TaskContext {
  /** Results of what the task sent so far. */
  readonly sent: ResultTuple[] = []
  /** What shall be sent with its end. */
  added: readonly Addition[] = noAdditions
  private known: Request | undefined
  private readonly parts: ContextParts

  constructor(parts: ContextParts) {
    this.parts = parts
  }

  get request(): Request {
    this.known ??= requestOf(this.parts)
    return this.known
  }

  /** Aborts at the soft limit, the hard limit, a lost lease, a cold stop; `reason` tells which. */
  get signal(): AbortSignal {
    return this.parts.abort.signal
  }

  /** The run has ended already, by a limit or an abort: whatever still happens in it counts for nothing. */
  get isOver(): boolean {
    return this.parts.abort.over
  }

  get app(): unknown {
    return this.parts.app
  }

  /** A logger whose lines carry the task's name and id. */
  get log(): Logger {
    const { log, message } = this.parts
    const prefix = `${message.task}[${message.id}]: `
    const fields = { task: message.task, id: message.id }
    return {
      debug: (text, more) => log.debug(prefix + text, { ...fields, ...more }),
      info: (text, more) => log.info(prefix + text, { ...fields, ...more }),
      warning: (text, more) => log.warning(prefix + text, { ...fields, ...more }),
      error: (text, more) => log.error(prefix + text, { ...fields, ...more }),
      critical: (text, more) => log.critical(prefix + text, { ...fields, ...more }),
      enabled: (level) => log.enabled(level),
    }
  }

  /** What the last `retry()` gave: to be thrown, or returned, which is the same. */
  toThrow: Error | undefined = undefined
  /** Whether `replace()` gave something: to be returned, or thrown. */
  gaveHeir = false

  /**
   * `throw this.retry({ error, countdown: 5 })`: send this task again. When retries are used up, what it
   * gives back to throw is the error itself, or MaxRetriesExceededError.
   */
  retry(options: RetryOptions = {}): Error {
    this.toThrow = this.again(options)
    return this.toThrow
  }

  private again(options: RetryOptions): Error {
    checkRetry(options)
    const { message, definition, random } = this.parts
    const policy = retryPolicyOf(definition.options)
    const limit = options.maxRetries === undefined ? policy.maxRetries : options.maxRetries
    const error = options.error
    if (!hasRetriesLeft(limit, message.retries)) {
      if (error instanceof Error) return error
      return new MaxRetriesExceededError(
        `Can't retry ${message.task}[${message.id}] args:${shownArgs(message)} kwargs:${shownKwargs(message)}`,
      )
    }
    const countdown =
      options.eta === undefined
        ? (options.countdown ??
          (policy.retryBackoff === false
            ? policy.defaultRetryDelay
            : backoffDelay(policy, message.retries, random)))
        : undefined
    const when = countdown === undefined ? `at ${options.eta?.toISOString()}` : `in ${countdown}s`
    const cause =
      error === undefined
        ? ''
        : `: ${error instanceof Error ? `${error.name}: ${error.message}` : repr(error)}`
    return new Retry({ ...options, ...(countdown !== undefined && { countdown }) }, `Retry ${when}${cause}`)
  }

  /** Stores any state of your own for those who watch. Resolves when it is stored; false when the run counts no more. */
  updateState(state: string, meta: unknown = null): Promise<boolean> {
    if (typeof state !== 'string' || state === '' || readyStates.has(state))
      throw new InvalidUsage(
        `updateState: expected a state of your own such as "PROGRESS", got ${JSON.stringify(state)}; ` +
          'a task ends by returning or throwing.',
      )
    return this.parts.store(state, meta)
  }

  /** `updateState('PROGRESS', { current, total })`. */
  progress(done: number, total: number): Promise<boolean> {
    return this.updateState('PROGRESS', { current: done, total })
  }

  /**
   * `return this.replace(signature)` (or throw it): this work takes the task's place. Its result becomes the
   * task's, under the same id, and what waits for the task waits for it: callbacks, the rest of a chain, a chord.
   * The task's own message ends with the publication, in one step. @throws InvalidSignature
   */
  replace<S extends AnySignature>(signature: S): OutOf<S> {
    const node = asNode(signature, 'What this.replace() is given')
    if (node.kind === 'chain' && node.tasks.length === 0)
      throw new InvalidSignature('this.replace: a chain without steps cannot take the place of a task.')
    if (node.options.chord !== undefined)
      throw new InvalidSignature(
        'this.replace: the signature has a chord of its own, but it gets the place of this task in its chord.',
      )
    this.parts.tools.check(node)
    this.gaveHeir = true
    return new Replace(node) as never
  }

  /**
   * One more member for the chord whose header this task is in: the body waits for it, too. It is sent when this
   * task has succeeded, in the same step; a task that fails or is tried again adds nothing.
   * @throws InvalidUsage outside of a chord's header
   */
  addToChord<S extends AnySignature>(signature: S): AsyncResult<OutOf<S>> {
    const { message, tools } = this.parts
    const node = asNode(signature, 'What this.addToChord() is given')
    if (ownPlace(message) === undefined)
      throw new InvalidUsage(
        `this.addToChord: ${message.task} runs in no chord's header now, so there is no chord to add to.`,
      )
    tools.check(node)
    const tuple: ResultTuple = [[tools.mint(), null], null]
    this.add({ do: 'send', node, args: [], options: { taskId: tuple[0][0] }, toChord: true }, tuple)
    return tools.handle(tuple) as AsyncResult<OutOf<S>>
  }

  /** A new id. */
  mint(): string {
    return this.parts.tools.mint()
  }

  /** To be sent with this task's end; `child` is what it is known by. */
  add(addition: Addition, child?: ResultTuple): void {
    this.added = [...this.added, addition]
    if (child !== undefined) this.sent.push(child)
  }

  /**
   * Tells whoever watches (docs/events.md), with fields of your own: `this.sendEvent('task-progress', { percent: 50 })`.
   * Resolves when it is on its way; it never fails the task. @throws InvalidUsage for
   * names that would break a monitor, EncodeError for fields that cannot travel
   */
  sendEvent(type: string, fields: Fields = {}): Promise<void> {
    checkOwnEvent(type, fields)
    return this.parts.event(type, { uuid: this.parts.message.id, ...fields })
  }
}

// One storage for all copies of this library in a process: a task may be called by another copy's worker.
const storageKey = Symbol.for('lovage.currentTask')
const shared = globalThis as { [storageKey]?: AsyncLocalStorage<TaskContext> }
shared[storageKey] ??= new AsyncLocalStorage<TaskContext>()
export const contextStorage: AsyncLocalStorage<TaskContext> = shared[storageKey]

/** The context of the task that runs here, from anywhere below its call; undefined outside of one. */
export const currentTask = (): TaskContext | undefined => contextStorage.getStore()
