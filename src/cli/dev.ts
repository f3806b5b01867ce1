// lovage dev: the whole thing in one process on the memory broker (a worker, a beat, and a monitor if you like),
// for a first look without Redis. Nobody else can reach that broker, so calls are typed here.
import { hostname } from 'node:os'
import { Command } from 'commander'
import type { LogLevel } from '../log.js'
import { appFor, colorsFor, type Context } from './context.js'
import { typeCalls } from './dev-call.js'
import { openLog } from './log-lines.js'
import { nodeName } from './node-name.js'
import { type OpenMonitor, openMonitor } from './open-monitor.js'
import { level, port, whole } from './options.js'

interface DevOptions {
  readonly concurrency: number
  readonly loglevel: LogLevel
  /** `true` without a port of its own. */
  readonly monitor?: number | true
}

const usualPort = 5555

export const devCommand = ({ io, version }: Context): Command =>
  new Command('dev')
    .description('worker and beat in one process, without Redis; calls are typed at its prompt')
    .option('-c, --concurrency <n>', 'tasks at the same time', whole, 100)
    .option('-l, --loglevel <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL', level, 'INFO')
    .option(
      '--monitor [port]',
      `a page in the browser that shows what goes on (default port: ${usualPort})`,
      port,
    )
    .addHelpText('after', '\nExample:\n  lovage -A proj/tasks.ts dev --monitor')
    .action(async ({ concurrency, loglevel, monitor: wanted }: DevOptions, command: Command) => {
      const app = await appFor(command, io, true)
      app.configure({ brokerUrl: 'memory://', resultBackend: 'memory://' })
      const log = openLog({
        level: loglevel,
        format: app.settings.workerLogFormat,
        colors: colorsFor(command, io, 'err'),
        file: undefined,
        err: io.err,
      })
      const worker = app.worker({
        pool: 'fiber',
        concurrency,
        hostname: nodeName('dev@%h', hostname()),
        log,
      })
      const names = worker.tasks.filter((name) => !name.startsWith('celery.'))
      const { bold, cyan } = colorsFor(command, io, 'out')
      io.out(
        `${bold(`lovage ${version}`)}, app ${app.name}: broker, worker and beat in this process (memory://)\n`,
      )
      io.out(
        names.length === 0
          ? "It has no tasks yet: app.task('proj.add', (x: number, y: number) => x + y)\n"
          : `[tasks]\n${names.map((name) => `  . ${name}`).join('\n')}\n\n` +
              `Type a call, its arguments in JSON, as ${cyan('name(1, "two")')}, and see its result. Ctrl+C ends everything.\n`,
      )
      await app.beat.start({ log })
      let monitor: OpenMonitor | undefined
      try {
        if (wanted !== undefined) {
          const place = { host: '127.0.0.1', port: wanted === true ? usualPort : wanted }
          monitor = await openMonitor(app, { ...place, tasks: 10_000, enableEvents: true })
          io.out(`Monitor: ${monitor.url}`)
        }
        const ended = worker.run()
        // At a terminal Ctrl+D is goodbye; an input that was never there is not.
        void typeCalls(app, names, io).then(() => io.terminal.in && worker.stop())
        await ended
      } finally {
        await monitor?.close()
        await app.beat.stop()
        await app.close()
      }
    })
