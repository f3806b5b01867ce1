// Messages that are too many for one call: sent ahead piece by piece, and moved to where they belong a moment's
// worth at a time (lua/stage.lua, lua/unstage.lua).
import { OperationalError } from '../errors.js'
import type { StagedPiece, Unstaging } from '../runtime/publication.js'
import { type Keys, stepOf } from './keys.js'
import type { Link } from './link.js'
import type { Patience } from './patience.js'
import { scripts } from './scripts.js'

/** A few milliseconds of Redis. */
const unstagedAtOnce = 500

/** For the script `stage`, which answers 1, or that the pieces before it are gone. */
export const stageArgs = (keys: Keys, piece: StagedPiece): (string | number)[] => [
  1,
  keys.stage(piece),
  piece.offset,
  ...piece.raws,
]

/** How many it moved. */
export const unstage = async (
  { stage, list, queue, priority }: Unstaging,
  keys: Keys,
  link: Link,
  patience: Patience,
): Promise<number> => {
  const target = keys.list(queue, stepOf(priority))
  const args = [2, keys.stage({ stage, list }), target, unstagedAtOnce]
  const reply = await patience.send(() =>
    link.run(scripts.unstage, args).catch((error: Error) => {
      // Waiting does not help: somebody put another type under the queue's name.
      if (error.message.startsWith('WRONGTYPE')) return error
      throw error
    }),
  )
  if (reply instanceof Error) throw new OperationalError(reply.message)
  return reply as number
}
