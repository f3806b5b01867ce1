// What a handle on a result needs: the store, the classes that errors are rebuilt as, and a way to make
// handles of the results that are named inside a result.
import type { AsyncResult, GroupResult, RevokeOptions } from '../canvas/sender.js'
import type { Backend } from './backend.js'
import type { ErrorClass } from './failure.js'
import type { ResultTuple } from './meta.js'

export type AnyResult = AsyncResult<any>

export interface ResultSource {
  backend(): Promise<Backend>
  readonly errors: ReadonlyMap<string, ErrorClass>
  /** The server's clock (ms), or this machine's before there is a connection. */
  now(): number
  /** Seconds that what is saved here is kept; 0 is for ever. */
  expires(): number
  /** A handle for Celery's tuple of a result. */
  handle(tuple: ResultTuple): AnyResult
  revoke(id: string, options: RevokeOptions): Promise<void>
}

export const isGroup = (result: AnyResult): result is GroupResult<any> => 'results' in result

/** Celery's tuple of a handle: what stands in Redis when a task returns one. */
export const tupleOf = (result: AnyResult): ResultTuple => [
  [result.id, result.parent === null ? null : tupleOf(result.parent)],
  isGroup(result) ? result.results.map(tupleOf) : null,
]
