// How fast messages get into the broker: each call awaited, a hundred at once; and in bulk, as the peer does
// it best (Lovage: the `delay` calls of one turn leave together; BullMQ addBulk; Bee-Queue saveAll; a Celery
// group).
const tasks = { lovage: 25_000, bullmq: 12_000, 'bee-queue': 12_000, celery: 1_000 }

export const enqueue = [
  {
    name: 'enqueue',
    needs: 'add',
    rows: [
      { title: 'enqueue, single calls, 100 in flight', unit: 'messages/s', bars: { bullmq: 2, celery: 4 } },
    ],
    tasks,
    run: async ({ produce }, count) => [await produce('enqueue', { count, inFlight: 100 })],
  },
  {
    name: 'enqueue-bulk',
    needs: 'addMany',
    rows: [{ title: 'enqueue, in bulks of 500', unit: 'messages/s', bars: { bullmq: 3, celery: 4 } }],
    tasks: { ...tasks, lovage: 40_000 },
    run: async ({ produce }, count) => [await produce('enqueueMany', { count, size: 500 })],
  },
]
