// Waiting for one result: subscribe, look, and listen, until it is there or the caller has had enough.
import type { GetOptions } from '../canvas/sender.js'
import { didYouMean, isRecord, show } from '../config-decode.js'
import { InvalidUsage, TimeoutError } from '../errors.js'
import { after } from '../timer.js'
import type { Backend } from './backend.js'
import { currentTask } from './context.js'
import { readHeard } from './heard.js'
import { isReady, type Meta, readMeta } from './meta.js'

const words = ['timeout', 'propagate', 'signal', 'allowInTask']

const checkOptions = (options: GetOptions): void => {
  if (!isRecord(options))
    throw new InvalidUsage(`get: expected an object such as { timeout: 10 }, got ${show(options)}.`)
  const unknown = Object.keys(options).find((name) => !words.includes(name))
  if (unknown !== undefined)
    throw new InvalidUsage(
      `get: unknown option ${unknown}.${didYouMean(unknown, words)} It has ${words.join(', ')}.`,
    )
  const { timeout } = options
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout >= 0))
    throw new InvalidUsage(`get: expected timeout as seconds, 0 or more, got ${show(timeout)}.`)
}

/** A worker that waits for itself can stop for ever. */
export const guardWait = (options: GetOptions): void => {
  checkOptions(options)
  const task = currentTask()
  if (task !== undefined && options.allowInTask !== true)
    throw new InvalidUsage(
      `get() inside a task (${task.request.task}) can stop the worker for ever: it may wait for a task that needs ` +
        'its own slot. Chain the tasks instead, or pass { allowInTask: true } if you are sure.',
    )
}

/**
 * Resolves with the ready state of `id`, or with the failure of one of `before`, the steps to its left: a
 * Python worker marks no later step when one expires, so that the last one alone would be waited for in vain.
 */
export const waitForEnd = (
  backend: Backend,
  id: string,
  before: readonly string[],
  options: GetOptions,
): Promise<Meta> =>
  new Promise<Meta>((resolve, reject) => new Wait(resolve, reject).begin(backend, id, before, options))

/** A class and no nest of closures: there may be ten thousand. */
class Wait {
  private over = false
  private readonly stops: (() => void)[] = []

  constructor(
    private readonly resolve: (meta: Meta) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  begin(backend: Backend, id: string, before: readonly string[], { timeout, signal }: GetOptions): void {
    if (signal?.aborted === true) return this.reject(signal.reason)
    if (signal !== undefined) this.heed(signal)
    if (timeout !== undefined) this.stops.push(after(timeout, () => this.fail(timedOut(id, timeout))))
    if (before.length > 0) this.stops.push(lookLeft(backend, before, (meta) => this.end(meta)))
    const unwatch = backend.watch(
      id,
      (text) => this.hear(backend, id, text),
      (error) => this.fail(error),
    )
    this.stops.push(unwatch)
    if (this.over) unwatch()
  }

  private heed(signal: AbortSignal): void {
    const onAbort = (): void => this.fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.stops.push(() => signal.removeEventListener('abort', onAbort))
  }

  private hear(backend: Backend, id: string, text: string): void {
    const heard = readHeard(backend, id, text)
    if (heard instanceof Promise) heard.then((meta) => this.look(meta)).catch((error) => this.fail(error))
    else this.look(heard)
  }

  private look(meta: Meta | undefined): void {
    if (meta !== undefined && isReady(meta.state)) this.end(meta)
  }

  private end(meta: Meta): void {
    if (this.stop()) this.resolve(meta)
  }

  private fail(error: unknown): void {
    if (this.stop()) this.reject(error)
  }

  /** False when it was over already. */
  private stop(): boolean {
    if (this.over) return false
    this.over = true
    for (const stop of this.stops) stop()
    return true
  }
}

const timedOut = (id: string, seconds: number): TimeoutError =>
  new TimeoutError(
    `No result of ${id} within ${seconds}s. The task goes on; is a worker consuming its queue, and can the ` +
      'result store be reached?',
  )

const hasFailed = (meta: Meta | undefined): meta is Meta =>
  meta?.state === 'FAILURE' || meta?.state === 'REVOKED'

/**
 * Reads the steps to the left after 1 s, then ever more seldom, until one has failed. That the last one fails of
 * it is mostly under way then, and says more: so a failure counts when it is seen a second time.
 */
const lookLeft = (backend: Backend, ids: readonly string[], onFailed: (meta: Meta) => void): (() => void) => {
  let pauseMs = 1000
  let over = false
  let isKnown = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const texts = await backend.read(ids.slice(0, 1000)).catch((): readonly null[] => [])
    if (over) return
    const failed = texts.map((text) => (text === null ? undefined : readMeta(text))).find(hasFailed)
    if (failed !== undefined && isKnown) return onFailed(failed)
    pauseMs = failed !== undefined ? 1000 : Math.min(pauseMs * 2, 30_000)
    isKnown = failed !== undefined
    timer = setTimeout(() => void look(), pauseMs)
  }
  timer = setTimeout(() => void look(), pauseMs)
  return () => {
    over = true
    clearTimeout(timer)
  }
}
