// lovage monitor: a page in the browser with workers, tasks, queues and dead letters, until a signal ends it.
import { Command } from 'commander'
import { appFor, type Context } from './context.js'
import { type MonitorOptions, openMonitor } from './open-monitor.js'
import { port, whole } from './options.js'

export const monitorCommand = ({ io }: Context): Command =>
  new Command('monitor')
    .description('a page in the browser: workers, tasks, queues, dead letters, as it happens')
    .option('--host <address>', 'who may look: this machine alone, unless you say 0.0.0.0', '127.0.0.1')
    .option('-p, --port <port>', 'where; 0 is any that is free', port, 5555)
    .option('--tasks <count>', 'how many tasks are kept', whole, 10_000)
    .option('--enable-events', 'switch task events on in all workers, those that come later, too', false)
    .action(async (options: MonitorOptions, command: Command) => {
      const app = await appFor(command, io, false)
      let end: (() => void) | undefined
      const signalled = new Promise<void>((resolve) => {
        end = resolve
      })
      const stop = (): void => end?.()
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
      try {
        const monitor = await Promise.race([openMonitor(app, options), signalled])
        if (monitor === undefined) return
        io.out(`Monitor of ${monitor.broker}: ${monitor.url}`)
        await Promise.race([monitor.ended, signalled])
        await monitor.close()
      } finally {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop)
        await app.close()
      }
    })
