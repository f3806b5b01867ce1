// A worker as a user would write one, for the fault campaign: it runs what is published (dist). Everything
// that its tasks do goes into a ledger outside Redis: one appended line for each start and each end.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { chain, createApp, createLogger, signature } from 'lovage'

const told = JSON.parse(process.env.FAULTS)
const { ledger, broker, backend, lease, queues, concurrency } = told
const {
  maxDeliveries = 5,
  prefetchMultiplier = 1,
  logLevel = 'WARNING',
  shared = [],
  visibilityTimeout,
  knowsOthers = false,
} = told

const app = createApp('faults', {
  broker,
  resultBackend: backend,
  workerLease: lease,
  taskDefaultQueue: queues[0],
  maxDeliveries,
  workerPrefetchMultiplier: prefetchMultiplier,
  ...(shared.length > 0 && {
    taskQueues: Object.fromEntries(queues.map((queue) => [queue, { shared: shared.includes(queue) }])),
    visibilityTimeout,
  }),
})

/** O_APPEND, one write for each line: lines of several processes never mix, and a kill leaves whole lines. */
const write = (entry) => appendFileSync(ledger, `${JSON.stringify(entry)}\n`)

/** A task whose starts and ends are noted. */
const noted = (name, body, options) =>
  app.task(
    `faults.${name}`,
    async function (...args) {
      const { id, retries, replacedTaskNesting: nesting, redelivered, attempt } = this.request
      const note = (what, more) =>
        write({
          what,
          task: name,
          id,
          retries,
          nesting,
          fresh: !redelivered,
          attempt,
          pid: process.pid,
          at: Date.now(),
          ...more,
        })
      note('start', { args: name === 'collect' ? args.slice(1) : args })
      try {
        const value = await body.apply(this, args)
        note('end', { value: value instanceof Error ? value.name : value })
        return value
      } catch (error) {
        note('end', { error: String(error) })
        throw error
      }
    },
    options,
  )

/** Takes its time, and gives back what it was given. */
noted('nap', async (value, ms) => {
  await sleep(ms)
  return value
})

/** Another result in each run: whoever counts one part twice is found out. */
noted('roll', async (_index, ms) => {
  await sleep(ms)
  return Math.random()
})

/** A chord's body. */
noted('collect', (results) => results)

const add = noted('add', async (a, b, ms = 0) => {
  await sleep(ms)
  return a + b
})

noted('total', (numbers) => numbers.flat(9).reduce((sum, number) => sum + number, 0))

/** Sends itself again until it was tried `times` times. */
noted('stubborn', async function (value, times, ms) {
  await sleep(ms)
  if (this.request.retries < times - 1) throw this.retry({ countdown: 0.05, maxRetries: times })
  return value
})

/** Two more take its place. */
noted('swap', function (value) {
  return this.replace(chain(add.s(value, 1), add.s(1)))
})

/** Adds one more to its chord. */
noted('grow', function (value) {
  this.addToChord(add.s(value, 1))
  return value
})

/** For all that most workers know somebody else runs this, perhaps in Python. */
const elsewhere = 'faults.elsewhere'
const elsewhereAt = { queue: 'others' }
if (knowsOthers)
  noted('elsewhere', async (value) => {
    await sleep(30)
    return value
  })
else app.declare(elsewhere, elsewhereAt)
noted('leave', function (value) {
  return this.replace(signature(elsewhere, { args: [value], options: elsewhereAt }))
})

/** At most once: acknowledged before it runs. */
noted(
  'once',
  async (value, ms) => {
    await sleep(ms)
    return value
  },
  { acksLate: false },
)

class Refused extends Error {
  name = 'Refused'
}

noted(
  'refuse',
  async (_value, ms) => {
    await sleep(ms)
    throw new Refused('on purpose')
  },
  { throws: [Refused] },
)

/** Takes its whole process along. */
noted('poison', async (ms) => {
  await sleep(ms)
  process.kill(process.pid, 'SIGKILL')
  await sleep(60_000)
})

/** An errback: gets the failed task's id. */
noted('tell', (failed) => failed)

/** Deaf for a while: the event loop is blocked, as by a heavy computation. */
noted('grind', (value, ms) => {
  const end = Date.now() + ms
  while (Date.now() < end);
  return value
})

/** One at a time for each key; the sender of `loose` does not know the key. */
const inTurn = async (_key, value, ms) => {
  await sleep(ms)
  return value
}
const concurrencyKey = (key) => key
noted('keyed', inTurn, { concurrencyKey })
noted('loose', inTurn, { concurrencyKey })
noted('both', inTurn, { concurrencyKey, rateLimit: '20/s' })
noted('paced', (value) => value, { globalRateLimit: '50/s' })

/** What is everybody's (celery.map …) is noted as well. */
app.on('taskPostrun', ({ task, taskId: id, state }) => {
  if (state !== 'RETRY' && !task.startsWith('faults.')) write({ what: 'end', task, id, value: state })
})

/** So is what never runs: an expired message whose result nobody wants leaves no other trace. */
app.on('taskRevoked', ({ task, taskId: id }) => write({ what: 'end', task, id, value: 'REVOKED' }))

const worker = app.worker({ concurrency, queues, log: createLogger({ level: logLevel }) })
await worker.start()
console.log('ready')
process.exitCode = await worker.run()
await app.close()
