// The worker's log: Celery's lines, to standard error or a file, coloured on a terminal.
import { closeSync, openSync, writeSync } from 'node:fs'
import type { createColors } from 'picocolors'
import { createLogger, jsonFormat, type LogFormat, type Logger, type LogLevel, textFormat } from '../log.js'
import { Fault } from './fault.js'

type Colors = ReturnType<typeof createColors>

const coloured =
  (colors: Colors): LogFormat =>
  (level, message, fields, at) => {
    const line = textFormat(level, message, fields, at)
    if (level === 'DEBUG') return colors.blue(line)
    if (level === 'WARNING') return colors.yellow(line)
    if (level === 'ERROR') return colors.red(line)
    return level === 'CRITICAL' ? colors.magenta(line) : line
  }

export interface LogOptions {
  readonly level: LogLevel
  readonly format: 'text' | 'json'
  /** No colours where they are off. */
  readonly colors: Colors
  /** Appended to; standard error without. */
  readonly file: string | undefined
  readonly err: (line: string) => void
}

export const openLog = ({ level, format, colors, file, err }: LogOptions): Logger & { close(): void } => {
  if (file === undefined)
    return {
      ...createLogger({ level, format: format === 'json' ? jsonFormat : coloured(colors), write: err }),
      close: () => undefined,
    }
  let descriptor: number
  let failed = false
  try {
    descriptor = openSync(file, 'a')
  } catch (error) {
    throw new Fault(`--logfile ${file} cannot be written: ${(error as Error).message}`, 2, error)
  }
  return {
    ...createLogger({
      level,
      format: format === 'json' ? jsonFormat : textFormat,
      write: (line) => {
        try {
          writeSync(descriptor, `${line}\n`)
          failed = false
        } catch (error) {
          // A full disk must not end the worker. The line goes where somebody may see it.
          if (!failed) err(`--logfile ${file} cannot be written: ${(error as Error).message}`)
          failed = true
          err(line)
        }
      },
    }),
    close: () => closeSync(descriptor),
  }
}
