// lovage worker: options, banner, and the life of one worker process. What a worker is stands in
// runtime/worker; here a person starts and stops it.
import { hostname } from 'node:os'
import { Command, Option } from 'commander'
import type { LogLevel } from '../log.js'
import type { AppPort, WorkerOptions, WorkerPort } from './app-port.js'
import { banner } from './banner.js'
import { configureBeat } from './beat-store.js'
import { appFor, colorsFor, type Context, globalsOf } from './context.js'
import { Fault } from './fault.js'
import { findModule } from './find-module.js'
import { loadTasks } from './load-app.js'
import { openLog } from './log-lines.js'
import { maskUrl } from '../mask.js'
import { acceptNeedless, tellNeedless } from './needless.js'
import { fileName, nodeName } from './node-name.js'
import { autoscale, level, lists, refused, secondsOption, settingWords, umask, whole } from './options.js'
import { takePidfile } from './pidfile.js'
import { logStrays } from './strays.js'
import { waitForBroker } from './wait-for-broker.js'

interface Options {
  readonly hostname?: string
  readonly loglevel: LogLevel
  readonly logfile?: string
  readonly pidfile?: string
  readonly umask?: number
  readonly concurrency?: number
  readonly pool?: string
  readonly autoscale?: { readonly max: number; readonly min: number }
  readonly maxTasksPerChild?: number
  readonly maxMemoryPerChild?: number
  readonly prefetchMultiplier?: number
  readonly disablePrefetch?: boolean
  readonly taskEvents?: boolean
  readonly withoutHeartbeat?: boolean
  readonly heartbeatInterval?: number
  readonly timeLimit?: number
  readonly softTimeLimit?: number
  readonly purge?: boolean
  readonly queues?: readonly string[]
  readonly excludeQueues?: readonly string[]
  readonly include?: readonly string[]
  readonly beat?: boolean
  readonly schedule?: string
  readonly scheduleFilename?: string
  readonly scheduler?: string
}

export const workerCommand = (context: Context, exit: (code: 0 | 1) => void): Command => {
  const command = new Command('worker')
    .description('run tasks until a signal stops it')
    .argument('[settings...]', 'settings as setting=value, for example task_default_queue=io')
    .option(
      '-n, --hostname <name>',
      'name of this node; %h host, %n its first label, %d its domain (default: celery@%h)',
    )
    .option(
      '-Q, --queues <names>',
      'queues to consume (comma-separated; default: all that are configured)',
      lists,
    )
    .option('-X, --exclude-queues <names>', 'but not these', lists)
    .option(
      '-c, --concurrency <n>',
      'tasks at the same time (default: the cores for prefork and threads, 100 for fiber)',
      whole,
    )
    .option(
      '-P, --pool <name>',
      'prefork (child processes), threads, fiber (many on the event loop; also gevent, eventlet) or solo (one at a time) (default: prefork)',
    )
    .option('--autoscale <max,min>', 'grow while work waits, shrink when it does not', autoscale)
    .option('--max-tasks-per-child <n>', 'replace a child (of prefork or threads) after so many tasks', whole)
    .option('--max-memory-per-child <kib>', 'replace a child that has more memory than this', whole)
    .option('--prefetch-multiplier <n>', 'messages held for each slot, the running one included', whole)
    .option('--disable-prefetch', 'claim for free slots only')
    .option('--time-limit <seconds>', 'a task that takes longer fails; 0 lifts the setting', secondsOption)
    .option(
      '--soft-time-limit <seconds>',
      "after this long a task's signal aborts; 0 lifts the setting",
      secondsOption,
    )
    .option('-I, --include <modules>', 'more modules with tasks to load (comma-separated)', lists)
    .option('--purge', 'drop what waits in the queues first')
    .option('-l, --loglevel <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL', level, 'WARNING')
    .option(
      '-f, --logfile <path>',
      'log there instead of standard error; %n and %h are the parts of the node name',
    )
    .option(
      '--pidfile <path>',
      'write the process id there; a second worker with the same file exits with 73',
    )
    .option('--umask <mask>', 'for the files that it writes, in octal', umask)
    .option('-E, --task-events', 'send task events')
    .option('--without-heartbeat', 'tell nobody that this worker is there')
    .option('--heartbeat-interval <seconds>', 'from one heartbeat to the next (default: 2)', secondsOption)
    .option('-B, --beat', 'run a beat as well; in any number of workers, each tick is sent once')
    .option('-s, --schedule <path>', 'for the beat: a file for its entries, instead of the broker')
    .option('--scheduler <name>', 'for the beat: redis, memory or file')
    .addHelpText('after', help)
    .action((words: readonly string[], options: Options) => run(context, command, words, options).then(exit))
  celeryOptions(command)
  return command
}

const help = `
Signals:
  TERM  let running tasks end, give the rest back, exit (0)
  INT   the same (1); a second one is QUIT
  QUIT  abort running tasks and give them back, exit (0)

Examples:
  lovage -A proj/tasks.ts worker --loglevel=INFO
  lovage -A proj/tasks.ts worker -Q default,important -c 10 -n worker1@%h`

/** The rest of Celery's options, so that a command line brought along is answered, not just refused. */
const celeryOptions = (command: Command): void => {
  acceptNeedless(command)
  command.addOption(new Option('-O, --optimization <profile>').choices(['default', 'fair']).hideHelp())
  command.addOption(new Option('--discard').hideHelp().implies({ purge: true }))
  command.addOption(new Option('--events').hideHelp().implies({ taskEvents: true }))
  refused(
    command,
    '-D, --detach',
    'a supervisor does that better: systemd, docker. By hand: `lovage multi start`, or `setsid lovage … &` (with nohup it ends at a HUP all the same).',
  )
  const asUser =
    'whoever starts it does that better: `User=` and `Group=` of systemd, `docker run --user`, ' +
    '`setpriv --reuid=… --regid=… --init-groups lovage …`.'
  for (const flags of ['--uid <user>', '--gid <group>']) refused(command, flags, asUser)
  refused(command, '--executable <path>', 'it runs on the Node that starts it: `/path/to/node lovage …`.')
  command.addOption(new Option('--schedule-filename <path>').hideHelp())
}

const run = async (
  { io, version }: Context,
  command: Command,
  words: readonly string[],
  options: Options,
): Promise<0 | 1> => {
  if (options.umask !== undefined) process.umask(options.umask)
  const cwd = process.cwd()
  const host = hostname()
  const node = nodeName(options.hostname, host)
  const app = await appFor(command, io, true)
  if (words.length > 0) app.configure(settingWords(words))
  const { scheduleFilename, schedule = scheduleFilename, scheduler } = options
  if (!options.beat && (schedule ?? scheduler) !== undefined)
    throw new Fault('--schedule and --scheduler are for a beat: add -B, or start one with lovage beat.')
  configureBeat(app, schedule, scheduler)
  const { settings } = app
  const more = [...settings.imports, ...settings.include, ...(options.include ?? [])]
  await loadTasks(more, '-I', cwd)
  const pool = options.pool ?? settings.workerPool ?? usualPool(settings.brokerUrl)
  const log = openLog({
    level: options.loglevel,
    format: settings.workerLogFormat,
    colors: colorsFor(command, io, 'err', settings.workerLogColor),
    file: options.logfile === undefined ? undefined : fileName(options.logfile, node),
    err: io.err,
  })
  tellNeedless(command, log)
  const dropPidfile =
    options.pidfile === undefined ? () => undefined : takePidfile(fileName(options.pidfile, node), io.err)
  const ignoreStrays = logStrays(log)
  try {
    const worker = app.worker({
      // Whether there is such a pool, the app knows.
      pool: pool as NonNullable<WorkerOptions['pool']>,
      ...(options.concurrency && { concurrency: options.concurrency }),
      ...(options.autoscale && { autoscale: options.autoscale }),
      ...(options.maxTasksPerChild && { maxTasksPerChild: options.maxTasksPerChild }),
      ...(options.maxMemoryPerChild && { maxMemoryPerChild: options.maxMemoryPerChild }),
      ...childModules(command, app, more, words),
      hostname: node,
      log,
      ...(options.queues && { queues: options.queues }),
      ...(options.excludeQueues && { excludeQueues: options.excludeQueues }),
      ...(options.prefetchMultiplier && { prefetchMultiplier: options.prefetchMultiplier }),
      ...(options.disablePrefetch && { disablePrefetch: true }),
      ...(options.timeLimit !== undefined && { timeLimit: options.timeLimit }),
      ...(options.softTimeLimit !== undefined && { softTimeLimit: options.softTimeLimit }),
      ...(options.taskEvents && { taskEvents: true }),
      ...(options.heartbeatInterval !== undefined && { heartbeat: options.heartbeatInterval }),
      ...(options.withoutHeartbeat && { heartbeat: false as const }),
    })
    if (!globalsOf(command).quiet)
      io.out(
        await bannerOf(app, worker, {
          version,
          loglevel: options.loglevel,
          autoscale: options.autoscale,
          taskEvents: options.taskEvents ?? settings.workerSendTaskEvents,
        }),
      )
    const stoppedBefore = await waitForBroker(app, log)
    if (stoppedBefore !== undefined) return stoppedBefore
    if (options.purge) io.out(await purge(app, worker.queues))
    if (options.beat) await app.beat.start({ embedded: true, log })
    return (await worker.run()) === 0 ? 0 : 1
  } finally {
    await app.close()
    ignoreStrays()
    dropPidfile()
    log.close()
  }
}

const purge = async (app: AppPort, queues: readonly string[]): Promise<string> => {
  const count = await app.control.purge(queues)
  return `purge: Erased ${count} ${count === 1 ? 'message' : 'messages'} from the queue.\n`
}

/** A broker in memory can be reached in this process only. */
const usualPool = (brokerUrl: string | undefined): string =>
  brokerUrl?.startsWith('memory:') ? 'fiber' : 'prefork'

/** What a child of the pool loads: the same modules, with what the command line says over their settings. */
const childModules = (
  command: Command,
  { settings }: AppPort,
  more: readonly string[],
  words: readonly string[],
): Pick<WorkerOptions, 'module' | 'moduleSettings'> => {
  const file = (spec: string, option: string): string => findModule(spec, option, process.cwd()).file
  return {
    module: [file(globalsOf(command).app as string, '-A'), ...more.map((spec) => file(spec, '-I'))],
    moduleSettings: {
      ...settingWords(words),
      brokerUrl: settings.brokerUrl,
      resultBackend: settings.resultBackend,
    },
  }
}

interface BannerOptions {
  readonly version: string
  readonly loglevel: LogLevel
  readonly autoscale: { readonly max: number; readonly min: number } | undefined
  readonly taskEvents: boolean
}

const bannerOf = async (app: AppPort, worker: WorkerPort, options: BannerOptions): Promise<string> => {
  const names = worker.tasks.filter((name) => options.loglevel === 'DEBUG' || !name.startsWith('celery.'))
  return banner({
    version: options.version,
    concurrency:
      options.autoscale === undefined
        ? String(worker.concurrency)
        : `{min=${options.autoscale.min}, max=${options.autoscale.max}}`,
    pool: worker.poolName,
    taskEvents: options.taskEvents,
    hostname: worker.hostname,
    at: new Date(),
    app: app.name,
    transport: maskUrl((await app.broker()).url),
    results: maskUrl((await app.backend()).url),
    queues: worker.bindings,
    tasks: ['DEBUG', 'INFO'].includes(options.loglevel) ? names : undefined,
  })
}
