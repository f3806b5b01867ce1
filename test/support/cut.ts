// Every connection breaks, now. Redis counts those that listen, to results or to remote control, as another type.
import type { Redis } from 'ioredis'

/** How many there were, this one not among them. */
export const cutAll = async (client: Redis): Promise<number> => {
  let killed = 0
  for (const type of ['NORMAL', 'PUBSUB'])
    killed += Number(await client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'YES'))
  return killed
}
