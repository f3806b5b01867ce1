// What can be wrong in a Redis that carries work: what `lovage doctor` looks at. Reads only, in bounded pieces.
import type { Finding } from '../runtime/broker.js'
import { chords } from './examine-chords.js'
import { orphans } from './examine-orphans.js'
import { connection, memory, server } from './examine-server.js'
import { bad, type Examination, good, mostScanned, quoted, redisCli, text, warn } from './finding.js'
import { typesOf, typesOfFamilies } from './key-types.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

/** A consumer that the others have not cleaned up behind for so long has no others. */
const overdueMs = 10_000
/** A courier takes up to five hundred at once. */
const mostOnTheWay = 1000

export const examine = async (of: Examination): Promise<readonly Finding[]> => {
  const { nowMs, findings } = await connection(of)
  const rest = await Promise.all([
    tried('server', server(of)),
    tried('memory', memory(of)),
    tried('keys', types(of)),
    tried('workers', consumers(of, nowMs)),
    tried('dead letters', dead(of, nowMs)),
    tried('outbox', outbox(of)),
    tried('Python’s unacked', python(of, nowMs)),
    tried('chords', chords(of)),
    tried('orphans', orphans(of, nowMs)),
  ])
  return [...findings, ...rest.flat()]
}

/** What one question is answered with must not hide the answers to the others. */
const tried = (check: string, looking: Promise<readonly Finding[]>): Promise<readonly Finding[]> =>
  looking.catch((error: unknown) => [
    warn(
      check,
      `could not be looked at: ${error instanceof Error ? error.message : String(error)}`,
      'Look as a user who may read everything, once what else is told here is mended.',
    ),
  ])

const types = async (of: Examination): Promise<readonly Finding[]> => {
  const { ask, keys, queues } = of
  const named = new Map(queues.flatMap((queue) => typesOf(keys, queue)))
  const wanted = [...named, ...(await families(ask, keys))]
  const found = await Promise.all(wanted.map(async ([key]) => text(await ask('type', [key]))))
  const wrong = wanted.filter(([, type], i) => found[i] !== 'none' && found[i] !== type)
  return wrong.length === 0
    ? [good('keys', `those of ${queues.join(', ')} are what they should be`)]
    : wrong.map(([key, type]) =>
        bad(
          'keys',
          `${JSON.stringify(key)} is no ${type}`,
          'Messages cannot go there. Look at it, and take it away:',
          `${redisCli(of)} DEL ${quoted(key)}`,
        ),
      )
}

const families = async (
  ask: Examination['ask'],
  keys: Keys,
): Promise<readonly (readonly [string, string])[]> => {
  const found: (readonly [string, string])[] = []
  const types = typesOfFamilies(keys)
  let cursor = '0'
  for (let looked = 0; looked < mostScanned; looked += 1000) {
    const match = `${keys.base.replace(/[*?[\]\\]/g, '\\$&')}*`
    const [next, names] = (await ask('scan', [cursor, 'MATCH', match, 'COUNT', 1000])) as [Buffer, Buffer[]]
    for (const name of names.map(text)) {
      const family = types.find(([prefix]) => name.startsWith(prefix))
      if (family !== undefined) found.push([name, family[1]])
    }
    cursor = text(next)
    if (cursor === '0') break
  }
  return found
}

const consumers = async ({ ask, keys, queues }: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const reply = (await ask('zrange', [keys.consumers, 0, -1, 'WITHSCORES'])) as readonly Reply[]
  const pairs = reply.flat() as readonly Reply[]
  const all: { id: string; endMs: number }[] = []
  for (let i = 0; i < pairs.length; i += 2)
    all.push({ id: text(pairs[i]), endMs: Number(text(pairs[i + 1])) })
  const alive = all.filter(({ id, endMs }) => endMs > nowMs && !id.startsWith('!'))
  const overdue = all.filter(({ endMs }) => endMs < nowMs - overdueMs)
  const consumed = new Set<string>()
  for (const { id } of alive) {
    const names = await ask('hget', [keys.consumer(id), 'queues'])
    if (names !== null) for (const name of JSON.parse(text(names)) as string[]) consumed.add(name)
  }
  const findings: Finding[] = [
    alive.length > 0
      ? good('workers', `${alive.length} alive`)
      : warn('workers', 'none is alive', 'Start one:', 'lovage -A … worker'),
  ]
  if (overdue.length > 0)
    findings.push(
      bad(
        'leases',
        `${overdue.length} ended and nobody gave their messages back`,
        'Any worker of ours does that within seconds:',
        'lovage -A … worker',
      ),
    )
  else findings.push(good('leases', 'none has ended without being noticed'))
  for (const queue of queues) {
    const waiting = await lengthOf(ask, [...keys.lists(queue), keys.redo(queue)])
    if (waiting > 0 && !consumed.has(queue))
      findings.push(
        warn(
          `queue ${queue}`,
          `${waiting} waiting, and no worker of ours consumes it`,
          'Start one:',
          `lovage -A … worker -Q ${quoted(queue)}`,
        ),
      )
    else findings.push(good(`queue ${queue}`, `${waiting} waiting`))
  }
  return findings
}

const lengthOf = async (ask: Examination['ask'], lists: readonly string[]): Promise<number> => {
  const lengths = await Promise.all(lists.map((list) => ask('llen', [list]).catch(() => 0)))
  return lengths.reduce<number>((sum, length) => sum + Number(length), 0)
}

/** Of results for another server. */
const outbox = async ({ ask, keys }: Examination): Promise<readonly Finding[]> => {
  const waiting = Number(await ask('llen', [keys.outbox]).catch(() => 0))
  if (waiting < mostOnTheWay) return []
  const says = `${waiting} results wait to be carried to the server of results`
  return [warn('outbox', says, 'Is that server there? Workers carry results:', 'lovage -A … worker')]
}

/** Those of before yesterday were seen, or nobody cares: what matters is that there are more and more. */
const dead = async ({ ask, keys }: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const all = Number(await ask('zcard', [keys.dead]))
  if (all === 0) return [good('dead letters', 'none')]
  const since = async (ms: number) => Number(await ask('zcount', [keys.dead, nowMs - ms, '+inf']))
  const [day, hour] = await Promise.all([since(86_400_000), since(3_600_000)])
  if (day === 0) return [good('dead letters', `${all}, none of them of the last day`)]
  const says = `${all}, and they grow: ${day} in the last day, ${hour} of them in the last hour`
  return [
    warn(
      'dead letters',
      says,
      'Look why; then send them again, or drop them:',
      'lovage -A … dead list',
      'lovage -A … dead retry --all',
      'lovage -A … dead purge --all',
    ),
  ]
}

const python = async (of: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const { ask, keys, visibilityTimeout } = of
  const before = nowMs / 1000 - visibilityTimeout
  const lost = Number(await ask('zcount', [keys.unackedIndex, '-inf', before]))
  if (lost === 0) {
    const held = Number(await ask('zcard', [keys.unackedIndex]))
    return [good('Python’s unacked', held === 0 ? 'empty' : `${held} are held, none for too long`)]
  }
  const [first] = (await ask('zrange', [keys.unackedIndex, 0, 0])) as readonly Buffer[]
  const queue = queueIn(text(await ask('hget', [keys.unacked, String(first)])))
  return [
    warn(
      'Python’s unacked',
      `${lost} ${lost === 1 ? 'is' : 'are'} held for longer than the visibility timeout of ${visibilityTimeout} s`,
      'Their worker is lost; any of that queue gives them back (one of ours, too, if taskQueues declares it shared):',
      `celery -A <its app> worker -Q ${quoted(queue)}`,
    ),
  ]
}

/** kombu keeps `[message, exchange, routing key]`. */
const queueIn = (entry: string): string => {
  try {
    return String((JSON.parse(entry) as readonly unknown[])[2])
  } catch {
    return '<queue>'
  }
}
