// The queues that workers of ours consume now: of each whose lease goes on, what it says.
import type { Ask } from './ask.js'
import type { Keys } from './keys.js'

export const servedQueues = async (ask: Ask, keys: Keys, nowMs: number): Promise<ReadonlySet<string>> => {
  const alive = (await ask('zrangebyscore', [keys.consumers, nowMs, '+inf'])) as Buffer[]
  const lists = await Promise.all(alive.map((id) => ask('hget', [keys.consumer(String(id)), 'queues'])))
  return new Set(lists.flatMap((list) => (list === null ? [] : (JSON.parse(String(list)) as string[]))))
}
