// What user code prints in a child, and what it lets fall: lines of the worker's log, with the task's name and id.
import { currentTask } from './runtime/context.js'
import type { ChildLine } from './pools/pool.js'

type Say = (line: ChildLine) => void

/** Whose it is, as far as that can be known: what a task left behind still bears its name. */
const owner = (): { readonly prefix: string; readonly fields: ChildLine['fields'] } => {
  const task = currentTask()
  if (task === undefined) return { prefix: '', fields: {} }
  const { id, task: name } = task.request
  return { prefix: `${name}[${id}]: `, fields: { task: name, id } }
}

const textOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

const write =
  (say: Say) =>
  (chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    const { prefix, fields } = owner()
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    for (const line of text.replace(/\n$/, '').split('\n'))
      say({ level: 'WARNING', text: prefix + line, fields })
    const done = typeof encoding === 'function' ? encoding : callback
    if (typeof done === 'function') process.nextTick(done as () => void)
    return true
  }

/** `end` ends the child: after an exception that nobody caught, nothing in it can be trusted. */
export const catchOutput = (say: Say, end: () => void): void => {
  process.stdout.write = write(say) as typeof process.stdout.write
  process.stderr.write = write(say) as typeof process.stderr.write
  process.on('unhandledRejection', (reason) => {
    const { prefix, fields } = owner()
    say({
      level: 'CRITICAL',
      text: `${prefix}A promise was rejected and nobody awaited it (a forgotten await?): ${textOf(reason)}`,
      fields,
    })
  })
  process.on('uncaughtException', (error) => {
    const { prefix, fields } = owner()
    say({
      level: 'CRITICAL',
      text: `${prefix}An exception was caught by nobody, and ends this child: ${textOf(error)}`,
      fields,
    })
    end()
  })
}
