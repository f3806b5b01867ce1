// An event as one line, as `celery events --dump` prints it: whoever greps it finds what they look for.
import type { OwnEvent } from '../runtime/events.js'
import { Memory } from './memory.js'

/** The task's name and arguments are told once, and shown with all that comes later of it. */
const mostNames = 4095

const humanTypes: Readonly<Record<string, string>> = {
  'worker-offline': 'shutdown',
  'worker-online': 'started',
  'worker-heartbeat': 'heartbeat',
}

/** Makes lines, one after the other: it remembers what a task is called. */
export const lineMaker = (): ((event: OwnEvent) => string) => {
  const names = new Memory<string>(mostNames)
  const taskOf = (event: OwnEvent): string => {
    const of = (name: string): string => python(event[name], false)
    const uuid = of('uuid')
    if (event.type !== 'task-received' && event.type !== 'task-sent') return names.get(uuid) ?? ''
    const text = `${of('name')}(${uuid}) args=${of('args')} kwargs=${of('kwargs')}`
    names.set(uuid, text)
    return text
  }
  return (event) => {
    const { timestamp, type: spelled, hostname, ...fields } = event
    const type = spelled.toLowerCase()
    const isTask = type.startsWith('task-')
    const task = isTask ? ` ${taskOf({ ...event, type })}` : ''
    const told = isTask ? ['uuid'] : []
    if (type === 'task-received' || type === 'task-sent') told.push('name', 'args', 'kwargs')
    const rest = Object.keys(fields)
      .filter((name) => !told.includes(name))
      .sort()
      .map((name) => `${name}=${python(fields[name], false)}`)
      .join(', ')
    const words = humanTypes[type] ?? type.replaceAll('-', ' ')
    return `${hostname} [${moment(timestamp)}] ${words}${rest === '' ? '' : ':'}${task} ${rest}`
  }
}

/** As Python rounds: halves to the even neighbour. */
const round = (value: number): number => {
  const below = Math.floor(value)
  return value - below === 0.5 ? below + (below % 2) : Math.round(value)
}

/**
 * `2026-11-20 21:29:45.807202+00:00`; whole seconds have no fraction. Python's own way to it, since a number that is
 * multiplied as a whole comes out one microsecond off now and then.
 */
const moment = (seconds: number): string => {
  const full = Math.floor(seconds)
  const micros = round((seconds - full) * 1e6)
  const whole = new Date((full + (micros === 1e6 ? 1 : 0)) * 1000)
    .toISOString()
    .slice(0, 19)
    .replace('T', ' ')
  const fraction = micros % 1e6
  return `${whole}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}+00:00`
}

/** Python turns to exponents sooner, and writes two digits there. */
const number = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential().replace(/e-(\d)$/, 'e-0$1') : String(value)

/** As Python prints it; what stands inside of something else is quoted. */
const python = (value: unknown, inside = true): string => {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') return inside ? `'${value.replaceAll("'", "\\'")}'` : value
  if (Array.isArray(value)) return `[${value.map((item) => python(item)).join(', ')}]`
  if (typeof value === 'number') return number(value)
  if (typeof value === 'bigint') return String(value)
  // Dates and their kin write themselves.
  if (typeof value !== 'object' || 'toJSON' in value) return JSON.stringify(value) ?? 'None'
  return `{${Object.entries(value)
    .map(([key, item]) => `${python(key)}: ${python(item)}`)
    .join(', ')}}`
}
