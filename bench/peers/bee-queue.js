// Bee-Queue with its defaults. It has neither chains nor chords.
import Queue from 'bee-queue'

export const open = async ({ port, database }) => {
  const redis = { host: '127.0.0.1', port, db: database }
  const queue = new Queue('bench', { redis, isWorker: false })
  await queue.ready()
  // A job's own events are lost when they come before the answer to its save.
  const ended = new Set()
  const waiting = new Map()
  queue.on('job succeeded', (id) => {
    const resolve = waiting.get(id)
    if (resolve === undefined) ended.add(id)
    else resolve()
    waiting.delete(id)
  })
  return {
    add: () => queue.createJob({}).save(),
    addMany: async (n) => {
      const failed = await queue.saveAll(Array.from({ length: n }, () => queue.createJob({})))
      if (failed.size > 0) throw [...failed.values()][0]
    },
    roundTrip: async () => {
      // Ids begin anew in an empty database: what ended under them before is another job.
      ended.clear()
      const { id } = await queue.createJob({}).save()
      if (!ended.delete(id)) await new Promise((resolve) => waiting.set(id, resolve))
    },
    work: async (concurrency, onDone) => {
      const worker = new Queue('bench', { redis, getEvents: false })
      worker.process(concurrency, async () => onDone())
      await worker.ready()
      return () => worker.close()
    },
    close: () => queue.close(),
  }
}
