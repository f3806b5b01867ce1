// The words that say what an entry is: the options of `lovage beat add` and `update`, and what app.beat takes for
// them.
import type { Command } from 'commander'
import { library, type AppPort } from './app-port.js'
import { Fault } from './fault.js'
import { jsonArray, jsonObject, moment, momentOrSeconds, orNone, priorityOption, whole } from './options.js'

export interface EntryWords {
  readonly task?: string
  readonly every?: string
  readonly crontab?: string
  readonly cron?: string
  readonly at?: Date
  readonly solar?: string
  readonly args?: readonly unknown[]
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly queue?: string
  readonly priority?: number
  readonly expires?: Date | number
  readonly timezone?: string
  readonly dst?: string
  readonly catchUp?: string
  readonly overlap?: string
  readonly jitter?: string
  readonly startAt?: Date | 'none'
  readonly endAt?: Date | 'none'
  readonly maxRuns?: number | 'none'
  readonly paused?: boolean
}

export const withWords = (command: Command): Command =>
  command
    .option('--every <interval>', 'seconds, or 5m, 1h30m')
    .option('--crontab <fields>', "Celery's: minute, hour, day of month, month, day of week: '15 2 * * *'")
    .option('--cron <expression>', "the standard expression: '0 9 * * 5#3'")
    .option('--at <date>', 'once (ISO; UTC without an offset)', moment)
    .option('--solar <event,lat,lon>', 'sunrise,52.5,13.4')
    .option('-a, --args <json>', "positional arguments, a JSON array: '[2, 2]'", jsonArray)
    .option('-k, --kwargs <json>', `keyword arguments, a JSON object: '{"x": 2}'`, jsonObject)
    .option('--queue <name>', 'the queue, instead of the one that the routes say')
    .option('--priority <n>', '0 to 9', priorityOption)
    .option(
      '--expires <when>',
      'a run that did not start by then is not run: seconds after it was sent, or a date',
      momentOrSeconds,
    )
    .option('--timezone <zone>', 'of the calendar, such as Europe/Berlin')
    .option('--dst <policy>', 'once, skip or twice, at an hour that the clocks skip or repeat')
    .option('--catch-up <policy>', 'last, skip or all, for ticks that nobody ran in time')
    .option('--overlap <policy>', 'allow, skip or queue, while an earlier run goes on')
    .option('--jitter <interval>', 'up to so much later than the tick')
    .option('--start-at <date>', 'no tick before; none takes it away, here and below', orNone(moment))
    .option('--end-at <date>', 'no tick after', orNone(moment))
    .option('--max-runs <n>', 'no more runs in all', orNone(whole))
    .option('--paused', 'starts paused')

/** What app.beat takes under the same name. */
export const optionsOf = ({
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
  const bounds = { startAt: boundOf(startAt), endAt: boundOf(endAt), maxRuns: boundOf(maxRuns) }
  const given = { queue, priority, expires, timezone, dst, catchUp, overlap, ...bounds, paused }
  const more = { jitter: jitter === undefined ? undefined : intervalOf(jitter) }
  return Object.fromEntries(Object.entries({ ...given, ...more }).filter(([, value]) => value !== undefined))
}

const boundOf = <T>(given: T | 'none'): T | null => (given === 'none' ? null : given)

const intervalOf = (text: string): string | number => (/^\d+(\.\d+)?$/.test(text) ? Number(text) : text)

const numberOf = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text))

/** What is wrong with it names the entry. */
export const scheduleOf = async (name: string, words: EntryWords) => {
  try {
    return await readSchedule(words)
  } catch (error) {
    if (error instanceof Error && error.name === 'ImproperlyConfigured')
      error.message = `Beat entry ${JSON.stringify(name)}: ${error.message}`
    throw error
  }
}

const readSchedule = async (words: EntryWords) => {
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
  const [event, ...place] = words.solar.split(',')
  const [latitude = Number.NaN, longitude = Number.NaN, ...rest] = place.map(numberOf)
  if (rest.length > 0 || Number.isNaN(latitude + longitude))
    throw new Fault(
      `--solar: expected event,latitude,longitude such as sunrise,52.5,13.4, got ${words.solar}.`,
    )
  return solar(event as Parameters<typeof solar>[0], latitude, longitude)
}

/** Undefined: it is the name of an entry. */
export const expressionOf = async (text: string, timezone: string | undefined) => {
  const { every, crontab, cron } = await library()
  const fields = text.trim().split(/\s+/)
  const where = timezone === undefined ? {} : { timezone }
  if (fields.length === 5 && !/[#LW?]/.test(text)) return crontab(text, where)
  if (fields.length === 5 || fields.length === 6) return cron(text, where)
  return /^(\d+(\.\d+)?(ms|[smhdw])?)+$/.test(text) ? every(intervalOf(text)) : undefined
}

/** Another task, or other arguments for the one that it has. */
export const runOf = async (app: AppPort, name: string, { task, args, kwargs }: EntryWords) => {
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
