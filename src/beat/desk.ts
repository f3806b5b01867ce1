// Entries changed and asked about, by anybody, while beats run: each change is a compare-and-set on what was
// read, tried again when somebody else was faster.
import { randomUUID } from 'node:crypto'
import { show } from '../canvas/words.js'
import { ImproperlyConfigured, InvalidUsage, OperationalError } from '../errors.js'
import type { ScheduleEntry } from './entry.js'
import { type EntryOptions, readEntry } from './entry.js'
import type { BeatParts } from './parts.js'
import {
  type BeatRecord,
  isTrouble,
  newState,
  readRecord,
  type RunState,
  type Source,
  type Trouble,
  writeDefinition,
  writeState,
} from './record.js'
import { ran, writeLine } from './shot.js'
import { optionsOf } from './view.js'

/** Tries of a change that others are making as well. */
const mostTries = 20
/** States are put down in pieces of so many, so that 100 000 declared entries are no 100 000 waits. */
const together = 500

export class Desk {
  constructor(
    readonly parts: BeatParts,
    readonly declared: (name: string) => ScheduleEntry | undefined,
  ) {}

  async list(): Promise<readonly (BeatRecord | Trouble)[]> {
    const found = await this.parts.store.list()
    return found
      .map((stored) => readRecord(stored, this.parts.codec, this.declared))
      .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
  }

  /** @throws ImproperlyConfigured when there is none, or none that can be read. */
  async get(name: string): Promise<BeatRecord> {
    const [stored] = await this.parts.store.get([name])
    if (stored === undefined) throw noEntry(name)
    const read = readRecord(stored, this.parts.codec, this.declared)
    if (isTrouble(read)) throw new ImproperlyConfigured(read.trouble)
    return read
  }

  async create(entry: ScheduleEntry): Promise<void> {
    const [present] = await this.parts.store.get([entry.name])
    if (present !== undefined || !(await this.#put(entry, 'runtime', 0)))
      throw new ImproperlyConfigured(
        `There is a beat entry named ${show(entry.name)} already. Give this one another name, or update that one.`,
      )
  }

  /** With a state of its own: it ran elsewhere before. False: there is one of this name. */
  async adopt(entry: ScheduleEntry, state: RunState): Promise<boolean> {
    const { store, codec } = this.parts
    const [present] = await store.get([entry.name])
    if (present !== undefined) return false
    const definition = writeDefinition(entry, 'runtime', codec)
    return store.put(entry.name, definition, { state: writeState(state), expect: 0 })
  }

  update(name: string, changes: Partial<EntryOptions>): Promise<void> {
    return this.#again(name, async (record) => {
      const given = { ...optionsOf(record.entry), ...changes } as EntryOptions
      const entry = readEntry(name, given)
      const renewed = changes.schedule !== undefined || changes.timezone !== undefined
      return this.#change(record, entry, record.source, renewed || (record.entry.paused && !entry.paused))
    })
  }

  async remove(name: string): Promise<void> {
    if (!(await this.parts.store.remove(name))) throw noEntry(name)
  }

  /** Paused: its ticks pass by. Resumed: those that passed by do not count. */
  pause(name: string, paused: boolean): Promise<void> {
    return this.#again(name, async (record) => {
      if (record.entry.paused === paused) return true
      return this.#change(record, Object.freeze({ ...record.entry, paused }), record.source, !paused)
    })
  }

  /** Sends its work now, beside its ticks: the id of the run. */
  async runNow(name: string): Promise<string> {
    const { parts } = this
    const run = randomUUID()
    let id: string = run
    await this.#again(name, async (record) => {
      const prepared = await parts.prepare(record.entry, run)
      id = prepared.id
      const when = { tickMs: null, atMs: Math.round(parts.now()), lateMs: 0 }
      const next = ran(record, prepared, when)
      return this.#advance(record, next, prepared.messages, writeLine({ kind: 'now', ...when, id }), run)
    })
    return id
  }

  /** Entries of the program, at its start: what is new or changed is written, what it no longer has goes. */
  async sync(entries: readonly ScheduleEntry[]): Promise<void> {
    const { store, codec } = this.parts
    const there = new Map((await store.list()).map((stored) => [stored.name, stored]))
    const tasks = entries.map((entry) => async (): Promise<void> => {
      const stored = there.get(entry.name)
      if (stored === undefined) return void (await this.#put(entry, 'code', undefined))
      const read = readRecord(stored, codec, this.declared)
      // What cannot be read is replaced by what the program says.
      if (isTrouble(read)) {
        await store.remove(entry.name)
        return void (await this.#put(entry, 'code', undefined))
      }
      const same = Object.freeze({ ...entry, paused: read.entry.paused || entry.paused })
      if ('definition' in stored && writeDefinition(same, 'code', codec) === stored.definition) return
      const renewed = JSON.stringify(read.entry.schedule) !== JSON.stringify(entry.schedule)
      // Another beat of this program may be at it as well; then it says the same.
      await this.#change(read, same, 'code', renewed)
    })
    const own = new Set(entries.map(({ name }) => name))
    for (const stored of there.values()) {
      const read = readRecord(stored, codec, this.declared)
      if (own.has(stored.name) || isTrouble(read) || read.source !== 'code') continue
      tasks.push(async () => void (await store.remove(stored.name, read.revision)))
    }
    for (let from = 0; from < tasks.length; from += together)
      await Promise.all(tasks.slice(from, from + together).map((task) => task()))
  }

  // -------------------------------------------------------------------------------------------------

  async #again(name: string, attempt: (record: BeatRecord) => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) if (await attempt(await this.get(name))) return
    throw new OperationalError(
      `Beat entry ${show(name)}: it was changed by others ${mostTries} times meanwhile. Try again.`,
    )
  }

  #put(entry: ScheduleEntry, source: Source, expect: number | undefined): Promise<boolean> {
    const { store, codec } = this.parts
    const state = writeState(newState(Math.round(this.parts.now())))
    return store.put(entry.name, writeDefinition(entry, source, codec), {
      state,
      ...(expect !== undefined && { expect }),
    })
  }

  /** `renewed`: ticks before now do not count any more. */
  async #change(
    record: BeatRecord,
    entry: ScheduleEntry,
    source: Source,
    renewed: boolean,
  ): Promise<boolean> {
    const { store, codec, nothing } = this.parts
    if (renewed) {
      const sinceMs = Math.round(this.parts.now())
      if (!(await this.#advance(record, { ...record.state, sinceMs }, nothing, '', randomUUID())))
        return false
    }
    const definition = writeDefinition(entry, source, codec)
    return store.put(entry.name, definition, { state: '', expect: record.revision })
  }

  /** A state that follows `record`'s, with what is sent along. */
  async #advance(
    { entry, stateRevision }: BeatRecord,
    next: RunState,
    messages: unknown,
    line: string,
    by: string,
  ): Promise<boolean> {
    const { store } = this.parts
    const text = writeState(next)
    const state = { revision: stateRevision, text, line }
    const [reply] = await this.parts.fire([
      { entry: entry.name, tickMs: null, messages, by, ...(store.place === 'broker' && { state }) },
    ])
    if (reply?.kind === 'failed') throw reply.error
    if (reply?.kind !== 'fired') return false
    if (store.place === 'apart')
      await store.save([{ name: entry.name, state: text, revision: stateRevision, line }])
    return true
  }
}

const nameOf = (read: BeatRecord | Trouble): string => ('trouble' in read ? read.name : read.entry.name)

const noEntry = (name: string): InvalidUsage =>
  new InvalidUsage(`There is no beat entry named ${show(name)}. app.beat.list() tells which there are.`)
