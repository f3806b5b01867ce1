// What can be wrong in a Redis that carries work: what `lovage doctor` looks at. Reads only, in bounded pieces.
import type { Finding } from '../runtime/broker.js'
import { inspectServer } from './inspect.js'
import type { Keys } from './keys.js'
import type { Reply } from './link.js'

export interface Examination {
  readonly ask: (command: string, args: readonly (string | number)[]) => Promise<Reply>
  readonly keys: Keys
  /** Chords lie in the same database as messages. */
  readonly chords: boolean
  readonly queues: readonly string[]
  /** Seconds after which a Python worker's hold on a message counts as lost. */
  readonly visibilityTimeout: number
}

const probes = 20
const slowMs = 20
const clockMs = 1000
const fullShare = 0.9
/** A consumer that the others have not cleaned up behind for so long has no others. */
const overdueMs = 10_000
const stuckSeconds = 3600
/** Keys looked at, so that a large database costs no more than a second or two. */
const mostScanned = 100_000
/** A courier takes up to five hundred at once. */
const mostOnTheWay = 1000

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

const text = (reply: Reply | undefined): string => String(reply)

const good = (check: string, says: string): Finding => ({ check, level: 'ok', says, mend: null })
const warn = (check: string, says: string, mend: string): Finding => ({ check, level: 'warning', says, mend })
const bad = (check: string, says: string, mend: string): Finding => ({ check, level: 'error', says, mend })

export const examine = async (of: Examination): Promise<readonly Finding[]> => {
  const { nowMs, findings } = await connection(of)
  const rest = await Promise.all([
    server(of),
    memory(of),
    types(of),
    consumers(of, nowMs),
    dead(of, nowMs),
    outbox(of),
    python(of, nowMs),
    chords(of),
  ])
  return [...findings, ...rest.flat()]
}

const connection = async ({ ask }: Examination) => {
  const trips: number[] = []
  const offsets: number[] = []
  let nowMs = Date.now()
  for (let i = 0; i < probes; i += 1) {
    const startedAt = performance.now()
    const sentMs = Date.now()
    const [seconds, micros] = (await ask('time', [])) as readonly Buffer[]
    trips.push(performance.now() - startedAt)
    nowMs = Number(seconds) * 1000 + Number(micros) / 1000
    offsets.push(nowMs - (sentMs + Date.now()) / 2)
  }
  const trip = median(trips)
  const offset = median(offsets)
  const say = `${trip.toFixed(1)} ms a round trip`
  const clock = `${Math.abs(offset / 1000).toFixed(1)} s ${offset > 0 ? 'behind' : 'ahead of'} the server’s`
  const findings = [
    trip > slowMs
      ? warn('latency', say, 'Run workers near their Redis: each task costs at least one round trip.')
      : good('latency', say),
    Math.abs(offset) > clockMs
      ? warn(
          'clock',
          `this machine’s clock is ${clock}`,
          'Moments count by the server’s clock. Set this one: chronyc makestep',
        )
      : good('clock', 'within a second of the server’s'),
  ]
  return { nowMs, findings }
}

const server = async ({ ask }: Examination): Promise<readonly Finding[]> => {
  const report = await inspectServer(ask)
  return [
    good('server', report.server),
    ...report.refusals.map((says) => bad('server', says, 'A worker does not start like this.')),
    ...report.warnings.map((says) =>
      warn('server', says, 'See docs/guarantees.md: what an unsaved Redis loses.'),
    ),
  ]
}

const memory = async ({ ask }: Examination): Promise<readonly Finding[]> => {
  const info = text(await ask('info', ['memory']))
  const value = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const [used, most] = [value('used_memory'), value('maxmemory')]
  const mib = `${Math.round(used / 2 ** 20)} MiB used`
  if (most === 0) return [good('memory', `${mib}, no maxmemory`)]
  const says = `${mib} of ${Math.round(most / 2 ** 20)}`
  return used > fullShare * most
    ? [
        bad(
          'memory',
          says,
          'A full Redis takes no messages. CONFIG SET maxmemory, or: lovage purge, lovage dead purge --all',
        ),
      ]
    : [good('memory', says)]
}

const types = async ({ ask, keys, queues }: Examination): Promise<readonly Finding[]> => {
  const wanted = queues.flatMap((queue) => [
    ...keys.lists(queue).map((key) => [key, 'list'] as const),
    [keys.redo(queue), 'list'] as const,
    [keys.eta(queue), 'zset'] as const,
  ])
  const found = await Promise.all(wanted.map(async ([key]) => text(await ask('type', [key]))))
  const wrong = wanted.filter(([, type], i) => found[i] !== 'none' && found[i] !== type)
  return wrong.length === 0
    ? [good('keys', `those of ${queues.join(', ')} are what they should be`)]
    : wrong.map(([key, type]) =>
        bad(
          'keys',
          `${JSON.stringify(key)} is no ${type}`,
          `Messages cannot go there: redis-cli DEL ${JSON.stringify(key)}`,
        ),
      )
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
      : warn('workers', 'none is alive', 'Start one: lovage -A … worker'),
  ]
  if (overdue.length > 0)
    findings.push(
      bad(
        'leases',
        `${overdue.length} ended and nobody gave their messages back`,
        'Any worker of ours does that within seconds: lovage -A … worker',
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
          `lovage -A … worker -Q ${queue}`,
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
  return [warn('outbox', says, 'Is that server there, and does a worker run? Workers carry results.')]
}

const dead = async ({ ask, keys }: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const all = Number(await ask('zcard', [keys.dead]))
  const recent = Number(await ask('zcount', [keys.dead, nowMs - 3_600_000, '+inf']))
  if (all === 0) return [good('dead letters', 'none')]
  const says = `${all}, ${recent} of them in the last hour`
  return [warn('dead letters', says, 'Look at them: lovage -A … dead list')]
}

const python = async (of: Examination, nowMs: number): Promise<readonly Finding[]> => {
  const { ask, keys, visibilityTimeout } = of
  const before = nowMs / 1000 - visibilityTimeout
  const lost = Number(await ask('zcount', [keys.unackedIndex, '-inf', before]))
  return lost === 0
    ? [good('Python’s unacked', 'none is overdue')]
    : [
        warn(
          'Python’s unacked',
          `${lost} messages are held longer than the visibility timeout of ${visibilityTimeout} s`,
          'A living Python worker of that queue restores them; ours too, if the queue is declared shared.',
        ),
      ]
}

/** Chords of which nothing was heard for an hour. They may be slow. */
const chords = async ({ ask, keys, chords: here }: Examination): Promise<readonly Finding[]> => {
  if (!here) return [good('chords', 'they lie in another database and were not looked at')]
  const idle: string[] = []
  let cursor = '0'
  let scanned = 0
  do {
    const [next, found] = (await ask('scan', [cursor, 'MATCH', keys.chordPattern, 'COUNT', 1000])) as [
      Buffer,
      Buffer[],
    ]
    cursor = text(next)
    scanned += 1000
    for (const key of found)
      if (Number(await ask('object', ['IDLETIME', text(key)])) > stuckSeconds) idle.push(text(key))
  } while (cursor !== '0' && scanned < mostScanned)
  return idle.length === 0
    ? [good('chords', 'none has been silent for an hour')]
    : [
        warn(
          'chords',
          `${idle.length} have waited for a part for more than an hour, such as ${idle[0]}`,
          'Is a task of their headers lost, or only slow? lovage -A … graph <id>, or revoke it.',
        ),
      ]
}
