// Firing: the ticks of periodic entries go to their script, many in one call (lua/fire.lua). A call that is
// sent again answers as the first one would have.
import { OperationalError } from '../errors.js'
import type { FireReply, Firing } from '../runtime/firing.js'
import { ask } from './ask.js'
import { errandWords } from './errands.js'
import { beatMarkerSeconds, type Databases, type Keys } from './keys.js'
import type { Link } from './link.js'
import { QueueBindings } from './queue-bindings.js'
import { heldText, targetOf, toAll } from './publication.js'
import { wrongKey } from './trouble.js'
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
    const { pushes, pages = [] } = firing.publication
    let size = 0
    for (const { raw } of pushes) size += raw.length
    for (const { text } of pages) size += text.length
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

/** A key of the script, and what it is to hold. */
interface Target {
  readonly key: string
  readonly expected: string
}

const noQueue = (url: string, key: string): OperationalError =>
  new OperationalError(
    `the key "${key}" at ${url} holds something that is no queue. Use another queue name, or remove the key.`,
  )

export class Firer {
  readonly #options: FirerOptions
  readonly #bindings: QueueBindings

  constructor(options: FirerOptions) {
    this.#options = options
    this.#bindings = new QueueBindings(options.link, options.keys)
  }

  connected(): void {
    this.#bindings.forget()
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

  #read(reply: number, keys: readonly Target[]): FireReply {
    if (reply === 3)
      return {
        kind: 'failed',
        error: new OperationalError(`Not sent: what was sent ahead to ${this.#options.url} is gone.`),
      }
    if (reply >= 0) return { kind: reply === 1 ? 'fired' : 'refused' }
    if (reply === -1) return { kind: 'early' }
    const { key, expected } = keys[-reply - 2] as Target
    const { url } = this.#options
    return { kind: 'failed', error: expected === 'queue' ? noQueue(url, key) : wrongKey(url, key, expected) }
  }

  #build(piece: readonly Firing[]): { readonly keys: Target[]; readonly args: (string | number)[] } {
    const { keys: names, databases } = this.#options
    const keys: Target[] = []
    const places = new Map<string, number>()
    const place = (key: string, expected = 'queue'): number => {
      const known = places.get(key) ?? keys.push({ key, expected })
      places.set(key, known)
      return known
    }
    const words: (string | number)[] = []
    for (const { scope, entry, tickMs, publication, state, by } of piece) {
      words.push(tickMs ?? '')
      if (state !== undefined) {
        words.push('s', place(names.beat(scope, 'states'), 'hash'), entry, state.revision)
        words.push(`${state.revision + 1} ${state.text}`)
        words.push(place(names.beatOf(scope, 'history', entry), 'list'), state.line)
      } else {
        const marker = names.beatOf(scope, 'fired', tickMs === null ? by : entry)
        const seconds = tickMs === null ? 3600 : beatMarkerSeconds
        words.push('m', place(marker, 'string'), `${tickMs ?? 0} ${by}`, seconds)
      }
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
      const { pages = [], releases = [] } = publication
      words.push(pages.length)
      for (const { graph, page, text } of pages) words.push(names.graph(graph), page, text)
      words.push(releases.length)
      for (const staged of releases) words.push(names.stage(staged), staged.count)
    }
    return {
      keys,
      args: [
        keys.length,
        ...keys.map(({ key }) => key),
        databases.broker,
        databases.results,
        historyLines,
        ...words,
      ],
    }
  }

  #bind(piece: readonly Firing[]): void {
    for (const { publication } of piece)
      for (const { queue } of publication.pushes) this.#bindings.ensure(queue)
  }
}
