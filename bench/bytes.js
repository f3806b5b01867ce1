// `npm run bench -- bytes`: what a whole canvas costs in bytes into Redis, beside Celery and, for a chain and a chord,
// BullMQ's flows of the same shape.
//
// Counted by Redis itself: `total_net_input_bytes` of INFO, from before the call until its result is there; so it is
// everything that anybody sends, results, heartbeats, waits and commands included. Each peer has a Redis of its own.
// A canvas that takes longer than its time is told as such. Bytes need no rounds; the times are those of one run.
import { spawn } from 'node:child_process'
import { cpus, release } from 'node:os'
import { createJiti } from 'jiti'
import { chain, chord, createApp, createLogger, group } from '../dist/index.js'
import { startRedis } from './redis.js'

const seconds = 40

/** name → bar in MB; Celery's stages are what it can bear. */
const cases = [
  { name: 'chain 300', bar: 0.9, celery: true, bullmq: true },
  { name: 'chain 1000', bar: 3, celery: false },
  { name: 'chord 100', bar: 0.35, celery: true, bullmq: true },
  { name: 'stages 3', celery: true },
  { name: 'stages 4', celery: true },
  { name: 'stages 10', bar: 0.4, celery: false },
  { name: 'stages 50', bar: 2, celery: false },
]

const many = (count, make) => Array.from({ length: count }, (_, index) => make(index))

const canvasOf = (name, { add, sum }) => {
  const [kind, size] = name.split(' ')
  const count = Number(size)
  if (kind === 'chain') return chain(add.s(0, 1), ...many(count - 1, () => add.s(1)))
  if (kind === 'chord')
    return chord(
      many(count, (index) => add.s(index, 1)),
      sum.s(),
    )
  return chain(
    many(count, (stage) => [
      group(many(10, (index) => (stage === 0 ? add.s(index, 0) : add.s(0)))),
      sum.s(),
    ]).flat(),
  )
}

/** A command of Redis over a plain connection of its own: the peers' libraries stay out of the count's way. */
const asker = async (port) => {
  const { connect } = await import('node:net')
  const socket = connect(port, '127.0.0.1').setEncoding('utf8')
  await new Promise((resolve) => socket.once('connect', resolve))
  return {
    received: () =>
      new Promise((resolve) => {
        let text = ''
        const hear = (chunk) => {
          text += chunk
          const found = /total_net_input_bytes:(\d+)\r/.exec(text)
          if (found === null) return
          socket.off('data', hear)
          resolve(Number(found[1]))
        }
        socket.on('data', hear)
        socket.write('INFO stats\r\n')
      }),
    close: () => socket.destroy(),
  }
}

/** Runs each case by `run(name)`; what it rejects with is told in its place. */
const measure = async (port, names, run) => {
  const redis = await asker(port)
  const found = new Map()
  for (const name of names) {
    const before = await redis.received()
    const start = performance.now()
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not within ${seconds} s`)), seconds * 1000)
    })
    try {
      await Promise.race([run(name), late])
      const ms = performance.now() - start
      found.set(name, { mb: ((await redis.received()) - before) / 1e6, ms })
    } catch (error) {
      found.set(name, { error: error.message, mb: ((await redis.received()) - before) / 1e6 })
    }
    clearTimeout(timer)
    process.stderr.write(`${name}: ${JSON.stringify(found.get(name))}\n`)
    if (found.get(name).error !== undefined) break
  }
  redis.close()
  return found
}

const lovage = async () => {
  const redis = await startRedis()
  const app = createApp('bytes', { broker: `redis://127.0.0.1:${redis.port}/0` })
  const add = app.task('bytes.add', (x, y) => x + y)
  const sum = app.task('bytes.sum', (numbers) => numbers.reduce((a, b) => a + b, 0))
  await app.worker({ pool: 'fiber', concurrency: 8, log: createLogger({ level: 'ERROR' }) }).start()
  const found = await measure(
    redis.port,
    cases.map(({ name }) => name),
    (name) => canvasOf(name, { add, sum }).delay().get({ timeout: seconds }),
  )
  await app.close()
  redis.stop()
  return found
}

const bullmq = async () => {
  const { FlowProducer, QueueEvents, Worker } = await import('bullmq')
  const redis = await startRedis()
  const connection = { host: '127.0.0.1', port: redis.port, maxRetriesPerRequest: null }
  const flows = new FlowProducer({ connection })
  const events = new QueueEvents('bytes', { connection })
  const worker = new Worker('bytes', async () => 1, { connection, concurrency: 8 })
  await Promise.all([worker.waitUntilReady(), events.waitUntilReady()])
  const job = (children) => ({
    name: 'add',
    queueName: 'bytes',
    data: { x: 1, y: 1 },
    ...(children && { children }),
  })
  const flowOf = (name) => {
    const [kind, size] = name.split(' ')
    if (kind === 'chord') return job(many(Number(size), () => job()))
    let flow = job()
    for (let step = 1; step < Number(size); step += 1) flow = job([flow])
    return flow
  }
  const names = cases.filter((each) => each.bullmq).map(({ name }) => name)
  const found = await measure(redis.port, names, async (name) => {
    const { job: root } = await flows.add(flowOf(name))
    await root.waitUntilFinished(events)
  })
  await Promise.all([worker.close(), events.close(), flows.close()])
  redis.stop()
  return found
}

const celeryProgram = `
import sys, time
from celery import Celery, chain, chord, group
url = sys.argv[1]
app = Celery('bytes', broker=url, backend=url)
app.conf.update(worker_send_task_events=False)
@app.task(name='bytes.add')
def add(x, y): return x + y
@app.task(name='bytes.sum')
def total(numbers): return sum(numbers)
def canvas(name):
    kind, size = name.split(' ')
    n = int(size)
    if kind == 'chain': return chain(add.s(0, 1), *[add.s(1) for _ in range(n - 1)])
    if kind == 'chord': return chord([add.s(i, 1) for i in range(n)], total.s())
    steps = []
    for stage in range(n):
        steps += [group([add.s(i, 0) if stage == 0 else add.s(0) for i in range(10)]), total.s()]
    return chain(*steps)
if sys.argv[2] == 'worker':
    app.worker_main(['worker', '--pool=prefork', '--concurrency=4', '--loglevel=ERROR', '--without-gossip', '--without-mingle'])
else:
    for line in sys.stdin:
        canvas(line.strip()).apply_async().get(timeout=${seconds})
        print('done', flush=True)
`

/** The Celery that the tests use. */
const celery = async () => {
  const support = createJiti(import.meta.url)
  const { findCelery, pythonEnv } = await support.import('../test/support/celery-install.ts')
  const { python, path, version } = await findCelery()
  const redis = await startRedis()
  const url = `redis://127.0.0.1:${redis.port}/0`
  const env = { ...process.env, ...pythonEnv(path) }
  const start = (role) =>
    spawn(python, ['-c', celeryProgram, url, role], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const worker = start('worker')
  const client = start('client')
  const names = cases.filter((each) => each.celery).map(({ name }) => name)
  const found = await measure(redis.port, names, (name) => {
    const done = new Promise((resolve, reject) => {
      client.stdout.once('data', resolve)
      client.once('exit', () => reject(new Error('its client gave up')))
    })
    client.stdin.write(`${name}\n`)
    return done
  })
  worker.kill('SIGKILL')
  client.kill('SIGKILL')
  redis.stop()
  return { version, found }
}

/** Exit code: whether every bar is met. */
export const benchBytes = async () => {
  const own = await lovage()
  const flows = await bullmq()
  const { version, found } = await celery()
  const cell = (result) =>
    result === undefined
      ? ''
      : `${result.mb.toFixed(2)} MB, ${result.error === undefined ? `${(result.ms / 1000).toFixed(2)} s` : result.error}`
  console.log(
    `\nNode ${process.version}, Celery ${version}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}, ` +
      `${new Date().toISOString().slice(0, 10)}; bytes into Redis (total_net_input_bytes) until the result is there.\n`,
  )
  console.log('| canvas | Lovage | bar | Celery | BullMQ |\n|---|---|---|---|---|')
  for (const { name, bar } of cases)
    console.log(
      `| ${name} | ${cell(own.get(name))} | ${bar === undefined ? '' : `≤ ${bar} MB`} | ${cell(found.get(name))} | ${cell(flows.get(name))} |`,
    )
  return cases.every(({ name, bar }) => bar === undefined || (own.get(name)?.mb ?? bar + 1) <= bar)
}
