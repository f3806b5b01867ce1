// The Logger port, and the console one: Celery's line format, so that operators' greps keep working.
//
//   [2026-11-20 21:27:48,410: INFO/MainProcess] Task proj.add[id] received

export type LogLevel = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL'

export const logLevels: readonly LogLevel[] = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL']

/**
 * What Lovage writes to. `fields` are the same facts for machines; `processName` among them is who the line is from,
 * where that is not the worker's own process: `ForkPoolWorker-2` is the second child that it started.
 */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warning(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
  critical(message: string, fields?: Readonly<Record<string, unknown>>): void
  /** Whether lines of this level go anywhere: ask before building a dear message. */
  enabled(level: LogLevel): boolean
}

/** How one line looks. */
export type LogFormat = (
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>>,
  at: Date,
) => string

const pad = (value: number, width = 2): string => String(value).padStart(width, '0')

/** Local time, as Python's logging writes it: `2026-11-20 21:27:48,410`. */
const logTime = (at: Date): string =>
  `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ` +
  `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())},${pad(at.getMilliseconds(), 3)}`

/** `\n` as two characters, `\x1b` as four. */
const escaped = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (char) =>
    char === '\n' ? '\\n' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )

/**
 * Whoever may send a message chooses its id, its task and what an error says: none of that may command a terminal, or
 * look like a line of this log. Tracebacks keep their lines.
 */
const harmless = (message: string, { task, id }: Readonly<Record<string, unknown>>): string => {
  if (!/\p{Cc}/u.test(message)) return message
  let text = message
  for (const name of [task, id])
    if (typeof name === 'string' && name.includes('\n')) text = text.replaceAll(name, () => escaped(name))
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, escaped).replaceAll(/\n(?=\[\d{4}-)/g, '\n    ')
}

/** Celery's line. */
export const textFormat: LogFormat = (level, message, fields, at) => {
  const { processName = 'MainProcess' } = fields
  return `[${logTime(at)}: ${level}/${processName as string}] ${harmless(message, fields)}`
}

/** JSON of whatever stands in there: a line of the log must not fail the task that writes it. */
export const fieldsJson = (fields: Readonly<Record<string, unknown>>): string => {
  const above: unknown[] = []
  const plain = function (this: unknown, _key: string, value: unknown): unknown {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null) return value
    while (above.length > 0 && above.at(-1) !== this) above.pop()
    if (above.includes(value)) return '[circular]'
    const shown =
      value instanceof Error ? { name: value.name, message: value.message, stack: value.stack } : value
    above.push(shown)
    return shown
  }
  try {
    return JSON.stringify(fields, plain)
  } catch (error) {
    return JSON.stringify({ fields: `cannot be shown: ${String(error)}` })
  }
}

/** One JSON object a line, for `workerLogFormat: 'json'`. */
export const jsonFormat: LogFormat = (level, message, fields, at) => {
  const line = JSON.stringify({ time: at.toISOString(), level, message })
  const facts = fieldsJson(fields)
  return facts === '{}' ? line : `${line.slice(0, -1)},${facts.slice(1)}`
}

export interface LoggerOptions {
  readonly level: LogLevel
  readonly format?: LogFormat
  /** Default: standard error. */
  readonly write?: (line: string) => void
}

/** A logger of what becomes of a line of these levels. */
export const loggerOf = (
  levels: readonly LogLevel[],
  write: (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void,
): Logger => {
  const at =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      if (levels.includes(level)) write(level, message, fields)
    }
  return {
    debug: at('DEBUG'),
    info: at('INFO'),
    warning: at('WARNING'),
    error: at('ERROR'),
    critical: at('CRITICAL'),
    enabled: (level) => levels.includes(level),
  }
}

export const createLogger = ({
  level: least,
  format = textFormat,
  write = (line) => void process.stderr.write(`${line}\n`),
}: LoggerOptions): Logger =>
  loggerOf(logLevels.slice(Math.max(0, logLevels.indexOf(least))), (level, message, fields) =>
    write(format(level, message, fields, new Date())),
  )

/** Says nothing; for clients that were given no logger. */
export const silentLogger: Logger = createLogger({ level: 'CRITICAL', write: () => undefined })
