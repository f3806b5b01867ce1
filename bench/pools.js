// `npm run bench -- pools`: what pools cost and give. Each worker is a process of its own (`lovage worker`, `celery
// worker`, a BullMQ worker with a sandboxed processor) on one Redis; rates are read from the length of its queue,
// from the outside, between 80 % and 10 % of what was put there before: the same way for all. Rounds go through all
// of them, the first is dropped, and what counts is the ratio of the medians.
import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Queue } from 'bullmq'
import { createJiti } from 'jiti'
import { createApp } from '../dist/index.js'
import { startRedis } from './redis.js'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const cli = here('../dist/cli/main.js')
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]
const status = (pid, field) =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
const mib = (pid) => status(pid, 'VmRSS') / 1024
/** Share of the pages that others use as well: what a child adds to the machine. */
const pssMib = (pid) =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) / 1024
const childrenOf = (pid) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return status(name, 'PPid') === pid && readFileSync(`/proc/${name}/comm`, 'utf8') === 'node\n'
      } catch {
        return false
      }
    })

const source = `
import { setTimeout as pause } from 'node:timers/promises'
import { createApp } from 'lovage'
export const app = createApp('bench', { broker: process.env.REDIS_URL })
app.task('bench.noop', () => null)
app.task('bench.cpu', (ms) => { const end = performance.now() + ms; while (performance.now() < end); })
app.task('bench.wait', (ms) => pause(ms))
`

export const benchPools = async () => {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      rounds: { type: 'string', default: '3' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string', default: 'cpu,noop,memory,timers,million,start' },
    },
  })
  const rounds = Number(values.rounds)
  const of = (count) => Math.max(100, Math.round(count * Number(values.scale)))
  const only = values.only.split(',')

  const redis = await startRedis()
  const directory = mkdtempSync(join(tmpdir(), 'lovage-pools-'))
  const started = new Set()
  process.on('exit', () => {
    for (const worker of started) worker.kill('SIGKILL')
    redis.stop()
    rmSync(directory, { recursive: true, force: true })
  })
  const url = `redis://127.0.0.1:${redis.port}/0`
  // The library as it is installed: by its name.
  const modules = join(directory, 'proj')
  mkdirSync(join(modules, 'node_modules'), { recursive: true })
  symlinkSync(here('..'), join(modules, 'node_modules/lovage'))
  writeFileSync(join(modules, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(modules, 'tasks.js'), source)
  writeFileSync(join(modules, 'tasks.ts'), source.replaceAll('(ms) =>', '(ms: number) =>'))

  const app = createApp('bench', { broker: url })
  const broker = await app.broker()
  const start = (command, args, { cwd = modules, env = {}, ready } = {}) =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now()
      const worker = spawn(command, args, {
        cwd,
        env: { ...process.env, REDIS_URL: url, C_FORCE_ROOT: '1', ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      started.add(worker)
      let text = ''
      const hear = (chunk) => {
        text += chunk
        if (ready?.test(text)) resolve({ worker, ms: performance.now() - startedAt })
      }
      worker.stdout.on('data', hear)
      worker.stderr.on('data', hear)
      worker.on('exit', (code) => {
        started.delete(worker)
        reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${text}`))
      })
      if (ready === undefined) resolve({ worker, ms: 0 })
    })
  const stop = (worker) =>
    new Promise((resolve) => {
      worker.removeAllListeners('exit')
      worker.once('exit', () => {
        started.delete(worker)
        resolve()
      })
      worker.kill('SIGTERM')
    })
  const lovage = (...args) =>
    start(process.execPath, [cli, '-A', 'tasks.js', 'worker', '-l', 'INFO', ...args], { ready: / ready\.\n/ })
  /** Without a line for each task. */
  const quiet = (...args) =>
    start(process.execPath, [cli, '-q', '-A', 'tasks.js', 'worker', '-l', 'ERROR', ...args])

  const enqueue = async (task, args, count, options = {}) => {
    let left = count
    const lane = async () => {
      while (left > 0) {
        left -= 1
        await app.sendTask(task, args, { ...options })
      }
    }
    await Promise.all(Array.from({ length: 200 }, lane))
  }
  /** Tasks a second while the queue goes from 80 % to 10 % of `count`; undefined when nobody looked between these. */
  const rateOf = async (length, count) => {
    let from
    for (;;) {
      const now = performance.now()
      const left = await length()
      if (from === undefined && left <= count * 0.1) return undefined
      if (from === undefined && left <= count * 0.8) from = { left, at: now }
      if (from !== undefined && left <= count * 0.1 && left < from.left)
        return ((from.left - left) / (now - from.at)) * 1000
      await pause(5)
    }
  }

  const lines = []
  let missed = 0
  const report = (what, value, bar, met) => {
    if (met === false) missed += 1
    lines.push(`| ${what} | ${value} | ${bar}${met === undefined ? '' : met ? ' ✓' : ' ✗'} |`)
    process.stderr.write(`${lines.at(-1)}\n`)
  }

  if (only.includes('start')) {
    const times = []
    for (let round = 0; round < rounds + 1; round += 1) {
      const { worker, ms } = await lovage('-c', '2')
      if (round > 0) times.push(ms)
      await stop(worker)
    }
    report(
      'start to ready, prefork of 2, .js',
      `${Math.round(median(times))} ms`,
      '< 1000 ms',
      median(times) < 1000,
    )
  }

  if (only.includes('cpu')) {
    const seconds = { 1: [], 2: [] }
    for (let round = 0; round <= rounds; round += 1)
      for (const size of [1, 2]) {
        const { worker } = await quiet('-c', String(size))
        await app.sendTask('bench.cpu', [1]).get({ timeout: 30 })
        await pause(500)
        const startedAt = performance.now()
        const results = await Promise.all(Array.from({ length: 64 }, () => app.sendTask('bench.cpu', [20])))
        await Promise.all(results.map((result) => result.get({ timeout: 60 })))
        if (round > 0) seconds[size].push((performance.now() - startedAt) / 1000)
        await stop(worker)
      }
    const ratio = median(seconds[1]) / median(seconds[2])
    report(
      '64 tasks of 20 ms of CPU: prefork of 2 beside prefork of 1',
      `${ratio.toFixed(2)}×`,
      '≥ 1.85×',
      ratio >= 1.85,
    )
  }

  if (only.includes('noop')) {
    const { findCelery, pythonEnv } = await createJiti(import.meta.url).import(
      '../test/support/celery-install.ts',
    )
    const python = await findCelery()
    const queue = new Queue('bench', { connection: { host: '127.0.0.1', port: redis.port } })
    const ofLovage = (...args) => ({
      fill: (count) => enqueue('bench.noop', [], count),
      length: () => broker.length('celery'),
      count: of(20_000),
      start: () => quiet(...args),
    })
    const systems = {
      'fiber, -c 100': ofLovage('-P', 'fiber', '-c', '100'),
      'fiber, -c 2': ofLovage('-P', 'fiber', '-c', '2'),
      'prefork, -c 2': ofLovage('-P', 'prefork', '-c', '2'),
      'prefork, -c 2, prefetch 4': ofLovage('-P', 'prefork', '-c', '2', '--prefetch-multiplier', '4'),
      'prefork, -c 2, prefetch 20': ofLovage('-P', 'prefork', '-c', '2', '--prefetch-multiplier', '20'),
      'threads, -c 2, prefetch 4': ofLovage('-P', 'threads', '-c', '2', '--prefetch-multiplier', '4'),
      [`Celery ${python.version} prefork, -c 2`]: {
        fill: (count) => enqueue('bench.noop', [], count),
        length: () => broker.length('celery'),
        count: of(2_000),
        start: () =>
          start(python.python, ['-m', 'celery', '-A', 'proj', '-q', 'worker', '-l', 'ERROR', '-c', '2'], {
            cwd: here('pools'),
            env: pythonEnv(python.path, here('pools')),
          }),
      },
      'BullMQ sandboxed, concurrency 2': {
        fill: (count) =>
          queue.addBulk(Array.from({ length: count }, () => ({ name: 'noop', data: {}, opts: {} }))),
        length: () => queue.getWaitingCount(),
        count: of(4_000),
        start: () => start(process.execPath, [here('pools/sandboxed.js'), String(redis.port), '2']),
      },
    }
    const rates = Object.fromEntries(Object.keys(systems).map((name) => [name, []]))
    for (let round = 0; round <= rounds; round += 1)
      for (const [name, system] of Object.entries(systems)) {
        let rate
        while (rate === undefined) {
          await system.fill(system.count)
          const { worker } = await system.start()
          rate = await rateOf(system.length, system.count)
          while ((await system.length()) > 0) await pause(20)
          await stop(worker)
        }
        if (round > 0) rates[name].push(rate)
        process.stderr.write(`round ${round}: ${name}: ${Math.round(rate)} tasks/s\n`)
      }
    for (const [name, all] of Object.entries(rates))
      report(
        `no-op tasks a second: ${name}`,
        `${Math.round(median(all))} (${Math.round(Math.min(...all))}–${Math.round(Math.max(...all))})`,
        '',
      )
    const best = Math.max(
      ...['prefork, -c 2', 'prefork, -c 2, prefetch 4', 'prefork, -c 2, prefetch 20'].map((name) =>
        median(rates[name]),
      ),
    )
    const plain = median(rates['prefork, -c 2'])
    const ratio = (value, name) => value / median(rates[name])
    const bar = (what, value, least) => report(what, `${value.toFixed(2)}×`, `≥ ${least}×`, value >= least)
    bar('prefork -c 2 beside fiber -c 2', ratio(plain, 'fiber, -c 2'), 0.6)
    bar('prefork at its best beside fiber -c 100', ratio(best, 'fiber, -c 100'), 0.6)
    bar('prefork -c 2 beside Celery prefork -c 2', ratio(plain, `Celery ${python.version} prefork, -c 2`), 3)
    bar('prefork -c 2 beside BullMQ sandboxed', ratio(plain, 'BullMQ sandboxed, concurrency 2'), 3)
    await queue.close()
  }

  if (only.includes('memory'))
    for (const [file, most] of [
      ['tasks.js', 60],
      ['tasks.ts', 85],
    ]) {
      const { worker } = await start(
        process.execPath,
        [cli, '-q', '-A', file, 'worker', '-c', '2', '-l', 'INFO'],
        { ready: / ready\.\n/ },
      )
      await pause(2000)
      const [child] = childrenOf(worker.pid)
      const rss = mib(child)
      report(
        `a child with ${file}, idle: RSS (of it its own: PSS)`,
        `${rss.toFixed(1)} MiB (${pssMib(child).toFixed(1)})`,
        `≤ ${most}·10⁶ bytes`,
        rss * 1.048576 <= most,
      )
      await enqueue('bench.noop', [], 2000)
      while ((await broker.length('celery')) > 0) await pause(50)
      report(
        `the same after 2 000 no-op tasks`,
        `${mib(child).toFixed(1)} MiB (${pssMib(child).toFixed(1)})`,
        '',
      )
      await stop(worker)
    }

  if (only.includes('timers')) {
    const { worker } = await quiet('-P', 'fiber', '-c', '5000')
    await enqueue('bench.wait', [8000], 5000)
    while ((await broker.length('celery')) > 0) await pause(50)
    await pause(1000)
    const rss = mib(worker.pid)
    report('fiber with 5 000 tasks that wait', `${rss.toFixed(0)} MiB`, '< 150 MB', rss < 150)
    await pause(9000)
    await stop(worker)
  }

  if (only.includes('million')) {
    const total = of(1_000_000)
    const { worker } = await quiet('-P', 'prefork', '-c', '2', '--prefetch-multiplier', '20')
    const curve = []
    let sent = 0
    while (sent < total) {
      await enqueue('bench.noop', [], total / 20, { ignoreResult: true })
      sent += total / 20
      while ((await broker.length('celery')) > 0) await pause(20)
      const children = childrenOf(worker.pid).map((pid) => mib(pid))
      curve.push({ sent, parent: mib(worker.pid), child: Math.max(...children) })
      process.stderr.write(
        `${sent} tasks: parent ${curve.at(-1).parent.toFixed(0)} MiB, children up to ${curve.at(-1).child.toFixed(0)} MiB\n`,
      )
    }
    await stop(worker)
    const after = curve.slice(1)
    const growth = (name) => {
      const first = Math.max(...after.slice(0, 2).map((point) => point[name]))
      return Math.max(...after.slice(-3).map((point) => point[name])) - first
    }
    for (const name of ['parent', 'child'])
      report(
        `RSS of a ${name} from 100 000 to ${total.toLocaleString('en-US')} no-op tasks`,
        `${growth(name) >= 0 ? '+' : ''}${growth(name).toFixed(1)} MiB`,
        'flat: < 10 MiB',
        growth(name) < 10,
      )
  }

  await app.close()
  console.log(
    `\nNode ${process.version}, ${cpus().length} × ${cpus()[0].model.trim()}, ${new Date().toISOString().slice(0, 10)}; medians of ${rounds} rounds.\n`,
  )
  console.log(['| measure | value | bar |', '|---|---|---|', ...lines].join('\n'))
  return missed === 0
}
