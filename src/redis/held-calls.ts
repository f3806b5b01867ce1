// What is said of one message while it is held and not completed: that it waits at a gate, that its run starts, that
// it is acknowledged early, what state it passes through. Each call is fenced by the field that holds the message.
import type { Delivery, Note } from '../runtime/consumer.js'
import type { ChordPart, StoredText } from '../runtime/publication.js'
import { type Gate, gateText } from '../runtime/gate.js'
import { wholeSeconds } from './completion-words.js'
import type { Holdings } from './holdings.js'
import { type Databases, type Keys, writtenAs } from './keys.js'
import type { Link, Reply } from './link.js'
import type { Patience } from './patience.js'
import type { Registration } from './registration.js'
import { type Script, scripts } from './scripts.js'
import { isListed, unackedTag } from './shared.js'
import { firstNote } from './tag.js'

export interface HeldCallsParts {
  readonly keys: Keys
  readonly databases: Databases
  readonly link: Link
  readonly patience: Patience
  readonly holdings: Holdings
  readonly registration: Registration
}

export class HeldCalls {
  readonly #parts: HeldCallsParts

  constructor(parts: HeldCallsParts) {
    this.#parts = parts
  }

  async admit({ tag, queue }: Pick<Delivery, 'tag' | 'queue'>, gate: Gate): Promise<'run' | 'wait' | 'lost'> {
    const { keys, holdings, registration } = this.#parts
    registration.gate()
    const { id } = registration
    const field = holdings.fieldOf(tag)
    const names = [keys.consumer(id)]
    if (isListed(field)) names.push(keys.unacked, keys.unackedIndex)
    const args = [names.length, ...names, field, keys.base, id, gateText(gate), queue]
    args.push(firstNote(tag), unackedTag(id, field))
    const reply = String(await this.#run(scripts.admit, args))
    if (reply !== 'run') holdings.drop(tag)
    else if (!field.includes('g')) holdings.mark(tag, 'g')
    return reply as 'run' | 'wait' | 'lost'
  }

  async note(
    tag: string,
    fence: string,
    parts: readonly Pick<ChordPart, 'groupId' | 'bodyId' | 'taskId'>[],
  ): Promise<Note> {
    const { keys, databases, holdings } = this.#parts
    const field = holdings.fieldOf(tag)
    const args = [...this.#claimed(field), fence === '' ? '' : keys.done(fence)]
    args.push(databases.broker, databases.results, this.#listedAs(field))
    for (const part of parts)
      args.push(keys.seen(part), keys.taken(part), part.taskId, part.groupId, part.bodyId)
    const reply = await this.#run(scripts.note, args)
    if (!Array.isArray(reply)) {
      if (String(reply) === 'lost') {
        holdings.drop(tag)
        return { kind: 'lost' }
      }
      holdings.mark(tag, 'n')
      return { kind: 'run' }
    }
    holdings.mark(tag, 'j')
    const joins = (reply as [Buffer, Buffer, Buffer[]][]).map(([groupId, bodyId, members]) => ({
      groupId: String(groupId),
      bodyId: String(bodyId),
      members: members.map(String),
    }))
    return { kind: 'done', joins }
  }

  async release(tag: string): Promise<boolean> {
    const { holdings } = this.#parts
    const field = holdings.fieldOf(tag)
    const args = [...this.#claimed(field), `${field}e`, this.#listedAs(field)]
    if ((await this.#run(scripts.mark, args)) !== 1) return false
    holdings.mark(tag, 'e')
    return true
  }

  async store(tag: string, { taskId, text, expires }: StoredText): Promise<boolean> {
    const { keys, databases, holdings, registration } = this.#parts
    const args = [1, keys.consumer(registration.id), holdings.fieldOf(tag)]
    args.push(writtenAs(keys, databases, taskId), text, wholeSeconds(expires))
    args.push(databases.broker, databases.written)
    return (await this.#run(scripts.store, args)) === 1
  }

  #run(script: Script, args: readonly (string | number)[]): Promise<Reply> {
    const { patience, link } = this.#parts
    return patience.send(() => link.run(script, args))
  }

  /** The keys in which a held message stands, and its field in the first. */
  #claimed(field: string): (string | number)[] {
    const { keys, registration } = this.#parts
    return [3, keys.consumer(registration.id), keys.unacked, keys.unackedIndex, field]
  }

  /** Its tag in `unacked`, where a message of a shared queue has one. */
  #listedAs(field: string): string {
    return isListed(field) ? unackedTag(this.#parts.registration.id, field) : ''
  }
}
