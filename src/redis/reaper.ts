// What time does: leases end (their messages go to the redo lists) and held messages come due. Every
// consumer looks each second, by small scripts; many of them looking costs little and needs no leader.
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'

export interface ReaperOptions {
  readonly keys: Keys
  readonly queues: readonly string[]
  readonly link: Link
  readonly leaseMs: number
  readonly onError: (error: unknown) => void
  /** These tasks have messages in this queue that wait for their rate. */
  readonly onParked: (queue: string, tasks: readonly string[]) => void
}

const everyMs = 1000
const mostPerCall = 100

export class Reaper {
  readonly #options: ReaperOptions
  #timer: NodeJS.Timeout | null = null
  #dueTimer: NodeJS.Timeout | null = null
  /** When the due timer fires (our clock), if it is set. */
  #dueAt = Number.POSITIVE_INFINITY
  /** The server's clock minus ours. */
  #offsetMs = 0
  #busy = false
  #stopped = false
  /** Not before: after a reconnect the others need a moment to renew their leases too. */
  #reapFrom = 0
  #wasDown = false

  constructor(options: ReaperOptions) {
    this.#options = options
  }

  start(): void {
    void this.#tick()
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    if (this.#dueTimer) clearTimeout(this.#dueTimer)
  }

  /** We know of something that is due then (ms, the server's clock). */
  due(dueMs: number): void {
    const at = dueMs - this.#offsetMs
    const inMs = Math.max(0, at - Date.now())
    if (this.#stopped || at >= this.#dueAt || inMs > everyMs) return
    if (this.#dueTimer) clearTimeout(this.#dueTimer)
    this.#dueAt = at
    // One more millisecond: timers may be early by a part of one.
    this.#dueTimer = setTimeout(() => {
      this.#dueAt = Number.POSITIVE_INFINITY
      void this.#promote().catch(this.#options.onError)
    }, inMs + 1)
  }

  /** Gives everything back that `id` holds, uncounted, and takes it off the list. */
  async leave(id: string): Promise<void> {
    while ((await this.#reap(id))[1] === 1);
  }

  async #tick(): Promise<void> {
    const { link, onError } = this.#options
    try {
      if (!link.up) this.#wasDown = true
      else if (!this.#busy) {
        this.#busy = true
        if (this.#wasDown) {
          this.#wasDown = false
          this.#reapFrom = Date.now() + this.#options.leaseMs / 2
        }
        await this.#promote()
        if (Date.now() >= this.#reapFrom) while (!this.#stopped && (await this.#reap(''))[1] === 1);
      }
    } catch (error) {
      if (!this.#stopped && link.up) onError(error)
    } finally {
      this.#busy = false
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#tick(), everyMs * (0.9 + Math.random() / 5))
  }

  async #reap(leaving: string): Promise<readonly [number, number]> {
    const { keys, link } = this.#options
    const args = [1, keys.consumers, keys.consumerPrefix, keys.redoPrefix, mostPerCall, leaving]
    return (await link.run(scripts.reap, args)) as unknown as readonly [number, number]
  }

  async #promote(): Promise<void> {
    const { keys, link, queues } = this.#options
    await Promise.all(
      queues.map(async (queue) => {
        const names = [keys.eta(queue), keys.redo(queue), ...keys.lists(queue), keys.limited(queue)]
        for (;;) {
          if (this.#stopped || !link.up) return
          const args = [names.length, ...names, mostPerCall, keys.parkedPrefix(queue)]
          const reply = await link.run(scripts.promote, args)
          const [, nextInMs, serverMs, tasks] = reply as unknown as [number, number, number, Buffer[]]
          if (tasks.length > 0) this.#options.onParked(queue, tasks.map(String))
          this.#offsetMs = serverMs - Date.now()
          if (nextInMs > 0) this.due(serverMs + nextInMs)
          if (nextInMs !== 0) return
        }
      }),
    )
  }
}
