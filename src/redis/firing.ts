// Firing: the ticks of periodic entries go to their script, many in one call (lua/fire.lua). A call that is
// sent again answers as the first one would have.
import { OperationalError } from '../errors.js'
import type { FireReply, Firing } from '../runtime/broker.js'
import { ask } from './backend.js'
import { errandWords } from './errands.js'
import { beatMarkerSeconds, type Databases, directBinding, type Keys } from './keys.js'
import type { Link } from './link.js'
import { heldText, targetOf, toAll } from './publication.js'

import { scripts } from './scripts.js'

const mostMessages = 500
const mostBytes = 1 << 20
const historyLines = 20

export interface FirerOptions {
  readonly link: Link
  readonly keys: Keys
  readonly databases: Databases
  readonly url: string
  readonly timeoutSeconds: number
}

/** Pieces that one script may do in a moment; a firing is never cut. */
const chunks = (firings: readonly Firing[]): (readonly Firing[])[] => {
  const pieces: Firing[][] = []
  let messages = 0
  let bytes = 0
  for (const firing of firings) {
    const { pushes } = firing.publication
    const size = pushes.reduce((sum, { raw }) => sum + raw.length, 0)
    const last = pieces.at(-1)
    if (last !== undefined && messages + pushes.length <= mostMessages && bytes + size <= mostBytes) {
      last.push(firing)
      messages += pushes.length + 1
      bytes += size
    } else {
      pieces.push([firing])
      messages = pushes.length + 1
      bytes = size
    }
  }
  return pieces
}

export class Firer {
  readonly #options: FirerOptions
  readonly #bound = new Set<string>()

  constructor(options: FirerOptions) {
    this.#options = options
  }

  /** A new connection may be a new server: bindings are written again. */
  connected(): void {
    this.#bound.clear()
  }

  async fire(firings: readonly Firing[]): Promise<readonly FireReply[]> {
    const replies: FireReply[] = []
    for (const piece of chunks(firings)) replies.push(...(await this.#send(piece)))
    return replies
  }

  async #send(piece: readonly Firing[]): Promise<readonly FireReply[]> {
    const { link, url, timeoutSeconds } = this.#options
    const call = this.#build(piece)
    try {
      const replies = (await ask(link, url, timeoutSeconds, () => {
        this.#bind(piece)
        return link.run(scripts.fire, call.args)
      })) as readonly number[]
      return replies.map((reply) => this.#read(reply, call.keys))
    } catch (error) {
      return piece.map(() => ({ kind: 'failed', error: error as Error }))
    }
  }

  #read(reply: number, keys: readonly string[]): FireReply {
    if (reply >= 0) return { kind: reply === 1 ? 'fired' : 'refused' }
    if (reply === -1) return { kind: 'early' }
    const key = keys[-reply - 2] as string
    return {
      kind: 'failed',
      error: new OperationalError(
        `the key "${key}" at ${this.#options.url} holds something that is no queue. Use another queue name, or remove the key.`,
      ),
    }
  }

  #build(piece: readonly Firing[]): { readonly keys: string[]; readonly args: (string | number)[] } {
    const { keys: names, databases } = this.#options
    const keys: string[] = []
    const places = new Map<string, number>()
    const place = (key: string): number => {
      const known = places.get(key) ?? keys.push(key)
      places.set(key, known)
      return known
    }
    const words: (string | number)[] = []
    for (const { scope, entry, tickMs, publication, state, by } of piece) {
      words.push(tickMs ?? '')
      if (state !== undefined) {
        words.push('s', place(names.beat(scope, 'states')), entry, state.revision)
        words.push(`${state.revision + 1} ${state.text}`)
        words.push(place(names.beatOf(scope, 'history', entry)), state.line)
      } else if (tickMs === null) words.push('m', place(names.beatOf(scope, 'fired', by)), `0 ${by}`, 3600)
      else words.push('m', place(names.beatOf(scope, 'fired', entry)), `${tickMs} ${by}`, beatMarkerSeconds)
      words.push(publication.pushes.length)
      for (const [index, push] of publication.pushes.entries()) {
        const target = place(targetOf(names, databases, push))
        const dueMs = names.dueOf(push)
        if (push.fanout !== undefined) words.push(target, toAll, push.raw)
        else if (dueMs === undefined) words.push(target, '', push.raw)
        else
          words.push(target, Math.ceil(dueMs), heldText(`${by}:${entry}:${tickMs ?? 'now'}:${index}`, push))
      }
      const notes = errandWords(names, publication.errands ?? [])
      words.push(publication.chords.length + notes.length / 2)
      for (const { groupId, size } of publication.chords) words.push(names.chord(groupId, 's'), size)
      words.push(...notes)
    }
    return {
      keys,
      args: [keys.length, ...keys, databases.broker, databases.results, historyLines, ...words],
    }
  }

  #bind(piece: readonly Firing[]): void {
    const { link, keys } = this.#options
    for (const { publication } of piece)
      for (const { queue } of publication.pushes) {
        if (queue === '' || this.#bound.has(queue)) continue
        this.#bound.add(queue)
        link.send('sadd', [keys.binding(queue), directBinding(queue)]).catch(() => this.#bound.delete(queue))
      }
  }
}
