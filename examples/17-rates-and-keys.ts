// Limits: how often a task starts (rates), and how many calls with one key run at once (keys). Whatever waits for
// either lies in the broker: it holds no slot, and outlives its worker.
//
//   npx jiti examples/17-rates-and-keys.ts
import { createApp } from 'lovage'

const app = createApp('limits', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

// In each worker: '10/m', '5/s', '100/h'. Starts are evenly spaced, without bursts.
const dig = app.task('limits.dig', (n: number) => `hole ${n}`, { rateLimit: '1/h' })

// In all workers together, by the server's clock: what an API that counts your requests wants.
const ask = app.task('limits.ask', (n: number) => n, { globalRateLimit: '20/s' })

// Of one account one booking at a time, in the order in which they were sent; accounts do not wait for each other.
const booked: string[] = []
const running = new Set<string>()
let sideBySide = false
const book = app.task(
  'limits.book',
  async (account: string, entry: number) => {
    if (running.has(account)) throw new Error(`two bookings of ${account} at once`)
    running.add(account)
    // Nobody goes on before the other account has begun: this would never end if it had to wait for this one.
    while (!sideBySide) {
      sideBySide = running.size === 2
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    booked.push(`${account}${entry}`)
    running.delete(account)
  },
  { concurrencyKey: (account: string) => account },
)

const workers = [
  app.worker({ hostname: 'one', concurrency: 4 }),
  app.worker({ hostname: 'two', concurrency: 4 }),
]
for (const worker of workers) await worker.start()

const before = performance.now()
console.log(await Promise.all([1, 2, 3, 4, 5, 6].map((n) => ask.delay(n).get())))
console.log('six starts of 20 in a second take a quarter of one:', performance.now() - before > 240)

const bookings = [1, 2, 3].flatMap((entry) => [book.delay('ann', entry), book.delay('bob', entry)])
await Promise.all(bookings.map((booking) => booking.get()))
for (const account of ['ann', 'bob'])
  console.log(booked.filter((entry) => entry.startsWith(account)).join(' '))

// Each worker digs one; the third waits for an hour, or for somebody who changes the rate of the running workers.
const holes = [await dig.delay(1), await dig.delay(2), await dig.delay(3)]
while ((await Promise.all(holes.map((hole) => hole.ready()))).filter(Boolean).length < 2)
  await new Promise((resolve) => setTimeout(resolve, 20))
console.log(
  'still waiting:',
  (await Promise.all(holes.map((hole) => hole.ready()))).filter((ready) => !ready).length,
)
for (const worker of workers) worker.rateLimit('limits.dig', '100/s')
console.log(await Promise.all(holes.map((hole) => hole.get())))

await app.close()
