// What an operator should know about the Redis behind the URL before work depends on it.
import type { ServerReport } from '../runtime/broker.js'
import type { Ask } from './ask.js'
import { ageTrouble, field, serverOf } from './server-version.js'

/** What is wrong with a server, and what mends it. */
export interface ServerTrouble {
  /** A worker does not start like this. */
  readonly refuses: boolean
  readonly says: string
  readonly mend: string
  /** Of redis-cli. */
  readonly command?: string
}

export const inspectServer = async (ask: Ask): Promise<ServerReport> => {
  const { server, troubles } = await lookAtServer(ask)
  const saying = (refuses: boolean): readonly string[] =>
    troubles.filter((trouble) => trouble.refuses === refuses).map(({ says }) => says)
  return { server, refusals: saying(true), warnings: saying(false) }
}

export const lookAtServer = async (
  ask: Ask,
): Promise<{ readonly server: string; readonly troubles: readonly ServerTrouble[] }> => {
  const info = String(await ask('info', []))
  const troubles: ServerTrouble[] = []
  const tell =
    (refuses: boolean) =>
    (says: string, mend: string, command?: string): void =>
      void troubles.push({ refuses, says, mend, ...(command !== undefined && { command }) })
  const [refuse, warn] = [tell(true), tell(false)]

  const server = serverOf(info)
  const another = 'Name another server in the URL of the broker.'
  const tooOld = ageTrouble(info)
  if (tooOld !== undefined) refuse(tooOld, another)
  if (field(info, 'redis_mode') === 'cluster')
    refuse(`${server} runs as a cluster, which Lovage cannot use yet: give it a single server.`, another)
  if (field(info, 'role') === 'slave')
    refuse(
      `${server} is a read-only replica: connect to the primary.`,
      'Name the primary in the URL of the broker. Which it is:',
      'INFO replication',
    )

  const inBoth = 'Say it here, and the same in redis.conf:'
  const keep = [inBoth, 'CONFIG SET maxmemory-policy noeviction'] as const
  const policy = field(info, 'maxmemory_policy')
  if (policy === undefined)
    warn(`${server} does not tell its maxmemory-policy: make sure that it is noeviction.`, ...keep)
  else if (policy.startsWith('allkeys-'))
    refuse(
      `maxmemory-policy is "${policy}": Redis would throw queued messages away when it is full. Set it to noeviction (CONFIG SET maxmemory-policy noeviction, and in redis.conf).`,
      ...keep,
    )
  else if (policy.startsWith('volatile-'))
    warn(
      `maxmemory-policy is "${policy}": when Redis is full it may throw results and markers against double runs away. noeviction keeps them.`,
      ...keep,
    )

  const persists = await persistence(ask, info)
  if (persists === null)
    warn(
      'CONFIG is forbidden to us: whether Redis saves its data to disk could not be checked.',
      'Ask as somebody who may:',
      'CONFIG GET save',
    )
  else if (!persists)
    warn(
      'Redis saves nothing to disk: a restart of Redis loses all messages. Set appendonly yes if that must not be.',
      inBoth,
      'CONFIG SET appendonly yes',
    )
  return { server, troubles }
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
