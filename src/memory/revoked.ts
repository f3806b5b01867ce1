// Revocations: remembered for a while, the newest ids and the newest stamps only; and the end of those tasks of which nothing was stored.
import type { RevokedSince } from '../runtime/broker.js'
import type { Draft } from './draft.js'
import { live } from './expiry.js'
import type { OperationOf } from './operations.js'
import { write } from './results.js'
import { theOne } from './keys.js'
import type { RevokedMark } from './records.js'

const same = (a: RevokedMark, b: RevokedMark): boolean =>
  a.id === b.id && JSON.stringify(a.stamp) === JSON.stringify(b.stamp)

export const revoke = (draft: Draft, operation: OperationOf<'revoke'>): null => {
  const { ids, stamps, results, most, seconds } = operation
  const moment = { atMs: draft.nowMs, expiresMs: draft.nowMs + 1000 * seconds }
  const marks: readonly RevokedMark[] = [
    ...ids.map((id) => ({ id, stamp: null, ...moment })),
    ...stamps.map((stamp) => ({ id: null, stamp, ...moment })),
  ]
  const before = (draft.get('revoked', theOne) ?? []).filter(
    (mark) => mark.expiresMs > draft.nowMs && !marks.some((each) => same(each, mark)),
  )
  const all = [...before, ...marks]
  const [byId, byStamp] = [all.filter(({ id }) => id !== null), all.filter(({ id }) => id === null)]
  draft.set('revoked', theOne, [...byId.slice(-most), ...byStamp.slice(-most)])
  for (const result of results) {
    const stored = live(draft, 'results', result.taskId)
    if (stored === undefined || stored.state === 'RETRY') write(draft, result)
  }
  return null
}

export const revoked = (draft: Draft, { sinceMs }: OperationOf<'revoked'>): RevokedSince => {
  const marks = (draft.get('revoked', theOne) ?? []).filter(
    (mark) => mark.expiresMs > draft.nowMs && mark.atMs >= sinceMs,
  )
  return {
    ids: marks.flatMap(({ id }) => id ?? []),
    stamps: marks.flatMap(({ stamp }) => (stamp === null ? [] : [stamp])),
    nowMs: draft.nowMs,
  }
}
