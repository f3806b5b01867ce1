// What an enemy would say on the channels: to who waits for a result, and to a worker that listens to remote control.
// Never what is plainly obeyed (a final result, a shutdown): who may write there may do that.
import { encodeRequest, pidboxOf } from '../../../src/runtime/control/pidbox.js'
import { mutate, twist } from './mutate.js'
import type { Random } from './random.js'

const texts = [
  '',
  'null',
  '{',
  '[]',
  '{"status": 1}',
  '{"status": "SUCCESS"}',
  '{"status": "SUCCESS", "result": ',
]

/** Anything but a final result. */
export const hostileResult = (id: string, random: Random): string | Buffer => {
  const passing = { status: 'STARTED', result: { pid: 1 }, traceback: null, children: [], task_id: id }
  return random.pick<() => string | Buffer>([
    () => random.pick(texts),
    () => JSON.stringify(twist(passing, random)),
    () => mutate(JSON.stringify(passing), random),
  ])()
}

const commands: readonly (readonly [method: string, args: Readonly<Record<string, unknown>>])[] = [
  ['ping', {}],
  ['active', { safe: true }],
  ['scheduled', {}],
  ['registered', { taskinfoitems: ['rate_limit'] }],
  ['query_task', { ids: ['a', 'b'] }],
  ['hello', { from_node: 'other@host', revoked: { a: [1, 'a'] } }],
  ['conf', { with_defaults: true }],
  ['stats', {}],
  ['time_limit', { task_name: 'faults.poison', soft: 1, hard: 2 }],
  ['rate_limit', { task_name: 'faults.poison', rate_limit: '10/m' }],
  ['revoke', { task_id: ['nobody'], terminate: true, signal: 'TERM' }],
  ['revoke_by_stamped_headers', { headers: { x: ['y'] }, terminate: true }],
  ['enable_events', {}],
  ['disable_events', {}],
  ['election', { id: '1', topic: 'nothing', action: null }],
  ['nosuchcommand', {}],
]

const targets = [
  {},
  { destination: ['celery@nowhere'] },
  { pattern: '*', matcher: 'glob' },
  { pattern: '(.+)+!', matcher: 'pcre' },
  { pattern: '(', matcher: 'pcre' },
] as const

/** A request that does no harm, or what became of one. */
export const hostileRequest = (random: Random): string | Buffer => {
  const [method, args] = random.pick(commands)
  const reply = { ticket: 'ticket', to: { exchange: 'reply.celery.pidbox', routingKey: 'nobody' } }
  const options = { exchange: pidboxOf('celery'), clock: 1, expires: 0, ...random.pick(targets) }
  return mutate(
    encodeRequest(method, args, random.whole(0, 1) === 0 ? options : { ...options, reply }),
    random,
  )
}
