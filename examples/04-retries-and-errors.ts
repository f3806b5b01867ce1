// What happens when things go wrong: retries with backoff, errors that keep their class, errbacks.
//
//   npx jiti examples/04-retries-and-errors.ts
import { createApp, RemoteTaskError } from 'lovage'

const app = createApp('errors', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

class OutOfStock extends Error {
  override readonly name = 'OutOfStock'
}
app.errors(OutOfStock) // rebuilt as itself on this side

// By hand: `throw this.retry(…)`. The message goes back to the broker and holds no slot while it waits.
const download = app.task('errors.download', function (url: string) {
  if (this.request.retries < 2) throw this.retry({ countdown: 0.1, error: new Error('timeout') })
  return `${url} after ${this.request.retries} retries`
})

// By declaration: these errors are tried again, with exponential backoff.
let tries = 0
const connect = app.task(
  'errors.connect',
  () => {
    tries += 1
    if (tries < 3) throw new TypeError('fetch failed')
    return `connected at try ${tries}`
  },
  { autoretryFor: [TypeError], retryBackoff: 0.1, retryJitter: false, maxRetries: 5 },
)

const order = app.task(
  'errors.order',
  (item: string) => {
    throw new OutOfStock(`no ${item} left`)
  },
  { throws: [OutOfStock] },
)

const crash = app.task('errors.crash', () => JSON.parse('{'), { throws: [SyntaxError] })

let notified: (text: string) => void = () => undefined
const notice = new Promise<string>((resolve) => {
  notified = resolve
})
// An errback is a task too; with `errback: 'full'` it gets the failed request, the error and its stack.
const notify = app.task(
  'errors.notify',
  (request: { task: string | null }, error: Error) => notified(`${request.task} failed: ${error.message}`),
  { errback: 'full' },
)

await app.worker().start()

console.log(await download.delay('https://example.com').get())
console.log(await connect.delay().get())

const error = await order.delay('pears').get({ propagate: false })
console.log(error instanceof OutOfStock, String(error))

const remote = await crash.delay().get({ propagate: false })
if (remote instanceof RemoteTaskError) console.log(remote.excType, '|', remote.traceback?.split('\n')[0])

await order.s('plums').linkError(notify.s()).delay()
console.log(await notice)

await app.close()
