// Queues at a fanout exchange: each worker has one of its own, into which it puts what it hears. So a message for
// all is run, redelivered and counted like any other, once by each worker that listened when it was sent.
import type { Binding } from './binding.js'
import type { Broker } from './broker.js'
import type { Mailbox } from './mailbox.js'

const prefix = 'bcast.'

/** The worker's own, under Celery's prefix. A worker that comes back under its name finds what it had left. */
export const ownQueue = (queue: string, hostname: string): string => `${prefix}${queue}.${hostname}`

export const isOwnQueue = (queue: string): boolean => queue.startsWith(prefix)

export interface BroadcastOptions {
  readonly fanouts: readonly Pick<Binding, 'queue' | 'exchange'>[]
  readonly hostname: string
  readonly mailbox: () => Promise<Mailbox>
  readonly broker: Broker
  readonly onError: (error: unknown) => void
}

/** Listens; returns what ends it, and drops what nobody will come back for. */
export const hearBroadcasts = async (options: BroadcastOptions): Promise<() => Promise<void>> => {
  const { fanouts, hostname, broker, onError } = options
  if (fanouts.length === 0) return () => Promise.resolve()
  const mailbox = await options.mailbox()
  const ends = await Promise.all(
    fanouts.map(({ queue, exchange }) => {
      const own = ownQueue(queue, hostname)
      const hear = (raw: string): void => {
        broker.publish({ pushes: [{ queue: own, priority: 0, raw }], chords: [] }).catch(onError)
      }
      return mailbox.listen(exchange, hear, { anyKey: true })
    }),
  )
  return async () => {
    await Promise.all(ends.map((end) => end()))
  }
}
