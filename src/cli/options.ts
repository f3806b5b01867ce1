// Reading the words of a command line: numbers, lists, levels, JSON. Each says what it expected; commander
// puts the option's name before it.
import { InvalidArgumentError, type Command, Option } from 'commander'
import { readingFor } from '../config.js'
import { type LogLevel, logLevels } from '../log.js'
import { Fault } from './fault.js'
import type { Io } from './io.js'

const expected = (what: string): InvalidArgumentError => new InvalidArgumentError(`Expected ${what}.`)

export const whole = (text: string): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text.trim()) || value < 1) throw expected('a whole number of at least 1')
  return value
}

export const priorityOption = (text: string): number => {
  if (!/^\d$/.test(text.trim())) throw expected('a whole number from 0 to 9')
  return Number(text)
}

export const port = (text: string): number => {
  const value = Number(text)
  if (!/^\d+$/.test(text.trim()) || value > 65_535) throw expected('a port, a whole number up to 65535')
  return value
}

/** Celery's `10,3`: the larger one is the most, the smaller one the least; alone, a number is the most. */
export const autoscale = (text: string): { readonly max: number; readonly min: number } => {
  const numbers = text.split(',').map((part) => (/^\d+$/.test(part.trim()) ? Number(part) : Number.NaN))
  const [max = Number.NaN, min = 0] = [...numbers].sort((a, b) => b - a)
  if (numbers.length > 2 || numbers.some(Number.isNaN) || max < 1)
    throw expected('max,min, two whole numbers such as 10,3')
  return { max, min }
}

export const secondsOption = (text: string): number => {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw expected('a number of seconds')
  return value
}

const list = (text: string): readonly string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')

export const umask = (text: string): number => {
  if (!/^(0o?)?[0-7]{1,4}$/.test(text.trim())) throw expected('an octal mask such as 022')
  return Number.parseInt(text.trim().replace(/^0o/, ''), 8)
}

/** Given several times, the lists are joined. */
export const lists = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...list(text),
]

export const level = (text: string): LogLevel => {
  const name = text.toUpperCase() === 'FATAL' ? 'CRITICAL' : text.toUpperCase()
  const known = logLevels.find((candidate) => candidate === name)
  if (known === undefined) throw expected(`one of ${logLevels.join(', ')}`)
  return known
}

export const jsonArray = (text: string): readonly unknown[] => {
  const value = parsed(text)
  if (!Array.isArray(value)) throw expected("a JSON array such as '[2, 2]'")
  return value
}

export const jsonObject = (text: string): Readonly<Record<string, unknown>> => {
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw expected(`a JSON object such as '{"x": 2}'`)
  return value as Record<string, unknown>
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const dateExample = 'a date such as 2026-11-20T21:30:00+01:00'

/** An ISO date; without an offset it is UTC, as for Celery. */
export const moment = (text: string): Date => {
  const date = dateOf(text)
  if (date === undefined) throw expected(dateExample)
  return date
}

/** `none` takes away what there is. (commander takes null for an empty text.) */
export const orNone =
  <T>(read: (text: string) => T) =>
  (text: string): T | 'none' =>
    text.trim() === 'none' ? 'none' : read(text)

/** Seconds from now, or a date. */
export const momentOrSeconds = (text: string): Date | number => {
  const when = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : dateOf(text)
  if (when === undefined) throw expected(`seconds or ${dateExample}`)
  return when
}

const dateOf = (text: string): Date | undefined => {
  const iso = text.trim().replace(' ', 'T')
  if (!/^\d{4}-\d\d-\d\d(T|$)/.test(iso)) return undefined
  // Date takes the 31st of February for the 3rd of March.
  if (new Date(iso.slice(0, 10)).getUTCDate() !== Number(iso.slice(8, 10))) return undefined
  const date = new Date(iso.includes('T') && !/(?:Z|[+-]\d\d:?\d\d)$/i.test(iso) ? `${iso}Z` : iso)
  return Number.isNaN(date.getTime()) ? undefined : date
}

const yes = ['1', 'true', 'yes', 'on', 't', 'y']
const no = ['0', 'false', 'no', 'off', 'f', 'n']
const python: Readonly<Record<string, unknown>> = { True: true, False: false, None: null, null: null }

/** What a text may mean, the likeliest first: JSON or a word of Python's; yes or no; itself. */
const readings = (text: string): readonly unknown[] => {
  const value = Object.hasOwn(python, text) ? python[text] : (parsed(text) ?? text)
  const word = text.toLowerCase()
  return [value, ...(yes.includes(word) ? [true] : no.includes(word) ? [false] : []), text]
}

/** `setting=value` words, in any spelling of the setting; dots are Celery's. The setting decides what its text means. */
export const settingWords = (words: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=')
      if (at < 1)
        throw new Fault(
          `"${word}" is neither an option nor a setting.\nSettings are written setting=value, for example worker_concurrency=10`,
        )
      const name = word.slice(0, at).replaceAll('.', '_')
      return [name, readingFor(name, readings(word.slice(at + 1)))]
    }),
  )

/** An option of Celery's that is not here: understood, and refused with a sentence. Not in --help. */
export const refused = (command: Command, flags: string, sentence: string): void => {
  const option = new Option(flags).hideHelp()
  command.addOption(option)
  command.on(`option:${option.name()}`, () => {
    throw new Fault(`${option.long}: ${sentence}`)
  })
}

/** `CELERY_WORKER_CONCURRENCY=4` (LOVAGE_… first) stands for `--concurrency 4` where that is not given. */
export const readEnvironment = (command: Command, io: Io): void => {
  const prefix = command.parent === null ? '' : `${command.name().toUpperCase()}_`
  for (const option of command.options) {
    const key = option.attributeName()
    if (option.hidden || command.getOptionValueSource(key) === 'cli') continue
    const name = `${prefix}${option.name().toUpperCase().replaceAll('-', '_')}`
    const variable = [`LOVAGE_${name}`, `CELERY_${name}`].find((candidate) => io.env[candidate])
    const text = variable === undefined ? undefined : io.env[variable]
    if (variable === undefined || text === undefined) continue
    if (option.isBoolean() || option.negate) {
      const on = yes.includes(text.toLowerCase())
      if (on) command.setOptionValueWithSource(key, !option.negate, 'env')
      continue
    }
    try {
      const value: unknown = option.parseArg === undefined ? text : option.parseArg(text, undefined)
      if (option.argChoices !== undefined && !option.argChoices.includes(text))
        throw expected(`one of ${option.argChoices.join(', ')}`)
      command.setOptionValueWithSource(key, value, 'env')
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error
      throw new Fault(`${variable}=${text}: ${error.message}`)
    }
  }
}
