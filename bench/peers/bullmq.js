// BullMQ with its defaults, as a peer of the benchmark: what each measure means is said in ../run.js.
import { Queue, QueueEvents, Worker } from 'bullmq'

export const open = async ({ port }) => {
  const connection = { host: '127.0.0.1', port, db: 1, maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection })
  let events
  return {
    add: () => queue.add('noop', {}),
    roundTrip: async () => {
      events ??= new QueueEvents('bench', { connection })
      await events.waitUntilReady()
      return (await queue.add('noop', {})).waitUntilFinished(events)
    },
    work: async (concurrency, onDone) => {
      const worker = new Worker('bench', async () => onDone(), { connection, concurrency })
      await worker.waitUntilReady()
      return () => worker.close()
    },
    close: async () => {
      await events?.close()
      await queue.close()
    },
  }
}
