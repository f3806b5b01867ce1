// All places where messages lie, and so where it stands what they need: read in bounded pieces, with others at work. The
// order is that in which a message moves that no worker of ours takes into its hands: held → waiting for its moment →
// queued → in line → on its way to a worker. One that moves on meanwhile is met further on.
import { purgedQueue } from '../runtime/purged.js'
import type { Ask } from './ask.js'
import { type Keys, separator } from './keys.js'
import type { Reply } from './link.js'

const atOnce = 100

const strings = (reply: Reply): readonly string[] => (reply as readonly Buffer[]).map(String)

/** A key that holds something else holds no messages. */
const unless = (error: Error): null => {
  if (error.message.startsWith('WRONGTYPE')) return null
  throw error
}

/** What begins so tells where messages lie. */
export const placesOf = (keys: Keys): readonly string[] => [
  keys.binding(''),
  ...['graph', 'stage', 'eta', 'redo', 'limited', 'gated', 'dead'].map((kind) => `${keys.base}${kind}:`),
]

export class Holders {
  /** `found` begin as `placesOf` says. */
  constructor(
    private readonly ask: Ask,
    private readonly keys: Keys,
    private readonly found: readonly string[],
  ) {}

  /** The pages of a graph. */
  async *pages(graph: string): AsyncGenerator<string> {
    yield* this.#scan('hscan', graph, 1)
  }

  async *texts(): AsyncGenerator<string> {
    const { keys } = this
    // Sent again from there, a message is one like others.
    for (const letter of this.#named('dead')) yield* this.#field(letter, 'raw')
    const queues = new Set(await this.#queues())
    yield* this.#held(queues)
    for (const stage of this.#named('stage')) yield* this.#list(stage)
    const each = [...queues]
    for (const queue of each) yield* this.#scan('zscan', keys.eta(queue), 0)
    for (const queue of each) for (const list of keys.lists(queue)) yield* this.#list(list)
    for (const queue of each) yield* this.#list(keys.redo(queue))
    for (const queue of each)
      for (const gate of await this.#names('hkeys', keys.gated(queue)))
        yield* this.#list(`${keys.base}line:${gate}`)
    for (const queue of each) yield* this.#list(keys.redo(queue))
    for (const queue of each)
      for (const task of await this.#names('smembers', keys.limited(queue)))
        yield* this.#list(keys.parkedPrefix(queue) + task)
    for (const queue of each.map(purgedQueue))
      for (const list of [...keys.lists(queue), keys.redo(queue)]) yield* this.#list(list)
    // What Python's workers take is seen by nobody of ours.
    yield* this.#held(queues)
  }

  /** What workers hold; the queues that they consume are known then. */
  async *#held(queues: Set<string>): AsyncGenerator<string> {
    const { keys, ask } = this
    const ids = strings(await ask('zrange', [keys.consumers, 0, -1]))
    // One that dies meanwhile has another name.
    for (const id of [...ids, ...ids.map((each) => `!${each}`)]) {
      const names = await ask('hget', [keys.consumer(id), 'queues'])
      if (names !== null) for (const name of JSON.parse(String(names)) as string[]) queues.add(name)
      yield* this.#scan('hscan', keys.consumer(id), 1)
    }
    yield* this.#scan('hscan', keys.unacked, 1)
  }

  async #queues(): Promise<readonly string[]> {
    const { keys, found } = this
    const bindings = found.filter((key) => key.startsWith(keys.binding('')))
    const bound = await Promise.all(bindings.map((key) => this.#names('smembers', key)))
    const inNames = ['eta', 'redo', 'limited', 'gated'].flatMap((kind) =>
      this.#named(kind).map((key) => key.slice(`${keys.base}${kind}:`.length)),
    )
    return [...bound.flat().map((member) => member.split(separator)[2] ?? ''), ...inNames]
  }

  #named(kind: string): readonly string[] {
    return this.found.filter((key) => key.startsWith(`${this.keys.base}${kind}:`))
  }

  async #names(command: string, key: string): Promise<readonly string[]> {
    return strings((await this.ask(command, [key]).catch(unless)) ?? [])
  }

  async *#field(key: string, field: string): AsyncGenerator<string> {
    const value = await this.ask('hget', [key, field]).catch(unless)
    if (value !== null) yield (value as Buffer).toString('latin1')
  }

  /** From the end at which messages come: what comes, or goes at the other end, moves none past a look. */
  async *#list(key: string): AsyncGenerator<string> {
    for (let from = 0; ; from += atOnce) {
      const piece = (await this.ask('lrange', [key, from, from + atOnce - 1]).catch(unless)) as
        | Buffer[]
        | null
      for (const text of piece ?? []) yield text.toString('latin1')
      if (piece === null || piece.length < atOnce) return
    }
  }

  /** Every second one of what it says, from `first`. */
  async *#scan(command: string, key: string, first: 0 | 1): AsyncGenerator<string> {
    let cursor = '0'
    do {
      const reply = await this.ask(command, [key, cursor, 'COUNT', atOnce]).catch(unless)
      if (reply === null) return
      const [next, page] = reply as unknown as readonly [Buffer, readonly Buffer[]]
      for (let i = first; i < page.length; i += 2) yield (page[i] as Buffer).toString('latin1')
      cursor = String(next)
    } while (cursor !== '0')
  }
}
