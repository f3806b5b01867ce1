// Waiting for one result: subscribe, look, and listen, until it is there or the caller has had enough.
import type { GetOptions } from '../canvas/sender.js'
import { didYouMean, isRecord, show } from '../config-decode.js'
import { InvalidUsage, TimeoutError } from '../errors.js'
import type { Backend } from './backend.js'
import { currentTask } from './context.js'
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
  { timeout, signal }: GetOptions,
): Promise<Meta> =>
  new Promise<Meta>((resolve, reject) => {
    const stops: (() => void)[] = []
    let over = false
    const finish = (act: () => void): void => {
      if (over) return
      over = true
      for (const stop of stops) stop()
      act()
    }
    const attempt = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        finish(() => reject(error))
      }
    }
    if (signal !== undefined) {
      const onAbort = (): void => finish(() => reject(signal.reason))
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      stops.push(() => signal.removeEventListener('abort', onAbort))
    }
    if (timeout !== undefined) {
      const timer = setTimeout(
        () => finish(() => reject(timedOut(id, timeout))),
        Math.min(timeout * 1000, longestMs),
      )
      stops.push(() => clearTimeout(timer))
    }
    if (before.length > 0) stops.push(lookLeft(backend, before, (meta) => finish(() => resolve(meta))))
    const unwatch = backend.watch(
      id,
      (text) =>
        attempt(() => {
          const meta = readMeta(text)
          if (isReady(meta.state)) finish(() => resolve(meta))
        }),
      (error) => finish(() => reject(error)),
    )
    stops.push(unwatch)
    if (over) unwatch()
  })

/** The longest time that a timer of Node's takes (24 days); a longer one would fire at once. */
const longestMs = 2 ** 31 - 1

const timedOut = (id: string, seconds: number): TimeoutError =>
  new TimeoutError(
    `No result of ${id} within ${seconds}s. The task goes on; is a worker consuming its queue, and can the ` +
      'result store be reached?',
  )

/** Reads the steps to the left after 1 s, then ever more seldom, until one has failed. */
const lookLeft = (backend: Backend, ids: readonly string[], onFailed: (meta: Meta) => void): (() => void) => {
  let pauseMs = 1000
  let over = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const texts = await backend.read(ids.slice(0, 1000)).catch((): readonly null[] => [])
    if (over) return
    for (const text of texts) {
      if (text === null) continue
      const meta = readMeta(text)
      if (meta.state === 'FAILURE' || meta.state === 'REVOKED') return onFailed(meta)
    }
    pauseMs = Math.min(pauseMs * 2, 30_000)
    timer = setTimeout(() => void look(), pauseMs)
  }
  timer = setTimeout(() => void look(), pauseMs)
  return () => {
    over = true
    clearTimeout(timer)
  }
}
