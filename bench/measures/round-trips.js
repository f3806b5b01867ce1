// What somebody waits for who sends one thing at a time to an idle worker of concurrency 10: a task, a chain
// (time for each step), a chord of 1 000 (its body gets the results).
import { setTimeout as sleep } from 'node:timers/promises'

/** A worker that has only just started still loads its parts (threads, connections) beside its first tasks. */
const settlingMs = 400

const median = (sorted) => sorted[Math.floor(sorted.length / 2)]

const measure = ({ name, needs, rows, size, tasks, read }) => ({
  name,
  needs,
  rows,
  tasks,
  run: async ({ produce, work }, count) => {
    await work('serve', { concurrency: 10 })
    await sleep(settlingMs)
    await produce('time', { what: needs, size, count: Math.ceil(count / 10) })
    const times = await produce('time', { what: needs, size, count })
    await work('unserve')
    return read(times)
  },
})

const chain = (steps, bar, tasks) =>
  measure({
    name: `chain-${steps}`,
    needs: 'chain',
    rows: [{ title: `chain of ${steps}, each step`, unit: 'ms', bars: { bullmq: bar, celery: 4 } }],
    size: steps,
    tasks,
    read: (times) => [median(times) / steps],
  })

export const roundTrips = [
  measure({
    name: 'latency',
    needs: 'roundTrip',
    rows: [
      { title: 'submit → result, p50', unit: 'ms', bars: { bullmq: 2, celery: 4 } },
      { title: 'submit → result, p99', unit: 'ms', bars: {} },
    ],
    tasks: { lovage: 600, bullmq: 600, 'bee-queue': 600, celery: 150 },
    read: (times) => [median(times), times[Math.floor(times.length * 0.99)]],
  }),
  // Ten thousand steps a round, as the drains have tasks: with fewer, the way of a chain through either library is
  // hardly compiled yet.
  chain(8, 2.3, { lovage: 1500, bullmq: 1500, celery: 15 }),
  chain(50, 1.8, { lovage: 200, bullmq: 200, celery: 4 }),
  measure({
    name: 'chord-1000',
    needs: 'chord',
    rows: [{ title: 'chord of 1,000', unit: 'ms', bars: { bullmq: 2.5, celery: 4 } }],
    size: 1000,
    tasks: { lovage: 10, bullmq: 5, celery: 1 },
    read: (times) => [median(times)],
  }),
]
