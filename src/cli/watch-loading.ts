// A user's file that ends the process while it is loaded, or never ends loading: nothing comes back then that could
// be caught, so somebody has to listen.
import { writeSync } from 'node:fs'

const usualSlowMs = 5000

const remedy = 'What a module does at its top level must come to an end, and must not end the process.'

/** Call the answer when the file is loaded, or has failed to. `say` may have to write at once: the process ends. */
export const watchLoading = (
  name: string,
  slowMs = usualSlowMs,
  say: (line: string) => void = (line) => void writeSync(2, `${line}\n`),
): (() => void) => {
  // Node is out of work, which is no end that somebody chose.
  let isDry = false
  const onDry = (): void => {
    isDry = true
  }
  const onExit = (code: number): void => {
    const how = isDry
      ? 'it waits at its top level for what never comes (an await that nothing can settle)'
      : `it ended the process (exit code ${code})`
    say(`lovage: ${name} cannot be loaded: ${how}.\n${remedy}`)
    // Also where it was 0: no command has done what it was asked for.
    process.exitCode = 2
  }
  process.once('beforeExit', onDry)
  process.once('exit', onExit)
  const timer = setTimeout(
    () => say(`lovage: ${name} has been loading for ${slowMs / 1000} s. ${remedy}`),
    slowMs,
  )
  timer.unref()
  return () => {
    process.off('beforeExit', onDry)
    process.off('exit', onExit)
    clearTimeout(timer)
  }
}
