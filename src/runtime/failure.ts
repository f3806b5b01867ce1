// Errors on the wire: Celery's exception object, both ways.
//
//   {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"}
//
// Python looks `exc_type` up in `exc_module` and calls it with the message array. `builtins` is written
// only for names that Python builds from any arguments; SystemExit and its like would be raised for real.
import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import * as family from '../errors.js'
import { RemoteTaskError } from '../errors.js'
import { decodeJson, encodePython } from './json.js'
import { repr } from './repr.js'

/** Celery's exception object, decoded. */
export interface ExceptionInfo {
  readonly exc_type: string
  readonly exc_message: readonly unknown[]
  readonly exc_module: string | null
}

const pythonBuiltins = new Set(
  (
    'Exception ValueError TypeError KeyError IndexError LookupError RuntimeError RecursionError ArithmeticError ' +
    'ZeroDivisionError OverflowError FloatingPointError AttributeError AssertionError NotImplementedError ' +
    'NameError MemoryError BufferError EOFError ImportError OSError ConnectionError PermissionError ' +
    'FileNotFoundError FileExistsError TimeoutError'
  ).split(' '),
)

const messageOf = (error: Error): readonly unknown[] => {
  const args = (error as { args?: unknown }).args
  return Array.isArray(args) ? args : [error.message]
}

const moduleOf = (error: Error, type: string): string => {
  const own = (error.constructor as { excModule?: unknown }).excModule
  if (typeof own === 'string') return own
  return pythonBuiltins.has(type) ? 'builtins' : 'lovage'
}

/** Also of another realm (`node:vm`, a test runner's). */
const isError = (thrown: unknown): thrown is Error => thrown instanceof Error || types.isNativeError(thrown)

/** What the world is told of an error; anything may have been thrown, also what throws when it is looked at. */
export const toExceptionInfo = (thrown: unknown): ExceptionInfo =>
  lookedAt(
    () => infoOf(thrown),
    (why) => ({
      exc_type: 'Exception',
      exc_message: [`an error that cannot be read${why}`],
      exc_module: 'builtins',
    }),
  )

/** `hidden` is told why, as far as that can be read. */
const lookedAt = <T>(look: () => T, hidden: (why: string) => T): T => {
  try {
    return look()
  } catch (trouble) {
    try {
      return hidden(`: ${String(trouble)}`)
    } catch {
      return hidden('')
    }
  }
}

const infoOf = (thrown: unknown): ExceptionInfo => {
  if (!isError(thrown)) {
    const text = typeof thrown === 'string' ? thrown : repr(thrown)
    return { exc_type: 'Exception', exc_message: [text], exc_module: 'builtins' }
  }
  const remote = thrown as Partial<RemoteTaskError>
  if (typeof remote.excType === 'string' && Array.isArray(remote.excMessage))
    return { exc_type: remote.excType, exc_message: remote.excMessage, exc_module: remote.excModule ?? null }
  const name = String(thrown.name || 'Error')
  const type = name === 'Error' ? 'Exception' : name
  return { exc_type: type, exc_message: messageOf(thrown), exc_module: moduleOf(thrown, type) }
}

const encodable = (part: unknown): unknown => {
  try {
    encodePython(part)
    return part
  } catch {
    return repr(part)
  }
}

/** The JSON text of an exception object; a part of the message that cannot travel becomes its repr. */
export const encodeException = (info: ExceptionInfo): string => {
  const parts = info.exc_message.map((part) => encodePython(encodable(part))).join(', ')
  return (
    `{"exc_type": ${encodePython(info.exc_type)}, "exc_message": [${parts}], ` +
    `"exc_module": ${encodePython(info.exc_module)}}`
  )
}

const home = fileURLToPath(new URL('..', import.meta.url))

/** Where Node calls in from its event loop. */
const loop = /node:(async_hooks|internal\/(timers|process\/task_queues))/

/** The stack down to the user's own code: how a worker came to call it says nothing. */
const ownStack = (error: Error): string => {
  const { stack } = error
  if (stack === undefined) return `${error.name}: ${error.message}`
  const lines = stack.split('\n')
  return lines
    .filter((line) => !(/^\s+at /.test(line) && (line.includes(home) || loop.test(line))))
    .join('\n')
}

/** The text of the stack with its causes, for `traceback`. */
export const tracebackOf = (thrown: unknown): string | null =>
  lookedAt(
    () => stacksOf(thrown),
    () => null,
  )

const stacksOf = (thrown: unknown): string | null => {
  if (!isError(thrown)) return null
  const lines: string[] = []
  for (let error: unknown = thrown, depth = 0; isError(error) && depth < 10; error = error.cause, depth += 1)
    lines.push(`${depth > 0 ? 'Caused by: ' : ''}${ownStack(error)}`)
  return lines.join('\n')
}

/** `ValueError('boom', 42)`, as Python would print it in logs and chord errors. */
export const reprException = (info: ExceptionInfo): string => {
  const parts = info.exc_message.map((part) => repr(part)).join(', ')
  return `${info.exc_type}(${parts})`
}

export type ErrorClass = new (...args: any[]) => Error

const textOf = (part: unknown): string => (typeof part === 'string' ? part : repr(part))

/** Ours, known to every app: Python and Node both store them. */
const ourClasses: ReadonlyMap<string, (info: ExceptionInfo) => Error> = new Map(
  [
    family.TaskRevokedError,
    family.ChordError,
    family.MaxRetriesExceededError,
    family.WorkerLostError,
    family.InvalidTaskError,
    family.EncodeError,
    family.DecodeError,
    family.ContentDisallowed,
  ]
    .map((Class): [string, (info: ExceptionInfo) => Error] => [
      Class.name,
      (info) => new Class(info.exc_message.map(textOf).join(', ')),
    ])
    .concat([
      ['NotRegistered', (info) => new family.NotRegistered(textOf(info.exc_message[0] ?? ''))],
      ['SoftTimeLimitExceeded', () => new family.SoftTimeLimitExceeded()],
      ['TimeLimitExceeded', (info) => new family.TimeLimitExceeded(Number(info.exc_message[0] ?? 0))],
    ]),
)

const ourModules = new Set(['celery.exceptions', 'billiard.exceptions', 'kombu.exceptions', 'lovage'])

/** Reads any JSON value as an exception object; what is not one still becomes an error that can be thrown. */
export const readExceptionInfo = (value: unknown): ExceptionInfo => {
  if (value === null || typeof value !== 'object')
    return { exc_type: 'Exception', exc_message: value == null ? [] : [value], exc_module: 'builtins' }
  const { exc_type, exc_message, exc_module } = value as Record<string, unknown>
  return {
    exc_type: typeof exc_type === 'string' && exc_type !== '' ? exc_type : 'ValueError',
    exc_message: Array.isArray(exc_message) ? exc_message : exc_message == null ? [''] : [exc_message],
    exc_module: typeof exc_module === 'string' ? exc_module : null,
  }
}

/** The error to throw for a stored failure: a class registered under the name, one of ours, or RemoteTaskError. */
export const rebuildError = (
  value: unknown,
  traceback: string | null,
  registered: ReadonlyMap<string, ErrorClass>,
): Error => {
  const info = readExceptionInfo(value)
  const own = registered.get(info.exc_type)
  if (own !== undefined)
    try {
      const error = new own(...info.exc_message)
      if (traceback !== null)
        Object.defineProperty(error, 'traceback', { value: traceback, configurable: true })
      return error
    } catch {
      // The class wants other arguments than its `args` told: the facts still reach the caller below.
    }
  const ours = ourModules.has(info.exc_module ?? '') ? ourClasses.get(info.exc_type) : undefined
  if (ours !== undefined) {
    const error = ours(info)
    if (traceback !== null)
      Object.defineProperty(error, 'traceback', { value: traceback, configurable: true })
    return error
  }
  return new RemoteTaskError({
    excType: info.exc_type,
    excModule: info.exc_module,
    excMessage: info.exc_message,
    traceback,
  })
}

/** An exception object from its JSON text (a chord member). */
export const decodeException = (text: string): ExceptionInfo => readExceptionInfo(decodeJson(text))
