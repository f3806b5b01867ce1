// A stranger's first program, in plain JavaScript.
import { chain, createApp } from 'lovage'

const app = createApp('hello', { broker: 'memory://' })
const add = app.task('hello.add', (x, y) => x + y)

const worker = app.worker()
await worker.start()
console.log(await chain(add.s(2, 2), add.s(4), add.s(8)).delay().get({ timeout: 10 }))
await worker.stop()
await app.close()
