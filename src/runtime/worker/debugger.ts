// USR2, with which Celery opens its remote debugger where CELERY_RDBSIG is set. Here it is Node's own, of the worker's
// process; without the variable the signal is answered with a sentence, and ends nothing.
import type { Logger } from '../../log.js'

type Environment = Readonly<Record<string, string | undefined>>

const portOf = (text: string | undefined): number | undefined => {
  const port = Number(text ?? '0')
  return Number.isInteger(port) && port >= 0 && port < 65_536 ? port : undefined
}

/** CELERY_RDB_HOST and CELERY_RDB_PORT say where it listens: this machine, and a free port, without them. */
export const openDebugger = async (log: Logger, env: Environment = process.env): Promise<void> => {
  if (!env.CELERY_RDBSIG) {
    // Who listens to the signal in code of his own does not need our word on it.
    if (process.listenerCount('SIGUSR2') > 1) return
    log.warning(
      'SIGUSR2 does nothing here: with CELERY_RDBSIG=1 in its environment a worker opens the debugger of Node at it. ' +
        'SIGUSR1 tells what runs.',
    )
    return
  }
  const port = portOf(env.CELERY_RDB_PORT)
  if (port === undefined) {
    log.error(`CELERY_RDB_PORT: expected a port such as 9229, got ${JSON.stringify(env.CELERY_RDB_PORT)}.`)
    return
  }
  const { default: inspector } = await import('node:inspector')
  if (inspector.url() === undefined) inspector.open(port, env.CELERY_RDB_HOST ?? '127.0.0.1')
  const url = inspector.url()
  // (Node itself has written why to standard error.)
  if (url === undefined) log.error(`The debugger could not listen on port ${port}.`)
  else log.warning(`The debugger listens: ${url}`)
}
