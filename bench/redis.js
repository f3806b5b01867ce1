// A Redis for the benchmark: an own process on a free port, nothing saved; the one on the PATH, or the one
// that the tests fetched.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const cached = () => {
  const root = fileURLToPath(new URL('../node_modules/.cache/lovage-redis/', import.meta.url))
  if (!existsSync(root)) return undefined
  const found = readdirSync(root, { recursive: true }).find((path) =>
    /(^|\/)usr\/bin\/redis-server$/.test(path),
  )
  return found === undefined ? undefined : root + found
}

export const startRedis = async () => {
  const port = await freePort()
  const args = ['--port', String(port), '--save', '', '--appendonly', 'no', '--bind', '127.0.0.1']
  for (const command of ['redis-server', 'valkey-server', cached()]) {
    if (command === undefined) continue
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ready = await new Promise((resolve) => {
      child.once('error', () => resolve(false))
      child.stdout.on('data', (text) => String(text).includes('Ready to accept') && resolve(true))
      child.once('exit', () => resolve(false))
    })
    if (ready) return { port, pid: child.pid, stop: () => child.kill('SIGKILL') }
  }
  throw new Error(
    'The benchmark needs a Redis: install redis-server, or run `npm test` once, which fetches one.',
  )
}
