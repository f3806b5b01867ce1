// A script as a user writes it: it sends, waits, prints, and says nothing of closing.
import { chain, createApp } from 'lovage'

const app = createApp('script', { broker: process.argv[2] })
const add = app.declare('add')
console.log(await chain(add.s(2, 2), add.s(4)).delay().get({ timeout: 20 }))
await app
  .result('nobody')
  .get({ timeout: 0.1 })
  .catch((error) => console.log(error.name))
console.log('end')
