// What user code lets fall in a worker's own process (in a child: child-output.ts). A promise that a task left behind
// belongs to one task, and must not take the others down; an exception that nobody caught does end the process, and
// that stands in the log, wherever the log is.
import type { Logger } from '../log.js'

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** Call the answer when the worker has ended. */
export const logStrays = (log: Logger): (() => void) => {
  const onRejection = (reason: unknown): void =>
    log.critical(
      `A promise was rejected and nobody awaited it (a task that forgets an await?): ${textOf(reason)}`,
    )
  const onException = (error: unknown): void =>
    log.critical(
      `An exception was caught by nobody, and ends this worker; what it ran is run again: ${textOf(error)}`,
    )
  process.on('unhandledRejection', onRejection)
  // Watches, and changes nothing: an end is the only thing that is sure to be right.
  process.on('uncaughtExceptionMonitor', onException)
  return () => {
    process.off('unhandledRejection', onRejection)
    process.off('uncaughtExceptionMonitor', onException)
  }
}
