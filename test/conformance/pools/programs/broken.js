// Loads well in the worker, and in a child as the environment says.
import { createApp, createLogger } from 'lovage'

const app = createApp('broken', {
  broker: process.env.REDIS,
  workerProcAliveTimeout: Number(process.env.ALIVE ?? 30),
})
app.task('add', (x, y) => x + y)

if (app.isChild) {
  const { HOW } = process.env
  if (HOW === 'throws') throw new TypeError('no such thing')
  if (HOW === 'exits') process.exit(7)
  if (HOW === 'hangs') await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (HOW === 'starts') await app.worker().start()
  if (HOW === 'beats') await app.beat.start()
} else {
  const pool = process.argv[2]
  if (process.env.HOW === 'lacks') app.task('late', () => 1)
  const log = createLogger({ level: 'INFO', write: (line) => void process.stdout.write(`${line}\n`) })
  const options = process.env.HOW === 'elsewhere' ? { module: new URL('nowhere.js', import.meta.url) } : {}
  await app
    .worker({ pool, concurrency: 2, log, ...options })
    .start()
    .then(
      () => console.log('started'),
      (error) => console.log(`${error.name}: ${error.message}`),
    )
  await app.close()
}
