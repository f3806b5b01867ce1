// Waiting for results: one connection for all waits. One turn's names go out in one SUBSCRIBE, with an MGET
// of the same names behind it on the same connection (RESP3 allows it), so that nothing falls between the
// two. Who was cut off looks over another connection, when he listens again (reader.ts). A message on a channel is
// only a hint that may be missed: every few seconds all waits are read again.
// Both may leave before there is a watch, behind the message whose result it will be.
import { closedUnder } from '../runtime/backend.js'
import type { Link } from './link.js'
import type { Reader } from './reader.js'
import { isHopeless, toOperational } from './trouble.js'

interface Watch {
  listener: (text: string) => void
  onTrouble: ((error: Error) => void) | undefined
  readonly sinceMs: number
  told: boolean
}

const noop = (): void => undefined

const chunk = 500
const rereadMs = 5000
const unsubscribeMs = 50

export class Watcher {
  readonly #link: Link
  readonly #reader: Reader
  readonly #url: string
  readonly #timeoutMs: number
  /** Channel = key → who waits; almost always one. */
  readonly #watches = new Map<string, Watch | Watch[]>()
  #joining: string[] = []
  /** Keys that somebody is about to watch → the last text heard. */
  readonly #expected = new Map<string, string | null>()
  /** Subscribed to on the present connection. */
  readonly #joined = new Set<string>()
  readonly #leaving = new Set<string>()
  #leaveTimer: NodeJS.Timeout | null = null
  #reread: NodeJS.Timeout | null = null
  #patience: NodeJS.Timeout | null = null

  constructor(link: Link, reader: Reader, url: string, timeoutSeconds: number) {
    this.#link = link
    this.#reader = reader
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
    if (this.#expected.has(key)) this.#recall(key, watch)
    else this.#joinSoon(key)
    this.#reread ??= setTimeout(() => this.#readAgain(), rereadMs)
    if (onTrouble !== undefined) this.#patience ??= setTimeout(() => this.#lament(), this.#timeoutMs)
    let open = true
    return () => {
      if (!open) return
      open = false
      this.#drop(key, watch)
    }
  }

  /** Listens and looks for a watch that comes soon. If two expect the same key, the first to end it does so for both. */
  expect(key: string): () => void {
    this.#link.hold()
    if (!this.#expected.has(key)) {
      this.#expected.set(key, null)
      this.#joinSoon(key)
    }
    return () => {
      this.#expected.delete(key)
      if (!this.#watches.has(key)) this.#leaveSoon(key)
      this.#link.free()
    }
  }

  /** A new connection: everything is subscribed to again, and read. */
  connected(): void {
    this.#leaving.clear()
    this.#joined.clear()
    this.#join([...new Set([...this.#watches.keys(), ...this.#expected.keys()])])
    for (const watch of this.#all()) watch.told = false
  }

  disconnected(): void {
    if (this.#watches.size === 0) return
    if (this.#isHopeless) this.#lament()
    else this.#patience ??= setTimeout(() => this.#lament(), this.#timeoutMs)
  }

  close(): void {
    for (const timer of [this.#leaveTimer, this.#reread, this.#patience]) if (timer) clearTimeout(timer)
    const left = [...this.#all()]
    this.#watches.clear()
    this.#expected.clear()
    for (const { onTrouble } of left) onTrouble?.(closedUnder(this.#url))
  }

  *#all(): Iterable<Watch> {
    for (const entry of this.#watches.values())
      if (Array.isArray(entry)) yield* entry
      else yield entry
  }

  /** With all names of this turn. */
  #joinSoon(key: string): void {
    if (this.#joining.length === 0) process.nextTick(() => this.#join(this.#joining.splice(0)))
    this.#joining.push(key)
    this.#leaving.delete(key)
  }

  #join(keys: readonly string[]): void {
    if (!this.#link.up) return
    for (let from = 0; from < keys.length; from += chunk) {
      const names = keys.slice(from, from + chunk)
      const wanted = names.filter((name) => this.#watches.has(name) || this.#expected.has(name))
      const fresh = wanted.filter((name) => !this.#joined.has(name))
      for (const name of fresh) this.#joined.add(name)
      const joined = fresh.length > 0 ? this.#subscribe(fresh) : undefined
      if (wanted.length > 0) void this.#read(wanted, joined)
    }
  }

  #subscribe(names: readonly string[]): Promise<unknown> {
    return this.#link.send('subscribe', names).catch(() => {
      for (const name of names) this.#joined.delete(name)
    })
  }

  async #read(keys: readonly string[], joined?: Promise<unknown>): Promise<void> {
    try {
      if (this.#reader.isApart) await joined
      const texts = await this.#reader.read(keys)
      for (const [index, text] of texts.entries())
        if (text !== null) this.#hear(keys[index] as string, String(text))
    } catch {
      // The next connection, or the next look, reads again.
    }
  }

  /** What was heard before this watch began; if the answer is still on its way, it comes by itself. */
  #recall(key: string, watch: Watch): void {
    queueMicrotask(() => {
      const text = this.#expected.get(key)
      if (text != null && this.#isOpen(key, watch)) watch.listener(text)
    })
  }

  #isOpen(key: string, watch: Watch): boolean {
    const entry = this.#watches.get(key)
    return Array.isArray(entry) ? entry.includes(watch) : entry === watch
  }

  #hear(key: string, text: string): void {
    if (this.#expected.has(key)) this.#expected.set(key, text)
    const entry = this.#watches.get(key)
    if (entry === undefined) return
    if (Array.isArray(entry)) for (const watch of entry.slice()) watch.listener(text)
    else entry.listener(text)
  }

  #drop(key: string, watch: Watch): void {
    // An old table of the map may keep it for the collector, and with it all that waits.
    watch.listener = noop
    watch.onTrouble = undefined
    const entry = this.#watches.get(key)
    const rest = Array.isArray(entry) ? entry.filter((each) => each !== watch) : []
    if (rest.length > 0) this.#watches.set(key, rest)
    else {
      this.#watches.delete(key)
      if (!this.#expected.has(key)) this.#leaveSoon(key)
    }
    this.#link.free()
    if (this.#watches.size > 0) return
    if (this.#reread) clearTimeout(this.#reread)
    if (this.#patience) clearTimeout(this.#patience)
    this.#reread = null
    this.#patience = null
  }

  #leaveSoon(key: string): void {
    this.#leaving.add(key)
    if (this.#leaving.size >= chunk) this.#leave()
    else this.#leaveTimer ??= setTimeout(() => this.#leave(), unsubscribeMs).unref()
  }

  #leave(): void {
    if (this.#leaveTimer) clearTimeout(this.#leaveTimer)
    this.#leaveTimer = null
    const names = [...this.#leaving].filter((name) => this.#joined.delete(name))
    this.#leaving.clear()
    if (names.length > 0) this.#link.send('unsubscribe', names).catch(() => undefined)
  }

  #readAgain(): void {
    const keys = [...this.#watches.keys()]
    const step = async (from: number): Promise<void> => {
      if (from >= keys.length) return
      const names = keys.slice(from, from + chunk).filter((key) => this.#watches.has(key))
      // A subscription that was refused is made now, and reads as well.
      if (names.every((name) => this.#joined.has(name))) await this.#read(names)
      else this.#join(names)
      return step(from + chunk)
    }
    void step(0)
    this.#reread = setTimeout(() => this.#readAgain(), rereadMs)
  }

  get #isHopeless(): boolean {
    return isHopeless(this.#link.lastError)
  }

  /** No connection in time, or never: each wait hears it once, and goes on waiting if it wants to. */
  #lament(): void {
    if (this.#patience) clearTimeout(this.#patience)
    this.#patience = null
    if (this.#link.up || this.#watches.size === 0) return
    const now = Date.now()
    const patienceMs = this.#isHopeless ? 0 : this.#timeoutMs
    const error = toOperational(this.#url, this.#link.lastError)
    for (const watch of this.#all()) {
      if (watch.told || watch.onTrouble === undefined || now - watch.sinceMs < patienceMs) continue
      watch.told = true
      watch.onTrouble(error)
    }
    if (this.#watches.size > 0) this.#patience = setTimeout(() => this.#lament(), 250)
  }
}
