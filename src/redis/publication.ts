// What a call of the publish script says (lua/publish.lua). Pure: publications in, strings out; the publisher
// sends them.
import type { Publication, Push } from '../runtime/publication.js'
import { errandWords } from './errands.js'
import { type Databases, type Keys, stepOf } from './keys.js'

/** A publication above this is sent in pieces: one script that long would stop everybody. */
const mostAtOnce = 5000
const mostNotes = 1000

/**
 * The pieces, to be sent one after the other: the first with messages opens the chords, before any part can come. Many
 * notes of errands go before it: if it never comes, they are forgotten.
 */
export const inPieces = (publication: Publication): readonly Publication[] => {
  const { pushes, errands = [], ...opening } = publication
  if (pushes.length <= mostAtOnce && errands.length <= mostNotes) return [publication]
  const pieces: Publication[] = []
  const goAhead = errands.length > mostNotes
  for (const some of goAhead ? slices(errands, mostNotes) : [])
    pieces.push({ pushes: [], chords: [], errands: some })
  for (const [i, some] of slices(pushes, mostAtOnce).entries()) {
    const first = goAhead ? opening : { ...opening, errands }
    pieces.push({ pushes: some, ...(i === 0 ? first : { chords: [] }) })
  }
  return pieces
}

const slices = <T>(all: readonly T[], most: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / most) }, (_, i) => all.slice(i * most, (i + 1) * most))

/** Where a push goes: the list of its priority, the set of held messages, or a channel. */
export const targetOf = (keys: Keys, { broker }: Databases, push: Push): string => {
  if (push.fanout !== undefined) return keys.fanout(broker, push.fanout.exchange, push.fanout.routingKey)
  return keys.dueOf(push) === undefined ? keys.list(push.queue, stepOf(push.priority)) : keys.eta(push.queue)
}

/** What scripts are told instead of a moment: to all who listen, now. */
export const toAll = 'all'

/** How a held message lies in its eta set: a word that makes it unique, what the redo list would say, the text. */
export const heldText = (unique: string, { priority, raw }: Pick<Push, 'priority' | 'raw'>): string =>
  `${unique} 0 - ${stepOf(priority)} -\n${raw}`

export interface PublishCall {
  readonly keys: readonly string[]
  /** Number of keys, keys, arguments. */
  readonly args: readonly (string | number)[]
}

export const buildPublish = (
  keys: Keys,
  databases: Databases,
  senderKey: string,
  number: number,
  publications: readonly Publication[],
): PublishCall => {
  const names = [senderKey]
  // Below zero: a set of held messages, with pairs of moment and text.
  const groups = new Map<string, { count: number; readonly isChannel: boolean; readonly values: string[] }>()
  const chords: string[] = []
  const pages: (string | number)[] = []
  const releases: (string | number)[] = []
  let index = 0
  for (const publication of publications) {
    for (const push of publication.pushes) {
      const key = targetOf(keys, databases, push)
      let group = groups.get(key)
      if (group === undefined) {
        group = { count: 0, isChannel: push.fanout !== undefined, values: [] }
        groups.set(key, group)
        names.push(key)
      }
      const dueMs = keys.dueOf(push)
      if (dueMs === undefined) {
        group.count++
        group.values.push(push.raw)
      } else {
        group.count--
        group.values.push(String(Math.ceil(dueMs)), heldText(`${senderKey}:${number}:${index}`, push))
      }
      index++
    }
    for (const { groupId, size } of publication.chords) chords.push(keys.chord(groupId, 's'), String(size))
    if (publication.errands !== undefined) chords.push(...errandWords(keys, publication.errands))
    for (const { graph, page, text } of publication.pages ?? []) pages.push(keys.graph(graph), page, text)
    for (const staged of publication.releases ?? []) releases.push(keys.stage(staged), staged.count)
  }
  const args: (string | number)[] = [names.length, ...names, number, databases.broker, databases.results]
  for (const { count, isChannel, values } of groups.values()) {
    args.push(isChannel ? toAll + count : count)
    for (const value of values) args.push(value)
  }
  args.push(chords.length / 2)
  for (const word of chords) args.push(word)
  args.push(pages.length / 3)
  for (const word of pages) args.push(word)
  for (const word of releases) args.push(word)
  return { keys: names, args }
}
