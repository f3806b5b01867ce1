// A script as a user writes it: it sends, waits, prints, and says nothing of closing.
import { chain, createApp, group } from 'lovage'

const app = createApp('script', { broker: process.argv[2] })
const add = app.declare('add')
console.log(await chain(add.s(2, 2), add.s(4)).delay().get({ timeout: 20 }))
await app
  .result('nobody')
  .get({ timeout: 0.1 })
  .catch((error) => console.log(error.name))
const never = app.declare('never', { queue: 'unheard' })
const half = await group(add.s(1, 1), never.s()).delay()
for await (const first of half) {
  console.log(await first.get())
  break
}
for await (const { state } of half.updates()) {
  console.log(state)
  break
}
console.log('end')
