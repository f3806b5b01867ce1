// lovage beat: the clock as a process. What it does stands in beat/; here a person starts and stops it. Its
// sub-commands (beat-entries.ts) look at the entries and change them, whether a beat runs or not.
import { Command, Option } from 'commander'
import type { LogLevel } from '../log.js'
import type { AppPort } from './app-port.js'
import { entryCommands } from './beat-entries.js'
import { configureBeat } from './beat-store.js'
import { collectGarbage } from '../garbage.js'
import { appFor, colorsFor, type Context, globalsOf } from './context.js'
import { loadTasks } from './load-app.js'
import { openLog } from './log-lines.js'
import { maskUrl } from '../mask.js'
import { level, refused, secondsOption } from './options.js'
import { takePidfile } from './pidfile.js'
import { waitForBroker } from './wait-for-broker.js'

/** After a start all entries have been read by then, a hundred thousand in three seconds. */
const settledMs = 10_000

export interface BeatOptions {
  readonly schedule?: string
  readonly scheduleFilename?: string
  readonly scheduler?: string
  readonly maxInterval?: number
  readonly pidfile?: string
  readonly loglevel: LogLevel
  readonly logfile?: string
}

export const beatCommand = (context: Context, exit: (code: 0 | 1) => void): Command => {
  const command = new Command('beat')
    .description('the clock: send periodic tasks until a signal stops it')
    .option('-s, --schedule <path>', 'a file for the entries, instead of the broker (beatScheduleFilename)')
    .option('-S, --scheduler <name>', 'redis, memory or file (beatScheduler)')
    .option('--max-interval <seconds>', 'the longest sleep (beatMaxLoopInterval)', secondsOption)
    .option('--pidfile <path>', 'write the process id there; a second beat with the same file exits with 73')
    .option('-l, --loglevel <level>', 'DEBUG, INFO, WARNING, ERROR or CRITICAL', level, 'WARNING')
    .option('-f, --logfile <path>', 'log there instead of standard error')
    .addOption(new Option('--schedule-filename <path>').hideHelp())
    .addHelpText('after', help)
    .action((options: BeatOptions) => run(context, command, options).then(exit))
  const supervisor = 'a supervisor does that better: systemd, docker, or `setsid lovage … &`.'
  refused(command, '-D, --detach', supervisor)
  for (const flags of ['--uid <user>', '--gid <group>', '--umask <mask>', '--executable <path>'])
    refused(command, flags, supervisor)
  for (const entry of entryCommands(context)) command.addCommand(entry)
  return command
}

const help = `
Any number of beats may run, here and in workers (worker -B): each tick is sent once.
TERM and INT end it (0).

Examples:
  lovage -A proj/tasks.ts beat --loglevel=INFO
  lovage -A proj/tasks.ts beat list
  lovage -A proj/tasks.ts beat add nightly proj.report --crontab '15 2 * * *' --timezone Europe/Berlin
  lovage beat next '0 7 * * mon-fri' --timezone Europe/Berlin`

const run = async ({ io, version }: Context, command: Command, options: BeatOptions): Promise<0 | 1> => {
  const app = await appFor(command, io, true)
  const { scheduleFilename, schedule = scheduleFilename, scheduler } = options
  // Celery's 0: as the settings say.
  const maxInterval = options.maxInterval || undefined
  configureBeat(app, schedule, scheduler)
  const { settings } = app
  await loadTasks([...settings.imports, ...settings.include], 'imports', process.cwd())
  const log = openLog({
    level: options.loglevel,
    format: settings.workerLogFormat,
    colors: colorsFor(command, io, 'err', settings.workerLogColor),
    file: options.logfile,
    err: io.err,
  })
  const dropPidfile = options.pidfile === undefined ? () => undefined : takePidfile(options.pidfile, io.err)
  try {
    const sleep = maxInterval ?? (settings.beatMaxLoopInterval || 300)
    if (!globalsOf(command).quiet) io.out(await bannerOf(app, version, options, sleep))
    const stoppedBefore = await waitForBroker(app, log)
    if (stoppedBefore !== undefined) return 0
    const stopped = untilSignal()
    await app.beat.start({ log, ...(maxInterval !== undefined && { maxInterval }) })
    setTimeout(collectGarbage, settledMs).unref()
    await stopped
    log.info('beat: Shutting down...')
    return 0
  } finally {
    await app.close()
    dropPidfile()
    log.close()
  }
}

/** A second signal changes nothing: what is being sent takes a moment. */
const untilSignal = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.on(signal, () => resolve())
  })

/** In Celery's shape, so that whoever greps it finds what they look for. */
const bannerOf = async (
  app: AppPort,
  version: string,
  { loglevel, logfile }: BeatOptions,
  maxInterval: number,
): Promise<string> => {
  const at = new Date()
  const pad = (value: number): string => String(value).padStart(2, '0')
  const local = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`
  return [
    `lovage beat v${version} is starting.`,
    '__    -    ... __   -        _',
    `LocalTime -> ${local}`,
    'Configuration ->',
    `    . app -> ${app.name}`,
    `    . broker -> ${maskUrl((await app.broker()).url)}`,
    `    . scheduler -> ${app.beat.names.length} entries declared, timezone ${app.settings.timezone}`,
    `    . db -> ${await app.beat.where()}`,
    `    . logfile -> ${logfile ?? '[stderr]'}@%${loglevel}`,
    `    . maxinterval -> ${(maxInterval / 60).toFixed(2)} minutes (${maxInterval}s)`,
    '',
  ].join('\n')
}
