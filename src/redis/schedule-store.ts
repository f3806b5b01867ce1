// PORT ScheduleStore over Redis: the entries of one app as texts in two hashes, so that a fire touches one
// field (lua/fire.lua). A message on a channel is a hint that may be missed; each second the list of changes
// is looked at as well.
import { historyLimit, pageSize, type PutOptions, type ScheduleStore, type Stored } from '../beat/store.js'
import type { CarrierOptions } from '../runtime/carrier.js'
import { ask } from './ask.js'
import { Keys } from './keys.js'
import { Link, type Reply } from './link.js'
import { scripts } from './scripts.js'
import type { Address } from './address.js'
import { wrongKey } from './trouble.js'
import { parseAddress } from './url.js'

export interface ScheduleStoreOptions {
  readonly address: Address
  readonly keys: Keys
  /** The app's name. */
  readonly scope: string
  readonly timeoutSeconds: number
}

interface Watcher {
  readonly changed: (names: readonly string[] | null) => void
  readonly troubled: (error: Error) => void
}

const lookMs = 800
/** Changes that are remembered, and for how long (s): who missed more reads everything again. */
const mostChanges = 1000
const changesSeconds = 3600
const trustedMs = 60_000

const cut = (text: string): readonly [revision: number, rest: string] | undefined => {
  const [, revision, rest] = /^(\d+) (.*)$/s.exec(text) ?? []
  return revision === undefined || rest === undefined ? undefined : [Number(revision), rest]
}

const read = (name: string, definition: Reply, state: Reply | undefined): Stored => {
  const [defined, stated] = [cut(String(definition)), cut(String(state ?? ''))]
  if (defined === undefined)
    return {
      name,
      trouble: `expected "<revision> <definition>" in Redis, got ${String(definition).slice(0, 60)}`,
    }
  if (stated === undefined)
    return {
      name,
      trouble: 'it has a definition in Redis, but no state that can be read: remove it, and add it again',
    }
  return { name, definition: defined[1], revision: defined[0], state: stated[1], stateRevision: stated[0] }
}

/** The entries of the app named `scope`, in the database of its broker. Nothing is connected yet. */
export const openRedisSchedules = (
  {
    brokerUrl,
    sentinels,
    globalKeyPrefix,
    timeout,
  }: Pick<CarrierOptions, 'brokerUrl' | 'sentinels' | 'globalKeyPrefix' | 'timeout'>,
  scope: string,
): ScheduleStore =>
  new RedisScheduleStore({
    address: parseAddress('broker', brokerUrl, sentinels?.broker),
    keys: new Keys(globalKeyPrefix, ''),
    scope,
    timeoutSeconds: timeout,
  })

export class RedisScheduleStore implements ScheduleStore {
  readonly place = 'broker'
  readonly url: string
  readonly #options: ScheduleStoreOptions
  readonly #link: Link
  readonly #entries: string
  readonly #states: string
  readonly #changes: string
  readonly #channel: string
  readonly #watchers = new Set<Watcher>()
  #timer: NodeJS.Timeout | undefined
  #looking = false
  /** The last change that was seen, and when (our clock) nothing had been missed. */
  #seen: string | undefined
  #seenAt = 0
  /** The watchers were told of it. */
  #isTroubled = false

  constructor(options: ScheduleStoreOptions) {
    const { address, keys, scope } = options
    this.#options = options
    this.url = address.masked
    this.#entries = keys.beat(scope, 'entries')
    this.#states = keys.beat(scope, 'states')
    this.#changes = keys.beat(scope, 'changes')
    this.#channel = keys.beat(scope, 'changed')
    this.#link = new Link(
      { address, name: 'lovage-beat', scripts: [scripts.entry] },
      { onUp: () => this.#subscribe() },
    )
    this.#link.client.on('message', () => this.#soon(0))
  }

  async *pages(): AsyncGenerator<readonly Stored[]> {
    let scan: Promise<Reply> | undefined = this.#scan('0')
    while (scan !== undefined) {
      const [cursor, fields] = (await scan) as [Buffer, Buffer[]]
      // The next page comes together with the states of this one.
      scan = String(cursor) === '0' ? undefined : this.#scan(String(cursor))
      scan?.catch(() => undefined)
      const names = fields.filter((_, index) => index % 2 === 0)
      if (names.length === 0) continue
      const states = (await this.#ask('hmget', [this.#states, ...names])) as readonly Reply[]
      yield names.map((name, index) => read(String(name), fields[index * 2 + 1] as Buffer, states[index]))
    }
  }

  #scan(cursor: string): Promise<Reply> {
    return this.#ask('hscan', [this.#entries, cursor, 'COUNT', pageSize])
  }

  async get(names: readonly string[]): Promise<readonly (Stored | undefined)[]> {
    const all: (Stored | undefined)[] = []
    for (let from = 0; from < names.length; from += pageSize) {
      const some = names.slice(from, from + pageSize)
      const [definitions, states] = (await Promise.all([
        this.#ask('hmget', [this.#entries, ...some]),
        this.#ask('hmget', [this.#states, ...some]),
      ])) as [Reply[], Reply[]]
      for (const [index, name] of some.entries())
        all.push(definitions[index] === null ? undefined : read(name, definitions[index]!, states[index]))
    }
    return all
  }

  async put(name: string, definition: string, { expect, state }: PutOptions): Promise<boolean> {
    return this.#change(name, expect, definition, state)
  }

  async remove(name: string, expect?: number): Promise<boolean> {
    return this.#change(name, expect, '', '')
  }

  /** A fire writes them. */
  async save(): Promise<void> {}

  async history(name: string, limit: number): Promise<readonly string[]> {
    const { keys, scope } = this.#options
    const lines = await this.#ask('lrange', [
      keys.beatOf(scope, 'history', name),
      0,
      Math.min(limit, historyLimit) - 1,
    ])
    return (lines as readonly Buffer[]).map(String)
  }

  watch(changed: Watcher['changed'], troubled: Watcher['troubled']): () => void {
    const watcher = { changed, troubled }
    this.#watchers.add(watcher)
    if (this.#watchers.size === 1) {
      this.#link.hold()
      this.#seen = undefined
      if (this.#link.up) this.#subscribe()
      this.#soon(0)
    }
    return () => {
      if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return
      clearTimeout(this.#timer)
      this.#timer = undefined
      if (this.#link.up) this.#link.send('unsubscribe', [this.#channel]).catch(() => undefined)
      this.#link.free()
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#watchers.clear()
    this.#link.close()
  }

  async #change(
    name: string,
    expect: number | undefined,
    definition: string,
    state: string,
  ): Promise<boolean> {
    const { keys, scope } = this.#options
    const names = [this.#entries, this.#states, this.#changes, keys.beatOf(scope, 'history', name)]
    const words = [name, expect ?? '', definition, state, this.#channel, mostChanges, changesSeconds]
    const reply = (await ask(this.#link, this.url, this.#options.timeoutSeconds, () =>
      this.#link.run(scripts.entry, [names.length, ...names, ...words]),
    )) as number
    if (reply >= 0) return reply === 1
    const place = -reply - 2
    throw wrongKey(this.url, names[place] as string, ['hash', 'hash', 'zset'][place] as string)
  }

  /** Of commands whose first word is a key. */
  async #ask(command: string, [key, ...more]: readonly (string | number | Buffer)[]): Promise<Reply> {
    try {
      return await ask(this.#link, this.url, this.#options.timeoutSeconds, () =>
        this.#link.send(command, [key as string, ...more]),
      )
    } catch (error) {
      if (!/WRONGTYPE/.test((error as Error).message)) throw error
      throw wrongKey(this.url, String(key), command === 'lrange' ? 'list' : 'hash')
    }
  }

  #subscribe(): void {
    if (this.#watchers.size === 0) return
    // A new connection may be a new server: everything is read again.
    this.#seen = undefined
    this.#link.send('subscribe', [this.#channel]).catch(() => undefined)
    this.#soon(0)
  }

  #soon(inMs: number): void {
    if (this.#watchers.size === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), inMs)
  }

  /** Which names were changed since the last look. That a server is away is no news: the next look comes. */
  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      if (this.#link.up) await this.#compare()
    } catch (error) {
      // The connection is gone or the server is full: a later look tells everything.
      if (/WRONGTYPE/.test((error as Error).message)) this.#complain()
    } finally {
      this.#looking = false
      this.#soon(lookMs)
    }
  }

  async #compare(): Promise<void> {
    const startedAt = Date.now()
    if (this.#seen === undefined) {
      const [seconds, micros] = (await this.#link.send('time', [])) as [Buffer, Buffer]
      this.#seen = String(Number(seconds) * 1e6 + Number(micros))
      this.#seenAt = startedAt
      return this.#tell(null)
    }
    const after = [this.#changes, `(${this.#seen}`, '+inf', 'WITHSCORES', 'LIMIT', 0, mostChanges]
    const found = (await this.#link.send('zrangebyscore', after)) as readonly (
      | Buffer
      | number
      | readonly Reply[]
    )[]
    // RESP3 answers in pairs.
    const flat = found.flat().map(String)
    const names = flat.filter((_, index) => index % 2 === 0)
    const trusted = startedAt - this.#seenAt < trustedMs && names.length < mostChanges
    this.#seenAt = startedAt
    this.#isTroubled = false
    if (names.length > 0) this.#seen = Number(flat.at(-1)).toFixed(0)
    if (!trusted) this.#tell(null)
    else if (names.length > 0) this.#tell(names)
  }

  #tell(names: readonly string[] | null): void {
    for (const { changed } of this.#watchers) changed(names)
  }

  #complain(): void {
    if (this.#isTroubled) return
    this.#isTroubled = true
    for (const { troubled } of this.#watchers) troubled(wrongKey(this.url, this.#changes, 'zset'))
  }
}
