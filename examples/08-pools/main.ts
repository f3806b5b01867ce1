// One app in each pool: where its tasks run, which of them run at once, what a crash costs. Needs a Redis, because
// processes share no memory.
//
//   LOVAGE_BROKER_URL=redis://localhost:6379/0 npx jiti examples/08-pools/main.ts
import type { PendingResult, WorkerOptions } from 'lovage'
import { app, compute, crash, forEver, untilTold, wait } from './tasks.js'

const all = <T>(send: () => PendingResult<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 4 }, () => send().get({ timeout: 20 })))

const inPool = async (options: WorkerOptions, count: number, more?: () => Promise<void>): Promise<void> => {
  const worker = await app.worker(options).start()
  // A worker is ready with its first child; the second one comes a moment later.
  const places = new Set<string>()
  while (places.size < count) for (const place of await all(() => compute.delay())) places.add(place)
  const waits = (await all(() => wait.delay())).sort((one, other) => one.from - other.from)
  const together = waits.some(({ from }, index) => index > 0 && from < waits[index - 1]!.to)
  console.log(
    `${options.pool}: ${[...places].every((place) => place === `${process.pid}:0`) ? 'here' : 'elsewhere'}, ` +
      `four waits ${together ? 'overlap' : 'come one after the other'}`,
  )
  await more?.()
  await worker.stop()
}

await inPool({ pool: 'solo' }, 1)
await inPool({ pool: 'fiber', concurrency: 100 }, 1)
await inPool({ pool: 'threads', concurrency: 2 }, 2)
await inPool({ pool: 'prefork', concurrency: 2 }, 2, async () => {
  console.log('  a crash:', await crash.delay().get({ timeout: 20 }))
  console.log('  the soft limit:', await untilTold.delay().get({ timeout: 20 }))
  console.log('  the hard limit:', await forEver.delay().get({ timeout: 20 }).catch(String))
})
await app.close()
