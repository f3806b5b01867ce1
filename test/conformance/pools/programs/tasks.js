// What the suites of the pools run. A child loads this module, and nothing else does it for it.
import { appendFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'
import { threadId } from 'node:worker_threads'
import { createApp, Ignore, Reject } from 'lovage'

const { LEDGER, REDIS, LEASE = '5', SOFT = '0' } = process.env

export const app = createApp('pools', {
  broker: REDIS,
  workerLease: Number(LEASE),
  workerProcAliveTimeout: 30,
  workerSoftShutdownTimeout: Number(SOFT),
  workerPoolRestarts: process.env.RESTARTS !== 'no',
})

/** What happened, told to the test by a file: nothing of it depends on what the library says. */
const note = (what) => appendFileSync(LEDGER, `${what} ${process.pid}\n`)
note('loaded')

if (app.isChild && existsSync(process.env.BROKEN ?? '')) throw new TypeError('broken for now')

const spin = (seconds) => {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end);
}

class Stop extends Error {}

export const add = app.task('add', (x, y) => x + y)
app.task('who', () => ({ pid: process.pid, thread: threadId, child: app.isChild }))
app.task('modules', () =>
  Object.keys(createRequire(import.meta.url).cache)
    .map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1])
    .filter((name, index, all) => name !== undefined && all.indexOf(name) === index),
)
app.task('heap', () => process.memoryUsage.rss())
app.task('fail', () => {
  throw new TypeError('boom', { cause: new RangeError('deep') })
})
app.task('throwText', () => {
  throw 'just a text'
})
app.task(
  'expected',
  () => {
    throw new Stop('as always')
  },
  { throws: [Stop] },
)
app.task('again', function (times) {
  if (this.request.retries < times)
    throw this.retry({
      countdown: 0,
      error: new Stop('not yet'),
      args: [times],
      headers: { mark: new Date(0) },
    })
  return { retries: this.request.retries, mark: this.request.headers.mark }
})
app.task(
  'automatic',
  function () {
    if (this.request.retries < 2) throw new Stop('not yet')
    return this.request.retries
  },
  { autoretryFor: [Stop], defaultRetryDelay: 0 },
)
app.task('ignore', () => {
  note('ignored')
  throw new Ignore()
})
app.task('reject', () => {
  throw new Reject('no')
})
app.task('replace', function (x) {
  return this.replace(add.s(x, 100))
})
app.task('grow', function (x) {
  this.addToChord(add.si(x, 1000))
  return x
})
app.task('sum', (numbers) => numbers.reduce((sum, number) => sum + number, 0))
app.task('send', async function () {
  const { id } = await add.delay(20, 3)
  return id
})
app.task('state', async function (gate) {
  const stored = [await this.updateState('PHASE', { since: new Date(5) }), await this.progress(1, 2)]
  note('progress')
  while (!existsSync(gate)) await pause(20)
  return stored
})
app.task('tell', async function (fields) {
  await this.sendEvent('task-progress', fields.cannot === 'travel' ? { cannot: () => 1 } : fields)
  return process.pid
})
app.task('request', function (...args) {
  const { id, task, attempt, redelivered, hostname } = this.request
  return { id, task, args, attempt, redelivered, hostname, map: new Map([['date', new Date(7)]]) }
})
app.task('sayOddly', function () {
  const odd = { big: 10n, error: new RangeError('deep') }
  odd.self = odd
  this.log.warning('oddly', odd)
  return 'said'
})

app.task('say', function (/** @type {string} */ text) {
  this.log.info(`logged ${text}`, { n: 1 })
  console.log(`printed ${text}\nin two lines`)
  console.error(`complained ${text}`)
})
app.task('hooks', (x) => x, {
  onSuccess: (value, { context }) => note(`hook:${value}:${context.request.task}`),
  afterReturn: () => {
    throw new Error('a hook that throws')
  },
})
/** What a library does that looks for somebody to tell that it is ready. */
app.task('shout', async () => {
  const { parentPort } = await import('node:worker_threads')
  for (const word of ['ready', 7, null, ['x'], [null], { a: 1 }]) {
    process.send?.(word)
    parentPort?.postMessage(word)
  }
  return typeof process.send
})

app.task('floating', async () => {
  void Promise.reject(new Error('left behind'))
  await pause(20)
  return 'ended all the same'
})
app.task('uncaught', async () => {
  note('uncaught')
  setTimeout(() => {
    throw new Error('nobody catches this')
  })
  await pause(30_000)
})
app.task('soft', async function () {
  await pause(60_000, undefined, { signal: this.signal }).catch(() => undefined)
  return this.signal.reason.name
})
app.task('softBusy', function () {
  const { signal } = this
  while (!signal.aborted);
  return signal.reason.name
})
app.task('spin', (seconds) => {
  note('spinning')
  spin(seconds)
  note('spun')
  return seconds
})
/** Neither it nor what stands in its place hears anything until it may go on. */
app.task('spinUntil', (/** @type {string} */ gate) => {
  note(`spinning:${gate}`)
  while (!existsSync(gate));
  return 'let go'
})
app.task('sleepUntil', async (/** @type {string} */ gate) => {
  note('sleeping')
  while (!existsSync(gate)) await pause(20)
  note('slept')
})
app.task('sleep', async (seconds) => {
  note('sleeping')
  await pause(seconds * 1000)
  note('slept')
  return seconds
})
app.task('step', async (/** @type {number} */ n, /** @type {string} */ gate) => {
  note(`step:${n}`)
  await pause(20)
  while (gate && !existsSync(gate)) await pause(20)
  return n
})
app.task('held', async function (/** @type {string} */ name, /** @type {string} */ gate) {
  note(`held:start:${name}`)
  while (!existsSync(gate) && !this.signal.aborted) await pause(20)
  if (!this.signal.aborted) note(`held:end:${name}`)
})
app.task('aborted', async function () {
  note('waiting')
  await pause(60_000, undefined, { signal: this.signal }).catch(() => undefined)
  note(`aborted:${this.signal.reason?.name}`)
})
app.task('die', function (how, lives = 99) {
  note(`die:${this.request.attempt}`)
  if (this.request.attempt > lives) return this.request.attempt
  if (how === 'exit') process.exit(3)
  if (how === 'abort') process.abort()
  process.kill(process.pid, how)
  spin(60)
})
app.task(
  'dieOnce',
  () => {
    note('start')
    process.kill(process.pid, 'SIGKILL')
    spin(60)
  },
  { acksLate: false },
)
app.task(
  'dieUnwanted',
  () => {
    note('start')
    process.kill(process.pid, 'SIGKILL')
    spin(60)
  },
  { rejectOnWorkerLost: false },
)
app.task('leak', (megabytes) => {
  globalThis.leaked = Buffer.alloc(megabytes * 2 ** 20, 1)
  return process.pid
})
app.task('waitFor', () => add.delay(20, 3).get({ timeout: 20, allowInTask: true }))
app.task('purge', async () => (await app.broker()).purge('celery'))
app.task('remember', (/** @type {string} */ error) => note(`errback:${error}`))
app.task('returns', (what) => {
  if (what === 'function') return () => 1
  const circle = {}
  circle.self = circle
  return what === 'circle' ? circle : 'x'.repeat(200 * 2 ** 20)
})

// What a user has around his tasks. `mark` in a task's headers asks for it; the others see nothing of it.
app.task('traced', (x) => {
  if (x === 'boom') throw new Stop('traced')
  return x
})
for (const name of ['taskPrerun', 'taskPostrun', 'taskSuccess', 'taskFailure'])
  app.on(name, ({ task, taskId, state = '' }) => {
    if (task === 'traced') note(`${name}:${state}:${taskId}`)
  })
app.on('taskPrerun', ({ task }) => {
  if (task === 'traced') throw new Error('a listener that throws')
})
app.on('taskReceived', ({ task, taskId }) => task === 'traced' && note(`taskReceived::${taskId}`))
app.on('workerProcessInit', () => note('workerProcessInit'))
app.on('workerProcessShutdown', () => note('workerProcessShutdown'))
app.on('workerReady', () => note('workerReady'))
app.on('workerShuttingDown', ({ hostname, how, sig, exitcode }) =>
  note(`${hostname}:${how}:${sig}:${exitcode}`),
)
app.on('workerShutdown', () => note('workerShutdown'))
app.use({
  execute: async (request, next) => {
    if (request.task !== 'traced') return next()
    const value = await next()
    return `<${String(value)}>`
  },
  publish: (message, next) => next({ ...message, headers: { ...message.headers, traced: message.task } }),
})
app.task('headers', function () {
  return this.request.headers
})
app.task('sendsOn', async () => (await app.sendTask('headers')).id)
