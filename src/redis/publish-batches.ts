// What goes together: entries that wait to be published → batches of one call each, in their order.
import type { Need } from './confirm.js'
import type { Entry } from './publish-entry.js'

/** More messages than this do not go into one call. */
export const mostMessages = 200
const mostBytes = 1 << 20

/** Takes the first batch out of `from`: at least one entry. */
export const takeBatch = (from: Entry[]): Entry[] => {
  let messages = 0
  let bytes = 0
  let count = 0
  for (const { publication, bytes: size } of from) {
    messages += publication.pushes.length
    bytes += size
    if (count > 0 && (messages > mostMessages || bytes > mostBytes)) break
    count++
  }
  return from.splice(0, count)
}

/** All that has this need, since one wait covers it all; `rest` has others. */
export const takeAlike = (
  from: readonly Entry[],
  { key }: Need,
): { readonly batches: readonly Entry[][]; readonly rest: Entry[] } => {
  const alike: Entry[] = []
  const rest: Entry[] = []
  for (const entry of from) (entry.need?.key === key ? alike : rest).push(entry)
  const batches: Entry[][] = []
  while (alike.length > 0) batches.push(takeBatch(alike))
  return { batches, rest }
}
