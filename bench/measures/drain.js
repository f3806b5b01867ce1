// How fast one worker empties a full queue of no-op tasks, results stored: from 10 % done to the last.
// A worker loads its parts beside its first tasks, so there are enough of them for that to lie in the first tenth.
const tasks = {
  100: { lovage: 60_000, raw: 80_000, bullmq: 15_000, 'bee-queue': 20_000, celery: 1_500 },
  10: { lovage: 30_000, bullmq: 12_000, 'bee-queue': 15_000, celery: 1_500 },
  1: { lovage: 12_000, bullmq: 5_000, 'bee-queue': 4_000, celery: 1_200 },
}
const bars = {
  100: { bullmq: 2.5, 'bee-queue': 1.6, celery: 15, raw: 0.45 },
  10: { bullmq: 2, celery: 15 },
  1: { bullmq: 1.4, celery: 15 },
}

export const drain = [100, 10, 1].map((concurrency) => ({
  name: `drain-${concurrency}`,
  needs: `drain-${concurrency}`,
  rows: [{ title: `drain, concurrency ${concurrency}`, unit: 'tasks/s', bars: bars[concurrency] }],
  tasks: tasks[concurrency],
  run: async ({ produce, work }, count) => {
    await produce('fill', { count })
    return [await work('drain', { count, concurrency })]
  },
}))
