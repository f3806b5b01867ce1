// `npm run bench -- huge`: a group of 100 000 and a chord of 20 000 from one call. What the client and the worker hold in
// memory, and the longest script that Redis ran for them (its slow log, from 1 ms on). Each canvas has a Redis, a
// worker and a client of its own; the last two are processes of this very file.
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chord, createApp, createLogger, group } from '../dist/index.js'

const file = fileURLToPath(import.meta.url)
const cases = [
  ['group', 100_000],
  ['chord', 20_000],
]
/** Milliseconds. */
const longest = 50

const megabytes = () => Math.round(process.memoryUsage().rss / 1e6)

const told = (child) => new Promise((resolve) => child.once('message', resolve))

const play = async (kind, count) => {
  const { startRedis } = await import('./redis.js')
  const { Redis } = await import('ioredis')
  const redis = await startRedis()
  const client = new Redis(redis.port, '127.0.0.1')
  await client.config('SET', 'slowlog-log-slower-than', '1000', 'slowlog-max-len', '100000')
  const start = (role) => fork(file, [role, kind, String(count), String(redis.port)])
  const worker = start('worker')
  const idle = await told(worker)
  const sender = start('client')
  const sent = await told(sender)
  const ended = await told(sender)
  worker.send('peak')
  const peak = await told(worker)
  const slow = (await client.slowlog('GET', '100000')).filter(([, , , [command]]) =>
    /^evalsha$/i.test(command),
  )
  const slowest = Math.max(0, ...slow.map(([, , microseconds]) => microseconds / 1000))
  for (const child of [worker, sender]) child.kill('SIGKILL')
  client.disconnect()
  redis.stop()
  return { ...sent, ...ended, idle, peak, slowest }
}

export const benchHuge = async () => {
  console.log(
    '| canvas | sent in, s | result after, s | client, MB: canvas made, sent, result | worker, MB: idle, peak | longest script, ms |',
  )
  console.log('|---|---|---|---|---|---|')
  let isMet = true
  for (const [kind, count] of cases) {
    const { made, sentMs, sentPeak, resultMs, resultPeak, idle, peak, slowest } = await play(kind, count)
    const seconds = (ms) => (ms / 1000).toFixed(1)
    console.log(
      `| ${kind} of ${count.toLocaleString('en-US')} | ${seconds(sentMs)} | ${seconds(resultMs)} | ${made}, ${sentPeak}, ${resultPeak} | ${idle}, ${peak} | ${slowest.toFixed(0)} |`,
    )
    isMet &&= slowest <= longest
  }
  return isMet
}

const appOf = (port) => {
  const app = createApp('huge', { broker: `redis://127.0.0.1:${port}/0` })
  return {
    app,
    add: app.task('huge.add', (x, y) => x + y),
    sum: app.task('huge.sum', (numbers) => numbers.reduce((a, b) => a + b, 0)),
  }
}

const peakOf = () => {
  let peak = megabytes()
  setInterval(() => {
    peak = Math.max(peak, megabytes())
  }, 10).unref()
  return () => {
    peak = Math.max(peak, megabytes())
    return peak
  }
}

const roles = {
  worker: async (_kind, _count, port) => {
    const { app } = appOf(port)
    await app.worker({ pool: 'fiber', concurrency: 100, log: createLogger({ level: 'ERROR' }) }).start()
    const peak = peakOf()
    process.on('message', () => process.send(peak()))
    process.send(megabytes())
  },
  client: async (kind, count, port) => {
    const { add, sum } = appOf(port)
    const members = Array.from({ length: Number(count) }, (_, index) => add.s(index, 1))
    const canvas = kind === 'group' ? group(members) : chord(members, sum.s())
    const made = megabytes()
    const peak = peakOf()
    const start = performance.now()
    const result = await canvas.delay()
    process.send({ made, sentMs: performance.now() - start, sentPeak: peak() })
    await result.get({ timeout: 120 })
    process.send({ resultMs: performance.now() - start, resultPeak: peak() })
  },
}

const [role, ...rest] = process.argv.slice(2)
if (process.argv[1] === file && role in roles) await roles[role](...rest)
