// Celery as the tests install it. A worker of each concurrency starts once and stays, since a start takes
// seconds; a drain's messages are laid beside its queue and moved there in one step. Its tasks run in other
// processes: what is done is seen by the results, which have a database of their own.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { createJiti } from 'jiti'

const support = createJiti(import.meta.url)
const { findCelery, pythonEnv } = await support.import('../../test/support/celery-install.ts')

const directory = fileURLToPath(new URL('.', import.meta.url))

/** As a user of Celery would: processes, and threads where so many processes would not fit. */
const poolOf = (concurrency) => (concurrency > 16 ? 'threads' : 'prefork')

export const startCelery = async ({ port, database, resultDatabase }) => {
  const { python, path, version } = await findCelery()
  const urlOf = (db) => `redis://127.0.0.1:${port}/${db}`
  const env = {
    ...process.env,
    ...pythonEnv(path, directory),
    BENCH_BROKER: urlOf(database),
    BENCH_RESULTS: urlOf(resultDatabase),
  }
  const broker = new Redis(urlOf(database))
  const results = new Redis(urlOf(resultDatabase))

  const producer = spawn(python, [`${directory}celery_app.py`], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: producer.stdout })[Symbol.asyncIterator]()
  const produce = async (command, options) => {
    producer.stdin.write(`${JSON.stringify({ command, options })}\n`)
    const { value, done } = await answers.next()
    if (done) throw new Error("Celery's producer ended: what it said is above.")
    return JSON.parse(value)
  }

  const workers = new Map()
  const workerOf = async (concurrency) => {
    if (workers.has(concurrency)) return
    const queue = `drain-${concurrency}`
    const args = ['-m', 'celery', '-A', 'celery_app', 'worker', '--loglevel', 'ERROR']
    args.push('--without-mingle', '--without-gossip', '--hostname', `bench-${concurrency}@%h`)
    args.push('--pool', poolOf(concurrency), '--concurrency', String(concurrency))
    args.push('-Q', concurrency === 10 ? `${queue},celery` : queue)
    workers.set(concurrency, spawn(python, args, { env, cwd: directory, stdio: 'ignore' }))
    await produce('probe', { queue })
  }

  const drain = async ({ count, concurrency }) => {
    await workerOf(concurrency)
    await results.flushdb()
    let first
    await broker.rename('staged', `drain-${concurrency}`)
    for (;;) {
      const done = await results.dbsize()
      if (first === undefined && done >= count / 10) first = { done, at: performance.now() }
      if (done >= count) return ((count - first.done) / (performance.now() - first.at)) * 1000
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const commands = {
    drain,
    serve: ({ concurrency }) => workerOf(concurrency),
    unserve: async () => undefined,
  }

  return {
    version,
    produce,
    work: (command, options) => commands[command](options),
    close: async () => {
      for (const child of [producer, ...workers.values()]) child.kill('SIGTERM')
      for (const redis of [broker, results]) redis.disconnect()
    },
  }
}
