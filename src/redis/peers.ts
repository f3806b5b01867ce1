// What Python workers hold of queues that we share with them. Held for longer than the visibility timeout, it goes
// back, marked as Celery does, or to the dead letters where nobody can read it (it would stop every sweep of every
// Python worker). And what waits there for its eta says so by its score: Celery would give it to a second worker when
// the timeout is over, and run it twice.
import { fits } from '../runtime/binding.js'
import { elementsOf, skipString, valueAt } from './json-text.js'
import { type Keys, separator, stepOf } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'
import { isOurTag, markRedelivered } from './shared.js'

export interface PeersOptions {
  readonly keys: Keys
  /** Those of our queues that are shared. */
  readonly queues: readonly string[]
  readonly link: Link
  readonly deadLetterMax: number
  readonly deadLetterExpires: number
}

const mostOverdue = 100
const mostHeld = 1000

/** An entry of `unacked`: the message's text, and where it came from. */
interface Entry {
  readonly raw: string
  readonly exchange: string
  readonly routingKey: string
}

export class Peers {
  readonly #options: PeersOptions
  /** Tags whose etas were looked at. */
  #known = new Set<string>()

  constructor(options: PeersOptions) {
    this.#options = options
  }

  async look(): Promise<void> {
    let passed = 0
    for (;;) {
      const { nowMs, overdue, held } = await this.#ask(passed)
      if (passed === 0) await this.#keepForEta(held, nowMs)
      for (const [tag, score, entry] of overdue) if (!(await this.#recover(tag, score, entry))) passed++
      if (overdue.length < mostOverdue) return
    }
  }

  async #ask(passOver: number) {
    const { keys, link } = this.#options
    const args = [2, keys.unacked, keys.unackedIndex, keys.sharing.visibilityTimeout, passOver]
    const reply = await link.run(scripts.peers, [...args, mostOverdue, mostHeld])
    const [nowMs, overdue, held] = reply as unknown as [number, Buffer[], Buffer[]]
    const triples: (readonly [tag: Buffer, score: Buffer, entry: Buffer])[] = []
    for (let i = 0; i < overdue.length; i += 3)
      triples.push([overdue[i] as Buffer, overdue[i + 1] as Buffer, overdue[i + 2] as Buffer])
    return { nowMs, overdue: triples, held: held.map(String) }
  }

  /** False: it stays where it is, since its queue is none of ours. */
  async #recover(tag: Buffer, score: Buffer, value: Buffer): Promise<boolean> {
    const { keys, link } = this.#options
    const put = async (names: readonly string[], words: readonly (string | number)[]) => {
      const all = [keys.unacked, keys.unackedIndex, ...names]
      await link.run(scripts.recover, [all.length, ...all, tag, score, value, ...words])
      return true
    }
    const bury = (reason: string): Promise<boolean> => {
      const { deadLetterMax, deadLetterExpires } = this.#options
      const words = [`unacked-${String(tag)}`, '', reason, deadLetterMax, Math.ceil(deadLetterExpires)]
      return put([keys.dead], ['dead', ...words])
    }
    // An index without an entry: there is no message.
    if (value.length === 0) return put([], ['put'])
    const entry = readEntry(value)
    if (entry === null)
      return bury('An entry of "unacked" that no worker can read: it stopped the recovery of all others.')
    // Where a binding takes too long to compare, somebody has put it there: that is no reason to lose a message.
    const queues = await this.#queuesOf(entry).catch(() => null)
    if (queues === null) return false
    if (queues.length === 0)
      return bury(
        `No queue is bound to exchange "${entry.exchange}" with routing key "${entry.routingKey}": Celery would delete it.`,
      )
    if (!queues.some((queue) => this.#options.queues.includes(queue))) return false
    const raw = markRedelivered(entry.raw)
    const step = stepOf(priorityOf(entry.raw))
    return put(
      queues.map((queue) => keys.list(queue, step)),
      ['put', ...queues.map(() => raw)],
    )
  }

  async #queuesOf({ exchange, routingKey }: Entry): Promise<readonly string[]> {
    if (exchange === '') return [routingKey]
    const { keys, link } = this.#options
    const members = (await link.send('smembers', [keys.binding(exchange)])) as readonly Buffer[]
    return boundQueues(members.map(String), routingKey)
  }

  async #keepForEta(tags: readonly string[], nowMs: number): Promise<void> {
    const { keys, link } = this.#options
    const fresh = tags.filter((tag) => !isOurTag(tag) && !this.#known.has(tag))
    this.#known = new Set(tags)
    if (fresh.length === 0) return
    const values = (await link.send('hmget', [keys.unacked, ...fresh])) as readonly (Buffer | null)[]
    for (const [index, value] of values.entries()) {
      const entry = value === null ? null : readEntry(value)
      const etaMs = entry === null ? Number.NaN : etaOf(entry.raw)
      if (entry === null || !(etaMs > nowMs)) continue
      const queues = await this.#queuesOf(entry).catch(() => [])
      if (!queues.some((queue) => this.#options.queues.includes(queue))) continue
      // Of one that is acknowledged meanwhile nothing is left to be changed.
      await link.send('zadd', [keys.unackedIndex, 'XX', etaMs / 1000, fresh[index] as string])
    }
  }
}

/** Queues whose binding (`<key>\x06\x16<pattern>\x06\x16<queue>`) takes this routing key. */
export const boundQueues = (bindings: readonly string[], routingKey: string): readonly string[] => {
  const bound = bindings
    .map((binding) => binding.split(separator))
    .filter((parts) => isBound(parts, routingKey))
  return [...new Set(bound.map((parts) => parts[2] as string))].sort()
}

/** A pattern is the regular expression that kombu made of a topic's key. */
const isBound = ([key, pattern, queue]: readonly string[], routingKey: string): boolean => {
  if (queue === undefined || queue === '') return false
  if (pattern === undefined || pattern === '') return key === routingKey
  return fits(pattern, routingKey)
}

/** Null: nobody can read it. */
export const readEntry = (value: Buffer): Entry | null => {
  const text = value.toString('utf8')
  try {
    const [message, exchange, routingKey, ...more] = JSON.parse(standard(text)) as unknown[]
    if (typeof message !== 'object' || message === null || Array.isArray(message)) return null
    if (typeof exchange !== 'string' || typeof routingKey !== 'string' || more.length > 0) return null
    if (exchange === '' && routingKey === '') return null
    const place = elementsOf(text, 0)[0]
    return place === undefined ? null : { raw: text.slice(place.from, place.to), exchange, routingKey }
  } catch {
    return null
  }
}

/** Python's words for numbers that JSON lacks, outside strings. */
const standard = (text: string): string => {
  if (!/Infinity|NaN/.test(text)) return text
  const numbers = (part: string): string => part.replace(/-?Infinity|NaN/g, '0')
  let done = ''
  let at = 0
  for (let quote = text.indexOf('"'); quote !== -1; quote = text.indexOf('"', at)) {
    const end = skipString(text, quote)
    done += numbers(text.slice(at, quote)) + text.slice(quote, end)
    at = end
  }
  return done + numbers(text.slice(at))
}

const priorityOf = (raw: string): number => Number(valueAt(raw, ['properties', 'priority'])) || 0

/** ms since 1970; NaN without one. */
const etaOf = (raw: string): number => {
  const eta = valueAt(raw, ['headers', 'eta'])
  if (typeof eta !== 'string') return Number.NaN
  return Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(eta) ? eta : `${eta}Z`)
}
