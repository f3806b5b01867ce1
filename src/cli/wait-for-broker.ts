// A worker that is started before its broker waits for it, as Celery's does, unless the setting
// brokerConnectionRetryOnStartup is false. A signal ends the waiting: there is nothing to drain yet. USR1 and USR2, which
// ask a worker something, have their answer now as well: left to Node, the second would end it.
import { setTimeout as sleep } from 'node:timers/promises'
import { isOperationalError } from '../errors.js'
import type { Logger } from '../log.js'
import type { AppPort } from './app-port.js'

const signals = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const
const questions = ['SIGUSR1', 'SIGUSR2'] as const

/** Undefined when the broker is there; else the exit code, because a signal came first. */
export const waitForBroker = async (app: AppPort, log: Logger): Promise<0 | 1 | undefined> => {
  const broker = await app.broker()
  const stopped = new AbortController()
  let exitCode: 0 | 1 = 0
  const stop = (signal: NodeJS.Signals): void => {
    exitCode = signal === 'SIGINT' ? 1 : 0
    stopped.abort()
  }
  const answer = (): void => log.critical('Nothing runs here yet: the broker is waited for.')
  for (const signal of signals) process.on(signal, stop)
  for (const signal of questions) process.on(signal, answer)
  const whenStopped = new Promise<'stopped'>((resolve) =>
    stopped.signal.addEventListener('abort', () => resolve('stopped')),
  )
  try {
    for (let pause = 2; !stopped.signal.aborted; pause = Math.min(pause + 2, 30)) {
      try {
        if ((await Promise.race([broker.inspect(), whenStopped])) !== 'stopped') return undefined
      } catch (error) {
        if (!isOperationalError(error) || !app.settings.brokerConnectionRetryOnStartup) throw error
        log.error(`consumer: ${error.message} Trying again in ${pause} seconds...`)
        await sleep(pause * 1000, undefined, { signal: stopped.signal }).catch(() => undefined)
      }
    }
    return exitCode
  } finally {
    for (const signal of signals) process.off(signal, stop)
    for (const signal of questions) process.off(signal, answer)
  }
}
