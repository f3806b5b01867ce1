// PORT Middleware: a user's layers around sending and running, the first that was given outermost. One that fails
// by itself harms nobody: it is logged, and the message is sent, or the task's own end counts, all the same.
import { ImproperlyConfigured, isIgnore, isReject, isReplace, isRetry } from '../errors.js'
import type { Logger } from '../log.js'
import type { Request } from './request.js'
import type { PublishedMessage } from './task-signals.js'

export interface Middleware {
  /**
   * Around each message that is sent. `next` sends it, or what it is given instead: other arguments, headers,
   * places; its ids stay. It resolves when the broker has it.
   */
  readonly publish?: (
    message: PublishedMessage,
    next: (message?: PublishedMessage) => Promise<void>,
  ) => unknown
  /**
   * Around each run, in the process where it runs. `next` runs the task and gives its value, or rejects with what
   * it threw; what is returned is the result. Thrown Retry, Ignore and Reject count.
   */
  readonly execute?: (request: Request, next: () => Promise<unknown>) => unknown
}

/** Throws ImproperlyConfigured. */
export const checkMiddleware = (middleware: unknown): void => {
  const { publish, execute } = (middleware ?? {}) as Middleware
  const isFunction = (value: unknown): boolean => value === undefined || typeof value === 'function'
  if (!isFunction(publish) || !isFunction(execute) || (publish ?? execute) === undefined)
    throw new ImproperlyConfigured(
      'app.use: expected { publish(message, next), execute(request, next) }, one of them or both.',
    )
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

const isWord = (error: unknown): boolean =>
  isRetry(error) || isIgnore(error) || isReject(error) || isReplace(error)

type End = { readonly value: unknown } | { readonly error: unknown }

/** Runs `run` within the layers. */
export const executeThrough = async (
  layers: readonly Middleware[],
  request: Request,
  run: () => unknown,
  log: Logger,
): Promise<unknown> => {
  let end: End | undefined
  const innermost = async (): Promise<unknown> => {
    try {
      const value = await run()
      end = { value }
      return value
    } catch (error) {
      end = { error }
      throw error
    }
  }
  const whole = layers.reduceRight<() => Promise<unknown>>(
    (next, layer) =>
      layer.execute === undefined
        ? next
        : async () => (layer.execute as Required<Middleware>['execute'])(request, next),
    innermost,
  )
  try {
    return await whole()
  } catch (error) {
    const known = end as End | undefined
    if (isWord(error) || (known !== undefined && 'error' in known && known.error === error)) throw error
    log.error(`A middleware failed around ${request.task}[${request.id}]: ${stackOf(error)}`)
    if (known === undefined) return run()
    if ('error' in known) throw known.error
    return known.value
  }
}

/** Sends one message within the layers: `send` is called once, whatever they do. Never rejects. */
export const publishThrough = async (
  layers: readonly Middleware[],
  message: PublishedMessage,
  send: (message: PublishedMessage) => Promise<void>,
  log: Logger,
): Promise<void> => {
  let sent: Promise<void> | undefined
  const innermost = (given: PublishedMessage): Promise<void> => {
    sent ??= send(given)
    return sent
  }
  const whole = layers.reduceRight<(given: PublishedMessage) => Promise<void>>(
    (next, layer) =>
      layer.publish === undefined
        ? next
        : async (given) => {
            await layer.publish?.(given, (other = given) => next(other))
          },
    innermost,
  )
  let failure: unknown
  try {
    await whole(message)
  } catch (error) {
    failure = error
  }
  const complaint = `A middleware around the message to ${message.task}[${message.id}]`
  if (sent === undefined) {
    log.error(`${complaint} ${failure === undefined ? 'did not call next' : `failed: ${stackOf(failure)}`}`)
    await innermost(message).catch(() => undefined)
  } else if (failure !== undefined) {
    const own = await (sent as Promise<void>).then(
      () => true,
      (error: unknown) => error !== failure,
    )
    if (own) log.error(`${complaint} failed: ${stackOf(failure)}`)
  }
}
