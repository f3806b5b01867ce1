// Many small calls: a message for each (group), one message for all (map, starmap), or something between (chunks).
//
//   npx jiti examples/11-map-and-chunks.ts
import { chain, createApp, group } from 'lovage'

const app = createApp('maps', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

/** The messages that brought the calls. */
const messages = new Set<string>()
const count = () => {
  const { size } = messages
  messages.clear()
  return `${size} ${size === 1 ? 'message' : 'messages'}`
}

const square = app.task('maps.square', function (n: number) {
  messages.add(this.request.id)
  return n * n
})
const area = app.task('maps.area', (width: number, height: number) => width * height)
const total = app.task('maps.total', (rows: readonly number[][]) => rows.flat().reduce((a, b) => a + b, 0))

await app.worker({ concurrency: 4 }).start()

const numbers = [1, 2, 3, 4, 5]

// Each may run elsewhere, fail alone, and be tried again alone.
console.log(
  await group(numbers.map((n) => square.s(n)))
    .delay()
    .get(),
  count(),
)

// One worker makes all calls, one after the other; the first that fails is the end of it.
console.log(await square.map(numbers).delay().get(), count())

// The same for tasks with several arguments. `area.starmap([[2, '3']])` does not compile.
console.log(
  await area
    .starmap([
      [2, 3],
      [4, 5],
    ])
    .delay()
    .get(),
)

// Two calls in a message: what most loops over thousands of rows want.
const rows = square.chunks(
  numbers.map((n) => [n]),
  2,
)
console.log(await rows.delay().get(), count())

// With something behind them, chunks are a chord: it gets the list of lists.
console.log(await chain(rows, total.s()).delay().get())

await app.close()
