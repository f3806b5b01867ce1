// What becomes of errands where results lie on another server. A chord that was opened at the broker hears there of each end,
// a success, too. One that Python opened stands where the results are, and its workers tell it: there only what they
// keep to themselves is told, as on one server, when they have had time. Decided from what is stored.
import type { Silent } from '../runtime/publication.js'
import type { Keys } from './keys.js'

export type ReadFar = (names: readonly string[]) => Promise<readonly (string | null)[]>

/** `known`: its end is, from now on; `over`: nothing is to be told any more. */
export interface Decided {
  readonly silent: Silent
  readonly verdict: 'tell' | 'known' | 'over'
}

/** Python's clients send a header before they open its chord. */
const openingMs = 60_000

export const decideFar = async (
  found: readonly Silent[],
  keys: Keys,
  readFar: ReadFar,
  graceMs: number,
): Promise<readonly Decided[]> => {
  if (found.length === 0) return []
  const names = ({ id, groupId }: Silent): readonly string[] => [
    keys.result(id),
    keys.chord(groupId, 't'),
    keys.chord(groupId, 's'),
  ]
  const texts = await readFar(found.flatMap(names))
  return found.flatMap((silent, index) => {
    const [meta = null, growth = null, size = null] = texts.slice(3 * index, 3 * index + 3)
    const isThere = silent.meta !== ''
    const verdict = isThere ? verdictThere(silent, meta, size !== null, graceMs) : verdictHere(silent, meta)
    const hasGrown = !isThere && Number(growth ?? 0) > 0
    return verdict === undefined ? [] : [{ silent: { ...silent, meta: meta ?? '', hasGrown }, verdict }]
  })
}

const verdictHere = ({ id, part }: Silent, meta: string | null): Decided['verdict'] | undefined =>
  hasFailed(meta) || (hasSucceeded(meta) && id === part) ? 'tell' : undefined

/** `said`: for how long its end is known (-1: it is not), and how long ago it was sent, ms. */
const verdictThere = (
  { meta: said }: Silent,
  meta: string | null,
  isOpen: boolean,
  graceMs: number,
): Decided['verdict'] | undefined => {
  const [knownMs = -1, ageMs = 0] = said.split(' ').map(Number)
  if (hasSucceeded(meta) || (!isOpen && ageMs > openingMs)) return 'over'
  if (!hasFailed(meta)) return undefined
  return knownMs < 0 ? 'known' : knownMs >= graceMs ? 'tell' : undefined
}

const hasSucceeded = (meta: string | null): boolean => meta?.startsWith('{"status": "SUCCESS"') === true

/** As in look.lua. */
const hasFailed = (meta: string | null): boolean =>
  meta !== null &&
  (meta.startsWith('{"status": "FAILURE"') ||
    (meta.startsWith('{"status": "REVOKED"') && !meta.includes('"children": null')))
