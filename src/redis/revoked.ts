// Revocations in Redis: two sorted sets, by the moment of the revocation.
import type { Revocation, RevokedSince } from '../runtime/broker.js'
import { type Databases, type Keys, writtenAs } from './keys.js'
import type { Ask } from './ask.js'
import type { Link, Reply } from './link.js'
import { scripts } from './scripts.js'

export const sendRevocation = async (
  link: Link,
  keys: Keys,
  databases: Databases,
  { ids, stamps, results, most, seconds }: Revocation,
): Promise<void> => {
  await link.run(scripts.revoke, [
    2,
    keys.revoked,
    keys.revokedStamps,
    most,
    seconds,
    databases.broker,
    databases.written,
    ids.length,
    stamps.length,
    ...ids,
    ...stamps.map((stamp) => JSON.stringify(stamp)),
    ...results.flatMap(({ taskId, text, expires }) => [writtenAs(keys, databases, taskId), text, expires]),
  ])
}

/** `ask` sends one command and waits for its reply. */
export const readRevoked = async (ask: Ask, keys: Keys, sinceMs: number): Promise<RevokedSince> => {
  const range = (key: string) => ask('zrange', [key, sinceMs, '+inf', 'BYSCORE', 'WITHSCORES'])
  const [ids, stamps] = (await Promise.all([keys.revoked, keys.revokedStamps].map(range))).map(membersOf)
  const all = [...(ids ?? []), ...(stamps ?? [])]
  return {
    ids: (ids ?? []).map(([id]) => id),
    stamps: (stamps ?? []).map(([text]) => JSON.parse(text) as [string, string]),
    nowMs: all.reduce((last, [, atMs]) => Math.max(last, atMs), sinceMs),
  }
}

/** RESP3 answers in pairs, RESP2 in one row. */
const membersOf = (reply: Reply): readonly (readonly [member: string, score: number])[] => {
  const flat = (reply as readonly Reply[]).flatMap((item) => (Array.isArray(item) ? item : [item]))
  return flat.flatMap((item, index) =>
    index % 2 === 0 ? [[String(item), Number(String(flat[index + 1]))] as const] : [],
  )
}
