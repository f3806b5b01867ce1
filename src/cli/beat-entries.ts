// lovage beat list, show, add, update, pause, resume, run, remove, next: entries looked at and changed. Every
// beat that runs knows of a change within a second.
import { Command } from 'commander'
import { library, type AppPort } from './app-port.js'
import { detailOf, listOf, nextLines } from './beat-print.js'
import { configureBeat } from './beat-store.js'
import { appFor, type Context } from './context.js'
import { Fault } from './fault.js'
import { jsonArray, jsonObject, moment, momentOrSeconds, whole } from './options.js'

interface EntryWords {
  readonly task?: string
  readonly every?: string
  readonly crontab?: string
  readonly cron?: string
  readonly at?: Date
  readonly solar?: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly queue?: string
  readonly priority?: string
  readonly expires?: Date | number
  readonly timezone?: string
  readonly dst?: string
  readonly catchUp?: string
  readonly overlap?: string
  readonly jitter?: string
  readonly startAt?: Date
  readonly endAt?: Date
  readonly maxRuns?: number
  readonly paused?: boolean
}

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
        const schedule = await scheduleOf(words)
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
        const schedule = await scheduleOf(words)
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
            const zone = timezone ?? (schedule === undefined ? await zoneOf(app, of) : app.settings.timezone)
            const ticks = await app.beat.next(schedule ?? of, count)
            if (asJson) json(ticks)
            else io.out(nextLines(ticks, zone))
          },
          false,
        ),
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
    next,
    importing,
  ]
}

const withWords = (command: Command): Command =>
  command
    .option('--every <interval>', 'seconds, or 5m, 1h30m')
    .option('--crontab <fields>', "Celery's: minute, hour, day of month, month, day of week: '15 2 * * *'")
    .option('--cron <expression>', "the standard expression: '0 9 * * 5#3'")
    .option('--at <date>', 'once (ISO; UTC without an offset)', moment)
    .option('--solar <event,lat,lon>', 'sunrise,52.5,13.4')
    .option('-a, --args <json>', "positional arguments, a JSON array: '[2, 2]'", jsonArray)
    .option('-k, --kwargs <json>', `keyword arguments, a JSON object: '{"x": 2}'`, jsonObject)
    .option('--queue <name>', 'the queue, instead of the one that the routes say')
    .option('--priority <n>', '0 to 9')
    .option(
      '--expires <when>',
      'a run that did not start by then is not run: seconds after its tick, or a date',
      momentOrSeconds,
    )
    .option('--timezone <zone>', 'of the calendar, such as Europe/Berlin')
    .option('--dst <policy>', 'once, skip or twice, at an hour that the clocks skip or repeat')
    .option('--catch-up <policy>', 'last, skip or all, for ticks that nobody ran in time')
    .option('--overlap <policy>', 'allow, skip or queue, while an earlier run goes on')
    .option('--jitter <interval>', 'up to so much later than the tick')
    .option('--start-at <date>', 'no tick before', moment)
    .option('--end-at <date>', 'no tick after', moment)
    .option('--max-runs <n>', 'no more runs in all', whole)
    .option('--paused', 'starts paused')

/** What app.beat takes under the same name. */
const optionsOf = ({
  queue,
  priority,
  expires,
  timezone,
  dst,
  catchUp,
  overlap,
  jitter,
  startAt,
  endAt,
  maxRuns,
  paused,
}: EntryWords) => {
  const given = { queue, expires, timezone, dst, catchUp, overlap, startAt, endAt, maxRuns, paused }
  const more = {
    priority: priority === undefined ? undefined : Number(priority),
    jitter: jitter === undefined ? undefined : intervalOf(jitter),
  }
  return Object.fromEntries(Object.entries({ ...given, ...more }).filter(([, value]) => value !== undefined))
}

const intervalOf = (text: string): string | number => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)

const scheduleOf = async (words: EntryWords) => {
  const { every, crontab, cron, solar, clocked } = await library()
  const given = (['every', 'crontab', 'cron', 'at', 'solar'] as const).filter(
    (word) => words[word] !== undefined,
  )
  if (given.length > 1)
    throw new Fault(`Only one of ${given.map((word) => `--${word}`).join(', ')} can be said.`)
  if (words.every !== undefined) return every(intervalOf(words.every))
  if (words.crontab !== undefined) return crontab(words.crontab)
  if (words.cron !== undefined) return cron(words.cron)
  if (words.at !== undefined) return clocked(words.at)
  if (words.solar === undefined) return undefined
  const [event = '', latitude, longitude] = words.solar.split(',')
  return solar(event as Parameters<typeof solar>[0], Number(latitude), Number(longitude))
}

/** Undefined: it is the name of an entry. */
const expressionOf = async (text: string, timezone: string | undefined) => {
  const { every, crontab, cron } = await library()
  const fields = text.trim().split(/\s+/)
  const where = timezone === undefined ? {} : { timezone }
  if (fields.length === 5 && !/[#LW?]/.test(text)) return crontab(text, where)
  if (fields.length === 5 || fields.length === 6) return cron(text, where)
  return /^(\d+(\.\d+)?(ms|[smhdw])?)+$/.test(text) ? every(intervalOf(text)) : undefined
}

const zoneOf = async (app: AppPort, name: string): Promise<string> => (await app.beat.get(name)).timezone

/** Another task, or other arguments for the one that it has. */
const runOf = async (app: AppPort, name: string, { task, args, kwargs }: EntryWords) => {
  if (task === undefined && args === undefined && kwargs === undefined) return undefined
  const { definition } = await app.beat.get(name)
  const { run } = definition
  if (task === undefined && run.subtask_type !== null)
    throw new Fault(
      `${name} runs a ${run.subtask_type}, which is changed in code; --task puts a task in its place.`,
    )
  const { signature } = await library()
  return signature(task ?? run.task, {
    args: args ?? (task === undefined ? run.args : []),
    kwargs: kwargs ?? (task === undefined ? run.kwargs : {}),
    immutable: true,
  })
}
