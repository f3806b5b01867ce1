// PendingResult: a message on its way. A real promise of the AsyncResult, that also has `id` and `get`.
import type { AsyncResult, Get, GetOptions, PendingResult } from '../canvas/sender.js'
import type { ResultSource } from './result-source.js'

type Gettable = { readonly get: Get<any> }

class Pending<R extends Gettable> extends Promise<R> {
  declare readonly id: string
  declare readonly get: Get<any>

  // `then` and its kin give plain promises: only the first of the line is a message on its way.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }
}

/**
 * The wait for a result, begun in the turn in which its message leaves: after the answer to the publish it would
 * be a round trip late. Only where `get()` is called before that; nobody else pays for a subscription.
 */
export class EarlyWait {
  #waits = 0
  #end: (() => void) | undefined

  /** Somebody waits, until `value` is settled. */
  wantUntil(value: Promise<unknown>): void {
    this.#waits += 1
    value.then(this.#unwant, this.#unwant)
  }

  readonly #unwant = (): void => {
    this.#waits -= 1
    if (this.#waits > 0) return
    this.#end?.()
    this.#end = undefined
  }

  /** The message leaves in this turn. */
  async begin(id: string, source: Pick<ResultSource, 'backend'>): Promise<void> {
    if (this.#waits === 0) return
    const end = (await source.backend()).expect(id)
    if (this.#waits > 0) this.#end = end
    else end()
  }
}

/** `sent` is fulfilled when the broker has the message. */
export const pendingResult = <T, R extends Gettable = AsyncResult<T>>(
  id: string,
  sent: Promise<R>,
  early?: EarlyWait,
): PendingResult<T, R> => {
  const pending = new Pending<R>((resolve) => resolve(sent))
  const get = (options?: GetOptions): Promise<unknown> => {
    const value = pending.then((result) => result.get(options as GetOptions))
    early?.wantUntil(value)
    return value
  }
  void Object.defineProperties(pending, { id: { value: id, enumerable: true }, get: { value: get } })
  return pending as unknown as PendingResult<T, R>
}
