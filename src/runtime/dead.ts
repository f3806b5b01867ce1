// app.dead: messages that could not end well. They are looked at, sent again when what killed them is mended, or
// thrown away. Sent again, a message is a new one: its FAILURE and that of what waited behind it are forgotten, the
// parts that it told its chords are taken back, and all that with the push, in one step.
import * as Either from '../either.js'
import { ContentDisallowed, InvalidUsage, SecurityError } from '../errors.js'
import type { Broker } from './broker.js'
import type { DeadLetter, Revival, Revived } from './dead-letter.js'
import { namedIn } from './follow-failure.js'
import { decodeMessage, type Message } from './message.js'
import { ownPlace, seatsOf } from './parts.js'
import { fenceOf, unreadableFence } from './perform.js'
import { legible } from './remains.js'
import type { Guards } from './security/guard.js'

/** What became of a letter that was to be sent again. */
export interface Retried {
  readonly id: string
  /** It is in its queue. If not, nothing has changed. */
  readonly sent: boolean
  /** Why not, and what can be done; null when it was sent. */
  readonly trouble: string | null
}

/** Nothing is wrong with the message itself: this app may not read it, or has not the keys. */
const isForOthers = (error: unknown): error is Error =>
  error instanceof SecurityError || error instanceof ContentDisallowed

const nothing: Revival = { fences: [], taskIds: [], parts: [] }

/** What the failure of this message wrote, but for its letter. */
const leftBy = (message: Message): Revival => {
  const behind = (message.embed.chain ?? []).map((json) => legible(json).node)
  const own = ownPlace(message)
  const places = [...(own === undefined ? [] : [own]), ...behind.flatMap((node) => seatsOf(node))]
  return {
    fences: [fenceOf(message), unreadableFence(message.id)],
    taskIds: [...new Set([message.id, ...behind.flatMap(namedIn).map(({ taskId }) => taskId)])],
    parts: places.map(({ groupId, bodyId, taskId }) => ({ groupId, bodyId, taskId })),
  }
}

/** Who has no task id was not believed (or could not be read), and nobody was told: nothing is left of it. */
const revivalOf = ({ taskId, raw }: DeadLetter, guards: Guards | undefined, mostLevels?: number): Revival => {
  if (taskId === null) return nothing
  const decoded = decodeMessage(raw, guards?.checked, mostLevels)
  if (Either.isRight(decoded)) return decoded.right.id === taskId ? leftBy(decoded.right) : nothing
  const { error, message } = decoded.left
  // Somebody else may read it, and then its parts in chords would stand in its way.
  if (isForOthers(error)) throw error
  // Where nobody can tell what stands in it, a FAILURE stays until there is something better.
  return {
    ...nothing,
    fences: [unreadableFence(taskId), ...(message === undefined ? [] : [fenceOf(message)])],
  }
}

const troubles: Readonly<Record<Exclude<Revived, 'sent'>, string>> = {
  gone: 'there is no such letter: it was sent again or dropped before, or its time is over',
  done: 'its task has succeeded since; drop it',
  joined:
    'its chord went on without it, so that nobody would get what it returns; send the canvas again, and drop it',
  blocked: 'under the name of its queue lies something that is no list; `lovage doctor` tells more',
}

export interface DeadHost {
  broker(): Promise<Broker>
  guards(): Guards | undefined
  /** Levels of JSON that are read of a message. */
  mostLevels(): number
}

export class DeadLetters {
  readonly #host: DeadHost

  constructor(host: DeadHost) {
    this.#host = host
  }

  /** The newest first; `limit` of them, 100 unless told. */
  async list({ limit = 100 }: { readonly limit?: number } = {}): Promise<readonly DeadLetter[]> {
    if (!Number.isInteger(limit) || limit < 0)
      throw new InvalidUsage(`app.dead.list: expected a whole number as limit, got ${String(limit)}.`)
    return (await this.#host.broker()).dead.list(limit)
  }

  /** The ids of all, or of those of one queue, the newest first; without their messages, which may be large. */
  async ids({ queue }: { readonly queue?: string } = {}): Promise<readonly string[]> {
    return (await this.#host.broker()).dead.ids(queue)
  }

  /** One of them; null when there is none of this id (any more). */
  async show(id: string): Promise<DeadLetter | null> {
    const [one] = idsOf('show', id) as [string]
    return (await this.#host.broker()).dead.read(one)
  }

  /** Sends letters again, each in one step with what it takes back. Tells of each what became of it. */
  async retry(ids: string | readonly string[]): Promise<readonly Retried[]> {
    const all = idsOf('retry', ids)
    const broker = await this.#host.broker()
    const retried: Retried[] = []
    for (const id of all) {
      const trouble = await this.#revive(broker, id)
      retried.push({ id, sent: trouble === null, trouble })
    }
    return retried
  }

  /** Throws these away, or all of them: how many there were. There is no undo. */
  async purge(ids?: string | readonly string[]): Promise<number> {
    const broker = await this.#host.broker()
    return ids === undefined ? broker.dead.purge() : broker.dead.purge(idsOf('purge', ids))
  }

  async #revive(broker: Broker, id: string): Promise<string | null> {
    const letter = await broker.dead.read(id)
    if (letter === null) return troubles.gone
    if (letter.queue === '')
      return 'it names no queue: a Python worker held it, and nobody can read where it belongs'
    try {
      const revived = await broker.dead.revive(
        letter,
        revivalOf(letter, this.#host.guards(), this.#host.mostLevels()),
      )
      return revived === 'sent' ? null : troubles[revived]
    } catch (error) {
      if (isForOthers(error))
        return `it cannot be read here. ${error.message} Retry it with an app that can read it, or drop it`
      throw error
    }
  }
}

const idsOf = (word: string, given: string | readonly string[]): readonly string[] => {
  const ids: readonly unknown[] = Array.isArray(given) ? given : [given]
  for (const id of ids)
    if (typeof id !== 'string' || id === '')
      throw new InvalidUsage(`app.dead.${word}: expected ids of dead letters, got ${JSON.stringify(id)}.`)
  return ids as readonly string[]
}
