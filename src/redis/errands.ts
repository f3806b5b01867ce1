// Errands in Redis: tasks that went to workers which are not ours, from within a chord. Celery tells nobody of some
// of their ends. A note of each stands beside its chord; every consumer looks each second at those whose turn
// it is, at a young one each second and at an old one after a tenth of its age, and puts the news of one that has
// ended in silence into its own queue. With results on another server such a chord stands there, and its ends are read there.
import { createHash } from 'node:crypto'
import type { Errand, Silent } from '../runtime/publication.js'
import { type Decided, decideFar, type Far } from './far-errands.js'
import type { Databases, Keys } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'

/** A stored end and what is told of it are two writes of a Python worker: it gets this time for the second. */
const graceMs = 2000
const mostAtOnce = 200

const nameOfText = (text: string): string =>
  `#${createHash('sha1').update(text).digest('base64url').slice(0, 12)}`

/** What the scripts that publish are told (lua/errand.lua): the key of each chord's notes, and all that comes in there. */
export const errandWords = (keys: Keys, errands: readonly Errand[]): readonly string[] => {
  const chords = new Map<string, { readonly names: Map<string, string>; readonly words: string[] }>()
  for (const { groupId, bodyId, id, part, index, sentMs, text } of errands) {
    const key = keys.errandsOf({ groupId, bodyId })
    const { names, words } = chords.get(key) ?? { names: new Map(), words: [groupId, bodyId] }
    chords.set(key, { names, words })
    const name = names.get(text) ?? nameOfText(text)
    if (!names.has(text)) words.push(name, text)
    names.set(text, name)
    words.push(id, JSON.stringify([groupId, bodyId, part, index ?? '', Math.floor(sentMs), name]))
  }
  return [...chords].flatMap(([key, { words }]) => [key, JSON.stringify(words)])
}

export interface ErrandsOptions {
  readonly keys: Keys
  readonly databases: Databases
  readonly link: Link
  /** Gets the news. */
  readonly queue: string
  /** Undefined: its note is for others to read. */
  readonly newsOf: (silent: Silent, queue: string) => string | undefined
  /** The server of the results, where that is another one. */
  readonly far?: Far | undefined
}

export class ErrandWatch {
  #isLooking = false

  constructor(private readonly options: ErrandsOptions) {}

  /** One look at all whose turn it is. The other server is not waited for: it may be away. */
  async look(): Promise<void> {
    const { far } = this.options
    if (far === undefined)
      return this.#look(async (found) => found.map((silent) => ({ silent, verdict: 'tell' })))
    if (this.#isLooking) return
    this.#isLooking = true
    void this.#look((found) => decideFar(found, this.options.keys, far, graceMs))
      .catch(() => undefined) // The courier says that it is away.
      .finally(() => {
        this.#isLooking = false
      })
  }

  async #look(decide: (found: readonly Silent[]) => Promise<readonly Decided[]>): Promise<void> {
    const { keys, databases, link, far } = this.options
    const there = far === undefined ? '' : '1'
    const args = [0, keys.resultPrefix, databases.broker, databases.results, mostAtOnce, graceMs, there]
    for (let more = 1; more === 1; ) {
      const reply = (await link.run(scripts.look, args)) as unknown as [number, ...Buffer[][]]
      const [again, ...found] = reply
      for (const decided of await decide(found.map((words) => read(words.map(String)))))
        await this.#tell(decided)
      more = again
    }
  }

  async #tell({ silent, verdict }: Decided): Promise<void> {
    const { keys, databases, link, queue, newsOf } = this.options
    const { groupId, bodyId, id } = silent
    const args = [1, keys.redo(queue), keys.errandsOf(silent), keys.errands, `${groupId}\n${bodyId}\n${id}`]
    const word = verdict === 'tell' ? newsOf(silent, queue) : verdict
    if (word === undefined) return
    await link.run(scripts.tell, [...args, id, word, databases.broker, databases.results])
  }
}

const read = (words: readonly string[]): Silent => {
  const [groupId, bodyId, id, part, index, text, meta = ''] = words as [
    string,
    string,
    string,
    string,
    string,
    string,
    string?,
  ]
  return { groupId, bodyId, id, part, index: index === '+inf' ? null : Number(index), text, meta }
}
