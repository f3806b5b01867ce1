// Waits for many results at once, and tells what that costs. Speaks with the test by IPC.
import { createApp } from 'lovage'

const [broker, count, mode] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const sends = mode === 'sends'
const app = createApp('waits', { broker, brokerConnectionTimeout: 60 })
const add = app.declare('add')

const settle = async () => {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

// The connections and the code of a first call are no cost of a wait.
await app
  .result('first')
  .get({ timeout: 0.2 })
  .catch(() => undefined)
await add.delay(0, 0)
await settle()
const before = process.memoryUsage().rss
const ids = Array.from({ length: count }, (_, n) => `${mode}-${n}`)
const messages = sends ? ids.map((taskId, n) => add.applyAsync([n, 1], { taskId, queue: 'waited' })) : []
const waits = sends
  ? messages.map((message) => message.get({ timeout: 120 }))
  : ids.map((id) => app.result(id).get({ timeout: 120 }))
await Promise.all(messages.splice(0))
await settle()
process.send({ waiting: (process.memoryUsage().rss - before) / 2 ** 20 })
const values = await Promise.all(waits)
process.send({ sum: values.reduce((a, b) => a + b, 0) })
process.disconnect()
