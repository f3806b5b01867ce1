// lovage beat list, show, add, update, pause, resume, run, remove, next: entries looked at and changed. Every
// beat that runs knows of a change within a second.
import { Command } from 'commander'
import { library, type AppPort } from './app-port.js'
import { detailOf, listOf, nextLines } from './beat-print.js'
import { configureBeat } from './beat-store.js'
import { type EntryWords, expressionOf, optionsOf, runOf, scheduleOf, withWords } from './beat-words.js'
import { appFor, type Context } from './context.js'
import { Fault } from './fault.js'
import { whole } from './options.js'

type Act = (app: AppPort, command: Command) => Promise<unknown>

export const entryCommands = ({ io }: Context): readonly Command[] => {
  /** With the app, and with the store that `beat -s` or `beat -S` named before the command. */
  const withApp = async (command: Command, act: Act, needed = true): Promise<void> => {
    const app = await appFor(command, io, needed)
    const { schedule, scheduler } = command.parent?.opts<{ schedule?: string; scheduler?: string }>() ?? {}
    configureBeat(app, schedule, scheduler)
    try {
      await act(app, command)
    } finally {
      await app.close()
    }
  }
  const json = (value: unknown): void => io.out(JSON.stringify(value, null, 2))

  const list = new Command('list')
    .description('all entries, with their next and last run')
    .option('--json', 'as JSON')
    .action((options: { json?: boolean }, command: Command) =>
      withApp(command, async (app) => {
        const entries = await app.beat.list()
        if (options.json) json(entries)
        else io.out(listOf(entries))
      }),
    )

  const show = new Command('show')
    .description('one entry, whole, with its last runs')
    .argument('<name>')
    .option('--json', 'as JSON')
    .action((name: string, options: { json?: boolean }, command: Command) =>
      withApp(command, async (app) => {
        const entry = await app.beat.get(name)
        const history = await app.beat.history(name)
        if (options.json) json({ ...entry, history })
        else io.out(detailOf(entry, history))
      }),
    )

  const add = withWords(new Command('add'))
    .description('make an entry')
    .argument('<name>', 'the name of the entry')
    .argument('<task>', 'the name of the task, such as proj.report')
    .addHelpText(
      'after',
      "\nExample:\n  lovage -A proj/tasks.ts beat add hourly proj.sync --every 1h -a '[42]'",
    )
    .action((name: string, task: string, words: EntryWords, command: Command) =>
      withApp(command, async (app) => {
        const schedule = await scheduleOf(name, words)
        if (schedule === undefined)
          throw new Fault('When? Give one of --every, --crontab, --cron, --at, --solar.')
        const { signature } = await library()
        await app.beat.create(name, {
          ...optionsOf(words),
          schedule,
          run: signature(task, { args: words.args ?? [], kwargs: words.kwargs ?? {}, immutable: true }),
        })
        io.out(`Added ${name}.`)
      }),
    )

  const update = withWords(new Command('update'))
    .description('change what is given of an entry')
    .argument('<name>')
    .option('--task <name>', 'another task')
    .action((name: string, words: EntryWords, command: Command) =>
      withApp(command, async (app) => {
        const schedule = await scheduleOf(name, words)
        const changes = { ...optionsOf(words), ...(schedule !== undefined && { schedule }) }
        const run = await runOf(app, name, words)
        if (Object.keys(changes).length === 0 && run === undefined)
          throw new Fault('Nothing to change was given. lovage beat update --help tells what can be.')
        await app.beat.update(name, { ...changes, ...(run !== undefined && { run }) })
        io.out(`Updated ${name}.`)
      }),
    )

  const simple = (
    word: string,
    description: string,
    done: (name: string) => string,
    act: (app: AppPort, name: string) => Promise<unknown>,
  ) =>
    new Command(word)
      .description(description)
      .argument('<name>')
      .action((name: string, _: unknown, command: Command) =>
        withApp(command, async (app) => {
          const answer = await act(app, name)
          io.out(typeof answer === 'string' ? answer : done(name))
        }),
      )

  const next = new Command('next')
    .description('the coming ticks of an entry, or of an expression')
    .argument('<entry>', "its name, or an expression: '15 2 * * *', '0 9 * * 5#3', 30s")
    .option('-n, --count <n>', 'how many', whole, 5)
    .option('--timezone <zone>', 'of the expression, such as Europe/Berlin')
    .option('--json', 'as JSON')
    .action(
      (
        of: string,
        { count, timezone, json: asJson }: { count: number; timezone?: string; json?: boolean },
        command: Command,
      ) =>
        withApp(
          command,
          async (app) => {
            const schedule = await expressionOf(of, timezone)
            if (schedule === undefined && app.settings.brokerUrl === undefined) throw noExpression(of)
            const entry = schedule === undefined ? await app.beat.get(of) : undefined
            const ticks = await app.beat.next(schedule ?? of, count)
            if (asJson) json(ticks)
            else if (entry?.paused) io.out(`${of} is paused: lovage beat resume ${of} lets it tick again.`)
            else io.out(nextLines(ticks, timezone ?? entry?.timezone ?? app.settings.timezone))
          },
          false,
        ),
    )

  const prune = new Command('prune')
    .description('take away what was made at run time and has no tick to come')
    .action((_: unknown, command: Command) =>
      withApp(command, async (app) => {
        const gone = await app.beat.prune()
        for (const name of gone) io.out(`Removed ${name}.`)
        if (gone.length === 0)
          io.out('Every entry that was made at run time has a tick to come, or is paused.')
      }),
    )

  const importing = new Command('import-redbeat')
    .description('copy the entries of a Python RedBeat on this broker; its keys are left alone')
    .option('--prefix <text>', 'its redbeat_key_prefix', 'redbeat:')
    .action(({ prefix }: { prefix: string }, command: Command) =>
      withApp(command, async (app) => {
        const { imported, refused } = await app.beat.importRedBeat({ prefix })
        for (const name of imported) io.out(`Imported ${name}.`)
        for (const { trouble } of refused) io.err(`! ${trouble}`)
        if (imported.length + refused.length === 0) io.out(`There are no entries under ${prefix}:schedule.`)
      }),
    )

  return [
    list,
    show,
    add,
    update,
    simple(
      'pause',
      'let the ticks of an entry pass by',
      (name) => `Paused ${name}.`,
      (app, name) => app.beat.pause(name),
    ),
    simple(
      'resume',
      'end that',
      (name) => `Resumed ${name}.`,
      (app, name) => app.beat.resume(name),
    ),
    simple(
      'run',
      'send its work now, and print the id',
      (name) => name,
      (app, name) => app.beat.runNow(name),
    ),
    simple(
      'remove',
      'take an entry away',
      (name) => `Removed ${name}.`,
      (app, name) => app.beat.remove(name),
    ),
    prune,
    next,
    importing,
  ]
}

const noExpression = (text: string): Fault =>
  new Fault(
    `${JSON.stringify(text)} is no expression: expected five fields ('15 2 * * *'), six with seconds first, or an interval (30s).\n` +
      'For the entry of that name, say whose it is: lovage -A proj/tasks.ts beat next …',
  )
