// `npm run bench -- beat`: one beat process as a person starts it, looked at from outside. Ticks are counted by
// their ids, which are computed here as well, and their lateness is the time until a message can be taken.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { tickId } from '../dist/beat/tick-id.js'
import { every } from '../dist/index.js'
import { startRedis } from './redis.js'

const seconds = 20
const idleSeconds = 30
/** For ticks that are late: one that has not come by then is lost. */
const longestWaitSeconds = 60
const many = 100_000

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const show = (number, digits = 0) => number.toLocaleString('en-US', { maximumFractionDigits: digits })

export const benchBeat = async () => {
  const redis = await startRedis()
  const directory = mkdtempSync(join(tmpdir(), 'lovage-beat-'))
  process.on('exit', () => {
    redis.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const broker = `redis://127.0.0.1:${redis.port}/0`
  const client = new Redis(redis.port)
  const room = { broker, client, directory }
  writeProject(room)

  const rows = []
  const row = (...cells) => {
    rows.push(cells)
    process.stderr.write(`${cells[0]}: ${cells[1]}\n`)
  }
  for (const [ticks, bar] of [
    [1000, 100],
    [10_000, undefined],
  ]) {
    const { lost, doubled, late, cpu } = await ticking(room, ticks)
    const p = (part) => late[Math.floor((late.length - 1) * part)]
    const name = `${show(ticks)} entries each second, ${seconds} s`
    row(`${name}: lost, doubled`, `${lost}, ${doubled}`, '0, 0', lost + doubled === 0)
    row(
      `${name}: lateness p50, p99, most, ms`,
      [p(0.5), p(0.99), p(1)].map((ms) => show(ms)).join(', '),
      bar === undefined ? 'stated' : `p99 < ${bar}`,
      bar === undefined || p(0.99) < bar,
    )
    row(`${name}: CPU of the beat, µs a tick`, show(cpu), 'stated', true)
  }
  const { start, memory, percent, change, declared } = await idling(room)
  const name = `${show(many)} idle entries`
  row(`${name}, made at run time: start, s`, show(start, 1), '< 5', start < 5)
  row(`${name}, made at run time: memory (RSS), MB`, show(memory), '< 250', memory < 250)
  row(`${name}, made at run time: CPU, % of a core`, show(percent, 2), '< 1', percent < 1)
  row(`${name}, made at run time: until a change acts, ms`, show(change), '< 1000', change < 1000)
  row(`${name}, declared in code: start, s`, show(declared.start, 1), '< 5', declared.start < 5)
  row(`${name}, declared in code: memory (RSS), MB`, show(declared.memory), '< 250', declared.memory < 250)

  console.log(
    `\nNode ${process.version}, Linux ${release()}, ${cpus().length} × ${cpus()[0].model.trim()}, ${new Date().toISOString().slice(0, 10)}.\n`,
  )
  console.log('| measure | Lovage | bar |\n|---|---|---|')
  for (const [what, value, bar, met] of rows)
    console.log(`| ${what} | ${value} | ${bar} ${met ? '✓' : '✗'} |`)
  client.disconnect()
  redis.stop()
  return rows.every(([, , , met]) => met)
}

// ---------------------------------------------------------------------------------------------------
// The process that is measured

/** Declares what the environment says: `COUNT` entries that tick each second, or `IDLE` that do not. */
const source = (broker) => `
import { createApp, crontab, every } from '${new URL('../dist/index.js', import.meta.url).href}'
export const app = createApp('bench', { broker: '${broker}' })
export const note = app.task('note', (n) => n)
// The month before this one, so that nothing of it is due.
const monthOfYear = ((new Date().getUTCMonth() + 11) % 12) + 1
const nightly = (n) => crontab({ minute: (n * 7) % 60, hour: (n * 11) % 24, dayOfMonth: 1 + (n % 28), monthOfYear })
export const idle = (n) => ({ schedule: n % 2 === 0 ? every('30d') : nightly(n), run: note.si(n), queue: 'ticks' })
for (let n = 0; n < Number(process.env.COUNT ?? 0); n++)
  app.beat.add('entry-' + n, { schedule: every(1), run: note.si(n), queue: 'ticks', catchUp: 'all' })
for (let n = 0; n < Number(process.env.IDLE ?? 0); n++) app.beat.add('entry-' + n, idle(n))
`

const writeProject = ({ broker, directory }) => {
  symlinkSync(fileURLToPath(new URL('../node_modules', import.meta.url)), join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(directory, 'tasks.js'), source(broker))
}

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))

const startBeat = ({ directory }, env, err = 'inherit', ...words) =>
  spawn(process.execPath, [cli, '-A', join(directory, 'tasks.js'), 'beat', ...words], {
    stdio: ['ignore', 'ignore', err],
    env: { ...process.env, ...env },
  })

const stopBeat = async (beat) => {
  beat.kill('SIGTERM')
  await new Promise((resolve) => beat.once('exit', resolve))
}

const cpuMs = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
const rssMb = (pid) =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024) / 1e6

const arrival = async (client, queue) => {
  while ((await client.llen(queue)) === 0) await pause(5)
}

// ---------------------------------------------------------------------------------------------------
// Ticks

const ticking = async (room, count) => {
  const { client } = room
  await client.flushall()
  const beat = startBeat(room, { COUNT: String(count) })
  await arrival(client, 'ticks')
  await pause(3000) // the compiler of a young process settles first
  const firstMs = Math.ceil(Date.now() / 1000 + 2) * 1000
  const expected = new Map()
  for (let tickMs = firstMs; tickMs < firstMs + seconds * 1000; tickMs += 1000)
    for (let n = 0; n < count; n++) expected.set(tickId('bench', `entry-${n}`, tickMs), tickMs)
  const cpuBefore = cpuMs(beat.pid)
  const seen = new Set()
  const late = []
  let all = 0
  let doubled = 0
  while (late.length < expected.size && Date.now() < firstMs + (seconds + longestWaitSeconds) * 1000) {
    const taken = await client.rpop('ticks', 5000)
    const atMs = Date.now()
    for (const raw of taken ?? []) {
      const id = /"id": "([0-9a-f-]+)"/.exec(raw)[1]
      all += 1
      if (seen.has(id)) doubled += 1
      else if (expected.has(id)) late.push(atMs - expected.get(id))
      seen.add(id)
    }
    if (taken === null) await pause(5)
  }
  const cpu = ((cpuMs(beat.pid) - cpuBefore) * 1000) / all
  await stopBeat(beat)
  return { lost: expected.size - late.length, doubled, late: late.sort((a, b) => a - b), cpu }
}

// ---------------------------------------------------------------------------------------------------
// Nothing to do

/** Until it fires, and has read them all. */
const startIdle = async (room, env) => {
  const startedAt = Date.now()
  const beat = startBeat(room, env, 'pipe', '-l', 'INFO')
  let said = ''
  await new Promise((resolve) =>
    beat.stderr.on('data', (text) => /\d entries are known/.test((said += text)) && resolve()),
  )
  return { beat, start: (Date.now() - startedAt) / 1000 }
}

const idling = async (room) => {
  const { client, directory } = room
  await client.flushall()
  const { app, idle, note } = await import(join(directory, 'tasks.js'))
  for (let n = 0; n < many; n += 500)
    await Promise.all(Array.from({ length: 500 }, (_, i) => app.beat.create(`entry-${n + i}`, idle(n + i))))
  const { beat, start } = await startIdle(room, {})
  await pause(30_000) // the collector of a young process settles first
  const before = cpuMs(beat.pid)
  await pause(idleSeconds * 1000)
  const percent = (cpuMs(beat.pid) - before) / (idleSeconds * 10)
  const memory = rssMb(beat.pid)
  const changes = []
  for (let n = 0; n < 5; n++) {
    const queue = `late-${n}`
    const changedAt = Date.now()
    await app.beat.create(queue, { schedule: every(0.05), run: note.si(n), queue })
    await arrival(client, queue)
    changes.push(Date.now() - changedAt)
  }
  await app.close()
  await stopBeat(beat)

  await client.flushall()
  const first = await startIdle(room, { IDLE: String(many) })
  await stopBeat(first.beat)
  const again = await startIdle(room, { IDLE: String(many) })
  await pause(15_000)
  const declared = { start: again.start, memory: rssMb(again.beat.pid) }
  await stopBeat(again.beat)
  return { start, memory, percent, change: Math.max(...changes), declared }
}
