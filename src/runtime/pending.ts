// PendingResult: a message on its way. A real promise of the AsyncResult, that also has `id` and `get`.
import type { AsyncResult, Get, GetOptions, PendingResult } from '../canvas/sender.js'

type Gettable = { readonly get: Get<any> }

class Pending<R extends Gettable> extends Promise<R> {
  declare readonly id: string
  declare readonly get: Get<any>

  // `then` and its kin give plain promises: only the first of the line is a message on its way.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }
}

/** `sent` is fulfilled when the broker has the message. */
export const pendingResult = <T, R extends Gettable = AsyncResult<T>>(
  id: string,
  sent: Promise<R>,
): PendingResult<T, R> => {
  const pending = new Pending<R>((resolve) => resolve(sent))
  const get = async (options?: GetOptions): Promise<unknown> => (await pending).get(options as GetOptions)
  void Object.defineProperties(pending, { id: { value: id, enumerable: true }, get: { value: get } })
  return pending as unknown as PendingResult<T, R>
}
