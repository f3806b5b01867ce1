// The command line as a whole: global options, commands, and how errors become a sentence and an exit code.
import { Command, CommanderError, Option } from 'commander'
import { beatCommand } from './beat.js'
import { callCommand } from './call.js'
import { type Context, type GlobalOptions, globalsOf } from './context.js'
import { controlCommand, inspectCommand, statusCommand } from './control.js'
import { deadCommand } from './dead.js'
import { devCommand } from './dev.js'
import { monitorCommand } from './monitor.js'
import { multiCommand } from './multi.js'
import { eventsCommand } from './events.js'
import { type ExitCode, exitCodeOf, Fault, sentenceOf } from './fault.js'
import type { Io } from './io.js'
import { readEnvironment } from './options.js'
import { doctorCommand } from './doctor.js'
import { graphCommand } from './graph.js'
import { purgeCommand } from './purge.js'
import { reportCommand } from './report.js'
import { resultCommand } from './result.js'
import { workerCommand } from './worker.js'

/** Celery's other programs: understood, and answered. */
const notYet = ['amqp', 'list', 'logtool', 'migrate', 'shell', 'upgrade']

/** Runs one command; the answer is the exit code. `version` is the package's. */
export const runCli = async (argv: readonly string[], io: Io, version: string): Promise<ExitCode> => {
  let exitCode: ExitCode = 0
  const context: Context = { io, version }
  const program = new Command('lovage')
  const exit = (code: ExitCode): void => {
    exitCode = code
  }
  build(program, context, exit)
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync(argv, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    return tell(error, program.opts<GlobalOptions>(), io)
  }
}

const build = (program: Command, context: Context, exit: (code: ExitCode) => void): void => {
  const { io, version } = context
  program
    .description('Celery for TypeScript: workers and calls from the command line')
    .option('-A, --app <module>', 'the app: a path or module name, perhaps with :export')
    .option('-b, --broker <url>', 'URL of the broker')
    .option('--result-backend <url>', 'URL of the result store')
    .option('--workdir <path>', 'change to this directory first')
    .option('-C, --no-color', 'no colours')
    .option('-q, --quiet', 'print less')
    .option('--debug', 'print the stack of an error as well')
    .addOption(new Option('--skip-checks').hideHelp())
    .version(version, '--version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .addHelpText('after', help)
  for (const [flags, instead] of [
    ['--loader <class>', 'an app is found by -A.'],
    ['--config <module>', 'settings are given where the app is made: createApp(name, settings).'],
  ] as const) {
    const option = new Option(flags).hideHelp()
    program.addOption(option).on(`option:${option.name()}`, () => {
      throw new Fault(`${option.long}: ${instead}`)
    })
  }
  const commands = [
    workerCommand(context, exit),
    callCommand(context),
    resultCommand(context),
    graphCommand(context),
    inspectCommand(context),
    controlCommand(context),
    statusCommand(context),
    purgeCommand(context),
    doctorCommand(context),
    deadCommand(context),
    reportCommand(context),
    beatCommand(context, exit),
    eventsCommand(context),
    monitorCommand(context),
    multiCommand(context, exit),
    devCommand(context),
  ]
  for (const command of commands) program.addCommand(command)
  for (const name of notYet)
    program.addCommand(
      new Command(name)
        .allowUnknownOption()
        .argument('[words...]')
        .action(() => {
          throw new Fault(
            `lovage ${name} is not available yet. There are: ${commands.map((command) => command.name()).join(', ')}.`,
          )
        }),
      { hidden: true },
    )
  const below = [...program.commands, ...program.commands.flatMap((each) => each.commands)]
  // As --help everywhere; it is listed once.
  for (const command of below) {
    command.version(version, '--version')
    command.options.at(-1)?.hideHelp()
  }
  for (const command of [program, ...below])
    command
      .exitOverride()
      .configureOutput({
        writeOut: (text) => io.out(text.trimEnd()),
        writeErr: (text) => io.err(explained(text.trimEnd())),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      })
      .showSuggestionAfterError(true)
  program.hook('preAction', (_, command) => {
    readEnvironment(program, io)
    readEnvironment(command, io)
    goTo(globalsOf(command).workdir)
  })
}

const help = `
Examples:
  lovage -A proj/tasks.ts dev                        a first look, without Redis
  lovage -A proj/tasks.ts worker --loglevel=INFO     a worker
  lovage -A proj/tasks.ts beat                       the clock that sends periodic tasks
  lovage -A proj/tasks.ts call proj.add -a '[2, 2]'  send a task
  lovage -A proj/tasks.ts result <id>                its result
  lovage -A proj/tasks.ts graph <id>                 what came of it, as a picture
  lovage -A proj/tasks.ts inspect active             what runs now, and where
  lovage -A proj/tasks.ts events --dump              what happens, as it happens
  lovage -A proj/tasks.ts monitor                    the same as a page in the browser

lovage <command> --help tells more. Options are read from the environment too:
LOVAGE_APP, LOVAGE_BROKER, LOVAGE_WORKER_CONCURRENCY … (CELERY_… likewise).`

const goTo = (workdir: string | undefined): void => {
  if (workdir === undefined) return
  try {
    process.chdir(workdir)
  } catch (error) {
    throw new Fault(`--workdir ${workdir}: there is no such directory.`, 2, error)
  }
}

/** commander's own sentences, with what to do where it does not say. */
const explained = (said: string): string => {
  const text = said.replace(/^error: /, 'lovage: ')
  return /unknown option '(-A|--app)/.test(text)
    ? '-A (--app) stands before the command: lovage -A proj/tasks.ts worker'
    : /unknown option '(-b|--broker|--result-backend|--workdir|-C|--no-color|-q|--quiet|--debug)'/.test(text)
      ? `${text.split('\n')[0]}: it stands before the command, as in lovage -q -A proj/tasks.ts worker`
      : text
}

const tell = (error: unknown, globals: GlobalOptions, io: Io): ExitCode => {
  const sentence = sentenceOf(error)
  const plain = error instanceof Fault && error.exitCode !== 2
  io.err(plain ? sentence : `lovage: ${sentence}`)
  if (globals.debug) {
    const cause = error instanceof Fault ? error.cause : error
    if (cause instanceof Error && cause.stack !== undefined) io.err(`\n${cause.stack}`)
  }
  return exitCodeOf(error)
}
