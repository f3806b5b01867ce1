// The pages that a worker needs to carry on: read when a message's end needs them, remembered for its next
// messages (a page never changes), and named for the completion that frees them.
import type { Node } from '../../canvas/node.js'
import { fromJSON, type SignatureJson, toJSON } from '../../canvas/wire.js'
import type { Consumer } from '../consumer.js'
import type { PageKey } from '../publication.js'
import { signatures } from '../embed.js'
import { everyTask } from '../fold.js'
import type { Complete } from '../follow-join.js'
import { decodeJson } from '../json.js'
import type { Message } from '../message.js'
import type { IsOurs } from '../outgoing.js'
import { seatsAround } from '../parts.js'
import { referenceIn } from '../reference.js'
import {
  chainOf,
  holds,
  letGo,
  type Lookup,
  PagesNeeded,
  refers,
  type Unfolded,
  unfoldAll,
  unfoldNext,
} from '../unfold.js'

/** Text of pages that is remembered in one worker. */
const mostBytes = 4 * 1024 * 1024

type Steps = readonly SignatureJson[]
type Maybe<T> = T | Promise<T>

/** A message with what its end needs, and the pages that are free once that is committed. */
export interface Opened {
  readonly message: Message
  readonly frees: readonly PageKey[]
}

/** Complete chords with their bodies, likewise. */
export interface OpenedJoins {
  readonly joins: readonly Complete[]
  readonly frees: readonly PageKey[]
}

const nameOf = ({ graph, page }: PageKey): string => `${graph} ${page}`

const isGood = (member: string): boolean => /^(\{|\[1, ?"[^"]*", ?"(?!FAILURE"|REVOKED"))/.test(member)

export class Pages {
  private readonly remembered = new Map<string, { readonly steps: Steps; readonly bytes: number }>()
  private bytes = 0

  constructor(
    private readonly consumer: Pick<Consumer, 'recall'>,
    private readonly isOurs: IsOurs,
    private readonly mostLevels?: number,
  ) {}

  /** To carry on: the next step of what waits. undefined: there is nothing to open. */
  next(message: Message): Maybe<Opened> | undefined {
    const { chain } = message.embed
    if (chain === null || !refers(chain)) return undefined
    return this.attempt((lookup) => withChain(message, this.unfold(chain, lookup)))
  }

  /** For what takes the task's place: whoever is not ours gets all that waits. */
  heir(message: Message, heir: Node): Maybe<Opened> | undefined {
    return everyTask(heir, this.isOurs) ? undefined : this.all(message, 'nothing')
  }

  /** Where nothing runs any more: all that waits. `drops`: what is never called then. What is gone by now, or cannot be read, stays as it is. */
  all(message: Message, drops: 'nothing' | 'waiting' | 'callbacks too'): Maybe<Opened> | undefined {
    const { chain, callbacks } = message.embed
    const lost = (waiting: Steps | null): Steps => {
      if (drops === 'nothing') return []
      return [...(waiting ?? []), ...((drops === 'callbacks too' && callbacks) || [])]
    }
    const opens = refers(chain)
    if (!opens && !holds(lost(chain))) return undefined
    return this.attempt((lookup) => {
      let opened: Opened = { message, frees: [] }
      try {
        if (chain !== null && opens) opened = withChain(message, unfoldAll(chain, lookup))
      } catch (error) {
        if (error instanceof PagesNeeded) throw error
      }
      const more = letGo(lost(opened.message.embed.chain), lookup)
      return more.length === 0 ? opened : { ...opened, frees: [...opened.frees, ...more] }
    })
  }

  /** Those of what is never called. */
  lost(list: Steps): Maybe<readonly PageKey[]> {
    return holds(list) ? this.attempt((lookup) => letGo(list, lookup)) : []
  }

  /** The bodies of chords that are complete; all of a body that will not run (`fails`). */
  async bodies(message: Message, joins: readonly Complete[], fails = false): Promise<OpenedJoins> {
    const seats = seatsAround(message)
    const frees: PageKey[] = []
    const opened: Complete[] = []
    for (const join of joins) {
      const seat = seats.find(({ groupId, bodyId }) => groupId === join.groupId && bodyId === join.bodyId)
      const waiting = seat === undefined ? [] : [toJSON(seat.body)]
      const runs = !fails && join.members.every(isGood)
      const isReferred = refers(waiting)
      const body =
        isReferred || (!runs && holds(waiting))
          ? await this.attempt((lookup) =>
              runs ? this.unfold(waiting, lookup) : unfoldLost(waiting, lookup),
            )
          : undefined
      if (body !== undefined) frees.push(...body.frees)
      opened.push(isReferred && body !== undefined ? { ...join, body: fromJSON(asOne(body.value)) } : join)
    }
    return { joins: opened, frees }
  }

  /** What a reference stands for that was sent on as a task. */
  referred(reference: SignatureJson): Maybe<Unfolded<SignatureJson>> {
    return this.attempt((lookup) => {
      const { value, frees } = this.unfold([reference], lookup)
      return { value: asOne(value), frees }
    })
  }

  /** References are read by our own workers only: a next step of somebody else carries everything itself. */
  private unfold(waiting: Steps, lookup: Lookup): Unfolded<Steps> {
    const opened = unfoldNext(waiting, lookup)
    const [json, next] = [waiting.at(-1), opened.value.at(-1)] as [SignatureJson, SignatureJson]
    // Whoever sent it may know of more tasks than this worker does.
    if (referenceIn(json)?.isOurs === true) return opened
    return !refers(opened.value) || everyTask(fromJSON(next), this.isOurs)
      ? opened
      : unfoldAll(waiting, lookup)
  }

  /** Reads what `open` turns out to need, until it has everything. */
  private attempt<T>(open: (lookup: Lookup) => T, read = new Map<string, Steps | null>()): Maybe<T> {
    const lookup: Lookup = (key) => {
      const name = nameOf(key)
      return read.has(name) ? read.get(name) : this.remembered.get(name)?.steps
    }
    try {
      return open(lookup)
    } catch (error) {
      if (!(error instanceof PagesNeeded)) throw error
      return this.read(error.pages, read).then(() => this.attempt(open, read))
    }
  }

  private async read(keys: readonly PageKey[], read: Map<string, Steps | null>): Promise<void> {
    const texts = await this.consumer.recall(keys)
    for (const [index, key] of keys.entries()) {
      const text = texts[index] ?? null
      const steps = text === null ? null : signatures(decodeJson(text, this.mostLevels), 'a page')
      read.set(nameOf(key), steps)
      if (text !== null && steps !== null) this.remember(nameOf(key), steps, text.length)
    }
  }

  /** The oldest are forgotten first: whoever needs one again reads it again. */
  private remember(name: string, steps: Steps, bytes: number): void {
    if (this.remembered.has(name)) return
    this.remembered.set(name, { steps, bytes })
    this.bytes += bytes
    for (const [old, page] of this.remembered) {
      if (this.bytes <= mostBytes) break
      this.remembered.delete(old)
      this.bytes -= page.bytes
    }
  }
}

/** All of what never runs. */
const unfoldLost = (waiting: Steps, lookup: Lookup): Unfolded<Steps> => {
  const { value, frees } = unfoldAll(waiting, lookup)
  return { value, frees: [...frees, ...letGo(value, lookup)] }
}

const withChain = (message: Message, { value, frees }: Unfolded<Steps>): Opened => ({
  message: { ...message, embed: { ...message.embed, chain: value } },
  frees,
})

/** What waits, as one signature. */
const asOne = (waiting: Steps): SignatureJson =>
  waiting.length === 1 ? (waiting[0] as SignatureJson) : chainOf([...waiting].reverse(), {})
