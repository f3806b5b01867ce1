// Reads results: over the connection on which they are announced, since there a look leaves in one write with the
// subscription. But Redis cuts a listener off that is sent more than 32 MB at once (client-output-buffer-limit
// pubsub), and one large result is enough. So who was cut off reads over a connection on which nobody listens, for a
// while.
import type { Link } from './link.js'

type Texts = readonly (Buffer | null)[]

/** Names in one answer, where answers may be large. */
const atOnce = 100
/** After a cut of any kind. */
const apartMs = 60_000

export class Reader {
  readonly #listening: Link
  readonly #open: () => Link
  #apart: Link | undefined
  #wasUp = false
  #apartUntilMs = 0

  /** `open` makes the connection for reading alone. */
  constructor(listening: Link, open: () => Link) {
    this.#listening = listening
    this.#open = open
    listening.listen({
      onUp: () => {
        this.#wasUp = true
      },
      onDown: () => {
        if (this.#wasUp) this.#apartUntilMs = performance.now() + apartMs
        this.#wasUp = false
      },
    })
  }

  /** Reads do not queue up behind subscriptions. */
  get isApart(): boolean {
    return this.#apartUntilMs > 0 && performance.now() < this.#apartUntilMs
  }

  /** One attempt: the stored texts in the order of `names`. It leaves in this turn, unless it goes apart. */
  read(names: readonly string[]): Promise<Texts> {
    return this.isApart
      ? this.#readApart(names)
      : (this.#listening.send('mget', names) as unknown as Promise<Texts>)
  }

  async #readApart(names: readonly string[]): Promise<Texts> {
    const link = (this.#apart ??= this.#open())
    const texts: (Buffer | null)[] = []
    link.hold()
    try {
      await link.whenUp()
      for (let from = 0; from < names.length; from += atOnce)
        texts.push(...((await link.send('mget', names.slice(from, from + atOnce))) as unknown as Texts))
      return texts
    } finally {
      link.free()
    }
  }

  close(): void {
    this.#apart?.close()
  }
}
