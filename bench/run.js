// `npm run bench`: Lovage beside its peers, in one table with its method.
//
//   npm run bench -- --rounds 3 --rows drain-100,latency --peers lovage,bullmq --scale 0.5
//
// Each peer's processes stay warm for the whole run, and each has a database of its own, empty before each
// measure. A round goes through all measures and, in each, through all peers, the other way round every
// second time, so that a noisy minute hits everybody; the first round is longer, and dropped. What counts is the ratio of
// the medians: the rates themselves move by a fifth on a shared machine. Counts of tasks differ so that each
// measure takes a peer about as long.
import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'
import { Redis } from 'ioredis'
import { drain } from './measures/drain.js'
import { enqueue } from './measures/enqueue.js'
import { roundTrips } from './measures/round-trips.js'
import { startNodePeer } from './node-peer.js'
import { startCelery } from './peers/celery.js'
import { startRedis } from './redis.js'
import { report, show } from './report.js'

// These have ways of their own: `npm run bench -- beat`, `huge`, `bytes`, `pools`, `security`, `depth`.
const alone = {
  beat: async () => (await import('./beat.js')).benchBeat(),
  huge: async () => (await import('./huge.js')).benchHuge(),
  bytes: async () => (await import('./bytes.js')).benchBytes(),
  pools: async () => (await import('./pools.js')).benchPools(),
  security: async () => (await import('./security.js')).benchSecurity(),
  depth: async () => (await import('./depth.js')).benchDepth(process.argv.slice(3)),
}
const wanted = alone[process.argv[2]]
if (wanted !== undefined) process.exit((await wanted()) ? 0 : 1)

/** How many times longer the dropped round is: compilers need a few thousand calls. */
const warmth = 3

const measures = [...enqueue, ...drain, ...roundTrips]
const drains = ['drain-100', 'drain-10', 'drain-1']
const everything = [...drains, 'add', 'addMany', 'roundTrip', 'chain', 'chord']

const known = {
  lovage: { title: 'Lovage', can: everything, database: 0 },
  bullmq: { title: 'BullMQ', can: everything, database: 1 },
  'bee-queue': { title: 'Bee-Queue', can: [...drains, 'add', 'addMany', 'roundTrip'], database: 2 },
  celery: { title: 'Celery', can: everything, database: 3, resultDatabase: 4 },
  raw: { title: 'raw', can: ['drain-100'], database: 5 },
}

const fail = (sentence) => {
  console.error(sentence)
  process.exit(2)
}
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    rows: { type: 'string' },
    peers: { type: 'string' },
  },
})
const number = (name) => {
  const value = Number(values[name])
  return value > 0
    ? value
    : fail(`--${name}: expected a number above 0, got ${JSON.stringify(values[name])}.`)
}
/** The words of a list that were asked for; all without one. */
const choose = (option, list) => {
  const words = values[option]?.split(',') ?? list
  const unknown = words.find((word) => !list.includes(word))
  if (unknown !== undefined)
    fail(`--${option}: there is no ${JSON.stringify(unknown)}, only ${list.join(', ')}.`)
  return list.filter((word) => words.includes(word))
}
const rounds = Math.ceil(number('rounds'))
const scale = number('scale')
const names = choose(
  'rows',
  measures.map(({ name }) => name),
)
const chosen = measures.filter(({ name }) => names.includes(name))
const peers = choose('peers', Object.keys(known)).filter((peer) =>
  chosen.some(({ needs }) => known[peer].can.includes(needs)),
)

const redis = await startRedis()
const client = new Redis({ host: '127.0.0.1', port: redis.port })
const running = {}
const versions = [`Redis ${/redis_version:(\S+)/.exec(await client.info('server'))[1]}`]
const require = createRequire(import.meta.url)
for (const peer of peers) {
  const { database, resultDatabase, title } = known[peer]
  const place = { port: redis.port, database, resultDatabase }
  running[peer] = peer === 'celery' ? await startCelery(place) : await startNodePeer(peer, place)
  if (peer === 'celery') versions.push(`${title} ${running[peer].version}`)
  else if (peer !== 'lovage' && peer !== 'raw')
    versions.push(`${title} ${require(`${peer}/package.json`).version}`)
}

const empty = async ({ database, resultDatabase }) => {
  for (const db of [database, resultDatabase].filter((each) => each !== undefined)) {
    await client.select(db)
    await client.flushdb()
  }
}

const rows = chosen.flatMap((measure) => measure.rows.map((row) => ({ ...row, measure, values: {} })))
for (let round = 0; round <= rounds; round += 1)
  for (const measure of chosen)
    for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
      if (!known[peer].can.includes(measure.needs)) continue
      await empty(known[peer])
      const found = await measure.run(
        running[peer],
        Math.ceil(measure.tasks[peer] * scale * (round === 0 ? warmth : 1)),
      )
      for (const [index, row] of rows.filter((each) => each.measure === measure).entries()) {
        if (round > 0) (row.values[peer] ??= []).push(found[index])
        const dropped = round === 0 ? ' (dropped)' : ''
        process.stderr.write(
          `round ${round}${dropped}: ${peer}, ${row.title}: ${show(found[index], row.unit)} ${row.unit}\n`,
        )
      }
    }

const titles = Object.fromEntries(peers.map((peer) => [peer, known[peer].title]))
const { text, missed } = report({ rows, peers, titles, rounds, versions: versions.join(', ') })
console.log(`\n${text}`)
for (const peer of peers) await running[peer].close()
await redis.stop()
process.exit(missed === 0 ? 0 : 1)
