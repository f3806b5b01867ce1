// Beat: a clock that sends signatures. Here it knows one schedule, the fixed interval; what it sends with
// and how time passes are given to it.
import type { Node } from '../canvas/node.js'
import { ImproperlyConfigured } from '../errors.js'
import type { Logger } from '../log.js'

export interface BeatParts {
  /** Sends one tick's work; rejects when it cannot. */
  readonly send: (signature: Node) => Promise<{ readonly id: string }>
  readonly log: Logger
}

interface Entry {
  readonly name: string
  readonly everyMs: number
  readonly signature: Node
}

export class Beat {
  readonly #entries = new Map<string, Entry>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #parts: () => BeatParts
  #running = false

  constructor(parts: () => BeatParts) {
    this.#parts = parts
  }

  /** Names of the entries, in the order in which they were declared. */
  get names(): readonly string[] {
    return [...this.#entries.keys()]
  }

  /**
   * Declares periodic work, without I/O: `signature` is sent each `seconds` while a beat runs.
   * @throws ImproperlyConfigured when the name is taken or the interval is no interval.
   */
  every(name: string, seconds: number, signature: object): void {
    if (typeof name !== 'string' || name === '')
      throw new ImproperlyConfigured(
        `app.beat.every: expected a name for the entry, got ${JSON.stringify(name)}.`,
      )
    if (this.#entries.has(name))
      throw new ImproperlyConfigured(
        `There is a beat entry named "${name}" already. Give one of the two another name.`,
      )
    if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0.01)
      throw new ImproperlyConfigured(
        `Beat entry "${name}": expected an interval in seconds (at least 0.01), got ${JSON.stringify(seconds) ?? String(seconds)}.`,
      )
    if (typeof (signature as { kind?: unknown } | null)?.kind !== 'string')
      throw new ImproperlyConfigured(
        `Beat entry "${name}": expected a signature such as task.si(…), got ${typeof signature === 'function' ? 'a function' : JSON.stringify(signature)}.`,
      )
    const entry: Entry = { name, everyMs: seconds * 1000, signature: signature as Node }
    this.#entries.set(name, entry)
    if (this.#running) this.#schedule(entry, Date.now() + entry.everyMs)
  }

  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    this.#parts().log.info('beat: Starting...')
    for (const entry of this.#entries.values()) this.#schedule(entry, Date.now() + entry.everyMs)
  }

  async stop(): Promise<void> {
    this.#running = false
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  /** One timer for each entry, reckoned from the tick before, so that ticks do not drift. */
  #schedule(entry: Entry, dueMs: number): void {
    const timer = setTimeout(
      () => {
        const lateMs = Math.max(0, Date.now() - dueMs)
        void this.#fire(entry, lateMs)
        // After a stall (a sleeping laptop) what was missed is skipped, not caught up.
        const missed = Math.floor(lateMs / entry.everyMs)
        if (this.#running) this.#schedule(entry, dueMs + (missed + 1) * entry.everyMs)
      },
      Math.max(0, dueMs - Date.now()),
    )
    this.#timers.set(entry.name, timer)
  }

  async #fire({ name, signature }: Entry, lateMs: number): Promise<void> {
    const { send, log } = this.#parts()
    try {
      const { id } = await send(signature)
      log.info(`Scheduler: Sending due task ${name} (${id}), ${Math.round(lateMs)} ms late`)
    } catch (error) {
      log.error(
        `Scheduler: task ${name} could not be sent: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
}
