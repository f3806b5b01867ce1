// One worker for each pidfile: refused with 73 while its process lives, taken over when it does not.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Fault } from './fault.js'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Somebody else's process is alive as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const holder = (path: string): number | undefined => {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10)
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}

/** Writes our pid; call the answer to remove the file. `tell` hears of one that was left behind. */
export const takePidfile = (path: string, tell: (line: string) => void): (() => void) => {
  const write = (): void => writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o644 })
  try {
    write()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new Fault(`--pidfile ${path} cannot be written: ${(error as Error).message}`, 1, error)
    const pid = holder(path)
    if (pid !== undefined && pid !== process.pid && isAlive(pid))
      throw new Fault(
        `ERROR: Pidfile (${path}) already exists.\nSeems we're already running? (pid: ${pid})`,
        73,
      )
    tell('Stale pidfile exists - Removing it.')
    rmSync(path, { force: true })
    write()
  }
  return () => {
    if (holder(path) === process.pid) rmSync(path, { force: true })
  }
}
