// Errands in Redis: tasks that went to workers which are not ours, from within a chord. Celery tells nobody of some
// of their ends. A note of each stands beside its chord; every consumer looks each second at those whose turn
// it is, at a young one each second and at an old one after a tenth of its age, and puts the news of one that has
// ended in silence into its own queue.
import { createHash } from 'node:crypto'
import type { Errand, Silent } from '../runtime/publication.js'
import { type Databases, isFar, type Keys } from './keys.js'
import type { Link } from './link.js'
import { scripts } from './scripts.js'

/** A stored end and what is told of it are two writes of a Python worker: it gets this time for the second. */
const graceMs = 2000
const mostAtOnce = 200

const nameOfText = (text: string): string =>
  `#${createHash('sha1').update(text).digest('base64url').slice(0, 12)}`

/** What the scripts that publish are told (lua/errand.lua): the key of each chord's notes, and all that comes in there. */
export const errandWords = (
  keys: Keys,
  databases: Databases,
  errands: readonly Errand[],
): readonly string[] => {
  if (isFar(databases)) return []
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
  readonly newsOf: (silent: Silent, queue: string) => string
}

export class ErrandWatch {
  constructor(private readonly options: ErrandsOptions) {}

  /** One look at all whose turn it is. */
  async look(): Promise<void> {
    const { keys, databases, link } = this.options
    const args = [0, keys.resultPrefix, databases.broker, databases.results, mostAtOnce, graceMs]
    for (let more = 1; more === 1; ) {
      const reply = (await link.run(scripts.look, args)) as unknown as [number, ...Buffer[][]]
      const [again, ...silent] = reply
      for (const words of silent) await this.#tell(read(words.map(String)))
      more = again
    }
  }

  async #tell(silent: Silent): Promise<void> {
    const { keys, databases, link, queue, newsOf } = this.options
    const { groupId, bodyId, id } = silent
    const args = [1, keys.redo(queue), keys.errandsOf(silent), keys.errands, `${groupId}\n${bodyId}\n${id}`]
    await link.run(scripts.tell, [...args, id, newsOf(silent, queue), databases.broker, databases.results])
  }
}

const read = (words: readonly string[]): Silent => {
  const [groupId, bodyId, id, part, index, text, meta] = words as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return { groupId, bodyId, id, part, index: index === '+inf' ? null : Number(index), text, meta }
}
