// What type a key of ours must have. Somebody may put another one under its name: whoever works there goes on with the
// rest, workers look each second and say which it is, and so does `lovage doctor`.
import type { Keys } from './keys.js'

type KeyType = 'list' | 'set' | 'zset' | 'hash' | 'string'

/** What one queue needs that has a name without an id; promote.lua works on the first nine. */
export const typesOf = (keys: Keys, queue: string): readonly (readonly [key: string, type: KeyType])[] => [
  [keys.eta(queue), 'zset'],
  [keys.redo(queue), 'list'],
  ...keys.lists(queue).map((list) => [list, 'list'] as const),
  [keys.limited(queue), 'set'],
  [keys.unacked, 'hash'],
  [keys.unackedIndex, 'zset'],
  [keys.gated(queue), 'hash'],
  [keys.waiters(queue), 'zset'],
  [keys.binding(queue), 'set'],
  [keys.consumers, 'zset'],
  [keys.dead, 'zset'],
  [keys.revoked, 'zset'],
  [keys.revokedStamps, 'zset'],
  [keys.orphans, 'zset'],
  [keys.orphansLook, 'string'],
  [keys.errands, 'zset'],
  [keys.outbox, 'list'],
  [keys.outboxFacts, 'hash'],
]

/** Names that end with a task's, a gate's, a consumer's: what they must be, by what they begin with. */
export const typesOfFamilies = (keys: Keys): readonly (readonly [prefix: string, type: KeyType])[] => [
  [`${keys.base}gate:`, 'hash'],
  [`${keys.base}line:`, 'list'],
  [`${keys.base}parked:`, 'list'],
  [keys.rate(''), 'string'],
  [keys.consumerPrefix, 'hash'],
  [keys.graph(''), 'hash'],
]
