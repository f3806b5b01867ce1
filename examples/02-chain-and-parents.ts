// Chains: each result goes into the next task, and the compiler checks that it fits.
//
//   npx jiti examples/02-chain-and-parents.ts
import { chain, createApp, group } from 'lovage'

const app = createApp('chains', { broker: process.env.LOVAGE_BROKER_URL ?? 'memory://' })

const add = app.task('chains.add', (x: number, y: number) => x + y)
const total = app.task('chains.total', (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0))
const say = app.task('chains.say', (n: number) => `the total is ${n}`)

await app.worker().start()

// (2 + 2) + 4 + 8. `chain(add.s(2, 2), total.s())` does not compile: total wants a list.
console.log(await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get())

// `si` is immutable: it takes nothing from the left. Earlier results are found through `parent`.
const result = await chain(add.si(2, 2), add.si(4, 4), add.si(8, 8)).delay()
console.log(await result.get(), await result.parent!.get(), await result.parent!.parent!.get())

// A group in the middle becomes a chord: what follows gets all its results.
console.log(
  await add
    .s(1, 2)
    .pipe(group(add.s(10), add.s(20)), total.s(), say.s())
    .delay()
    .get(),
)

await app.close()
