// PORT ScheduleStore as a file that a person can read. Each change is read, made and renamed into place under a
// lock, so that a kill in the middle leaves the old file whole, and a command beside a beat loses nothing. States
// of runs are gathered for a second: what was fired is remembered by the broker (`place: 'apart'`).
import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OperationalError } from '../errors.js'
import type { Logger } from '../log.js'
import { differing, type Document, parse, plain, print, type Saved, withStates } from './file-document.js'
import { pageSize, type PutOptions, type ScheduleStore, type Stored } from './store.js'

const lookMs = 500
const gatherMs = 1000
/** A lock older than this was left behind by somebody who died. */
const staleLockMs = 10_000

/** False: it changed nothing. */
type Act = (document: Document) => boolean

export class FileStore implements ScheduleStore {
  readonly place = 'apart'
  readonly url: string
  readonly #path: string
  readonly #log: Logger
  readonly #watchers = new Set<(names: readonly string[] | null) => void>()
  #timer: NodeJS.Timeout | undefined
  #seen: { readonly stamp: string; readonly document: Document } | undefined
  /** Said already. */
  #trouble = ''
  #unsaved: Saved[] = []
  #saving: NodeJS.Timeout | undefined
  /** Changes of the next write. */
  readonly #waiting: Act[] = []
  #next: Promise<readonly boolean[]> = Promise.resolve([])
  #work: Promise<unknown> = Promise.resolve()

  constructor(path: string, log: Logger) {
    this.#path = resolve(path)
    this.url = `file ${path}`
    this.#log = log
  }

  async *pages(): AsyncGenerator<readonly Stored[]> {
    const all = [...(await this.#read()).values()]
    for (let from = 0; from < all.length; from += pageSize) yield all.slice(from, from + pageSize).map(plain)
  }

  async get(names: readonly string[]): Promise<readonly (Stored | undefined)[]> {
    const document = await this.#read()
    return names.map((name) => {
      const found = document.get(name)
      return found && plain(found)
    })
  }

  put(name: string, definition: string, { expect, state }: PutOptions): Promise<boolean> {
    return this.#change((document) => {
      const found = document.get(name)
      const known = found === undefined || 'trouble' in found ? undefined : found
      if (expect !== undefined && expect !== (known?.revision ?? 0)) return false
      const first = { name, state, stateRevision: 1, history: [] }
      document.set(name, { ...(known ?? first), definition, revision: (known?.revision ?? 0) + 1 })
      return true
    })
  }

  remove(name: string, expect?: number): Promise<boolean> {
    return this.#change((document) => {
      const found = document.get(name)
      if (found === undefined) return false
      if (expect !== undefined && 'revision' in found && found.revision !== expect) return false
      return document.delete(name)
    })
  }

  async save(states: readonly Saved[]): Promise<void> {
    this.#unsaved.push(...states)
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined
      this.#change(() => true).catch((error: unknown) =>
        this.#log.error(`beat: ${error instanceof Error ? error.message : String(error)}`),
      )
    }, gatherMs)
  }

  async history(name: string, limit: number): Promise<readonly string[]> {
    const found = (await this.#read()).get(name)
    return found === undefined || 'trouble' in found ? [] : found.history.slice(0, limit)
  }

  watch(changed: (names: readonly string[] | null) => void): () => void {
    const watcher = (names: readonly string[] | null): void => changed(names)
    this.#watchers.add(watcher)
    void this.#look().then(() => this.#watchers.has(watcher) && watcher(null))
    this.#timer ??= setInterval(() => void this.#look(), lookMs)
    return () => {
      this.#watchers.delete(watcher)
      if (this.#watchers.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    clearTimeout(this.#saving)
    this.#watchers.clear()
    if (this.#unsaved.length > 0) await this.#change(() => true)
    await this.#work
  }

  // -------------------------------------------------------------------------------------------------

  async #look(): Promise<void> {
    try {
      await this.#load()
      this.#trouble = ''
    } catch (error) {
      const { message } = error as Error
      if (message !== this.#trouble) this.#log.error(`beat: ${message}`)
      this.#trouble = message
    }
  }

  #tell(names: readonly string[] | null): void {
    if (names?.length !== 0) for (const watcher of this.#watchers) watcher(names)
  }

  /** The file with what was not written yet. */
  async #read(): Promise<Document> {
    return withStates(await this.#load(), this.#unsaved)
  }

  /** Tells the watchers what others wrote. */
  async #load(): Promise<Document> {
    const found = await stat(this.#path).catch(() => undefined)
    const stamp = found === undefined ? '' : `${found.ino}:${found.mtimeMs}:${found.size}`
    const before = this.#seen
    if (before?.stamp === stamp) return before.document
    const document = found === undefined ? new Map() : parse(await this.#text(), this.#path)
    this.#seen = { stamp, document }
    // A file that is gone has lost its entries: nobody took each of them away.
    if (before !== undefined) this.#tell(found === undefined ? null : differing(before.document, document))
    return document
  }

  async #text(): Promise<string> {
    try {
      return await readFile(this.#path, 'utf8')
    } catch (error) {
      throw new OperationalError(`The beat file ${this.#path} cannot be read: ${(error as Error).message}`, {
        cause: error,
      })
    }
  }

  /** False: it changed nothing. Those that come while the file is written wait, and share the next write. */
  #change(act: Act): Promise<boolean> {
    this.#waiting.push(act)
    const place = this.#waiting.length - 1
    if (place === 0) {
      this.#next = this.#work.then(() => this.#changeAll(this.#waiting.splice(0)))
      this.#work = this.#next.catch(() => undefined)
    }
    return this.#next.then((answers) => answers[place] === true)
  }

  /** One write at a time here, and under the lock one among all processes. */
  async #changeAll(acts: readonly Act[]): Promise<readonly boolean[]> {
    const unlock = await this.#lock()
    try {
      const loaded = await this.#load()
      const unsaved = this.#unsaved
      const document = withStates(loaded, unsaved)
      const answers = acts.map((act) => act(document))
      if (!answers.includes(true)) return answers
      await this.#write(document)
      this.#unsaved = this.#unsaved.slice(unsaved.length)
      this.#tell(differing(loaded, document))
      return answers
    } finally {
      await unlock()
    }
  }

  async #write(document: Document): Promise<void> {
    const temporary = `${this.#path}.${process.pid}.tmp`
    try {
      const file = await open(temporary, 'w', 0o644)
      try {
        await file.writeFile(print(document))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
      const { ino, mtimeMs, size } = await stat(this.#path)
      this.#seen = { stamp: `${ino}:${mtimeMs}:${size}`, document }
    } catch (error) {
      throw new OperationalError(
        `The beat file ${this.#path} cannot be written: ${(error as Error).message}`,
        {
          cause: error,
        },
      )
    }
  }

  async #lock(): Promise<() => Promise<unknown>> {
    const lock = `${this.#path}.lock`
    for (;;) {
      try {
        await mkdir(lock)
        return () => rmdir(lock).catch(() => undefined)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EEXIST')
          throw new OperationalError(
            `The beat file ${this.#path} cannot be written: ${(error as Error).message}. Is ${dirname(this.#path)} a directory that we may write to?`,
            { cause: error },
          )
        const held = await stat(lock).catch(() => undefined)
        if (held !== undefined && Date.now() - held.mtimeMs > staleLockMs) {
          await this.#sweep()
          await rmdir(lock).catch(() => undefined)
        } else await sleep(10)
      }
    }
  }

  /** What somebody who died had half written; who was only frozen fails, and does not write over what is newer. */
  async #sweep(): Promise<void> {
    const directory = dirname(this.#path)
    const names = await readdir(directory).catch(() => [])
    for (const name of names)
      if (name.startsWith(`${basename(this.#path)}.`) && name.endsWith('.tmp'))
        await rm(join(directory, name), { force: true })
  }
}
