// What time does: leases end (their messages go to the redo lists) and held messages come due. Every
// consumer looks each second, by small scripts; many of them looking costs little and needs no leader.
import type { ErrandWatch } from './errands.js'
import { typesOf } from './key-types.js'
import type { Keys } from './keys.js'
import type { Link } from './link.js'
import type { OrphanWatch } from './orphan-watch.js'
import { Peers } from './peers.js'
import { scripts } from './scripts.js'
import { markRedelivered, type Past, pastOf, tagsOf } from './shared.js'
import { oddKey, wrongKey } from './trouble.js'

export interface ReaperOptions {
  readonly keys: Keys
  /** Those that are consumed now. */
  readonly queues: () => readonly string[]
  readonly link: Link
  readonly leaseMs: number
  readonly url: string
  readonly onError: (error: unknown) => void
  /** A look in which nothing was wrong. */
  readonly onWell: () => void
  /** These tasks have messages in this queue that wait for their rate. */
  readonly onParked: (queue: string, tasks: readonly string[]) => void
  readonly errands: ErrandWatch | undefined
  readonly orphans: OrphanWatch
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
}

/** What a consumer that is gone held of shared queues: field, message, '1' if its delivery had arrived. */
type Listed = readonly [field: string, raw: Buffer, arrived: string]

/** By promote.lua. */
type Promoted = readonly [
  moved: number,
  nextInMs: number,
  serverMs: number,
  tasks: readonly Buffer[],
  wrong: readonly number[],
]

const everyMs = 1000
const mostPerCall = 100
/** It is put off for a second, and for one more by whoever is slow. */
const putOffMs = 4000

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
  /** When something last came due that had found no place at its gate, or among those of its rate. */
  #putOffAt = 0

  readonly #peers: Peers | null

  constructor(options: ReaperOptions) {
    this.#options = options
    const shared = options.queues().filter(options.keys.isShared)
    this.#peers = shared.length === 0 ? null : new Peers({ ...options, queues: shared })
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
    while (await this.#reap(id));
  }

  async #tick(): Promise<void> {
    const { link, onError } = this.#options
    let isWell = true
    try {
      if (!link.up) this.#wasDown = true
      else if (!this.#busy) {
        this.#busy = true
        if (this.#wasDown) {
          this.#wasDown = false
          this.#reapFrom = Date.now() + this.#options.leaseMs / 2
        }
        isWell = await this.#promote()
        if (Date.now() >= this.#reapFrom) while (!this.#stopped && (await this.#reap('')));
        await this.#peers?.look()
        await this.#options.errands?.look()
        await this.#options.orphans.look()
        if (isWell) this.#options.onWell()
      }
    } catch (error) {
      // Which key it is was told.
      const isKnown = !isWell && String(error).includes('WRONGTYPE')
      if (!this.#stopped && link.up && !isKnown) onError(error)
    } finally {
      this.#busy = false
    }
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#tick(), everyMs * (0.9 + Math.random() / 5))
  }

  /** True when there is more to do. */
  async #reap(leaving: string): Promise<boolean> {
    const { keys, link } = this.#options
    const args = [1, keys.consumers, keys.consumerPrefix, keys.redoPrefix, mostPerCall, leaving, keys.base]
    const reply = (await link.run(scripts.reap, args)) as unknown as [
      number,
      number,
      Buffer,
      Buffer,
      ...Buffer[],
    ]
    const [, more, id, host, queues, ...words] = reply
    if (queues !== undefined) {
      const listed: Listed[] = []
      for (let i = 0; i < words.length; i += 3)
        listed.push([String(words[i]), words[i + 1] as Buffer, String(words[i + 2])])
      await this.#restore(String(id), String(host), JSON.parse(String(queues)), listed, leaving !== '')
    }
    return more === 1
  }

  /** Back to lists where Python finds them too; what is known of their past stands in them. */
  async #restore(
    id: string,
    host: string,
    queues: readonly string[],
    listed: readonly Listed[],
    leaving: boolean,
  ): Promise<void> {
    const { keys, link } = this.#options
    const names = [keys.consumer(id), keys.unacked, keys.unackedIndex]
    names.push(keys.redo(queues[0] as string))
    const words: (string | Buffer | number)[] = [tagsOf(id.replace(/^!/, ''))]
    for (const [field, raw, arrived] of listed) {
      const list = Number.parseInt(field.split(':')[1] ?? '0', 10)
      const text = raw.toString('utf8')
      const past = pastAfter(pastOf(text), field.includes('n'), arrived === '1', leaving)
      words.push(field, raw, markRedelivered(text, { ...past, worker: host }))
      words.push(names.push(keys.list(queues[list >> 2] as string, list & 3)))
    }
    await link.run(scripts.restore, [names.length, ...names, ...words])
  }

  /** False when a key holds something that is not ours: it is told. */
  async #promote(): Promise<boolean> {
    const { keys, link, queues, onError, url } = this.#options
    let isWell = true
    await Promise.all(
      queues().map(async (queue) => {
        const looks = typesOf(keys, queue)
        const names = looks.map(([name]) => name)
        const kinds = looks.map(([, kind]) => kind)
        for (;;) {
          if (this.#stopped || !link.up) return
          const args = [names.length, ...names, mostPerCall, keys.parkedPrefix(queue), ...kinds]
          const reply = await link.run(scripts.promote, args)
          const [, nextInMs, serverMs, tasks, wrong] = reply as unknown as Promoted
          for (const index of wrong) {
            isWell = false
            if (index === 0) this.#putOffAt = Date.now()
            onError(
              index === 0
                ? oddKey(url, queue)
                : wrongKey(url, names[index - 1] as string, kinds[index - 1] as string),
            )
          }
          if (tasks.length > 0) this.#options.onParked(queue, tasks.map(String))
          this.#offsetMs = serverMs - Date.now()
          if (nextInMs > 0) this.due(serverMs + nextInMs)
          if (nextInMs !== 0) return
        }
      }),
    )
    return isWell && Date.now() - this.#putOffAt > putOffMs
  }
}

/** As reap.lua counts for own queues: a start that was noted, or a first delivery that is known to have arrived. */
const pastAfter = (
  past: Past | null,
  noted: boolean,
  arrived: boolean,
  leaving: boolean,
): Pick<Past, 'attempts' | 'flag'> => {
  const { attempts, flag } = past ?? { attempts: 0, flag: '-' as const }
  if (noted) return { attempts: attempts + (leaving ? 0 : 1), flag: '-' }
  if (leaving || flag === 'm' || attempts > 0) return { attempts, flag }
  return arrived ? { attempts: 1, flag: '-' } : { attempts: 0, flag: 'm' }
}
