// The app and its tasks. Children of a pool load this module, so nothing is started here.
import { threadId } from 'node:worker_threads'
import { createApp } from 'lovage'

export const app = createApp('pools', { broker: process.env.LOVAGE_BROKER_URL ?? 'redis://localhost:6379/0' })

/** Computes for a tenth of a second, and says where. */
export const compute = app.task('pools.compute', () => {
  const end = performance.now() + 100
  while (performance.now() < end);
  return `${process.pid}:${threadId}`
})

/** Waits for as long, and says from when to when. */
export const wait = app.task('pools.wait', async () => {
  const from = Date.now()
  await new Promise((resolve) => setTimeout(resolve, 100))
  return { from, to: Date.now() }
})

/** The first time it takes its process along. */
export const crash = app.task('pools.crash', function () {
  if (this.request.attempt === 1) process.exit(1)
  return `ended at attempt ${this.request.attempt}`
})

/** Looks at its signal, as a loop that computes has to: nobody can interrupt it from outside. */
export const untilTold = app.task(
  'pools.untilTold',
  function () {
    let rounds = 0
    while (!this.signal.aborted) rounds += 1
    return rounds > 0 ? `told: ${(this.signal.reason as Error).message}` : 'told at once'
  },
  { softTimeLimit: 0.2 },
)

/** Does not look: at its hard limit its process is killed, and another one started. */
export const forEver = app.task(
  'pools.forEver',
  () => {
    for (;;);
  },
  { timeLimit: 0.2 },
)
