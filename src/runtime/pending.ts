// PendingResult: a message on its way. A real promise of the AsyncResult, that also has `id` and `get`.
import type { AsyncResult, Get, GetOptions, PendingResult } from '../canvas/sender.js'
import type { ResultSource } from './result-source.js'

type Gettable = { readonly get: Get<any> }

class Pending<R extends Gettable> extends Promise<R> {
  id = ''
  #source: Pick<ResultSource, 'backend'> | undefined

  static of<R extends Gettable>(
    id: string,
    sent: Promise<R>,
    source: Pick<ResultSource, 'backend'> | undefined,
  ): Pending<R> {
    const pending = new Pending<R>((resolve) => resolve(sent))
    pending.id = id
    pending.#source = source
    return pending
  }

  // `then` and its kin give plain promises: only the first of the line is a message on its way.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /**
   * The wait is prepared in the turn in which the message leaves, since after the answer to the publish it would
   * be a round trip late. Whoever does not wait pays for no subscription.
   */
  get(options?: GetOptions): Promise<unknown> {
    const value = this.then((result) => result.get(options as GetOptions))
    if (this.#source !== undefined) void expectUntil(this.#source, this.id, value)
    return value
  }
}

const expectUntil = async (
  source: Pick<ResultSource, 'backend'>,
  id: string,
  value: Promise<unknown>,
): Promise<void> => {
  try {
    const end = (await source.backend()).expect(id)
    value.then(end, end)
  } catch {
    // Without a connection the wait says so itself.
  }
}

/** `sent` is fulfilled when the broker has the message; `source` is where one result can be waited for. */
export const pendingResult = <T, R extends Gettable = AsyncResult<T>>(
  id: string,
  sent: Promise<R>,
  source?: Pick<ResultSource, 'backend'>,
): PendingResult<T, R> => Pending.of(id, sent, source) as unknown as PendingResult<T, R>
