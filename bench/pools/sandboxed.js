// A worker of BullMQ with sandboxed processes: arguments are the port of Redis and the concurrency.
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'

const [port, concurrency] = process.argv.slice(2).map(Number)
new Worker('bench', fileURLToPath(new URL('processor.js', import.meta.url)), {
  connection: { host: '127.0.0.1', port, maxRetriesPerRequest: null },
  concurrency,
})
