// One worker for each pidfile: refused with 73 while its process lives, taken over when it does not.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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

/** The process of this pidfile, while it lives. */
export const runningPid = (path: string): number | undefined => {
  const pid = holder(path)
  return typeof pid === 'number' && isAlive(pid) ? pid : undefined
}

/** There at once with all that it holds: who looks meanwhile must not take a half-written file for a dead worker's. */
const writeNew = (path: string): void => {
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, `${process.pid}\n`, { mode: 0o644 })
  try {
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    // A file system without hard links.
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx', mode: 0o644 })
  } finally {
    rmSync(draft, { force: true })
  }
}

const deadly = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const

/** A signal that nobody else hears ends the process as ever: only `drop` comes first. */
const dropOnDeath = (drop: () => void): (() => void) => {
  const forget = (): void => {
    for (const signal of deadly) process.off(signal, hear)
  }
  const hear = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) return
    forget()
    drop()
    process.kill(process.pid, signal)
  }
  for (const signal of deadly) process.on(signal, hear)
  return forget
}

/** Writes our pid; call the answer to remove the file. `tell` hears of one that was left behind. */
export const takePidfile = (path: string, tell: (line: string) => void): (() => void) => {
  try {
    writeNew(path)
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
    writeNew(path)
  }
  const drop = (): void => {
    if (holder(path) === process.pid) rmSync(path, { force: true })
  }
  const forget = dropOnDeath(drop)
  return () => {
    forget()
    drop()
  }
}
