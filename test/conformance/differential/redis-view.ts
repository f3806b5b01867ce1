// What lies in a Redis, read as `engine-view.ts` tells the engine's state. A key that it does not know stays in the
// view under its own name, so that nothing is overlooked.
import type { Databases, Keys } from '../../../src/redis/keys.js'
import { prioritySteps, separator } from '../../../src/redis/keys.js'
import type { Link, Reply } from '../../../src/redis/link.js'
import { databasesOf } from './clock.js'
import { laneNames } from './over-redis.js'
import { type Moments, revokeUnits, unitMs, type View } from './view.js'

const script = `
local all = {}
for _, database in ipairs(ARGV) do
  redis.call('SELECT', database)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local kind, value = redis.call('TYPE', key).ok
    if kind == 'string' then value = { redis.call('GET', key) }
    elseif kind == 'list' then value = redis.call('LRANGE', key, 0, -1)
    elseif kind == 'set' then value = redis.call('SMEMBERS', key)
    elseif kind == 'hash' then value = redis.call('HGETALL', key)
    else value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
    all[#all + 1] = { key, redis.call('PTTL', key), value }
  end
end
redis.call('SELECT', ARGV[1])
return { redis.call('TIME')[1], all }
`

type Row = readonly string[]

/** What a script is told in a row, two and two. */
const pairs = (row: Row): readonly (readonly [string, string])[] =>
  row.flatMap((word, i) => (i % 2 === 0 ? [[word, row[i + 1] as string] as const] : []))

export const readAll = (link: Link, databases: Databases): Promise<Reply> =>
  link.send('eval', [script, 0, ...databasesOf(databases)])

const textOf = (value: Reply): string => (value as Buffer).toString('latin1')

/** `reply` is that of `readAll`. */
export const redisView = (reply: Reply, keys: Keys, at: Moments): View => {
  const [seconds, all] = reply as unknown as [Buffer, readonly [Buffer, number, readonly Buffer[]][]]
  const nowMs = 1000 * Number(String(seconds))
  const view: View = {}
  const leases = new Map<string, number | null>()
  const letters = new Map<string, unknown>()
  let order: Row = []
  for (const [name, ttl, values] of all) {
    const key = textOf(name)
    const row = values.map(textOf)
    const until = ttl < 0 ? null : at.about(nowMs + ttl)
    const [kind, ...rest] = partsOf(key, keys)
    const of = rest.join(':')
    switch (kind) {
      case 'consumers':
        for (const [id, score] of pairs(row)) leases.set(id, at.about(Number(score)))
        break
      case 'unacked':
        readConsumer(view, of, row)
        break
      case 'binding':
        view[`bindings ${of}`] = [...row].sort()
        break
      case 'redo':
        view[`redo ${of}`] = [...row].reverse()
        break
      case 'list':
        view[`list ${of.replace(':', ' ')}`] = [...row].reverse()
        break
      case 'parked':
        view[`parked ${of.replace(separator, ' ')}`] = [...row].reverse()
        break
      case 'limited':
        view[`limited ${of}`] = [...row].sort()
        break
      case 'eta':
        view[`eta ${of}`] = pairs(row).map(([text, score]) => [
          at.exactly(Number(score)),
          text.slice(text.indexOf(' ') + 1),
        ])
        break
      case 'gate':
        view[`gate ${of}`] = pairs(row)
          .map(([who, consumer]) => `${who} ${consumer}`)
          .sort()
        break
      case 'line':
        view[`line ${of}`] = [...row].reverse()
        break
      case 'gated':
        view[`gated ${of}`] = Object.fromEntries(pairs(row).map(([gate, count]) => [gate, Number(count)]))
        break
      case 'rate':
        if (Number(row[0]) / 1000 > nowMs + unitMs / 2) view[`rate ${of}`] = at.about(Number(row[0]) / 1000)
        break
      case 'pub':
        view[`sender ${of.replace(/:0$/, '')}`] = Number(row[0])
        break
      case 'done':
        view[`marker ${of}`] = until
        break
      case 'graph':
        view[`graph ${of}`] = Object.fromEntries(pairs(row))
        break
      case 'dead':
        if (of === '') order = pairs(row).map(([id]) => id)
        else if (row.includes('raw')) letters.set(of, readLetter(row, until, at))
        // Who sent it again is remembered.
        else if (row[0] !== 'revivedBy') view[`key ${key}`] = row
        break
      case 'revoked':
        readRevoked(view, of === '' ? 'id' : 'stamp', row, at)
        break
      case 'result':
        view[`result ${of}`] = [row[0], until]
        break
      case 's':
        view[`size ${of}`] = Number(row[0])
        break
      case 't':
        view[`added ${of}`] = Number(row[0])
        break
      case 'j':
        view[`members ${of}`] = pairs(row)
          .map(([member, score]) => String([score === 'inf' ? null : score, member]))
          .sort()
        break
      case 'seen':
        view[`seen ${of}`] = [[...row].sort(), until]
        break
      case 'taken':
        view[`taken ${of}`] = pairs(row).map(([member]) => member)
        break
      default:
        view[`key ${key}`] = row
    }
  }
  for (const [id, lease] of leases) {
    const consumer = view[`consumer ${id}`]
    if (consumer === undefined) view[`lease of nobody ${id}`] = lease
    else view[`consumer ${id}`] = { ...consumer, lease }
  }
  const buried = order.flatMap((id) => letters.get(id) ?? [])
  if (buried.length > 0) view['dead'] = buried
  if (buried.length < letters.size) view['letters that no list names'] = letters.size - buried.length
  return view
}

/** Of what kind a key is, and the rest of its name. */
const partsOf = (key: string, keys: Keys): readonly string[] => {
  const { globalPrefix, resultPrefix, base } = keys
  const chord = `${resultPrefix}lovage:chord:`
  if (key.startsWith(chord)) {
    const [groupId, bodyId, part] = key.slice(chord.length).split(':')
    return [part as string, `${groupId} ${bodyId}`]
  }
  if (key.startsWith(base)) return key.slice(base.length).split(':')
  const result = keys.result('')
  if (key.startsWith(result)) return ['result', key.slice(result.length)]
  const group = keys.savedGroup('')
  if (key.startsWith(group)) return [key.slice(-1), key.slice(group.length, -2)]
  const binding = keys.binding('')
  if (key.startsWith(binding)) return ['binding', key.slice(binding.length)]
  if (!key.startsWith(globalPrefix)) return []
  const [queue, priority] = key.slice(globalPrefix.length).split(separator)
  return ['list', queue as string, String(prioritySteps.indexOf(Number(priority ?? 0) as 0))]
}

const readConsumer = (view: View, id: string, row: Row): void => {
  const fields = new Map(pairs(row))
  const queues = JSON.parse(fields.get('queues') ?? '[]') as string[]
  view[`consumer ${id}`] = {
    hostname: fields.get('host'),
    queues,
    lanes: laneNames.map((lane) => Number.parseInt(fields.get(lane) ?? '', 10)),
  }
  for (const [field, value] of fields) {
    const [, number, list, marks] = /^(\d+):?(\d*)([a-z]*)$/.exec(field) ?? []
    if (number !== undefined)
      view[`held ${id} ${number}`] = heldText(queues, Number(list), marks ?? '', value)
  }
}

const heldText = (queues: Row, list: number, marks: string, value: string): string => {
  const cut = marks.includes('g') ? value.indexOf('\n') : -1
  const rest = value.slice(cut + 1)
  const past = marks.includes('r') ? rest : `0 - ${list % 4} -\n${rest}`
  const kept = ['n', 'e', 'j'].filter((letter) => marks.includes(letter)).join('')
  const step = /^\d+ \S+ (\d)/.exec(past)?.[1]
  return `${queues[list >> 2]} ${step} [${kept}] ${value.slice(0, Math.max(0, cut))}\n${past}`
}

/** As long as others come, a Redis keeps the old ones until the next: nobody asks for them. */
const readRevoked = (view: View, kind: string, row: Row, at: Moments): void => {
  const marks = pairs(row).map(([mark, score]) => [mark, Number(score)] as const)
  const young = marks.filter(([, ms]) => at.exactly(ms) + revokeUnits * unitMs > at.sinceStartMs)
  if (young.length > 0) view[`revoked ${kind}`] = young.map(([mark, ms]) => [mark, at.about(ms)])
}

const orNull = (text: string | undefined): string | null =>
  text === '' || text === '-' ? null : (text ?? null)

const readLetter = (row: Row, until: number | null, at: Moments) => {
  const { queue, step, reason, attempts, lastWorker, diedAt, taskId, task, raw } = Object.fromEntries(
    pairs(row),
  )
  return {
    queue,
    step: Number(step),
    reason,
    attempts: Number(attempts),
    lastWorker: orNull(lastWorker),
    taskId: orNull(taskId),
    task: orNull(task),
    raw,
    at: at.about(Number(diedAt)),
    until,
  }
}
