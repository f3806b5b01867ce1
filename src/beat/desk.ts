// Entries changed and asked about, by anybody, while beats run: each change is a compare-and-set on what was
// read, tried again when somebody else was faster.
import { randomUUID } from 'node:crypto'
import { show } from '../canvas/words.js'
import { ImproperlyConfigured, InvalidUsage, OperationalError } from '../errors.js'
import { Clocked } from './clocked.js'
import type { ScheduleEntry } from './entry.js'
import { type EntryOptions, readEntry } from './entry.js'
import type { BeatParts } from './parts.js'
import {
  type BeatRecord,
  isPlainlyRuntime,
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
import type { Stored } from './store.js'
import { decide, hasOtherPast } from './tick.js'
import { optionsOf } from './view.js'

/** Tries of a change that others are making as well. */
const mostTries = 20
const together = 500

export class Desk {
  constructor(
    readonly parts: BeatParts,
    readonly declared: (name: string) => ScheduleEntry | undefined,
  ) {}

  async list(): Promise<readonly (BeatRecord | Trouble)[]> {
    const found = new Map<string, BeatRecord | Trouble>()
    for await (const page of this.parts.store.pages())
      for (const stored of page) found.set(stored.name, readRecord(stored, this.parts.codec, this.declared))
    return [...found.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
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
    if (present !== undefined || !(await this.#put(entry, 'runtime', this.#sinceOf(entry), 0)))
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

  /** `check` throws for what cannot be sent or stored. */
  update(name: string, changes: Partial<EntryOptions>, check: (entry: ScheduleEntry) => void): Promise<void> {
    return this.#again(name, async (record) => {
      const given = { ...optionsOf(record.entry), ...changes } as EntryOptions
      const entry = readEntry(name, given)
      check(entry)
      const sinceMs = changes.schedule === undefined ? this.#sinceChange(record, entry) : this.#sinceOf(entry)
      return this.#change(record, entry, record.source, sinceMs)
    })
  }

  async remove(name: string): Promise<void> {
    if (!(await this.parts.store.remove(name))) throw noEntry(name)
  }

  /** What was made at run time and never ticks again, as things stand, goes. The answer is what that was. */
  async prune(): Promise<readonly string[]> {
    const { store, codec, timezone } = this.parts
    const gone: string[] = []
    for await (const page of store.pages())
      await each(page.filter(isPlainlyRuntime), async (stored) => {
        const read = readRecord(stored, codec, this.declared)
        if (isTrouble(read) || !isSpent(read, this.#nowMs, timezone)) return
        if (await store.remove(stored.name, read.revision)) gone.push(stored.name)
      })
    return gone.sort()
  }

  /** Paused: its ticks pass by. Resumed: those that passed by do not count. */
  pause(name: string, paused: boolean): Promise<void> {
    return this.#again(name, async (record) => {
      if (record.entry.paused === paused) return true
      const entry = Object.freeze({ ...record.entry, paused })
      return this.#change(record, entry, record.source, paused ? undefined : this.#nowMs)
    })
  }

  /** Sends its work now, beside its ticks: the id of the run. */
  async runNow(name: string): Promise<string> {
    const { parts } = this
    const run = randomUUID()
    let id: string = run
    await this.#again(name, async (record) => {
      const prepared = await parts.prepare(record.entry, run, this.#nowMs)
      id = prepared.id
      const when = { tickMs: null, atMs: this.#nowMs, lateMs: 0 }
      const next = ran(record, prepared, when)
      return this.#advance(record, next, prepared.messages, writeLine({ kind: 'now', ...when, id }), run)
    })
    return id
  }

  /** Entries of the program, at its start: what is new or changed is written, what it no longer has goes. */
  async sync(entries: readonly ScheduleEntry[]): Promise<void> {
    const { store } = this.parts
    const missing = new Map<string, ScheduleEntry>()
    for (const entry of entries) missing.set(entry.name, entry)
    for await (const page of store.pages()) {
      // Most are as they were: a hundred thousand of these are neither waited for nor remembered.
      const changed = page.filter((stored) => !this.#isAsDeclared(stored))
      for (const { name } of page) missing.delete(name)
      await each(changed, (stored) => this.#passingOver(this.#syncOne(stored, this.declared(stored.name))))
    }
    await each([...missing.values()], (entry) => this.#passingOver(this.#putOwn(entry)))
  }

  /** What lies there under these names and cannot be read gives way to what the program says. */
  async mend(names: readonly string[]): Promise<void> {
    for (const stored of await this.parts.store.get(names))
      if (stored !== undefined) await this.#passingOver(this.#syncOne(stored, this.declared(stored.name)))
  }

  /** An entry that cannot be written is named, and keeps no other from its place. */
  async #passingOver(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (error) {
      if (!(error instanceof ImproperlyConfigured)) throw error
      this.parts.log.error(`beat: ${error.message} It is passed over.`)
    }
  }

  /** Also: made at run time. */
  #isAsDeclared(stored: Stored): boolean {
    const entry = this.declared(stored.name)
    if (entry === undefined) return isPlainlyRuntime(stored)
    const read = readRecord(stored, this.parts.codec, () => entry)
    return !isTrouble(read) && read.entry === entry
  }

  /** `entry` is what the program says of it: nothing, where it does not declare it. */
  async #syncOne(stored: Stored, entry: ScheduleEntry | undefined): Promise<unknown> {
    const { store, codec } = this.parts
    const { name } = stored
    const read = readRecord(stored, codec, () => entry)
    if (entry === undefined) return isTrouble(read) ? undefined : store.remove(name, read.revision)
    if (isTrouble(read)) {
      if (read.isNewer === true) return undefined
      // What cannot be written takes nothing's place.
      writeDefinition(entry, 'code', codec)
      await store.remove(name)
      return this.#putOwn(entry)
    }
    const same = Object.freeze({ ...entry, paused: read.entry.paused || entry.paused })
    if ('definition' in stored && writeDefinition(same, 'code', codec) === stored.definition) return undefined
    const renewed = JSON.stringify(read.entry.schedule) !== JSON.stringify(entry.schedule)
    // Another beat of this program may be at it as well; then it says the same.
    return this.#change(read, same, 'code', renewed ? this.#nowMs : this.#sinceChange(read, same))
  }

  // -------------------------------------------------------------------------------------------------

  async #again(name: string, attempt: (record: BeatRecord) => Promise<boolean>): Promise<void> {
    for (let tries = 0; tries < mostTries; tries++) if (await attempt(await this.get(name))) return
    throw new OperationalError(
      `Beat entry ${show(name)}: it was changed by others ${mostTries} times meanwhile. Try again.`,
    )
  }

  get #nowMs(): number {
    return Math.round(this.parts.now())
  }

  /** A moment that somebody names today and that has passed was missed: it is caught up as any other tick. */
  #sinceOf({ schedule }: ScheduleEntry): number {
    return schedule instanceof Clocked ? Math.min(this.#nowMs, schedule.atMs - 1) : this.#nowMs
  }

  /** Undefined: as before. */
  #sinceChange({ entry, state }: BeatRecord, next: ScheduleEntry): number | undefined {
    const nowMs = this.#nowMs
    return hasOtherPast(entry, next, state, nowMs) ? nowMs : undefined
  }

  /** New of this program. One moment of the past is no news: code stays when its moment has gone. */
  async #putOwn(entry: ScheduleEntry): Promise<void> {
    const { timezone, log } = this.parts
    const nowMs = this.#nowMs
    await this.#put(entry, 'code', nowMs, undefined)
    if (!entry.paused && !hasTick(entry, nowMs, timezone))
      log.warning(`beat: ${entry.name} (${entry.schedule.toString()}) has no tick to come: it does not run.`)
  }

  #put(entry: ScheduleEntry, source: Source, sinceMs: number, expect: number | undefined): Promise<boolean> {
    const { store, codec } = this.parts
    return store.put(entry.name, writeDefinition(entry, source, codec), {
      state: writeState(newState(sinceMs)),
      ...(expect !== undefined && { expect }),
    })
  }

  /** With `sinceMs`, ticks up to there do not count any more. */
  async #change(
    record: BeatRecord,
    entry: ScheduleEntry,
    source: Source,
    sinceMs: number | undefined,
  ): Promise<boolean> {
    const { store, codec, nothing } = this.parts
    if (sinceMs !== undefined) {
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

/** In pieces, so that 100 000 are neither 100 000 waits nor 100 000 calls under way. */
const each = async <T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> => {
  for (let from = 0; from < items.length; from += together)
    await Promise.all(items.slice(from, from + together).map(act))
}

/** What a schedule of the program's own throws is told when it is asked for its ticks. */
const hasTick = (entry: ScheduleEntry, nowMs: number, timezone: string): boolean => {
  try {
    return decide(entry, newState(nowMs), nowMs, { timezone }).wakeMs !== null
  } catch {
    return true
  }
}

/** What is paused may go on. */
const isSpent = ({ entry, state }: BeatRecord, nowMs: number, timezone: string): boolean => {
  if (entry.paused) return false
  const { due, wakeMs } = decide(entry, state, nowMs, { timezone })
  return due.length === 0 && wakeMs === null
}

const nameOf = (read: BeatRecord | Trouble): string => ('trouble' in read ? read.name : read.entry.name)

const noEntry = (name: string): InvalidUsage =>
  new InvalidUsage(
    `There is no beat entry named ${show(name)}. app.beat.list() (or "lovage beat list") tells which there are.`,
  )
