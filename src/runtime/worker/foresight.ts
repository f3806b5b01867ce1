// The next step of a chain comes back to the worker that sent it, as a rule with the answer to the same call. Who has
// nothing else to do reads it while the broker works on that call, so that it can begin as soon as the answer is here.
// Only the reading is done ahead: whether the message is ours, and everything that is asked of it, comes with its delivery.
import type * as Either from '../../either.js'
import type { Completion } from '../consumer.js'
import type { BadMessage, Message } from '../message.js'

type Decoded = Either.Either<BadMessage, Message>

export class Foresight {
  private seen: { readonly raw: Buffer; readonly decoded: Decoded } | undefined

  constructor(private readonly decode: (raw: Buffer) => Decoded) {}

  /** These ends are on their way: what one of them sends may be the next that comes. */
  look(ends: readonly Completion[]): void {
    if (ends.length !== 1) return
    const [push, ...others] = (ends[0] as Completion).pushes
    if (push === undefined || others.length > 0) return
    if (push.dueMs !== undefined || push.fanout !== undefined) return
    const raw = Buffer.from(push.raw)
    this.seen = { raw, decoded: this.decode(raw) }
  }

  /** A message that came, read now or before. */
  read(raw: Buffer): Decoded {
    const { seen } = this
    if (seen === undefined || !seen.raw.equals(raw)) return this.decode(raw)
    // Once: what runs may change its arguments.
    this.seen = undefined
    return seen.decoded
  }
}
