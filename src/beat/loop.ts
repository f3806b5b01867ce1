// The loop of one beat: it learns what there is (ledger.ts), fires what is due (trigger.ts), and sleeps until the
// next tick or until an entry is changed. Only the beat that leads does so; the others wait for its end.
import { randomUUID } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import { longestTimerMs } from '../timer.js'
import { Agenda } from './agenda.js'
import type { ScheduleEntry } from './entry.js'
import { Leadership } from './leadership.js'
import { Ledger } from './ledger.js'
import type { BeatParts } from './parts.js'
import { Trigger } from './trigger.js'

export interface LoopOptions {
  readonly parts: BeatParts
  /** The longest sleep. */
  readonly maxIntervalMs: number
  /** An entry that this program declares, for schedules that are objects of it. */
  readonly declared: (name: string) => ScheduleEntry | undefined
  /** Puts the program's entries into the store again. */
  readonly sync: () => Promise<void>
  /** Puts what the program says of these in the place of what cannot be read. */
  readonly mend: (names: readonly string[]) => Promise<void>
}

export class Loop {
  readonly #parts: BeatParts
  readonly #maxIntervalMs: number
  readonly #ledger: Ledger
  readonly #trigger: Trigger
  readonly #leadership: Leadership
  readonly #unwatch: () => void
  #isRunning = true
  #isWoken = false
  #alarm: (() => void) | undefined
  readonly #ended: Promise<void>

  constructor({ parts, maxIntervalMs, declared, sync, mend }: LoopOptions) {
    this.#parts = parts
    this.#maxIntervalMs = Math.min(maxIntervalMs, longestTimerMs)
    const by = randomUUID()
    const agenda = new Agenda({ timezone: parts.timezone, scope: parts.scope })
    this.#leadership = new Leadership({ parts, by, onChange: () => this.#ledger.hear(null) })
    this.#ledger = new Ledger({
      parts,
      agenda,
      declared,
      sync,
      mend,
      onNews: () => this.#wake(),
      onForget: (name) => this.#trigger.forget(name),
    })
    this.#trigger = new Trigger({ parts, agenda, ledger: this.#ledger, clock: this.#leadership, by })
    this.#unwatch = parts.store.watch(
      (names) => this.#ledger.hear(names),
      (error) => parts.log.error(`beat: ${error.message} Until then no change is heard of.`),
    )
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

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#isWoken = false
      const sleepMs = this.leads ? await this.#turn() : this.#maxIntervalMs
      if (!this.#isRunning) return
      if (this.#isWoken || sleepMs <= 0) await breathe()
      else await this.#sleep(Math.min(sleepMs, this.#maxIntervalMs))
    }
  }

  /** The answer is how long to sleep, in milliseconds. */
  async #turn(): Promise<number> {
    try {
      const more = await this.#ledger.learn()
      // It was frozen meanwhile.
      if (!this.leads) return this.#maxIntervalMs
      const sleepMs = await this.#trigger.pull()
      return more ? 0 : sleepMs
    } catch (error) {
      const ms = this.#trigger.pause()
      const message = error instanceof Error ? error.message : String(error)
      this.#parts.log.error(`beat: ${message} Trying again in ${ms / 1000} s.`)
      return ms
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(ms))
      this.#alarm = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #wake(): void {
    this.#isWoken = true
    this.#alarm?.()
  }
}
