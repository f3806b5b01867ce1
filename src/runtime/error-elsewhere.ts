// An error that was thrown in a child of the pool: what the world is told of it, without the object.
import type { ExceptionInfo } from './failure.js'

/** Reads like the error itself: type, message, stack. `kinds` are the names of its class and of those above. */
export class ErrorElsewhere extends Error {
  override readonly name: string
  readonly excType: string
  readonly excModule: string | null
  readonly excMessage: readonly unknown[]

  constructor(
    info: ExceptionInfo,
    traceback: string,
    readonly kinds: readonly string[],
  ) {
    super(info.exc_message.map(String).join(', '))
    this.name = info.exc_type
    this.excType = info.exc_type
    this.excModule = info.exc_module
    this.excMessage = info.exc_message
    this.stack = traceback
  }
}

/** From its own name up to `Error`. */
export const kindsOf = (error: unknown): readonly string[] => {
  if (!(error instanceof Error)) return []
  const names = [error.name]
  for (
    let proto: unknown = Object.getPrototypeOf(error);
    proto !== null;
    proto = Object.getPrototypeOf(proto)
  )
    names.push((proto as Error).constructor.name)
  return [...new Set(names)]
}
