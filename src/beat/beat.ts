// Beat: the timetable of an app. Entries are declared in code without I/O, or made, changed and asked about at
// run time; `start()` runs a beat in this process, beside any number of others.
import { isSignature } from '../canvas/node.js'
import { show } from '../canvas/words.js'
import { ImproperlyConfigured, InvalidUsage } from '../errors.js'
import type { Logger } from '../log.js'
import { asSchedule, type ScheduleLike } from './as-schedule.js'
import type { Desk } from './desk.js'
import { contextOf, type EntryOptions, readEntry, type ScheduleEntry } from './entry.js'
import type { Interval } from './interval.js'
import type { Loop } from './loop.js'
import type { BeatParts } from './parts.js'
import { type Configured, programOf } from './program.js'
import { type BeatRecord, isTrouble, type Trouble } from './record.js'
import type { RedBeatImport } from './redbeat.js'
import type { RedBeatText } from './store.js'
import { coming, comingOf, type EntryView, readLine, type RunView, type TroubleView, viewOf } from './view.js'

/** What a beat is made with; opened on its first use. */
export interface BeatMeans {
  open(): Promise<BeatParts>
  configured(): Configured
  /** Throws when the work cannot be sent as it stands: an argument is missing. */
  check(entry: ScheduleEntry): void
  /** Milliseconds. */
  maxInterval(): number
  timezone(): string
  /** The schedule of a RedBeat on this broker. */
  redBeat(prefix: string): Promise<readonly RedBeatText[]>
  /** `beat_init` and its kin. */
  announce(signal: 'beatInit' | 'beatEmbeddedInit'): void
}

export interface StartOptions {
  /** The longest sleep, in seconds. Default: the setting `beatMaxLoopInterval`. */
  readonly maxInterval?: number
  /** It runs inside a worker. */
  readonly embedded?: boolean
  /** Default: the app's. */
  readonly log?: Logger
}

export class Beat {
  readonly #means: BeatMeans
  readonly #declared = new Map<string, ScheduleEntry>()
  #opening: Promise<BeatParts> | undefined
  #loop: Loop | undefined
  #starting: Promise<void> | undefined

  constructor(means: BeatMeans) {
    this.#means = means
  }

  /** Names of the entries that are declared in code, in that order. */
  get names(): readonly string[] {
    return [...this.#declared.keys()]
  }

  /** Of all beats of this app one fires at a time: whether it is the one here. */
  get leads(): boolean {
    return this.#loop?.leads ?? false
  }

  /**
   * Declares work that is sent each so often: seconds, `'5m'`, `{ minutes: 5 }`. No I/O.
   * @throws ImproperlyConfigured when the name is taken, the interval none, or the work no signature.
   */
  every(
    name: string,
    interval: Interval,
    run: object,
    options: Omit<EntryOptions, 'schedule' | 'run'> = {},
  ): this {
    return this.add(name, { ...options, schedule: interval, run })
  }

  /** Declares an entry. No I/O. @throws ImproperlyConfigured, naming the entry. */
  add(name: string, options: EntryOptions): this {
    const entry = this.#read(name, options)
    if (this.#declared.has(name))
      throw new ImproperlyConfigured(
        `There is a beat entry named ${show(name)} already. Give one of the two another name.`,
      )
    this.#declared.set(name, entry)
    return this
  }

  // -------------------------------------------------------------------------------------------------
  // At run time

  /** Makes an entry: every beat knows it within a second. @throws ImproperlyConfigured when there is one. */
  async create(name: string, options: EntryOptions): Promise<void> {
    return (await this.#desk()).create(this.#storable(this.#read(name, options)))
  }

  /** Changes what is given of an entry. With another schedule, only ticks from now on count. */
  async update(name: string, changes: Partial<EntryOptions>): Promise<void> {
    return (await this.#desk()).update(name, changes, (entry) => {
      this.#means.check(entry)
      if (changes.schedule !== undefined) this.#storable(entry)
    })
  }

  /** Takes an entry away. One declared in code comes back with its program's next start: pause that. */
  async remove(name: string): Promise<void> {
    return (await this.#desk()).remove(name)
  }

  /** Takes away the entries that were made at run time and have no tick to come: a moment that is over, no runs left. The answer is their names. */
  async prune(): Promise<readonly string[]> {
    return (await this.#desk()).prune()
  }

  async pause(name: string): Promise<void> {
    return (await this.#desk()).pause(name, true)
  }

  /** Ticks that passed by meanwhile do not count. */
  async resume(name: string): Promise<void> {
    return (await this.#desk()).pause(name, false)
  }

  /** Sends an entry's work now, beside its ticks. The answer is the task's id. */
  async runNow(name: string): Promise<string> {
    return (await this.#desk()).runNow(name)
  }

  /** Where entries lie, without passwords: for banners. */
  async where(): Promise<string> {
    return (await this.#open()).store.url
  }

  /** All entries, by name; what cannot be read stands among them with its trouble. */
  async list(): Promise<readonly (EntryView | TroubleView)[]> {
    return this.#views(await (await this.#desk()).list())
  }

  /** @throws InvalidUsage when there is none. */
  async get(name: string): Promise<EntryView> {
    const [view] = await this.#views([await (await this.#desk()).get(name)])
    return view as EntryView
  }

  /** Its last runs, at most 20, the newest first. */
  async history(name: string, limit = 20): Promise<readonly RunView[]> {
    checkCount(limit, 'history: limit')
    const lines = await (await this.#open()).store.history(name, limit)
    // One that never ran has none; one that is not there is told apart from it.
    if (lines.length === 0) await (await this.#desk()).get(name)
    return lines.flatMap((line) => readLine(line) ?? [])
  }

  /** The coming ticks of an entry, by its name, or of a schedule. */
  async next(of: string | Exclude<ScheduleLike, string>, count = 5): Promise<readonly Date[]> {
    checkCount(count, 'next: count')
    const timezone = this.#means.timezone()
    if (typeof of !== 'string') return coming(asSchedule(of), Date.now(), { timezone }, count)
    const declared = this.#declared.get(of)
    if (declared !== undefined && this.#opening === undefined)
      return coming(declared.schedule, Date.now(), contextOf(declared, timezone), count)
    const record = await (await this.#desk()).get(of)
    return comingOf(record, (await this.#open()).now(), timezone, count)
  }

  /**
   * Copies the entries of a Python RedBeat on this broker, with the moments of their last runs; its own keys are
   * left alone. What is here under the same name already, or cannot be one of ours, is told and left out.
   */
  async importRedBeat({ prefix = 'redbeat:' }: { readonly prefix?: string } = {}): Promise<RedBeatImport> {
    const { importRedBeat } = await import('./redbeat.js')
    return importRedBeat(await this.#means.redBeat(prefix), await this.#desk())
  }

  // -------------------------------------------------------------------------------------------------
  // A beat in this process

  /** Runs a beat here until `stop()`. Resolves when the entries of this program are in the store. */
  start(options: StartOptions = {}): Promise<void> {
    this.#starting ??= this.#start(options).catch((error: unknown) => {
      this.#starting = undefined
      throw error
    })
    return this.#starting
  }

  async #start({ maxInterval, embedded = false, log }: StartOptions): Promise<void> {
    if (maxInterval !== undefined && !(maxInterval > 0))
      throw new InvalidUsage(
        `app.beat.start: maxInterval: expected seconds above 0, got ${show(maxInterval)}.`,
      )
    const opened = await this.#open()
    const parts = log === undefined ? opened : { ...opened, log }
    parts.log.info('beat: Starting...')
    const program = programOf(
      this.#declared,
      this.#means.configured(),
      (entry) => this.#means.check(entry),
      (error) => parts.log.error(`beat: ${error.message} It is passed over.`),
    )
    const [{ Desk }, { Loop }] = await Promise.all([import('./desk.js'), import('./loop.js')])
    const desk = new Desk(parts, program.get)
    const sync = (): Promise<void> => desk.sync(program.entries())
    await sync()
    this.#loop = new Loop({
      parts,
      maxIntervalMs: maxInterval === undefined ? this.#means.maxInterval() : maxInterval * 1000,
      declared: program.get,
      sync,
      mend: (names) => desk.mend(names),
    })
    this.#means.announce('beatInit')
    if (embedded) this.#means.announce('beatEmbeddedInit')
  }

  /** Ends the beat here; what is being sent is sent. Others go on. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined)
    this.#starting = undefined
    const loop = this.#loop
    this.#loop = undefined
    await loop?.stop()
  }

  /** Stops, and closes the store's connection. */
  async close(): Promise<void> {
    await this.stop()
    const opening = this.#opening
    this.#opening = undefined
    const parts = await opening?.catch(() => undefined)
    await parts?.store.close()
  }

  // -------------------------------------------------------------------------------------------------

  #read(name: string, options: EntryOptions): ScheduleEntry {
    if (typeof options?.run === 'function' || (options?.run !== undefined && !isSignature(options.run)))
      throw new ImproperlyConfigured(
        `Beat entry ${show(name)}: expected a signature such as task.si(…), got ${show(options.run)}.`,
      )
    const entry = readEntry(name, options)
    this.#means.check(entry)
    return entry
  }

  #storable(entry: ScheduleEntry): ScheduleEntry {
    if (entry.schedule.kind !== 'custom') return entry
    throw new ImproperlyConfigured(
      `Beat entry ${show(entry.name)}: a schedule that is an object of this program cannot be stored. Declare it: app.beat.add.`,
    )
  }

  #open(): Promise<BeatParts> {
    this.#opening ??= this.#means.open().catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** Loaded when it is wanted, as the loop is: most programs only declare entries. */
  async #desk(): Promise<Desk> {
    const { Desk } = await import('./desk.js')
    return new Desk(await this.#open(), (name) => this.#declared.get(name))
  }

  async #views(records: readonly (BeatRecord | Trouble)[]): Promise<readonly (EntryView | TroubleView)[]> {
    const parts = await this.#open()
    const ids = records.flatMap((read) => (isTrouble(read) ? [] : (read.state.lastRun?.id ?? [])))
    const states = await parts.states(ids)
    const stateOf = new Map(ids.map((id, index) => [id, states[index] ?? null]))
    return records.map((read) =>
      isTrouble(read)
        ? { name: read.name, trouble: read.trouble }
        : viewOf(read, parts.now(), parts.timezone, stateOf.get(read.state.lastRun?.id ?? '') ?? null),
    )
  }
}

const checkCount = (count: number, place: string): void => {
  if (!(Number.isSafeInteger(count) && count >= 1))
    throw new InvalidUsage(`app.beat.${place}: expected a whole number from 1, got ${show(count)}.`)
}
