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

/** `none`: no such file, or an empty one, whose worker died before it could write. `other`: nothing of a worker's. */
const holder = (path: string): number | 'none' | 'other' => {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'none' : 'other'
  }
  if (text === '') return 'none'
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 'other'
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
    // Whatever it is, somebody may need it.
    if (pid === 'other')
      throw new Fault(
        `--pidfile ${path} is there and holds no process id: no worker has written it, and it is left as it is.\n` +
          'Give another path, or remove it.',
      )
    if (pid !== 'none' && pid !== process.pid && isAlive(pid))
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
