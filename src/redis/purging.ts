// A purge of a queue in Redis: calls of a moment each (lua/purge.lua), until all that waited when it began is dropped or
// set aside. What is not taken yet, should it be cut off in between, waits on as if nobody had purged.
import { purgedQueue } from '../runtime/purged.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

/** A few milliseconds of Redis. */
const purgedAtOnce = 1000

type Piece =
  | -1
  | readonly [taken: number, looked: number, more: number, gate: Buffer, offset: number, ahead: number]

/** How many there were; null where something that was set aside before lies there still: then nothing is moved. */
export const purgeQueue = async (
  queue: string,
  to: 'nowhere' | 'aside',
  keys: Keys,
  run: (args: (string | Buffer | number)[]) => Promise<Reply>,
): Promise<number | null> => {
  const lists = (of: string): readonly string[] => [keys.redo(of), ...keys.lists(of)]
  const names = [keys.limited(queue), keys.gated(queue), ...lists(queue)]
  const aside = to === 'aside' ? lists(purgedQueue(queue)) : []
  const words = [names.length, ...names, keys.parkedPrefix(queue), keys.base, queue, purgedAtOnce]
  const piece = async (gate: string | Buffer, offset: number): Promise<Piece> =>
    (await run([...words, gate, offset, ...aside])) as unknown as Piece
  let reply = await piece('', -1)
  if (reply === -1) return null
  let [count] = reply
  // Whoever sends on meanwhile does not keep it going for ever.
  let ahead = reply[5]
  while (reply[2] === 1 && ahead > 0) {
    ahead -= reply[1]
    reply = await piece(reply[3], reply[4])
    if (reply === -1) break
    count += reply[0]
  }
  return count
}
