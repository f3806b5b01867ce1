// How the messages of a queue must be signed: as it was declared. Queues that nobody declares, because each worker has
// one of its own, are asked what others are: copies of a broadcast what the broadcast is, and the direct queue of a
// worker what all are, where all are asked something (the first of them, if they differ).
import type { QueueSettings } from '../../config.js'
import { isOwnQueue, ownQueue } from '../broadcast.js'
import { isDirect } from '../direct.js'

type Signed = NonNullable<QueueSettings['signed']>

export const askedOf = (queue: string, declared: ReadonlyMap<string, QueueSettings>): Signed | undefined => {
  const own = declared.get(queue)
  if (own !== undefined) return own.signed
  if (isOwnQueue(queue))
    // Both names may have dots in them: of several that fit, one that is asked counts.
    return [...declared.values()].find(
      ({ name, exchangeType, signed }) =>
        exchangeType === 'fanout' && signed !== undefined && queue.startsWith(ownQueue(name, '')),
    )?.signed
  if (!isDirect(queue)) return undefined
  const all = [...declared.values()].map(({ signed }) => signed)
  return all.includes(undefined) ? undefined : all[0]
}
