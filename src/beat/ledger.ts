// What a beat knows of its entries. They are read from the store a page at a time, so that what is due is not
// kept waiting by a hundred thousand that are not, and by name when they were changed. Of one that sleeps
// (agenda.ts) nothing is kept here: it is read again before it is due.
import type { Agenda } from './agenda.js'
import type { ScheduleEntry } from './entry.js'
import type { BeatParts } from './parts.js'
import { type BeatRecord, isTrouble, readRecord } from './record.js'
import type { Stored } from './store.js'

export interface LedgerOptions {
  readonly parts: Pick<BeatParts, 'store' | 'codec' | 'log'>
  readonly agenda: Agenda
  /** An entry that this program declares, for schedules that are objects of it. */
  readonly declared: (name: string) => ScheduleEntry | undefined
  /** Puts the program's entries into the store again. */
  readonly sync: () => Promise<void>
  /** Puts what the program says of these in the place of what cannot be read. */
  readonly mend: (names: readonly string[]) => Promise<void>
  /** There is something to learn. */
  readonly onNews: () => void
  /** An entry is another one by now, or gone. */
  readonly onForget: (name: string) => void
}

/** A pass through all entries of the store. */
interface Reading {
  readonly pages: AsyncIterator<readonly Stored[]>
  /** Known before, and not met yet: at the end these are gone. */
  readonly unseen: Set<string>
  found: number
}

const mostNames = 1000

export class Ledger {
  readonly records = new Map<string, BeatRecord>()
  readonly #options: LedgerOptions
  /** Names to read again; null: everything. */
  #changed: Set<string> | null = null
  #reading: Reading | undefined
  /** What the store had once it should still have after an outage. */
  #hadEntries = false
  readonly #told = new Map<string, string>()
  /** Entries of the program that cannot be read as they lie there. */
  #broken: string[] = []

  constructor(options: LedgerOptions) {
    this.#options = options
  }

  /** These are to be read again; null: all are. */
  hear(names: readonly string[] | null): void {
    if (names === null) this.#changed = null
    else for (const name of names) this.#changed?.add(name)
    this.#options.onNews()
  }

  /** Reads what was heard of, or the next page. True: there is more. */
  async learn(): Promise<boolean> {
    if (this.#changed === null) {
      this.#changed = new Set()
      const pages = this.#options.parts.store.pages()[Symbol.asyncIterator]()
      this.#reading = {
        pages,
        unseen: new Set([...this.records.keys(), ...this.#options.agenda.names()]),
        found: 0,
      }
    }
    if (this.#changed.size > 0) await this.#readAgain([...this.#changed].slice(0, mostNames))
    else if (this.#reading !== undefined) await this.#readPage(this.#reading)
    if (this.#broken.length > 0) await this.#mend(this.#broken.splice(0))
    return this.#reading !== undefined || this.#changed?.size !== 0
  }

  forget(name: string): void {
    this.records.delete(name)
    this.#options.agenda.delete(name)
    this.#options.onForget(name)
  }

  /** Once for each thing that is wrong with an entry: false, when it is known. */
  complain(name: string, sentence: string): boolean {
    if (this.#told.get(name) === sentence) return false
    this.#told.set(name, sentence)
    this.#options.parts.log.error(sentence)
    return true
  }

  async #mend(names: readonly string[]): Promise<void> {
    await this.#options.mend(names)
    this.hear(names)
  }

  async #readAgain(names: readonly string[]): Promise<void> {
    for (const name of names) this.#changed?.delete(name)
    const { store } = this.#options.parts
    const found = await store.get(names).catch((error: unknown) => {
      for (const name of names) this.#changed?.add(name)
      throw error
    })
    const gone = new Set(names)
    for (const stored of found) if (stored !== undefined && this.#put(stored)) gone.delete(stored.name)
    for (const name of gone) this.forget(name)
  }

  async #readPage(reading: Reading): Promise<void> {
    const { value: page, done } = await reading.pages.next().catch((error: unknown) => {
      this.#changed = null
      throw error
    })
    if (done !== true) {
      reading.found += page.length
      for (const stored of page) this.#put(stored)
      return
    }
    this.#reading = undefined
    const { log } = this.#options.parts
    log.info(`beat: ${reading.found} ${reading.found === 1 ? 'entry is' : 'entries are'} known.`)
    if (reading.found === 0 && this.#hadEntries) {
      log.warning('beat: The store has come back empty: it gets the entries of this program again.')
      this.#hadEntries = false
      await this.#options.sync()
      this.hear(null)
    } else this.#hadEntries ||= reading.found > 0
    for (const name of reading.unseen) this.forget(name)
  }

  /** False: it cannot be read. */
  #put(stored: Stored): boolean {
    const { parts, declared, agenda } = this.#options
    const read = readRecord(stored, parts.codec, declared)
    if (isTrouble(read)) {
      const isOurs = read.isNewer !== true && declared(read.name) !== undefined
      const told = `beat: ${read.trouble} ${isOurs ? 'It is written anew, as the program says.' : 'It is passed over.'}`
      if (this.complain(read.name, told) && isOurs) this.#broken.push(read.name)
      return false
    }
    const { name } = read.entry
    this.#reading?.unseen.delete(name)
    const known = this.records.get(name)
    if (known?.revision === read.revision && known.stateRevision === read.stateRevision) return true
    this.forget(name)
    this.records.set(name, read)
    this.#told.delete(name)
    agenda.set(read.entry, read.state)
    return true
  }
}
