// Dead letters: messages that could not end well, kept for a while and never more than a bounded number
// (lua/step.lua writes them).
import type { DeadLetter } from '../runtime/broker.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

type Ask = (command: string, args: readonly (string | number)[]) => Promise<Reply>

const fields = ['queue', 'reason', 'attempts', 'lastWorker', 'diedAt', 'taskId', 'task', 'raw']

const orNull = (text: string): string | null => (text === '' || text === '-' ? null : text)

/** Newest first. */
export const listDead = async (ask: Ask, keys: Keys, limit: number): Promise<readonly DeadLetter[]> => {
  if (limit <= 0) return []
  const ids = ((await ask('zrevrange', [keys.dead, 0, limit - 1])) as readonly Buffer[]).map(String)
  const letters = await Promise.all(
    ids.map(async (id): Promise<DeadLetter | null> => {
      const values = (await ask('hmget', [keys.deadLetter(id), ...fields])) as readonly (Buffer | null)[]
      const raw = values[7]
      // Expired since: the set forgets it with the next letter.
      if (raw == null) return null
      const [queue, reason, attempts, lastWorker, diedAt, taskId, task] = values.map((value) =>
        String(value ?? ''),
      )
      return {
        id,
        queue: queue as string,
        reason: reason as string,
        attempts: Number(attempts),
        lastWorker: orNull(lastWorker as string),
        diedAt: new Date(Number(diedAt)),
        taskId: orNull(taskId as string),
        task: orNull(task as string),
        raw,
      }
    }),
  )
  return letters.filter((letter) => letter !== null)
}

export const purgeDead = async (ask: Ask, keys: Keys): Promise<number> => {
  let count = 0
  for (;;) {
    const popped = (await ask('zpopmin', [keys.dead, 100])) as readonly Buffer[]
    const ids = popped.filter((_, index) => index % 2 === 0).map(String)
    if (ids.length === 0) return count
    count += (await ask('del', ids.map(keys.deadLetter))) as number
  }
}
