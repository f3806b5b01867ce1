// lovage result ID: waits for a result and prints it; a failure is printed as its traceback, exit code 1.
import { inspect } from 'node:util'
import { Command } from 'commander'
import { isOperationalError } from '../errors.js'
import { appFor, type Context } from './context.js'
import { Fault, sentenceOf } from './fault.js'
import { secondsOption } from './options.js'

interface ResultOptions {
  readonly task?: string
  readonly traceback?: boolean
  readonly timeout?: number
}

export const resultCommand = ({ io }: Context): Command =>
  new Command('result')
    .description('wait for the result of a task, and print it')
    .argument('<id>', 'the id that `call` printed')
    .option('-t, --task <name>', 'the name of the task (for Celery’s sake; an id says enough)')
    .option('--traceback', 'print the traceback instead of the value')
    .option('--timeout <seconds>', 'wait no longer than this', secondsOption)
    .action(async (id: string, { traceback, timeout }: ResultOptions, command: Command) => {
      const app = await appFor(command, io, false)
      try {
        const result = app.result(id)
        try {
          const value = await result.get(timeout === undefined ? {} : { timeout })
          io.out(traceback ? 'None' : valueText(value))
        } catch (error) {
          // Who cannot be reached is not asked a second time.
          if (isOperationalError(error)) throw error
          const state = await result.state()
          const text = (await result.traceback()) ?? ''
          if (state === 'PENDING' || !['FAILURE', 'REVOKED'].includes(state)) throw error
          if (traceback) io.out(text.trimEnd())
          else
            throw new Fault([text.trimEnd(), sentenceLine(text, error)].filter(Boolean).join('\n'), 1, error)
        }
      } finally {
        await app.close()
      }
    })

/** A stored traceback mostly ends with the error, or begins with it. */
const sentenceLine = (traceback: string, error: unknown): string => {
  const sentence = error instanceof Error ? `${error.name}: ${error.message}` : sentenceOf(error)
  return error instanceof Error && traceback.includes(error.message) && traceback.includes(error.name)
    ? ''
    : sentence
}

/** A text as it is, plain data as JSON, anything else as Node shows it. */
export const valueText = (value: unknown): string => {
  if (typeof value === 'string') return value
  return isPlain(value) ? JSON.stringify(value) : inspect(value, { depth: null, breakLength: 100 })
}

const isPlain = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (Array.isArray(value)) return value.every(isPlain)
  return (
    typeof value === 'object' &&
    [Object.prototype, null].includes(Object.getPrototypeOf(value) as null) &&
    Object.values(value).every(isPlain)
  )
}
