// What becomes of errands where results lie on another server. A chord in which Python takes part stands there, and Python's
// workers tell it: only what they keep to themselves is told by us, as on one server, when they have had time. Nobody but
// the notes knows for how long such a chord may wait: it is kept as long as one of them does. A chord that stands at the
// broker hears there of all but a body of its header's that Python gave up. Decided from what is stored.
import type { Silent } from '../runtime/publication.js'
import type { Keys } from './keys.js'

/** On the server of the results. */
export interface Far {
  /** What lies under these names. */
  read(names: readonly string[]): Promise<readonly (string | null)[]>
  /** These keys live for a day from now on. */
  keep(names: readonly string[]): Promise<void>
}

/**
 * `known`: its end is, from now on; `ended`: nothing is to be told of it, but if it is the last note, its chord is kept by it;
 * `over`: nothing is to be told any more.
 */
export interface Decided {
  readonly silent: Silent
  readonly verdict: 'tell' | 'known' | 'ended' | 'over'
}

/** Python's clients send a header before they open its chord. */
const openingMs = 60_000
/** A chord is not kept for ever. */
const keptMs = 30 * 86_400_000

export const decideFar = async (
  found: readonly Silent[],
  keys: Keys,
  far: Far,
  graceMs: number,
): Promise<readonly Decided[]> => {
  if (found.length === 0) return []
  const names = ({ id, groupId }: Silent): readonly string[] => [keys.result(id), keys.chord(groupId, 's')]
  const texts = await far.read(found.flatMap(names))
  const kept = new Set<string>()
  const decided = found.flatMap((silent, index) => {
    const [meta = null, size = null] = texts.slice(2 * index, 2 * index + 2)
    const isThere = silent.meta !== ''
    if (isThere && size !== null && waitedOf(silent) < keptMs) kept.add(silent.groupId)
    const verdict = isThere ? verdictThere(silent, meta, size !== null, graceMs) : verdictHere(meta)
    return verdict === undefined ? [] : [{ silent: { ...silent, meta: meta ?? '' }, verdict }]
  })
  if (kept.size > 0) await far.keep([...kept].flatMap((groupId) => chordKeys(groupId, keys)))
  return decided
}

const chordKeys = (groupId: string, keys: Keys): readonly string[] =>
  (['s', 't', 'j'] as const).map((part) => keys.chord(groupId, part))

/** For how long its end is known (-1: it is not; -2: its part went there), and how long ago it was sent, ms. */
const timesOf = ({ meta: said }: Silent): readonly number[] => said.split(' ').map(Number)

const waitedOf = (silent: Silent): number => timesOf(silent)[1] ?? 0

const verdictHere = (meta: string | null): Decided['verdict'] | undefined =>
  hasFailed(meta) ? 'tell' : undefined

const verdictThere = (
  silent: Silent,
  meta: string | null,
  isOpen: boolean,
  graceMs: number,
): Decided['verdict'] | undefined => {
  const [knownMs = -1, ageMs = 0] = timesOf(silent)
  if (!isOpen && ageMs > openingMs) return 'over'
  if (knownMs === -2 || hasSucceeded(meta)) return isOpen ? 'ended' : undefined
  if (!hasFailed(meta)) return undefined
  return knownMs < 0 ? 'known' : knownMs >= graceMs ? 'tell' : undefined
}

const hasSucceeded = (meta: string | null): boolean => meta?.startsWith('{"status": "SUCCESS"') === true

/** As in look.lua. */
const hasFailed = (meta: string | null): boolean =>
  meta !== null &&
  (meta.startsWith('{"status": "FAILURE"') ||
    (meta.startsWith('{"status": "REVOKED"') && !meta.includes('"children": null')))
