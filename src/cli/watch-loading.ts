// A user's file that ends the process while it is loaded, or never ends loading: nothing comes back then that could
// be caught, so somebody has to listen. How long it takes is looked at in a thread: a loop at the top level of the
// file gives no timer of this one its turn.
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const usualSlowMs = 5000

const remedy = 'What a module does at its top level must come to an end, and must not end the process.'

const bell = `
  const { line, ms, fd } = require('node:worker_threads').workerData
  setTimeout(() => {
    try {
      require('node:fs').writeSync(fd, line)
    } catch {
      // Nobody reads it.
    }
  }, ms)
`

/** Call the answer when the file is loaded, or has failed to. What is wrong is written to `fd`. */
export const watchLoading = (
  name: string,
  { slowMs = usualSlowMs, fd = 2 }: { readonly slowMs?: number; readonly fd?: number } = {},
): (() => Promise<unknown>) => {
  // Node is out of work, which is no end that somebody chose.
  let isDry = false
  const onDry = (): void => {
    isDry = true
  }
  const onExit = (code: number): void => {
    const how = isDry
      ? 'it waits at its top level for what never comes (an await that nothing can settle)'
      : `it ended the process (exit code ${code})`
    // At once: the process ends.
    writeSync(fd, `lovage: ${name} cannot be loaded: ${how}.\n${remedy}\n`)
    // Also where it was 0: no command has done what it was asked for.
    process.exitCode = 2
  }
  process.once('beforeExit', onDry)
  process.once('exit', onExit)
  const line = `lovage: ${name} has been loading for ${slowMs / 1000} s. ${remedy}\n`
  // What the user's NODE_OPTIONS load beforehand is for the program, and not for a clock.
  const bare = { execArgv: [], env: {} }
  const thread = new Worker(bell, { ...bare, eval: true, workerData: { line, ms: slowMs, fd } })
  thread.unref()
  return () => {
    process.off('beforeExit', onDry)
    process.off('exit', onExit)
    return thread.terminate()
  }
}
