// `npm run bench -- depth [shape …]`: how deep a canvas may be nested for a real Celery. Three ways: a client of ours or of
// Python's sends work for a Python worker, and a Python client work for ours. The greatest depth that comes to its end,
// found by halving; the levels of JSON in the deepest message on the way there; and what happens one deeper.
//
// Only what Lovage limits by settings is raised (canvasMaxLevels, canvasMaxDepth), so that what is found is the other side's.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createJiti } from 'jiti'
import { chain, chord, createApp, createLogger, group, signature } from '../dist/index.js'
import { startRedis } from './redis.js'

const jiti = createJiti(import.meta.url)
const { findCelery, pythonEnv } = await jiti.import('../test/support/celery-install.ts')
const { start } = await jiti.import('../test/support/processes.ts')
const directory = fileURLToPath(new URL('depth/', import.meta.url))
const seconds = 12
const startSeconds = 60

const nested = (around, depth, bottom) => Array.from({ length: depth }).reduce(around, bottom)

/** The same as in depth/proj.py. `most`: no deeper is tried. */
const shapes = {
  links: {
    most: 400,
    build: ({ step, end }, depth) => nested((inner) => step().link(inner), depth, end()),
  },
  errbacks: {
    most: 400,
    build: ({ task, end }, depth) =>
      task('broken', ['id']).linkError(nested((inner) => task('broken').linkError(inner), depth - 1, end())),
  },
  bodies: {
    most: 200,
    build: ({ step, end }, depth) =>
      nested((inner) => chord([step(), step()], chain(step(), inner)), depth, end()),
  },
  headers: {
    most: 300,
    build: ({ step, end }, depth) =>
      chord([nested((inner) => chord([inner, step()], step()), depth - 1, step()), step()], end()),
  },
  members: {
    most: 200,
    build: ({ step, end }, depth) =>
      chain(
        group([nested((inner) => chain(group([inner, step()]), step()), depth - 1, step()), step()]),
        end(),
      ),
  },
  stages: {
    most: 60,
    build: ({ step, end }, depth) =>
      chain(
        Array.from({ length: depth }, () => [group([step(), step()]), step()])
          .flat()
          .concat(end()),
      ),
  },
  arguments: { most: 900, build: ({ end }, depth) => end([nested((inner) => [inner], depth, 1)]) },
}

const levelsOf = (text) => {
  let deepest = 0
  let level = 0
  for (const [bracket] of text.replace(/"(?:[^"\\]|\\.)*"/g, '').matchAll(/[[\]{}]/g)) {
    level += bracket === '[' || bracket === '{' ? 1 : -1
    deepest = Math.max(deepest, level)
  }
  return deepest
}

/** All that goes to Redis is looked at for messages. */
const watchLevels = async (port) => {
  const monitor = await new Redis(port).monitor()
  let deepest = 0
  let bytes = 0
  monitor.on('monitor', (_time, words) => {
    for (const word of words) bytes += word.length
    for (const word of words)
      for (const [, body] of word.matchAll(/"body": ?"([A-Za-z0-9+/=]+)"/g))
        deepest = Math.max(deepest, levelsOf(Buffer.from(body, 'base64').toString()))
  })
  const reset = () => {
    deepest = 0
    bytes = 0
  }
  return { reset, seen: () => ({ levels: deepest, mb: bytes / 1e6 }), close: () => monitor.disconnect() }
}

const python = async (port) => {
  const install = await findCelery()
  const env = {
    ...pythonEnv(install.path, directory),
    REDIS_URL: `redis://127.0.0.1:${port}/0`,
    C_FORCE_ROOT: '1',
  }
  let worker
  let client
  const startWorker = async () => {
    const args = ['-m', 'celery', '-A', 'proj', 'worker', '-c', '2', '-l', 'INFO', '-Q', 'python']
    args.push('--without-gossip', '--without-mingle', '--without-heartbeat')
    worker = start(install.python, args, { cwd: directory, env })
    await worker.line(/ ready\.$/, { timeout: startSeconds * 1000 })
  }
  /** It ends with its input. */
  const startClient = () => {
    const stdio = ['pipe', 'pipe', 'inherit']
    client = spawn(install.python, ['proj.py'], { cwd: directory, env: { ...process.env, ...env }, stdio })
    client.answers = createInterface({ input: client.stdout })[Symbol.asyncIterator]()
  }
  const isOver = ({ exitCode, signalCode }) => exitCode !== null || signalCode !== null
  return {
    version: install.version,
    /** One that lives. */
    worker: async () => {
      if (worker === undefined || isOver(worker.child)) await startWorker()
      return { said: worker.output, hasDied: () => isOver(worker.child) }
    },
    restart: async () => {
      await worker?.stop('SIGKILL')
      worker = undefined
    },
    send: async (told) => {
      if (client === undefined || isOver(client)) startClient()
      client.stdin.write(`${JSON.stringify(told)}\n`)
      const late = sleep(seconds * 1000, { value: '{"error": "took too long"}' }, { ref: false })
      const { value, done } = await Promise.race([client.answers.next(), late])
      const answer = done ? { error: 'the client died' } : JSON.parse(value)
      if (answer.error === 'took too long' || done) {
        client.kill('SIGKILL')
        client = undefined
      }
      return answer
    },
    close: async () => {
      client?.kill('SIGKILL')
      await worker?.stop('SIGKILL')
    },
  }
}

/** The names of what a worker complained of, the last ones first. */
const complaint = (said) =>
  /Unrecoverable error: (\w+)/.exec(said)?.[0] ?? said.match(/^(?:\w+\.)*\w*(?:Error|Exception)\b/gm)?.at(-1)

export const benchDepth = async (wanted) => {
  const redis = await startRedis()
  const url = `redis://127.0.0.1:${redis.port}/0`
  const store = new Redis(redis.port)
  const levels = await watchLevels(redis.port)
  const peer = await python(redis.port)
  const settings = { broker: url, canvasMaxLevels: 1000, canvasMaxDepth: 10_000, resultExpires: 60 }
  const sender = createApp('sender', settings)
  const worker = createApp('worker', { broker: url, taskDefaultQueue: 'js', resultExpires: 60 })
  worker.task('js.one', () => 1)
  worker.task('js.broken', () => {
    throw new Error('broken')
  })
  worker.task('js.mark', async (...args) => void (await store.rpush(`done:${args.at(-1).key}`, 1)))
  await worker.worker({ pool: 'fiber', concurrency: 8, log: createLogger({ level: 'CRITICAL' }) }).start()

  const ours = async (shape, depth, key) => {
    const task = (name, args = [], kwargs = {}) =>
      signature(`py.${name}`, { args, kwargs, options: { queue: 'python' } })
    const words = { task, step: () => task('one'), end: (args = []) => task('mark', args, { key }) }
    try {
      await sender.send(shapes[shape].build(words, depth))
      return { sent: true }
    } catch (error) {
      return { error: error.message.slice(0, 80) }
    }
  }
  const theirs = (lang, queue) => (shape, depth, key) => peer.send({ shape, depth, lang, queue, key })
  const ways = {
    'Lovage → Celery worker': { send: ours, runs: 'python' },
    'Celery → Celery worker': { send: theirs('py', 'python'), runs: 'python' },
    'Celery → Lovage worker': { send: theirs('js', 'js'), runs: 'js' },
  }

  let tries = 0
  const attempt = async (way, shape, depth) => {
    const { send, runs } = ways[way]
    tries += 1
    const key = `${shape}-${depth}-${tries}`
    const python = runs === 'python' ? await peer.worker() : undefined
    const before = python?.said().length ?? 0
    levels.reset()
    const startedAt = performance.now()
    const { error } = await send(shape, depth, key)
    const since = () => (performance.now() - startedAt) / 1000
    let found = error === undefined ? undefined : `the client: ${error}`
    while (found === undefined && (await store.exists(`done:${key}`)) === 0) {
      await sleep(20)
      const said = python?.said().slice(before) ?? ''
      if (python?.hasDied()) found = `the worker died: ${complaint(said) ?? 'silence'}`
      else if (since() > seconds) found = `nothing in ${seconds} s: ${complaint(said) ?? 'silence'}`
    }
    const seen = { ...levels.seen(), seconds: since() }
    const figures = `${seen.levels} levels, ${seen.mb.toFixed(2)} MB, ${seen.seconds.toFixed(1)} s`
    process.stderr.write(`${way}: ${shape} ${depth}: ${found ?? 'ok'} (${figures})\n`)
    if (found !== undefined) {
      await peer.restart()
      await store.flushdb()
    }
    return { found, seen }
  }

  const rows = []
  for (const shape of wanted.length > 0 ? wanted : Object.keys(shapes))
    for (const way of Object.keys(ways)) {
      let good = { depth: 0, seen: { levels: 0, mb: 0, seconds: 0 } }
      let bad = { depth: shapes[shape].most + 1, found: 'not tried' }
      // Doubling first: what is far too deep can take long to fail.
      for (let depth = 4; depth < bad.depth; ) {
        const { found, seen } = await attempt(way, shape, depth)
        if (found === undefined) good = { depth, seen }
        else bad = { depth, found }
        const isOpen = bad.found === 'not tried' && depth * 2 < bad.depth
        depth = isOpen ? depth * 2 : Math.floor((good.depth + bad.depth) / 2)
        if (depth === good.depth) break
      }
      const { levels: deepest, mb, seconds: took } = good.seen
      const figures = { levels: deepest, MB: Number(mb.toFixed(1)), seconds: Number(took.toFixed(1)) }
      rows.push({ shape, way, depth: good.depth, ...figures, 'one deeper': bad.found })
    }
  console.log(`Celery ${peer.version}, prefork; Node ${process.versions.node}`)
  console.table(rows)
  await peer.close()
  await Promise.all([worker.close(), sender.close()])
  levels.close()
  store.disconnect()
  await redis.stop()
  return true
}
