// startSentinel(): a master, its replica, and a sentinel that promotes one of them when the other is gone. Each is a
// process of its own; they are gone when the test file ends.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { start, temporaryDirectory } from './processes.js'
import { freePort, startRedis, type TestRedis } from './redis.js'
import { redisBinary } from './redis-binary.js'
import { until } from './until.js'

export interface TestSentinel {
  /** Behind a place where nobody listens. */
  readonly url: string
  readonly places: string
  /** Which of the two the sentinel calls the master. */
  master(): Promise<TestRedis>
  /** Both know who is master, and the other one follows it. */
  paired(): Promise<void>
  /** And the other one has all that it has: nobody is writing. */
  settled(): Promise<void>
  /** The other one is promoted, without harm to the first. */
  handOver(): Promise<void>
}

export const masterName = 'mymaster'

/** A master that says nothing for so long is replaced. Less, and a busy machine has one replaced that is well. */
const downAfterMs = 2000

export interface SentinelOptions {
  readonly password?: string
  /** All of them speak TLS and nothing else, to each other, too; with this certificate, which vouches for itself. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export async function startSentinel({ password, tls }: SentinelOptions = {}): Promise<TestSentinel> {
  const auth = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const certificates =
    tls === undefined
      ? []
      : [
          ['tls-cert-file', tls.cert],
          ['tls-key-file', tls.key],
          ['tls-ca-cert-file', tls.cert],
          ['tls-auth-clients', 'no'],
          ['tls-replication', 'yes'],
        ]
  const args = ['--repl-diskless-sync-delay', '0', ...auth]
  args.push(...certificates.flatMap(([name, value]) => [`--${name}`, value as string]))
  const known = password === undefined ? {} : { password }
  const startOne = async (...more: string[]): Promise<TestRedis> => {
    if (tls === undefined) return startRedis({ own: true, args: [...args, ...more], ...known })
    const at = await freePort()
    const ports = ['--port', '0', '--tls-port', String(at)]
    return startRedis({ own: true, port: at, args: [...args, ...ports, ...more], ...known })
  }
  const first = await startOne()
  const second = await startOne('--replicaof', first.host, String(first.port))

  const directory = temporaryDirectory('sentinel')
  const port = await freePort()
  const monitored = [
    `sentinel monitor ${masterName} ${first.host} ${first.port} 1`,
    `sentinel down-after-milliseconds ${masterName} ${downAfterMs}`,
    `sentinel failover-timeout ${masterName} 3000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${masterName} ${password}`]),
  ]
  const file = join(directory, 'sentinel.conf')
  const ports = tls === undefined ? [`port ${port}`] : ['port 0', `tls-port ${port}`]
  const lines = [
    ...ports,
    'bind 127.0.0.1',
    `dir ${directory}`,
    ...certificates.map((pair) => pair.join(' ')),
  ]
  writeFileSync(file, [...lines, ...monitored, ''].join('\n'))
  const binary = await redisBinary()
  const sentinel = start(binary.path, [file, '--sentinel'], { env: binary.env })
  await sentinel.line(/\+monitor master/)

  const ask = async <T>(at: number, act: (client: Redis) => Promise<T>, secret = password): Promise<T> => {
    const place = { host: '127.0.0.1', port: at, ...(tls && { tls: { ca: readFileSync(tls.cert) } }) }
    const client = new Redis({ ...place, password: secret, maxRetriesPerRequest: 1 })
    client.on('error', () => undefined)
    return act(client).finally(() => client.disconnect())
  }
  const tell = <T>(act: (client: Redis) => Promise<T>) => ask(port, act, undefined)
  const master = async (): Promise<TestRedis> => {
    const place = await tell((client) => client.call('SENTINEL', 'get-master-addr-by-name', masterName))
    const [, at] = place as [string, string]
    return Number(at) === first.port ? first : second
  }
  const isPaired = async (isAlike = false): Promise<boolean> => {
    const { port: at } = await master()
    const text = await ask(at, (client) => client.info('replication')).catch(() => '')
    if (!/role:master/.test(text) || !/state=online/.test(text)) return false
    const [, offset] = /master_repl_offset:(\d+)/.exec(text) ?? []
    const [, copied] = /slave0:.*offset=(\d+)/.exec(text) ?? []
    // The sentinel has seen it, too, and would promote it.
    const replicas = await tell((client) => client.call('SENTINEL', 'replicas', masterName))
    return (!isAlike || Number(copied) >= Number(offset)) && JSON.stringify(replicas).includes('"slave"')
  }
  const patience = { timeout: 30_000, interval: 50 }
  const paired = async () => void (await until(() => isPaired(), patience))
  const settled = async () => void (await until(() => isPaired(true), patience))
  await settled()
  const places = `127.0.0.1:1,127.0.0.1:${port}`
  const scheme = tls === undefined ? 'sentinel' : 'rediss+sentinel'
  const trusted = tls === undefined ? '' : `&ssl_ca_certs=${encodeURIComponent(tls.cert)}`
  return {
    url: `${scheme}://${password === undefined ? '' : `:${password}@`}${places}/0?master=${masterName}${trusted}`,
    places,
    master,
    paired,
    settled,
    handOver: async () => {
      const before = await master()
      const failover = () => tell((client) => client.call('SENTINEL', 'failover', masterName))
      // It may not know yet that the replica is good, or be busy with the last one.
      await until(() => failover().catch(() => false), { timeout: 30_000, interval: 100 })
      await until(async () => (await master()) !== before, { timeout: 30_000 })
    },
  }
}
