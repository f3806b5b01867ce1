// The tour: everything Lovage does first, in one process. `npm start` runs it on memory://, and
// `npm start -- --broker redis://localhost:6379/0` runs the very same against a Redis.
//
// Each step is shown as the code that a user would write, beside what came out of it.
import { parseArgs } from 'node:util'
import { chain, chord, createApp, group } from 'lovage'
import { createPrinter, sayWhatIsWrong } from './print.js'

process.on('uncaughtException', sayWhatIsWrong)
const { values } = parseArgs({ options: { broker: { type: 'string', default: 'memory://' } } })
const print = createPrinter()

const app = createApp('tour', {
  broker: values.broker,
  taskDefaultQueue: `tour-${process.pid}`, // a queue of its own: on a shared Redis nobody else takes its tasks
  resultExpires: 60,
})

// -- The tasks: named functions ---------------------------------------------------------------------

const add = app.task('tour.add', (x, y) => x + y)

const sum = app.task('tour.sum', (numbers) => numbers.reduce((total, number) => total + number, 0))

const flaky = app.task('tour.flaky', function (/** @type {string} */ what) {
  const { retries } = this.request
  if (retries < 2) throw this.retry({ countdown: 0.2, error: new Error(`${what} is not there yet`) })
  return `${what}, at try ${retries + 1}`
})

const fail = app.task(
  'tour.fail',
  () => {
    throw new TypeError('this one never works')
  },
  { throws: [TypeError] }, // expected: a line in the worker's log, and no stack
)

/** @type {(failedId: string) => void} */
let hear
const told = new Promise((resolve) => {
  hear = resolve
})
const tell = app.task('tour.tell', (failedId) => hear(failedId))

let beats = 0
const beat = app.task('tour.beat', () => {
  beats += 1
})

// -- The tour ---------------------------------------------------------------------------------------

print.title(`A tour of Lovage, on ${values.broker.replace(/\/\/.*@/, '//')}`)

print.section('A worker, in this process (others may run anywhere)')
const worker = app.worker({ concurrency: 10 })
await print.step(`await app.worker({ concurrency: 10 }).start()`, async () => {
  await worker.start()
  return worker.hostname
})

print.section('A task')
await print.step('await add.delay(2, 2).get()', () => add.delay(2, 2).get())

print.section('A chain: each result goes into the next task')
await print.step('await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get()', () =>
  chain(add.s(2, 2), add.s(4), add.s(8)).delay().get(),
)

print.section('An immutable chain: each task keeps to its own arguments; the earlier results are its parents')
const result = await print.step(
  'const result = await chain(add.si(2, 2), add.si(4, 4), add.si(8, 8)).delay()',
  () => chain(add.si(2, 2), add.si(4, 4), add.si(8, 8)).delay(),
  (sent) => `AsyncResult ${sent.id}`,
)
await print.step('await result.get()', () => result.get())
await print.step('await result.parent.get()', () => result.parent.get())
await print.step('await result.parent.parent.get()', () => result.parent.parent.get())

print.section('A group: side by side')
await print.step('await group(add.s(1, 1), add.s(2, 2), add.s(3, 3)).delay().get()', () =>
  group(add.s(1, 1), add.s(2, 2), add.s(3, 3)).delay().get(),
)

print.section('A chord: side by side, then one task with all the results')
await print.step('await chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], sum.s()).delay().get()', () =>
  chord([add.s(1, 1), add.s(2, 2), add.s(3, 3)], sum.s())
    .delay()
    .get(),
)

print.section('A task that fails twice, is tried again, and succeeds')
await print.step(`await flaky.delay('the file').get()`, () => flaky.delay('the file').get())

print.section('An errback: a task that is told when another one fails')
const failing = fail.s().linkError(tell.s()).delay()
await print.step(
  'await fail.s().linkError(tell.s()).delay().get()',
  () => failing.get().catch((error) => error),
  (error) => `${error.name}: ${error.message}`,
)
await print.step(
  'tell was called with',
  () => told,
  (id) => `the failed id, ${id}`,
)

print.section('A task that runs each second')
app.beat.every('heartbeat', 1, beat.si())
await print.step(`app.beat.every('heartbeat', 1, beat.si())`, async () => {
  await app.beat.start()
  while (beats < 3) await new Promise((resolve) => setTimeout(resolve, 50))
  return `${beats} runs`
})

await app.beat.remove('heartbeat') // on a Redis an entry would outlive its program

await app.close()
print.end()
