// The loop of one beat: it sleeps until the next tick is due, or until an entry is changed, and fires. What was
// refused was done by somebody else, or its entry is another one by now: it is read again.
import { randomUUID } from 'node:crypto'
import { Agenda } from './agenda.js'
import type { ScheduleEntry } from './entry.js'
import { Leadership } from './leadership.js'
import type { BeatParts, SentRun } from './parts.js'
import { type BeatRecord, isTrouble, readRecord, workOf, writeState } from './record.js'
import { aim, type Shot } from './shot.js'
import type { Due } from './tick.js'

export interface LoopOptions {
  readonly parts: BeatParts
  /** The longest sleep. */
  readonly maxIntervalMs: number
  /** An entry that this program declares, for schedules that are objects of it. */
  readonly declared: (name: string) => ScheduleEntry | undefined
  /** Puts the program's entries into the store again. */
  readonly sync: () => Promise<void>
}

/** How often a run that others wait for is looked at. */
const overlapMs = 500
const firstPauseMs = 500
const longestPauseMs = 5000
/** Entries fired in one go: the first of ten thousand do not wait until the last are written. */
const atOnce = 100

export class Loop {
  readonly #parts: BeatParts
  readonly #options: LoopOptions
  readonly #by = randomUUID()
  readonly #agenda: Agenda
  readonly #records = new Map<string, BeatRecord>()
  /** Ticks that wait for the end of an earlier run (`overlap: 'queue'`). */
  readonly #waiting = new Map<string, readonly Due[]>()
  /** Entries that are not looked at before a moment: their last try failed, or they wait. */
  readonly #resting = new Map<string, number>()
  readonly #told = new Map<string, string>()
  /** Names to read again; null: all. */
  #changed: Set<string> | null = null
  /** What the store had once it should still have after an outage. */
  #hadEntries = false
  #pauseMs = firstPauseMs
  #isRunning = true
  #isWoken = false
  #alarm: (() => void) | undefined
  readonly #leadership: Leadership
  readonly #unwatch: () => void
  readonly #ended: Promise<void>

  constructor(options: LoopOptions) {
    const { parts } = options
    this.#parts = parts
    this.#options = options
    this.#agenda = new Agenda({ timezone: parts.timezone, scope: parts.scope })
    this.#leadership = new Leadership({ parts, by: this.#by, onChange: () => this.#hear(null) })
    this.#unwatch = parts.store.watch((names) => this.#hear(names))
    this.#ended = this.#run()
  }

  /** Of many beats one leads: whether this is the one. */
  get leads(): boolean {
    return this.#leadership.leads
  }

  /** What is being fired is fired; then another may lead at once. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#wake()
    this.#unwatch()
    await this.#ended
    await this.#leadership.stop()
  }

  #hear(names: readonly string[] | null): void {
    if (names === null) this.#changed = null
    else for (const name of names) this.#changed?.add(name)
    this.#wake()
  }

  #wake(): void {
    this.#isWoken = true
    this.#alarm?.()
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#isWoken = false
      let sleepMs = this.#options.maxIntervalMs
      if (this.leads)
        try {
          await this.#learn()
          sleepMs = Math.min(sleepMs, await this.#turn())
        } catch (error) {
          sleepMs = this.#pause()
          this.#parts.log.error(`beat: ${messageOf(error)} Trying again in ${sleepMs / 1000} s.`)
        }
      if (this.#isRunning && !this.#isWoken) await this.#sleep(sleepMs)
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, Math.ceil(ms)))
      this.#alarm = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #pause(): number {
    const ms = this.#pauseMs
    this.#pauseMs = Math.min(longestPauseMs, ms * 2)
    return ms
  }

  // -------------------------------------------------------------------------------------------------
  // What there is

  async #learn(): Promise<void> {
    const { store, codec } = this.#parts
    const changed = this.#changed
    this.#changed = new Set()
    if (changed?.size === 0) return
    try {
      const names = changed === null ? null : [...changed]
      let found = names === null ? await store.list() : await store.get(names)
      if (names === null && found.length === 0 && this.#hadEntries) {
        this.#parts.log.warning(
          'beat: The store has come back empty: it gets the entries of this program again.',
        )
        await this.#options.sync()
        found = await store.list()
      }
      this.#hadEntries ||= found.length > 0
      const gone = new Set(names ?? this.#records.keys())
      for (const stored of found) {
        if (stored === undefined) continue
        const read = readRecord(stored, codec, this.#options.declared)
        if (isTrouble(read)) this.#complain(read.name, `beat: ${read.trouble} It is passed over.`)
        else {
          gone.delete(read.entry.name)
          this.#put(read)
        }
      }
      for (const name of gone) this.#forget(name)
    } catch (error) {
      const more: ReadonlySet<string> | null = this.#changed
      this.#changed = changed === null || more === null ? null : new Set([...changed, ...more])
      throw error
    }
  }

  #put(record: BeatRecord): void {
    const { name } = record.entry
    const known = this.#records.get(name)
    if (known?.revision === record.revision && known.stateRevision === record.stateRevision) return
    this.#forget(name)
    this.#records.set(name, record)
    this.#told.delete(name)
    this.#agenda.set(record.entry, record.state)
  }

  #forget(name: string): void {
    this.#records.delete(name)
    this.#waiting.delete(name)
    this.#resting.delete(name)
    this.#agenda.delete(name)
  }

  /** Once for each thing that is wrong with an entry. */
  #complain(name: string, sentence: string): void {
    if (this.#told.get(name) === sentence) return
    this.#told.set(name, sentence)
    this.#parts.log.error(sentence)
  }

  /** Not before `ms` have passed; then as its state says. */
  #rest(name: string, ms: number): void {
    this.#waiting.delete(name)
    this.#agenda.delete(name)
    this.#resting.set(name, this.#leadership.now() + ms)
  }

  // -------------------------------------------------------------------------------------------------
  // What is due

  /** Fires what is due; the answer is how long to sleep. */
  async #turn(): Promise<number> {
    const nowMs = this.#leadership.now()
    const due = new Map<string, Due[]>()
    for (const [name, untilMs] of this.#resting) {
      if (untilMs > nowMs) continue
      this.#resting.delete(name)
      const waiting = this.#waiting.get(name)
      const record = this.#records.get(name)
      if (waiting !== undefined) due.set(name, [...waiting])
      else if (record !== undefined) this.#agenda.set(record.entry, record.state)
    }
    const wake = this.#agenda.wake(nowMs)
    for (const [name, error] of wake.failed)
      this.#complain(name, `Scheduler: entry ${name} cannot say when it is due: ${messageOf(error)}`)
    for (const [name, missedMs] of wake.missed)
      this.#parts.log.warning(`Scheduler: ${name} missed its tick of ${iso(missedMs)}`)
    for (const each of wake.due) {
      const { name } = each.entry
      const before = due.get(name)
      if (before === undefined) due.set(name, [...(this.#waiting.get(name) ?? []), each])
      else before.push(each)
    }
    const going = await this.#going([...due.keys()])
    let shots: Shot[] = []
    // While one call is under way the next is prepared.
    let flying = Promise.resolve()
    for (const [name, ticks] of due) {
      if (this.#resting.has(name) && !this.#waiting.has(name)) continue
      shots.push(...(await this.#aim(name, ticks, going.has(name))))
      if (shots.length < atOnce) continue
      await flying
      flying = this.#fire(shots)
      shots = []
    }
    await flying
    await this.#fire(shots)
    let nextMs = wake.sleepMs === null ? Number.POSITIVE_INFINITY : nowMs + wake.sleepMs
    for (const untilMs of this.#resting.values()) nextMs = Math.min(nextMs, untilMs)
    return nextMs - this.#leadership.now()
  }

  /** Of these entries, those whose last run goes on and whose policy asks for it. */
  async #going(names: readonly string[]): Promise<ReadonlySet<string>> {
    const asked: [name: string, run: SentRun][] = []
    for (const name of names) {
      const { entry, state } = this.#records.get(name) ?? {}
      const { result, atMs } = state?.lastRun ?? {}
      if (entry !== undefined && entry.overlap !== 'allow' && result !== undefined)
        asked.push([name, { result, atMs: atMs ?? 0 }])
    }
    if (asked.length === 0) return new Set()
    try {
      const ended = await this.#parts.ended(asked.map(([, run]) => run))
      return new Set(asked.filter((_, index) => ended[index] !== true).map(([name]) => name))
    } catch (error) {
      const ms = this.#pause()
      this.#parts.log.error(`Scheduler: ${messageOf(error)} Trying again in ${ms / 1000} s.`)
      for (const [name] of asked) this.#rest(name, ms)
      return new Set()
    }
  }

  /** What the entry's policy leaves of its ticks. */
  async #aim(name: string, ticks: readonly Due[], isGoing: boolean): Promise<readonly Shot[]> {
    const record = this.#records.get(name)
    if (record === undefined) return []
    const { overlap, catchUp } = record.entry
    this.#waiting.delete(name)
    let now = ticks
    if (overlap === 'queue' && (isGoing || ticks.length > 1)) {
      now = isGoing ? [] : ticks.slice(0, 1)
      const rest = ticks.slice(now.length)
      this.#waiting.set(name, catchUp === 'all' ? rest : rest.slice(-1))
      this.#resting.set(name, this.#leadership.now() + overlapMs)
    }
    const skip = isGoing && overlap === 'skip'
    const aimed = await aim(record, now, skip, this.#parts, this.#by, () => this.#leadership.now())
    if (aimed.error !== undefined) {
      const ms = this.#pause()
      this.#complain(name, `Scheduler: task ${name} could not be sent: ${aimed.error.message}`)
      this.#rest(name, ms)
    } else if (aimed.shots.length === 0) this.#records.set(name, aimed.record)
    return aimed.shots
  }

  // -------------------------------------------------------------------------------------------------
  // Firing

  async #fire(shots: readonly Shot[]): Promise<void> {
    if (shots.length === 0) return
    const replies = await this.#parts.fire(shots.map(({ firing }) => firing))
    const done: Shot[] = []
    const failed = new Set<string>()
    let error: Error | undefined
    for (const [index, shot] of shots.entries()) {
      const reply = replies[index]!
      if (reply.kind === 'failed') {
        error ??= reply.error
        failed.add(shot.due.entry.name)
      } else if (reply.kind === 'fired') done.push(shot)
      else if (reply.kind === 'early') this.#early(shot)
      else this.#refused(shot)
    }
    await this.#keep(done)
    if (error === undefined) {
      this.#pauseMs = firstPauseMs
      return
    }
    const ms = this.#pause()
    const which = failed.size === 1 ? `task ${[...failed][0]}` : `${failed.size} tasks`
    this.#parts.log.error(
      `Scheduler: ${which} could not be sent: ${error.message} Trying again in ${ms / 1000} s.`,
    )
    for (const name of failed) this.#rest(name, ms)
  }

  async #keep(done: readonly Shot[]): Promise<void> {
    const { log, store } = this.#parts
    for (const { due, record, next, prepared } of done) {
      const { name, overlap, run } = record.entry
      this.#records.set(name, { ...record, state: next, stateRevision: record.stateRevision + 1 })
      const lateMs = Math.max(0, Math.round(this.#leadership.now() - due.startMs))
      log.info(
        prepared === null
          ? `Scheduler: ${name} is still running: its tick of ${iso(due.tickMs)} is skipped`
          : `Scheduler: Sending due task ${name} (${workOf(run)}) ${prepared.id}, ${lateMs} ms late`,
      )
      // The agenda took every tick for a run.
      if (overlap !== 'allow' && !this.#waiting.has(name)) this.#agenda.set(record.entry, next)
    }
    if (store.place === 'broker' || done.length === 0) return
    const states = done.map(({ record, next, line }) => ({
      name: record.entry.name,
      state: writeState(next),
      revision: record.stateRevision,
      line,
    }))
    await store.save(states).catch((error) => log.error(`beat: ${messageOf(error)}`))
  }

  #refused({ due, record }: Shot): void {
    const { name } = record.entry
    if (this.#parts.store.place === 'broker') {
      this.#records.delete(name)
      return this.#hear([name])
    }
    // The broker remembers that it was sent; our store does not know yet.
    const known = this.#records.get(name) ?? record
    const lastTickMs = Math.max(due.tickMs, known.state.lastTickMs ?? due.tickMs)
    const next = { ...known, state: { ...known.state, lastTickMs } }
    this.#records.set(name, next)
    this.#agenda.set(next.entry, next.state)
  }

  /** Our clock went ahead of the broker's. */
  #early({ record }: Shot): void {
    this.#leadership.hurry()
    this.#rest(record.entry.name, 50)
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
