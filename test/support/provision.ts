// Things that tests need and that are made once: each lives in a directory under node_modules/.cache,
// and `.ready` in it says that it is whole. Test processes race for it; one makes it, the others wait.
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.js'

export const cacheRoot = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/** The directory of this name, made by `make` unless it is already whole. Rejects if `make` does. */
export async function provision(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const directory = join(cacheRoot, name)
  if (isProvisioned(name)) return directory

  const release = await until(() => claim(name), {
    timeout: 600_000,
    interval: 100,
    message: `Another process has been making ${directory} for ten minutes. If none is, remove ${directory}.lock`,
  })
  try {
    if (isProvisioned(name)) return directory
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    await make(directory)
    writeFileSync(join(directory, '.ready'), `${new Date().toISOString()}\n`)
    return directory
  } finally {
    release()
  }
}

export const isProvisioned = (name: string): boolean => existsSync(join(cacheRoot, name, '.ready'))

/** Takes a name for this process alone, or answers undefined; the claim of a dead process is void. */
export function claim(name: string): (() => void) | undefined {
  mkdirSync(cacheRoot, { recursive: true })
  const lock = join(cacheRoot, `${name}.lock`)
  const owner = String(process.pid)
  try {
    writeFileSync(lock, owner, { flag: 'wx' })
  } catch {
    const owner = readOwner(lock)
    if (!isAlive(owner)) remove(lock, owner)
    return undefined
  }
  return () => {
    if (readOwner(lock) === owner) rmSync(lock, { force: true })
  }
}

/** Several may find the same dead owner's lock; only that one is removed, not the one of who came next. */
function remove(lock: string, deadOwner: string): void {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
    if (readOwner(aside) !== deadOwner) linkSync(aside, lock)
    rmSync(aside)
  } catch {
    // Someone else was quicker.
  }
}

function readOwner(lock: string): string {
  try {
    return readFileSync(lock, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(owner: string): boolean {
  // Created and not yet written: its owner is about to.
  if (owner === '') return true
  try {
    process.kill(Number(owner), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
