// Waiting for results: one connection for all waits. One turn's names go out in one SUBSCRIBE, with an MGET
// of the same names behind it on the same connection (RESP3 allows it), so that nothing falls between the
// two. A message on a channel is only a hint that may be missed: every few seconds all waits are read again.
import { OperationalError } from '../errors.js'
import type { Link } from './link.js'
import { explain } from './trouble.js'

interface Watch {
  readonly listener: (text: string) => void
  readonly onTrouble: ((error: Error) => void) | undefined
  readonly sinceMs: number
  told: boolean
}

const chunk = 500
const rereadMs = 5000
const unsubscribeMs = 50

export class Watcher {
  readonly #link: Link
  readonly #url: string
  readonly #timeoutMs: number
  /** Channel = key → who waits; almost always one. */
  readonly #watches = new Map<string, Watch | Watch[]>()
  #joining: string[] = []
  #leaving = new Set<string>()
  #leaveTimer: NodeJS.Timeout | null = null
  #reread: NodeJS.Timeout | null = null
  #patience: NodeJS.Timeout | null = null

  constructor(link: Link, url: string, timeoutSeconds: number) {
    this.#link = link
    this.#url = url
    this.#timeoutMs = timeoutSeconds * 1000
    link.client.on('message', (channel: string, text: string) => this.#hear(channel, text))
  }

  watch(key: string, listener: (text: string) => void, onTrouble?: (error: Error) => void): () => void {
    const watch: Watch = { listener, onTrouble, sinceMs: Date.now(), told: false }
    const present = this.#watches.get(key)
    this.#watches.set(
      key,
      present === undefined ? watch : [...(Array.isArray(present) ? present : [present]), watch],
    )
    this.#link.hold()
    if (this.#joining.length === 0) process.nextTick(() => this.#join(this.#joining.splice(0)))
    this.#joining.push(key)
    this.#reread ??= setTimeout(() => this.#readAgain(), rereadMs)
    if (onTrouble !== undefined) this.#patience ??= setTimeout(() => this.#lament(), this.#timeoutMs)
    let open = true
    return () => {
      if (!open) return
      open = false
      this.#drop(key, watch)
    }
  }

  /** A new connection: everything is subscribed to again, and read. */
  connected(): void {
    this.#leaving.clear()
    this.#join([...this.#watches.keys()])
    for (const watch of this.#all()) watch.told = false
  }

  disconnected(): void {
    if (this.#watches.size > 0) this.#patience ??= setTimeout(() => this.#lament(), this.#timeoutMs)
  }

  close(): void {
    for (const timer of [this.#leaveTimer, this.#reread, this.#patience]) if (timer) clearTimeout(timer)
    this.#watches.clear()
  }

  *#all(): Iterable<Watch> {
    for (const entry of this.#watches.values())
      if (Array.isArray(entry)) yield* entry
      else yield entry
  }

  #join(keys: readonly string[]): void {
    const wanted = keys.filter((key) => this.#watches.has(key))
    for (let from = 0; from < wanted.length; from += chunk) {
      const names = wanted.slice(from, from + chunk)
      for (const name of names) this.#leaving.delete(name)
      if (!this.#link.up) return
      this.#link.together(() => {
        this.#link.send('subscribe', names).catch(() => undefined)
        void this.#read(names)
      })
    }
  }

  async #read(keys: readonly string[]): Promise<void> {
    try {
      const texts = (await this.#link.send('mget', keys)) as readonly (Buffer | null)[]
      for (const [index, text] of texts.entries())
        if (text !== null) this.#hear(keys[index] as string, String(text))
    } catch {
      // The next connection, or the next look, reads again.
    }
  }

  #hear(key: string, text: string): void {
    const entry = this.#watches.get(key)
    if (entry === undefined) return
    if (Array.isArray(entry)) for (const watch of entry.slice()) watch.listener(text)
    else entry.listener(text)
  }

  #drop(key: string, watch: Watch): void {
    const entry = this.#watches.get(key)
    const rest = Array.isArray(entry) ? entry.filter((each) => each !== watch) : []
    if (rest.length > 0) this.#watches.set(key, rest)
    else {
      this.#watches.delete(key)
      this.#leaving.add(key)
      if (this.#leaving.size >= chunk) this.#leave()
      else this.#leaveTimer ??= setTimeout(() => this.#leave(), unsubscribeMs).unref()
    }
    this.#link.free()
    if (this.#watches.size > 0) return
    if (this.#reread) clearTimeout(this.#reread)
    if (this.#patience) clearTimeout(this.#patience)
    this.#reread = null
    this.#patience = null
  }

  #leave(): void {
    if (this.#leaveTimer) clearTimeout(this.#leaveTimer)
    this.#leaveTimer = null
    const names = [...this.#leaving]
    this.#leaving.clear()
    if (names.length > 0) this.#link.send('unsubscribe', names).catch(() => undefined)
  }

  #readAgain(): void {
    const keys = [...this.#watches.keys()]
    const step = async (from: number): Promise<void> => {
      if (from >= keys.length) return
      await this.#read(keys.slice(from, from + chunk).filter((key) => this.#watches.has(key)))
      return step(from + chunk)
    }
    void step(0)
    this.#reread = setTimeout(() => this.#readAgain(), rereadMs)
  }

  /** No connection in time: each wait hears it once, and goes on waiting if it wants to. */
  #lament(): void {
    this.#patience = null
    if (this.#link.up || this.#watches.size === 0) return
    const now = Date.now()
    const error = new OperationalError(explain(this.#url, this.#link.lastError), {
      cause: this.#link.lastError,
    })
    for (const watch of this.#all()) {
      if (watch.told || watch.onTrouble === undefined || now - watch.sinceMs < this.#timeoutMs) continue
      watch.told = true
      watch.onTrouble(error)
    }
    if (this.#watches.size > 0) this.#patience = setTimeout(() => this.#lament(), 250)
  }
}
