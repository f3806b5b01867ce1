// BullMQ with its defaults. A chain is a flow of one child each, a chord a flow of many.
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq'

export const open = async ({ port, database }) => {
  const connection = { host: '127.0.0.1', port, db: database, maxRetriesPerRequest: null }
  const queue = new Queue('bench', { connection })
  const flows = new FlowProducer({ connection })
  let events
  const finished = async (adding) => {
    events ??= new QueueEvents('bench', { connection })
    await events.waitUntilReady()
    return (await adding()).waitUntilFinished(events)
  }
  const job = (name = 'noop') => ({ name, queueName: 'bench', data: {} })
  const line = (steps) => (steps === 1 ? job() : { ...job(), children: [line(steps - 1)] })
  const bulk = (n, make) => Array.from({ length: n }, make)
  return {
    add: () => queue.add('noop', {}),
    addMany: (n) => queue.addBulk(bulk(n, () => ({ name: 'noop', data: {} }))),
    roundTrip: () => finished(() => queue.add('noop', {})),
    chain: (steps) => finished(async () => (await flows.add(line(steps))).job),
    chord: (size) =>
      finished(async () => (await flows.add({ ...job('count'), children: bulk(size, () => job()) })).job),
    work: async (concurrency, onDone) => {
      const run = async (job) =>
        job.name === 'count' ? Object.keys(await job.getChildrenValues()).length : onDone()
      const worker = new Worker('bench', run, { connection, concurrency })
      await worker.waitUntilReady()
      return () => worker.close()
    },
    close: async () => {
      await events?.close()
      await flows.close()
      await queue.close()
    },
  }
}
