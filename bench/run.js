// `npm run bench`: Lovage beside BullMQ, in one table with its method.
//
// Each peer has two processes, a producer and a worker, which stay warm for the whole run. A round goes
// through all peers, measure by measure, so that a noisy minute hits everybody; the first round is dropped.
// What counts is the ratio of the medians: the rates themselves move by a fifth on a shared machine.
import { fork } from 'node:child_process'
import { cpus, release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startRedis } from './redis.js'

// `npm run bench -- beat`: that one has no peer.
if (process.argv[2] === 'beat') {
  const { benchBeat } = await import('./beat.js')
  process.exit((await benchBeat()) ? 0 : 1)
}

if (process.argv[2] === 'huge') {
  const { benchHuge } = await import('./huge.js')
  process.exit((await benchHuge()) ? 0 : 1)
}
if (process.argv[2] === 'bytes') {
  const { benchBytes } = await import('./bytes.js')
  process.exit((await benchBytes()) ? 0 : 1)
}

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, scale: { type: 'string', default: '1' } },
})
const rounds = Number(values.rounds)
const scale = Number(values.scale)
const of = (count) => Math.max(100, Math.round(count * scale))

const peers = ['lovage', 'bullmq']
const redis = await startRedis()
process.on('exit', () => redis.stop())

const start = async (peer) => {
  const child = fork(fileURLToPath(new URL('child.js', import.meta.url)), [peer, String(redis.port)])
  const waiting = new Map()
  let next = 0
  const ready = new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${peer} ended with ${code}`)))
    child.on('message', ({ id, result, error, ready: up }) => {
      if (up) resolve()
      else if (error === undefined) waiting.get(id).resolve(result)
      else waiting.get(id).reject(new Error(error))
    })
  })
  await ready
  return (command, options) =>
    new Promise((resolve, reject) => {
      next += 1
      waiting.set(next, { resolve, reject })
      child.send({ id: next, command, options })
    })
}

const measures = [
  ...[100, 10, 1].map((concurrency) => ({
    name: `drain, concurrency ${concurrency}`,
    unit: 'tasks/s',
    bar: { 100: 1.8, 10: 1.4, 1: 1.2 }[concurrency],
    run: async ({ produce, work }) => {
      const count = of({ 100: 30_000, 10: 20_000, 1: 5_000 }[concurrency])
      await produce('enqueue', { count, inFlight: 500 })
      return work('drain', { count, concurrency })
    },
  })),
  {
    name: 'enqueue, single calls, 100 in flight',
    unit: 'messages/s',
    bar: 1.3,
    run: async ({ produce, work }) => {
      const count = of(20_000)
      const rate = await produce('enqueue', { count, inFlight: 100 })
      await work('drain', { count, concurrency: 100 })
      return rate
    },
  },
  {
    name: 'submit → result, idle, p50',
    unit: 'ms',
    bar: 0.7,
    run: async ({ produce, work }) => {
      await work('serve', { concurrency: 10 })
      await produce('latency', { count: 20 })
      const times = await produce('latency', { count: of(500) })
      await work('unserve')
      return times[Math.floor(times.length / 2)]
    },
  },
]

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
const show = (number, unit) =>
  unit === 'ms' ? number.toFixed(2) : Math.round(number).toLocaleString('en-US')

const running = {}
for (const peer of peers) running[peer] = { produce: await start(peer), work: await start(peer) }

const results = new Map(
  measures.map(({ name }) => [name, Object.fromEntries(peers.map((peer) => [peer, []]))]),
)
for (let round = 0; round <= rounds; round += 1)
  for (const { name, unit, run } of measures)
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      const value = await run(running[peer])
      if (round > 0) results.get(name)[peer].push(value)
      process.stderr.write(
        `round ${round}${round === 0 ? ' (dropped)' : ''}: ${peer}, ${name}: ${show(value, unit)} ${unit}\n`,
      )
    }

console.log(
  `\nNode ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}, ` +
    `${new Date().toISOString().slice(0, 10)}; medians of ${rounds} rounds, in brackets the range.\n`,
)
console.log('| measure | Lovage | BullMQ | ratio | bar |\n|---|---|---|---|---|')
let missed = 0
for (const { name, unit, bar } of measures) {
  const cell = (values) =>
    `${show(median(values), unit)} (${show(Math.min(...values), unit)}–${show(Math.max(...values), unit)})`
  const { lovage, bullmq } = results.get(name)
  const ratio = median(lovage) / median(bullmq)
  const met = unit === 'ms' ? ratio <= bar : ratio >= bar
  if (!met) missed += 1
  console.log(
    `| ${name}, ${unit} | ${cell(lovage)} | ${cell(bullmq)} | **${ratio.toFixed(2)}×** | ${unit === 'ms' ? '≤' : '≥'} ${bar}× ${met ? '✓' : '✗'} |`,
  )
}
for (const peer of peers) for (const tell of Object.values(running[peer])) await tell('close')
process.exit(missed === 0 ? 0 : 1)
