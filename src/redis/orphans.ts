// The sweep. Pages and chords have no TTL while they are needed, and end with the messages that need them. Where somebody
// takes messages away behind our back (Python's `celery purge`, DEL), that end never comes. So now and then a worker
// asks of all that has been silent for long whether any message leads to it. What none leads to is suspected from then on,
// and taken away when it has been so for days, at each look: a workflow that lives is met at one of them, or its
// message comes into a hand of ours, which says so (orphan-watch.ts).
import type { SweepTerms } from '../runtime/broker.js'
import type { Ask } from './ask.js'
import { Holders, placesOf } from './holders.js'
import type { Databases, Keys } from './keys.js'
import type { Reply } from './link.js'
import { isName, isOpaque, namesIn } from './names.js'
import { type Script, scripts } from './scripts.js'

export interface SweepParts {
  readonly ask: Ask
  readonly run: (script: Script, args: readonly (string | number)[]) => Promise<Reply>
  readonly keys: Keys
  readonly databases: Databases
  readonly now: () => number
}

const keysAtOnce = 1000
/** Half of what workers watch over. */
const mostTaken = 5000
const takenAtOnce = 100
/** More is not read: a sweep must not cost more than it saves. */
const mostMessages = 1_000_000

/** What is there of a name: pages in the broker's database, a chord's keys in that of the results. */
interface Estate {
  readonly pages: string[]
  readonly chord: string[]
}

/** Names of what was taken away; null where somebody else looked just now, or not all could be read. */
export const sweep = async (parts: SweepParts, terms: SweepTerms): Promise<readonly string[] | null> => {
  const { ask, keys, now } = parts
  const { everySeconds, afterSeconds, settleSeconds } = terms
  if (everySeconds > 0 && (await ask('set', [keys.orphansLook, '1', 'NX', 'EX', everySeconds])) === null)
    return null
  const suspected = await suspects(ask, keys)
  const { places, silent } = await survey(parts, terms.silentSeconds)
  const needed =
    silent.size === 0
      ? new Set<string>()
      : await neededOf(silent, new Holders(ask, keys, places), keys, places)
  if (needed === null) return null
  const orphans = [...silent.keys()].filter((name) => !needed.has(name))
  const cleared = [...suspected.keys()].filter((name) => needed.has(name) || !silent.has(name))
  for (const names of pieces(cleared, keysAtOnce)) await ask('zrem', [keys.orphans, ...names])
  const nowMs = Math.floor(now())
  for (const names of pieces(orphans, keysAtOnce))
    await ask('zadd', [keys.orphans, 'NX', ...names.flatMap((name) => [nowMs, name])])
  // Where no worker of ours ever looks again, nobody else would take it away.
  await ask('expire', [keys.orphans, 2 * afterSeconds + 86_400])
  const due = orphans
    .filter((name) => (suspected.get(name) ?? Number.POSITIVE_INFINITY) <= nowMs - afterSeconds * 1000)
    .slice(0, mostTaken)
  if (due.length === 0) return []
  // Whoever got a message while we looked says so within a second.
  await new Promise((resolve) => setTimeout(resolve, settleSeconds * 1000))
  return takeAway(parts, due, silent)
}

/** The oldest → since when, ms. */
const suspects = async (ask: Ask, keys: Keys): Promise<ReadonlyMap<string, number>> => {
  const reply = await ask('zrange', [keys.orphans, 0, -1, 'WITHSCORES'])
  const flat = (reply as readonly Reply[]).flat() as readonly Reply[]
  const found = new Map<string, number>()
  for (let i = 0; i < flat.length; i += 2) found.set(String(flat[i]), Number(String(flat[i + 1])))
  return found
}

/** A walk over all keys of both databases. */
const survey = async ({ run, keys, databases }: SweepParts, silentSeconds: number) => {
  const places: string[] = []
  const silent = new Map<string, Estate>()
  const pages = keys.graph('')
  const chords = [keys.savedGroup(''), keys.chordMemory]
  const walk = async (
    database: string,
    wanted: readonly string[],
    others: readonly string[],
  ): Promise<void> => {
    let cursor = '0'
    do {
      const words = [database, databases.broker, cursor, keysAtOnce, silentSeconds, wanted.length]
      const reply = await run(scripts.survey, [0, ...words, ...wanted, ...others])
      const [next, found, lasting] = reply as unknown as readonly [
        Buffer,
        readonly Buffer[],
        readonly Buffer[],
      ]
      for (const key of found) places.push(String(key))
      for (const key of lasting.map(String)) note(silent, key, pages, chords)
      cursor = String(next)
    } while (cursor !== '0')
  }
  const isOne = databases.results === ''
  await walk('', placesOf(keys), isOne ? [pages, ...chords] : [pages])
  if (!isOne) await walk(databases.results, [], chords)
  // What belongs to a chord goes with it, silent or not.
  for (const [name, { chord }] of silent)
    if (chord.length > 0) for (const part of ['s', 'j', 't'] as const) add(chord, keys.chord(name, part))
  return { places, silent }
}

const add = (list: string[], key: string): void => {
  if (!list.includes(key)) list.push(key)
}

const note = (
  silent: Map<string, Estate>,
  key: string,
  pages: string,
  [groups, memory]: readonly string[],
): void => {
  const isPage = key.startsWith(pages)
  const rest = isPage
    ? key.slice(pages.length)
    : key.slice((key.startsWith(groups as string) ? groups : memory)?.length)
  // `<id>`, `<id>.s`, `<id>:<body>:seen`. A shape that was saved for ever is none of ours.
  const [, name = '', kind] = /^([^.:]*)(.*)$/s.exec(rest) ?? []
  if (!isName(name) || (!isPage && kind === '')) return
  const estate = silent.get(name) ?? { pages: [], chord: [] }
  silent.set(name, estate)
  add(isPage ? estate.pages : estate.chord, key)
}

/** Those of the silent that a message leads to, itself or over pages; null where not all can be known. */
const neededOf = async (
  silent: ReadonlyMap<string, unknown>,
  holders: Holders,
  keys: Keys,
  places: readonly string[],
): Promise<ReadonlySet<string> | null> => {
  const needed = new Set<string>()
  const behind = new Map<string, Set<string>>()
  const need = (name: string): void => {
    if (!silent.has(name) || needed.has(name)) return
    needed.add(name)
    for (const next of behind.get(name) ?? []) need(next)
  }
  // The pages first: what a message leads to may have been carried on when the message is met.
  for (const graph of places.filter((key) => key.startsWith(keys.graph('')))) {
    const name = graph.slice(keys.graph('').length)
    const names = new Set<string>()
    for await (const text of holders.pages(graph)) namesIn(text, names)
    if (silent.has(name)) behind.set(name, names)
    else for (const each of names) need(each)
  }
  let count = 0
  for await (const text of holders.texts()) {
    count += 1
    if (count > mostMessages || isOpaque(text)) return null
    for (const name of namesIn(text)) need(name)
  }
  return needed
}

const takeAway = async (
  { run, keys, databases }: SweepParts,
  due: readonly string[],
  silent: ReadonlyMap<string, Estate>,
): Promise<readonly string[]> => {
  const taken: string[] = []
  for (const names of pieces(due, takenAtOnce)) {
    const words = names.flatMap((name): (string | number)[] => {
      const { pages, chord } = silent.get(name) as Estate
      return [name, pages.length + chord.length, pages.length, ...pages, ...chord]
    })
    const reply = await run(scripts.forsake, [1, keys.orphans, databases.broker, databases.results, ...words])
    taken.push(...(reply as readonly Buffer[]).map(String))
  }
  return taken
}

const pieces = <T>(list: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size))
