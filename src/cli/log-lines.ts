// The worker's log: Celery's lines, to standard error or a file, coloured on a terminal.
import type { createColors } from 'picocolors'
import { createLogger, jsonFormat, type LogFormat, type Logger, type LogLevel, textFormat } from '../log.js'
import { openLogFile } from './log-file.js'

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
  const { write, close } = openLogFile(file, err)
  return { ...createLogger({ level, format: format === 'json' ? jsonFormat : textFormat, write }), close }
}
