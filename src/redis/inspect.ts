// What an operator should know about the Redis behind the URL before work depends on it.
import type { ServerReport } from '../runtime/broker.js'
import type { Reply } from './link.js'

type Ask = (command: string, args: readonly (string | number)[]) => Promise<Reply>

/** `RPOP` with a count came with it. */
const oldest = [6, 2] as const

const field = (info: string, name: string): string | undefined =>
  new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim()

export const inspectServer = async (ask: Ask): Promise<ServerReport> => {
  const info = String(await ask('info', []))
  const refusals: string[] = []
  const warnings: string[] = []

  const version = field(info, 'redis_version') ?? 'unknown'
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const server = `${field(info, 'server_name') === 'valkey' ? 'Valkey' : 'Redis'} ${field(info, 'valkey_version') ?? version}`
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    refusals.push(
      `${server} is too old: Lovage needs Redis 6.2 or newer. Upgrade the server, or use another one.`,
    )
  if (field(info, 'redis_mode') === 'cluster')
    refusals.push(`${server} runs as a cluster, which Lovage cannot use yet: give it a single server.`)
  if (field(info, 'role') === 'slave')
    refusals.push(`${server} is a read-only replica: connect to the primary.`)

  const policy = field(info, 'maxmemory_policy')
  const unknown = policy === undefined
  if (unknown) warnings.push(`${server} does not tell its maxmemory-policy: make sure that it is noeviction.`)
  else if (policy.startsWith('allkeys-'))
    refusals.push(
      `maxmemory-policy is "${policy}": Redis would throw queued messages away when it is full. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf).`,
    )
  else if (policy.startsWith('volatile-'))
    warnings.push(
      `maxmemory-policy is "${policy}": when Redis is full it may throw results and markers against double runs away. noeviction keeps them.`,
    )

  const persists = await persistence(ask, info)
  if (persists === null)
    warnings.push('CONFIG is forbidden to us: whether Redis saves its data to disk could not be checked.')
  else if (!persists)
    warnings.push(
      'Redis saves nothing to disk: a restart of Redis loses all messages. Set appendonly yes if that must not be.',
    )
  return { server, refusals, warnings }
}

/** Null: it cannot be known. */
const persistence = async (ask: Ask, info: string): Promise<boolean | null> => {
  if (field(info, 'aof_enabled') === '1') return true
  try {
    const [, save] = (await ask('config', ['GET', 'save'])) as readonly Buffer[]
    return save !== undefined && String(save) !== ''
  } catch {
    return null
  }
}
