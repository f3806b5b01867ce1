// PORT Mailbox over Redis, as kombu has it: a fanout exchange is a channel, `/<database>.<exchange>`; a reply
// goes to the lists that are bound to (exchange, key), and who waits for it takes its list away again.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Mailbox } from '../runtime/mailbox.js'
import { ask } from './ask.js'
import { type Keys, separator } from './keys.js'
import { Link, type LinkListener, type Reply } from './link.js'
import type { Address } from './address.js'

export interface MailboxOptions {
  readonly address: Address
  readonly keys: Keys
  readonly timeoutSeconds: number
}

interface Ear {
  readonly hear: (raw: string) => void
  readonly onAgain: (() => void) | undefined
}

/** Seconds; below the time after which a silent socket counts as dead. */
const blockSeconds = 5
/** Seconds that a reply waits for its reader, who may be gone. */
const replySeconds = 60
const isPattern = (channel: string): boolean => channel.endsWith('/*')

const escapeGlob = (text: string): string => text.replace(/[*?[\]\\]/g, '\\$&')

const noop = (): void => undefined

export class RedisMailbox implements Mailbox {
  readonly #options: MailboxOptions
  /** For what does not block. */
  readonly #link: Link
  /** Subscriptions, made when somebody listens. */
  #ear: Link | undefined
  readonly #ears = new Map<string, Set<Ear>>()
  readonly #readers = new Set<() => Promise<void>>()

  constructor(options: MailboxOptions) {
    this.#options = options
    this.#link = this.#connect('mailbox')
  }

  async listen(
    exchange: string,
    hear: (raw: string) => void,
    { onAgain, anyKey = false }: { readonly onAgain?: () => void; readonly anyKey?: boolean } = {},
  ): Promise<() => Promise<void>> {
    const channel = this.#options.keys.fanout(this.#options.address.database, exchange)
    const ears = [await this.#open(channel, { hear, onAgain })]
    // (Told once of a new connection is enough.)
    if (anyKey) ears.push(await this.#open(`${escapeGlob(channel)}/*`, { hear, onAgain: undefined }))
    return async () => {
      for (const close of ears) await close()
    }
  }

  /** A channel, or a pattern of channels: these end in a star. */
  async #open(channel: string, ear: Ear): Promise<() => Promise<void>> {
    const link = (this.#ear ??= this.#openEar())
    const ears = this.#ears.get(channel) ?? new Set()
    this.#ears.set(channel, ears.add(ear))
    link.hold()
    const drop = (): boolean => {
      if (!ears.delete(ear)) return false
      if (ears.size === 0) this.#ears.delete(channel)
      link.free()
      return true
    }
    const [join, leave] = isPattern(channel) ? ['psubscribe', 'punsubscribe'] : ['subscribe', 'unsubscribe']
    const { address, timeoutSeconds } = this.#options
    try {
      // A connection that breaks in between subscribes by itself when it is back.
      await ask(link, address.masked, timeoutSeconds, () => link.send(join, [channel]).catch(noop))
    } catch (error) {
      drop()
      throw error
    }
    return async () => {
      if (drop() && ears.size === 0) await link.send(leave, [channel]).catch(noop)
    }
  }

  async broadcast(exchange: string, raw: string, routingKey = ''): Promise<void> {
    const { keys, address } = this.#options
    await this.#ask('publish', [keys.fanout(address.database, exchange, routingKey), raw])
  }

  async reply(exchange: string, key: string, raw: string): Promise<void> {
    const { keys } = this.#options
    const members = (await this.#ask('smembers', [keys.binding(exchange)])) as readonly Buffer[]
    for (const member of members) {
      const [boundKey, , queue] = String(member).split(separator)
      if (boundKey !== key || queue === undefined) continue
      const list = keys.list(queue, 0)
      // In one write: a worker that is killed in between would leave it for ever.
      await Promise.all([this.#ask('lpush', [list, raw]), this.#ask('expire', [list, replySeconds])])
    }
  }

  async replies(exchange: string, key: string, hear: (raw: string) => void): Promise<() => Promise<void>> {
    const { keys } = this.#options
    const queue = `${key}.${exchange}`
    const binding = keys.binding(exchange)
    const member = `${key}${separator}${separator}${queue}`
    const list = keys.list(queue, 0)
    await this.#ask('sadd', [binding, member])
    const link = this.#connect('replies')
    link.hold()
    let open = true
    const read = async (): Promise<void> => {
      while (open)
        try {
          await link.whenUp()
          const popped = (await link.send('brpop', [list, blockSeconds])) as readonly Buffer[] | null
          if (popped !== null && open) hear(String(popped[1]))
        } catch {
          // The connection was lost: it comes back, or the caller's patience ends.
          if (open) await sleep(50)
        }
    }
    void read()
    const close = async (): Promise<void> => {
      if (!open) return
      open = false
      this.#readers.delete(close)
      link.close()
      await this.#ask('srem', [binding, member])
      await this.#ask('del', [list])
    }
    this.#readers.add(close)
    return close
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map((close) => close().catch(noop)))
    this.#ear?.close()
    this.#link.close()
  }

  #connect(role: string, ...listeners: LinkListener[]): Link {
    return new Link({ address: this.#options.address, name: `lovage-${role}` }, ...listeners)
  }

  #openEar(): Link {
    let before = false
    const onUp = (): void => {
      const patterns = [...this.#ears.keys()].filter(isPattern)
      const channels = [...this.#ears.keys()].filter((channel) => !isPattern(channel))
      if (channels.length > 0) link.send('subscribe', channels).catch(noop)
      if (patterns.length > 0) link.send('psubscribe', patterns).catch(noop)
      if (before) for (const ears of this.#ears.values()) for (const { onAgain } of ears) onAgain?.()
      before = true
    }
    const link = this.#connect('control', { onUp })
    const tell = (channel: string, text: string): void => {
      for (const { hear } of this.#ears.get(channel) ?? []) hear(text)
    }
    link.client.on('message', tell)
    link.client.on('pmessage', (pattern: string, _channel: string, text: string) => tell(pattern, text))
    return link
  }

  #ask(command: string, args: readonly (string | number)[]): Promise<Reply> {
    const { address, timeoutSeconds } = this.#options
    return ask(this.#link, address.masked, timeoutSeconds, () => this.#link.send(command, args))
  }
}
