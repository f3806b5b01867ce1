// The file of --logfile. It may be moved away while it is written (logrotate): as in Celery, the next lines go to a
// new one of its name. A disk that is full must not end the worker: then lines go where somebody may see them.
import { closeSync, fstatSync, openSync, statSync, writeSync } from 'node:fs'
import { Fault } from './fault.js'

export interface LogFile {
  readonly write: (line: string) => void
  readonly close: () => void
}

/** Looking costs more than writing: a moved file gets lines for so long. */
const lookEveryMs = 1000

const isStillAt = (descriptor: number, path: string): boolean => {
  const there = statSync(path, { throwIfNoEntry: false })
  const ours = fstatSync(descriptor)
  return there?.ino === ours.ino && there.dev === ours.dev
}

/** `err` hears of what cannot be written. */
export const openLogFile = (path: string, err: (line: string) => void, everyMs = lookEveryMs): LogFile => {
  const sentence = (error: unknown): string =>
    `--logfile ${path} cannot be written: ${(error as Error).message}`
  let descriptor: number
  try {
    descriptor = openSync(path, 'a')
  } catch (error) {
    throw new Fault(sentence(error), 2, error)
  }
  let failed = false
  let lookedAt = performance.now()

  const follow = (): void => {
    if (performance.now() - lookedAt < everyMs) return
    lookedAt = performance.now()
    if (isStillAt(descriptor, path)) return
    // The new one first: without it the old one is better than none.
    const next = openSync(path, 'a')
    closeSync(descriptor)
    descriptor = next
  }

  return {
    write: (line) => {
      try {
        follow()
        writeSync(descriptor, `${line}\n`)
        failed = false
      } catch (error) {
        if (!failed) err(sentence(error))
        failed = true
        err(line)
      }
    },
    close: () => closeSync(descriptor),
  }
}
