// PORT Mailbox: what carries remote control and events. A broadcast reaches who listens at that moment and nobody else;
// a reply goes to who waits under its key, or nowhere. Texts are kombu's envelopes (wrapping.ts).

export interface Mailbox {
  /**
   * Hears every broadcast of this exchange. Resolves when it listens, with what ends it; survives lost
   * connections, and calls `onAgain` after one, since what was said meanwhile was missed. With `anyKey` also what
   * was said under a routing key.
   */
  listen(
    exchange: string,
    hear: (raw: string) => void,
    options?: { readonly onAgain?: () => void; readonly anyKey?: boolean },
  ): Promise<() => Promise<void>>
  /** To all who listen now; with a routing key, to those with `anyKey`. Rejects with OperationalError. */
  broadcast(exchange: string, raw: string, routingKey?: string): Promise<void>
  /** Dropped when nobody waits under the key. Rejects with OperationalError. */
  reply(exchange: string, key: string, raw: string): Promise<void>
  /** Hears the replies under this key. Resolves when they can arrive, with what ends it and leaves nothing behind. */
  replies(exchange: string, key: string, hear: (raw: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}
