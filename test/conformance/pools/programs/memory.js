// Everything in one process but the tasks: broker, results and client are in memory here, the tasks in children.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLogger } from 'lovage'
import { app } from './tasks.js'

const log = createLogger({ level: 'ERROR' })
const worker = await app.worker({ pool: process.argv[2], concurrency: 2, log }).start()
const call = (task, ...args) => app.sendTask(task, args).get({ timeout: 20 })

const { child } = await call('who')
console.log(child ? 'elsewhere' : 'here')

const sending = await app.sendTask('send')
const id = await sending.get({ timeout: 20 })
const [first] = await sending.children()
console.log(await app.result(id).get({ timeout: 20 }), first.id === id ? 'a child' : 'a stranger')
await call('waitFor')

console.log(await call('replace', 1))

const directory = mkdtempSync(join(tmpdir(), 'lovage-memory-'))
const gate = join(directory, 'gate')
const stating = await app.sendTask('state', [gate])
let meta
while (meta?.state !== 'PROGRESS') {
  meta = await stating.meta()
  await new Promise((resolve) => setTimeout(resolve, 10))
}
console.log(meta.state, JSON.stringify(meta.result))
writeFileSync(gate, '')
await stating.get({ timeout: 20 })
rmSync(directory, { recursive: true })

console.log(await call('purge').catch((error) => `${error.name}: ${error.message}`))
await worker.stop()
await app.close()
