// Stamps: words that all tasks of a canvas carry, with their callbacks, retries and replacements. Workers see them,
// Python's as well. Here they tell who pays, and what is to be stopped.
//
//   npx jiti examples/14-stamps.ts
import { chain, chord, createApp, print, type StampingVisitor } from 'lovage'

const app = createApp('stamps', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

/** A layer around every task that this app runs. The tasks themselves know nothing of it. */
const bill = new Map<unknown, number>()
app.use({
  execute: (request, next) => {
    const customer = request.stamps?.['customer'] ?? 'nobody'
    bill.set(customer, (bill.get(customer) ?? 0) + 1)
    return next()
  },
})

const words = app.task('stamps.words', (text: string) => text.split(' ').length)
const sum = app.task('stamps.sum', (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0))
const where = app.task('stamps.where', function (..._results: unknown[]) {
  return this.request.stamps
})

await app.worker({ concurrency: 4 }).start()

// One for the whole canvas, body and callbacks included.
const count = chord(
  ['to be', 'or not to be'].map((line) => words.s(line)),
  sum.s(),
)
await count.stamp({ customer: 'Globe Theatre' }).delay().get()
await words.applyAsync(['that is the question'], { stamps: { customer: 'Hamlet' } }).get()
await words.delay('whether it is nobler').get()
console.log(bill)

// A visitor is asked at every place of the canvas, and decides.
const visitor: StampingVisitor = {
  onSignature: (signature) => ({ call: print(signature) }),
  onChordBody: () => ({ place: 'the body' }),
}
console.log(
  await chord([words.s('to sleep')], where.s())
    .stamp(visitor)
    .delay()
    .get(),
)

// Everything of one customer is called off, wherever it is by now: no ids needed. With `reply` we go on when one
// worker has said that it knows; without, when the broker does.
await app.control.revokeByStampedHeaders({ customer: 'Yorick' }, { reply: true, limit: 1 })
const gone = await chain(words.s('alas'), where.s()).stamp({ customer: 'Yorick' }).delay()
await gone.get().catch((error: unknown) => console.log(String(error)))

await app.close()
