// How a command ends badly: a sentence for the person at the terminal, and an exit code.
import { isLovageError } from '../errors.js'

/** 0 well · 1 it went wrong · 2 it was asked wrongly · 69 no node replied · 73 the pidfile is held. */
export type ExitCode = 0 | 1 | 2 | 69 | 73

/** The message is whole: what is wrong, and in a second line what to do. */
export class Fault extends Error {
  override readonly name = 'Fault'
  constructor(
    message: string,
    readonly exitCode: ExitCode = 2,
    /** What happened underneath, for --debug. */
    override readonly cause?: unknown,
  ) {
    super(message)
  }
}

/** One or two lines about anything that was thrown. */
export const sentenceOf = (error: unknown): string => {
  if (error instanceof Fault || isLovageError(error)) return error.message
  if (error instanceof Error) return error.message === '' ? error.name : `${error.name}: ${error.message}`
  return String(error)
}

/** Settings and usage are the caller's to put right (2), anything else went wrong (1). */
export const exitCodeOf = (error: unknown): ExitCode => {
  if (error instanceof Fault) return error.exitCode
  return error instanceof Error && error.name === 'ImproperlyConfigured' ? 2 : 1
}
