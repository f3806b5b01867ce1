// How many messages of a queue wait for a worker: in its lists, for a rate, and in line at a concurrency key.
import type { Ask } from './ask.js'
import type { Keys } from './keys.js'

export const queueLength = async (ask: Ask, keys: Keys, queue: string): Promise<number> => {
  const [limited, gated] = (await Promise.all([
    ask('smembers', [keys.limited(queue)]),
    ask('hvals', [keys.gated(queue)]),
  ])) as readonly (readonly Buffer[])[]
  const parked = (limited as Buffer[]).map((task) => keys.parkedPrefix(queue) + String(task))
  const names = [keys.redo(queue), ...keys.lists(queue), ...parked]
  const counts = await Promise.all(names.map((name) => ask('llen', [name])))
  return [...(counts as number[]), ...(gated as Buffer[]).map(Number)].reduce((sum, count) => sum + count, 0)
}
