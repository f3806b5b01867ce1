// The trigger of one beat: fires what is due, as each entry's policy says. What was refused was done by somebody
// else, or its entry is another one by now: it is read again.
import type { Agenda, Wake } from './agenda.js'
import type { Leadership } from './leadership.js'
import type { Ledger } from './ledger.js'
import type { BeatParts, SentRun } from './parts.js'
import { workOf, writeState } from './record.js'
import { aim, type Shot } from './shot.js'
import type { Due } from './tick.js'

export interface TriggerOptions {
  readonly parts: BeatParts
  readonly agenda: Agenda
  readonly ledger: Ledger
  readonly clock: Pick<Leadership, 'now' | 'hurry'>
  /** Which beat this is. */
  readonly by: string
}

/** How often a run that others wait for is looked at. */
const overlapMs = 500
const firstPauseMs = 500
const longestPauseMs = 5000
/** Entries fired in one call: the first do not wait until the last are written. */
const atOnce = 100

export class Trigger {
  readonly #parts: BeatParts
  readonly #agenda: Agenda
  readonly #ledger: Ledger
  readonly #clock: TriggerOptions['clock']
  readonly #by: string
  /** Ticks that wait for the end of an earlier run (`overlap: 'queue'`). */
  readonly #waiting = new Map<string, readonly Due[]>()
  /** Entries that are not looked at before a moment: their last try failed, or they wait. */
  readonly #resting = new Map<string, number>()
  #pauseMs = firstPauseMs

  constructor({ parts, agenda, ledger, clock, by }: TriggerOptions) {
    this.#parts = parts
    this.#agenda = agenda
    this.#ledger = ledger
    this.#clock = clock
    this.#by = by
  }

  /** How long to wait before trying again: longer each time, until something goes well. */
  pause(): number {
    const ms = this.#pauseMs
    this.#pauseMs = Math.min(longestPauseMs, ms * 2)
    return ms
  }

  forget(name: string): void {
    this.#waiting.delete(name)
    this.#resting.delete(name)
  }

  /** Fires what is due; the answer is how long to sleep, in milliseconds. */
  async pull(): Promise<number> {
    const nowMs = this.#clock.now()
    const due = this.#rested(nowMs)
    const wake = this.#agenda.wake(nowMs)
    this.#tell(wake)
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
    return nextMs - this.#clock.now()
  }

  // -------------------------------------------------------------------------------------------------
  // What is due

  /** Not before `ms` have passed; then as its state says. */
  #rest(name: string, ms: number): void {
    this.#waiting.delete(name)
    this.#agenda.delete(name)
    this.#resting.set(name, this.#clock.now() + ms)
  }

  /** Of the entries that have rested, those that have ticks waiting; the others go back to the agenda. */
  #rested(nowMs: number): Map<string, Due[]> {
    const due = new Map<string, Due[]>()
    for (const [name, untilMs] of this.#resting) {
      if (untilMs > nowMs) continue
      this.#resting.delete(name)
      const waiting = this.#waiting.get(name)
      const record = this.#ledger.records.get(name)
      if (waiting !== undefined) due.set(name, [...waiting])
      else if (record !== undefined) this.#agenda.set(record.entry, record.state)
    }
    return due
  }

  #tell({ failed, missed, slept, stirred }: Wake): void {
    const restMs = failed.size > 0 ? this.pause() : 0
    for (const [name, error] of failed) {
      this.#ledger.complain(name, `Scheduler: entry ${name} cannot say when it is due: ${messageOf(error)}`)
      // What a schedule asks may be there again in a moment.
      this.#rest(name, restMs)
    }
    for (const [name, missedMs] of missed)
      this.#parts.log.warning(`Scheduler: ${name} missed its tick of ${iso(missedMs)}`)
    for (const name of slept) this.#ledger.records.delete(name)
    if (stirred.length > 0) this.#ledger.hear(stirred)
  }

  /** Of these entries, those whose last run goes on and whose policy asks for it. */
  async #going(names: readonly string[]): Promise<ReadonlySet<string>> {
    const asked: [name: string, run: SentRun][] = []
    for (const name of names) {
      const { entry, state } = this.#ledger.records.get(name) ?? {}
      const { result, atMs } = state?.lastRun ?? {}
      if (entry !== undefined && entry.overlap !== 'allow' && result !== undefined)
        asked.push([name, { result, atMs: atMs ?? 0 }])
    }
    if (asked.length === 0) return new Set()
    try {
      const ended = await this.#parts.ended(asked.map(([, run]) => run))
      return new Set(asked.filter((_, index) => ended[index] !== true).map(([name]) => name))
    } catch (error) {
      const ms = this.pause()
      this.#parts.log.error(`Scheduler: ${messageOf(error)} Trying again in ${ms / 1000} s.`)
      for (const [name] of asked) this.#rest(name, ms)
      return new Set()
    }
  }

  /** What the entry's policy leaves of its ticks. */
  async #aim(name: string, ticks: readonly Due[], isGoing: boolean): Promise<readonly Shot[]> {
    const { records } = this.#ledger
    const record = records.get(name)
    if (record === undefined) return []
    const { overlap, catchUp } = record.entry
    this.#waiting.delete(name)
    let now = ticks
    if (overlap === 'queue' && (isGoing || ticks.length > 1)) {
      now = isGoing ? [] : ticks.slice(0, 1)
      const rest = ticks.slice(now.length)
      this.#waiting.set(name, catchUp === 'all' ? rest : rest.slice(-1))
      this.#resting.set(name, this.#clock.now() + overlapMs)
    }
    const skip = isGoing && overlap === 'skip'
    const aimed = await aim(record, now, skip, this.#parts, this.#by, () => this.#clock.now())
    if (aimed.error !== undefined) {
      const ms = this.pause()
      this.#ledger.complain(name, `Scheduler: task ${name} could not be sent: ${aimed.error.message}`)
      this.#rest(name, ms)
    } else if (aimed.shots.length === 0) records.set(name, aimed.record)
    return aimed.shots
  }

  // -------------------------------------------------------------------------------------------------
  // Firing

  async #fire(shots: readonly Shot[]): Promise<void> {
    if (shots.length === 0) return
    const replies = await this.#parts.fire(shots.map(({ firing }) => firing))
    const done: Shot[] = []
    // By the entry: the last of its shots that was refused, and after which none was fired.
    const refused = new Map<string, Shot>()
    const failed = new Set<string>()
    let error: Error | undefined
    for (const [index, shot] of shots.entries()) {
      const reply = replies[index]!
      const { name } = shot.due.entry
      if (reply.kind === 'failed') {
        error ??= reply.error
        failed.add(name)
      } else if (reply.kind === 'fired') {
        done.push(shot)
        refused.delete(name)
      } else if (reply.kind === 'early') this.#early(shot)
      else refused.set(name, shot)
    }
    this.#keep(done)
    for (const shot of refused.values()) this.#refused(shot)
    if (error === undefined) {
      this.#pauseMs = firstPauseMs
      return
    }
    const ms = this.pause()
    const which = failed.size === 1 ? `task ${[...failed][0]}` : `${failed.size} tasks`
    this.#parts.log.error(
      `Scheduler: ${which} could not be sent: ${error.message} Trying again in ${ms / 1000} s.`,
    )
    for (const name of failed) this.#rest(name, ms)
  }

  #keep(done: readonly Shot[]): void {
    const { records } = this.#ledger
    const nowMs = this.#clock.now()
    for (const { due, record, next, prepared } of done) {
      const { name, overlap, run } = record.entry
      records.set(name, { ...record, state: next, stateRevision: record.stateRevision + 1 })
      const lateMs = Math.max(0, Math.round(nowMs - due.startMs))
      this.#parts.log.info(
        prepared === null
          ? `Scheduler: ${name} is still running: its tick of ${iso(due.tickMs)} is skipped`
          : `Scheduler: Sending due task ${name} (${workOf(run)}) ${prepared.id}, ${lateMs} ms late`,
      )
      // The agenda took every tick for a run.
      if (overlap !== 'allow' && !this.#waiting.has(name)) this.#agenda.set(record.entry, next)
    }
    this.#save(done)
    for (const { record } of done) {
      const { name, overlap } = record.entry
      if (overlap === 'allow' && this.#agenda.doze(name, nowMs)) records.delete(name)
    }
  }

  /** A file does not learn of a fire by the fire. */
  #save(done: readonly Shot[]): void {
    const { log, store } = this.#parts
    if (store.place === 'broker' || done.length === 0) return
    const states = done.map(({ record, next, line }) => ({
      name: record.entry.name,
      state: writeState(next),
      revision: record.stateRevision,
      line,
    }))
    store.save(states).catch((error) => log.error(`beat: ${messageOf(error)}`))
  }

  #refused({ due, record }: Shot): void {
    const { records } = this.#ledger
    const { name } = record.entry
    if (this.#parts.store.place === 'broker') {
      records.delete(name)
      return this.#ledger.hear([name])
    }
    // The broker remembers that it was sent; our store does not know yet.
    const known = records.get(name) ?? record
    const lastTickMs = Math.max(due.tickMs, known.state.lastTickMs ?? due.tickMs)
    const next = { ...known, state: { ...known.state, lastTickMs } }
    records.set(name, next)
    this.#agenda.set(next.entry, next.state)
  }

  /** Our clock went ahead of the broker's. */
  #early({ record }: Shot): void {
    this.#clock.hurry()
    this.#rest(record.entry.name, 50)
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
