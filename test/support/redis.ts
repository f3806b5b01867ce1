// startRedis(): a Redis for one test file. It is a server process of its own on a free port, without
// persistence, in a directory of its own, gone when the file ends. Only with TEST_REDIS_URL is it a
// database on that server: an empty one, chosen here and emptied again; a database with anything in it
// is never touched.
import { createServer } from 'node:net'
import { ask } from './inline-redis.js'
import { planted } from './planted.js'
import { type Running, start, temporaryDirectory } from './processes.js'
import { claim } from './provision.js'
import { redisBinary } from './redis-binary.js'
import { until } from './until.js'

export interface RedisOptions {
  /** More arguments for the server, e.g. `['--appendonly', 'yes']`; later ones win. */
  readonly args?: readonly string[]
  /** A server of its own even with TEST_REDIS_URL: for files that restart, stop or configure it. */
  readonly own?: boolean
  /** Default: a free one. */
  readonly port?: number
  /** That its URL has; `null` for none. By default a planted one, which a server that wants none takes. */
  readonly password?: string | null
}

export interface TestRedis {
  /** `redis://default:<password>@127.0.0.1:<port>/<database>` */
  readonly url: string
  readonly host: string
  readonly port: number
  /** Of the server that the tests started; undefined with TEST_REDIS_URL. Changes with each restart. */
  readonly pid: number | undefined
  /** The same server, another of its 16 databases. */
  database(n: number): string
  /** The same database, for somebody else. */
  as(username: string, password: string): string
  /** Ends the server (SIGKILL with `{ hard: true }`), or empties the database that was lent. */
  stop(options?: { hard?: boolean }): Promise<void>
  /** Stops it and starts it on the same port and directory: what it did not save is lost. */
  restart(options?: { hard?: boolean }): Promise<void>
}

export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const lent = process.env.TEST_REDIS_URL
  return lent && !options.own && !options.args ? borrowDatabase(lent) : startServer(options)
}

async function startServer({
  args = [],
  port: wanted,
  password = planted('redis'),
}: RedisOptions): Promise<TestRedis> {
  const binary = await redisBinary()
  const directory = temporaryDirectory('redis')
  const host = '127.0.0.1'

  const launch = async (port: number): Promise<Running> => {
    const basics = [
      '--port',
      String(port),
      '--bind',
      host,
      '--dir',
      directory,
      '--save',
      '',
      '--appendonly',
      'no',
    ]
    const server = start(binary.path, [...basics, ...args], { env: binary.env })
    await server.line(/Ready to accept connections/)
    return server
  }
  // A free port can be taken by another process before the server binds it; then the next one is.
  const launchOnFreePort = async (tries = 5): Promise<[number, Running]> => {
    const port = await freePort()
    try {
      return [port, await launch(port)]
    } catch (error) {
      if (tries > 1 && /Address already in use/.test(String(error))) return launchOnFreePort(tries - 1)
      throw error
    }
  }

  let [port, server] = wanted ? [wanted, await launch(wanted)] : await launchOnFreePort()
  const login = password === null ? '' : `default:${password}@`
  const database = (n: number) => `redis://${login}${host}:${port}/${n}`
  const stop = async ({ hard = false } = {}) => void (await server.stop(hard ? 'SIGKILL' : 'SIGTERM'))
  return {
    url: database(0),
    host,
    port,
    get pid() {
      return server.pid
    },
    database,
    as: loggedIn(database(0)),
    stop,
    restart: async (how) => {
      await stop(how)
      server = await launch(port)
    },
  }
}

const loggedIn = (url: string) => (username: string, password: string) =>
  Object.assign(new URL(url), { username, password }).href

async function borrowDatabase(serverUrl: string): Promise<TestRedis> {
  const url = new URL(serverUrl)
  const at = (n: number) => Object.assign(new URL(serverUrl), { pathname: `/${n}` }).href
  const [n, release] = await until(() => claimEmptyDatabase(at, url.host), {
    timeout: 60_000,
    interval: 200,
    message: `TEST_REDIS_URL (${url.host}) has no empty database among its first 16, and the tests use no other.`,
  })
  const refuse = () =>
    Promise.reject(new Error('TEST_REDIS_URL is not ours to restart; ask for startRedis({ own: true }).'))
  return {
    url: at(n),
    host: url.hostname,
    port: Number(url.port || 6379),
    pid: undefined,
    database: at,
    as: loggedIn(at(n)),
    stop: async () => {
      await ask(at(n), ['FLUSHDB'])
      release()
    },
    restart: refuse,
  }
}

async function claimEmptyDatabase(at: (n: number) => string, host: string) {
  for (let n = 0; n < 16; n += 1) {
    const release = claim(`lovage-redis-database-${host.replace(/\W/g, '-')}-${n}`)
    if (!release) continue
    const [size] = await ask(at(n), ['DBSIZE'])
    if (size === '0') return [n, release] as const
    release()
  }
  return undefined
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const { port } = probe.address() as { port: number }
  await new Promise((resolve) => probe.close(resolve))
  return port
}
