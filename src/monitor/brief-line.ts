// An event as people read it: when, who, what, of which task. `lovage events` without --dump.
import type { OwnEvent } from '../runtime/events.js'
import { Memory } from './memory.js'

const mostNames = 4095

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** What is worth a word of each type, beside the task. */
const details: Readonly<Record<string, (event: OwnEvent) => string>> = {
  'task-received': ({ args, kwargs, eta }) =>
    [args, kwargs === '{}' ? '' : kwargs, text(eta) === '' ? '' : `eta ${text(eta)}`]
      .filter((part) => part !== '')
      .join(' '),
  'task-sent': ({ args, queue }) => `${text(args)} → ${text(queue)}`,
  'task-succeeded': ({ result, runtime }) => `${text(result)} in ${Number(runtime).toFixed(3)} s`,
  'task-failed': ({ exception }) => text(exception),
  'task-retried': ({ exception }) => text(exception),
  'task-rejected': ({ requeue }) => (requeue === true ? 'queued again' : 'not queued again'),
  'task-revoked': ({ expired, terminated }) =>
    expired === true ? 'expired' : terminated === true ? 'terminated' : '',
  'task-started': () => '',
  'task-cancelled': () => 'aborted: it goes back to its queue',
  'worker-offline': () => '',
  'worker-online': ({ sw_ident, sw_ver }) => `${text(sw_ident)} ${text(sw_ver)}`,
}

const written = new Set(['type', 'hostname', 'timestamp', 'utcoffset', 'pid', 'clock', 'uuid'])

const own = (event: OwnEvent): string =>
  Object.entries(event)
    .filter(([name]) => !written.has(name))
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(' ')

/** Makes lines, one after the other; undefined for a heartbeat, of which there are too many to be read. */
export const briefMaker = (): ((event: OwnEvent) => string | undefined) => {
  const names = new Memory<string>(mostNames)
  return (event) => {
    const { type, hostname, timestamp, uuid, name } = event
    if (type === 'worker-heartbeat') return undefined
    if (typeof uuid === 'string' && typeof name === 'string') names.set(uuid, name)
    const when = new Date(timestamp * 1000).toTimeString().slice(0, 8)
    const task = typeof uuid === 'string' ? `${names.get(uuid) ?? '?'}[${uuid}]` : ''
    const detail = (Object.hasOwn(details, type) ? details[type] : undefined) ?? own
    return [when, hostname, type.padEnd(14), task, detail(event)].filter((part) => part !== '').join('  ')
  }
}
