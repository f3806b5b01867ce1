// `npm --prefix bench run idle`: what an idle worker costs, and how soon it starts a task after its LPUSH.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createApp } from '../dist/index.js'
import { startRedis } from './redis.js'

const idleSeconds = 20
const redis = await startRedis()
const broker = `redis://127.0.0.1:${redis.port}/0`
const directory = mkdtempSync(join(tmpdir(), 'lovage-idle-'))
process.on('exit', () => {
  redis.stop()
  rmSync(directory, { recursive: true, force: true })
})
symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(directory, 'node_modules'))
writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
const source = `
import { createApp } from '${new URL('../dist/index.js', import.meta.url).href}'
export const app = createApp('idle', { broker: '${broker}' })
// The monotonic clock is the machine's: sender and worker read the same one.
app.task('idle.since', (sent) => Number(process.hrtime.bigint() - BigInt(sent)) / 1e6)
`
writeFileSync(join(directory, 'tasks.js'), source)
writeFileSync(join(directory, 'tasks.ts'), source.replace('(sent)', '(sent: string)'))

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

const cpuTicks = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return Number(fields[11]) + Number(fields[12])
}
const rssMiB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
const client = createApp('idle-client', { broker })

console.log('| worker | RSS, MiB | CPU, % of a core | start after LPUSH, ms: p50, p99 |\n|---|---|---|---|')
/** @type {readonly (readonly [file: string, options: { priority?: number }])[]} */
const workers = [
  ['tasks.js', {}],
  ['tasks.ts', {}],
  ['tasks.js', { priority: 9 }],
]
for (const [file, options] of workers) {
  const worker = spawn(
    process.execPath,
    [cli, '-A', join(directory, file), 'worker', '-P', 'fiber', '-l', 'INFO'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  await new Promise((resolve) =>
    worker.stderr.on('data', (text) => String(text).includes('ready.') && resolve()),
  )
  const times = []
  for (let index = 0; index < 300; index += 1) {
    times.push(await client.sendTask('idle.since', [String(process.hrtime.bigint())], options).get())
    await pause(0.01)
  }
  times.sort((a, b) => a - b)
  await pause(15) // the compiler and the collector of a young process settle first
  const ticks = cpuTicks(worker.pid)
  await pause(idleSeconds)
  const percent = (cpuTicks(worker.pid) - ticks) / idleSeconds
  const name = options.priority === undefined ? file : `${file}, priority ${options.priority}`
  console.log(
    `| ${name} | ${rssMiB(worker.pid).toFixed(0)} | ${percent.toFixed(2)} | ${times[150].toFixed(2)}, ${times[297].toFixed(2)} |`,
  )
  worker.kill('SIGTERM')
  await new Promise((resolve) => worker.once('exit', resolve))
}
await client.close()
redis.stop()
