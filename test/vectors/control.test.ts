// Remote control, held against what real workers were told and answered: every message is read and written
// again, and every command answered by a worker of ours in a state like theirs. Texts are compared literally;
// where values differ by nature (times, pids), the shapes are.
import * as Either from 'fp-ts/lib/Either.js'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { answer } from '../../src/runtime/control/listener.js'
import {
  concerns,
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  type Request,
} from '../../src/runtime/control/pidbox.js'
import { parseJson } from '../../src/runtime/json.js'
import { fakeNode, type NodeState } from '../runtime/control/fake-node.js'

interface Captured {
  readonly payload: string
  readonly envelope: { readonly headers: { readonly clock: number; readonly expires: number } }
  readonly body: Readonly<Record<string, any>>
}
interface Case {
  readonly request: Captured
  readonly replies: readonly Captured[]
}

const directory = new URL('.', import.meta.url)
const files = readdirSync(directory)
  .filter((name) => /^control-.*\.json$/.test(name))
  .map((name) => name.slice('control-'.length, -'.json'.length))
const casesOf = (file: string): readonly Case[] =>
  // Python writes Infinity.
  (parseJson(readFileSync(new URL(`control-${file}.json`, directory), 'utf8')) as { cases?: Case[] })
    .cases ?? []

/** How an answer of ours is held against Celery's. */
type Compared =
  /** The same value. */
  | 'same'
  /** The same keys and types, at any depth. */
  | 'shape'
  /** Otherwise on purpose: the reason. */
  | { readonly differs: string }

const compared: Readonly<Record<string, Compared>> = {
  'active-queues': 'same',
  active: 'shape',
  'add-consumer': 'same',
  'aliases-and-unknown': 'shape',
  autoscale: { differs: 'only a pool with autoscale answers as the prefork worker did' },
  'cancel-consumer': 'same',
  clock: 'shape',
  conf: { differs: 'our settings are not all of Celery’s' },
  'disable-events': 'same',
  election: 'same',
  'enable-events': 'same',
  heartbeat: 'same',
  hello: 'shape',
  memdump: { differs: 'there is always a measure of memory in Node' },
  memsample: { differs: 'there is always a measure of memory in Node' },
  objgraph: { differs: 'another library is missing' },
  ping: 'same',
  'pool-grow': { differs: 'it depends on the pool: see test/runtime/control/pool-commands.test.ts' },
  'pool-restart': { differs: 'there is nothing to reload' },
  'pool-shrink': { differs: 'as pool-grow' },
  'query-task': 'shape',
  'rate-limit': 'same',
  registered: { differs: 'other tasks' },
  report: 'shape',
  reserved: 'shape',
  'revoke-by-stamped-headers': 'same',
  revoke: 'same',
  revoked: 'same',
  scheduled: 'shape',
  shutdown: 'same',
  stats: 'shape',
  terminate: 'same',
  'time-limit': 'same',
}

/** No commands: what else these three files hold is tried elsewhere. */
const withoutCases = ['flower-api', 'reply-queue-lifecycle', 'worker-lifecycle']

/** Keys and types; of a list, those of its first member. */
const shapeOf = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])]
  if (value === null || typeof value !== 'object') return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, shapeOf(item)]),
  )
}

/** Of a worker's statistics: what differs from one pool to the other, and what only counts. */
const withoutPool = (payload: any): unknown =>
  payload?.rusage === undefined
    ? payload
    : { ...payload, total: {}, autoscaler: undefined, pool: { 'max-concurrency': payload.pool['max-concurrency'] } }

/** What the worker that answered must have had in hand. */
const stateFrom = (method: string, payload: any): NodeState => {
  if (method === 'active' || method === 'dump_active') return { active: payload }
  if (method === 'reserved' || method === 'dump_reserved') return { reserved: payload }
  if (method === 'scheduled' || method === 'dump_schedule') return { scheduled: payload }
  if (method === 'revoked' || method === 'dump_revoked') return { revoked: payload }
  if (method === 'hello') return { revoked: Object.keys(payload?.revoked ?? {}) }
  if (method === 'query_task') {
    const found = Object.values(payload as Record<string, [string, any]>)
    return {
      active: found.filter(([state]) => state === 'active').map(([, task]) => task),
      reserved: found.filter(([state]) => state === 'reserved').map(([, task]) => task),
    }
  }
  if (/^(en|dis)able_events$/.test(method))
    return { events: ['task events already enabled', 'task events disabled'].includes(payload?.ok) }
  const terminated = /^terminate: (?!tasks unknown)(.*)$/.exec(String(payload?.ok))?.[1]
  if (terminated !== undefined) return { active: terminated.split(', ').map((id) => ({ id })) }
  if (/ revoked$/.test(String(payload?.ok)))
    return { active: [{ id: 'x', stamps: { monitoring_id: 'm-1' } }] }
  return {}
}

const read = ({ payload }: Captured): Request => {
  const decoded = decodeRequest(payload)
  if (Either.isLeft(decoded)) throw new Error(decoded.left)
  return decoded.right
}

const parsed = (raw: string): any => {
  const { body, properties, ...rest } = JSON.parse(raw)
  const { delivery_tag: _, ...known } = properties
  return { ...rest, properties: known, body: parseJson(Buffer.from(body, 'base64').toString()) }
}

describe('captured control messages', () => {
  it('are all known here', () => {
    expect([...Object.keys(compared), ...withoutCases].sort()).toEqual([...files].sort())
  })

  describe.each(Object.keys(compared))('of %s', (file) => {
    it('are read, and written as they were', () => {
      for (const { request, replies } of casesOf(file)) {
        const known = read(request)
        const { method, arguments: args, ticket, replyTo, destination, pattern, matcher } = known
        expect({ method, args }).toEqual({ method: request.body.method, args: request.body.arguments })
        const { clock, expires } = request.envelope.headers
        const ours = encodeRequest(method, args, {
          exchange: 'celery.pidbox',
          clock,
          expires,
          destination,
          pattern,
          matcher,
          ...(ticket !== null && replyTo !== null && { reply: { ticket, to: replyTo } }),
        })
        expect(parsed(ours)).toEqual(parsed(request.payload))
        for (const reply of replies) {
          const told = decodeReply(reply.payload)
          expect(told).toBeDefined()
          expect({ [told!.node]: told!.payload }).toEqual(reply.body)
          expect(told!.ticket).toBe(ticket)
          const again = encodeReply(told!.node, told!.payload, told!.ticket, replyTo!, told!.clock)
          expect(parsed(again)).toEqual(parsed(reply.payload))
        }
      }
    })

    if (typeof compared[file] === 'object') return
    it('are answered alike', async () => {
      for (const { request, replies } of casesOf(file))
        for (const reply of replies) {
          const [node, payload] = Object.entries(reply.body)[0]!
          // Python's own words for arguments that a command does not take; ours takes what it knows.
          if (/unexpected keyword argument/.test(payload?.error)) continue
          const known = read(request)
          expect(concerns(known, node)).toBe(true)
          const ours = await answer(fakeNode(node, stateFrom(known.method, payload)), known)
          const travelled = JSON.parse(JSON.stringify(ours))
          if (compared[file] === 'same') expect(travelled).toEqual(payload)
          else if (known.method === 'dump_conf' || known.method === 'dump_tasks') expect(travelled).toBeDefined()
          else expect(shapeOf(withoutPool(travelled))).toEqual(shapeOf(withoutPool(payload)))
        }
    })
  })

  it('that differ say why', () => {
    for (const how of Object.values(compared)) if (typeof how === 'object') expect(how.differs).not.toBe('')
  })
})
