// A client that sends one big chord, for the fault campaign, and is killed while it does.
import { chord, createApp } from 'lovage'

const { broker, backend, queue, many, id } = JSON.parse(process.env.FAULTS)

const app = createApp('faults', { broker, resultBackend: backend, taskDefaultQueue: queue })
// It has the code, so it knows that workers of ours run these.
const add = app.task('faults.add', (a, b) => a + b)
const total = app.task('faults.total', (numbers) => numbers.reduce((sum, number) => sum + number, 0))

const header = Array.from({ length: many }, (_, index) => add.s(index, 1))
await chord(header, total.s()).applyAsync([], { taskId: id })
console.log('sent')
await app.close()
