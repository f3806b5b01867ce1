// What a worker hears: remote control, and the broadcasts of its fanout queues.
import type { Binding } from '../binding.js'
import { hearBroadcasts } from '../broadcast.js'
import { openRemote, type RemoteOptions } from './remote.js'

/** Begins both; returns what ends them. */
export const hear = async (
  remote: RemoteOptions,
  fanouts: readonly Pick<Binding, 'queue' | 'exchange'>[],
): Promise<() => Promise<void>> => {
  const { hostname, mailbox, broker, log } = remote
  const ends = await Promise.all([
    openRemote(remote),
    hearBroadcasts({
      fanouts,
      hostname,
      mailbox,
      broker,
      onError: (error) => log.error(`A broadcast could not be kept: ${String(error)}`),
    }),
  ])
  return async () => {
    for (const end of ends) await end()
  }
}
