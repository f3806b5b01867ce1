// The events that tasks send themselves. Whatever is in them is laid over a Python monitor's records, so that some
// names would break it, and with it every Python worker that listens.
import { InvalidUsage } from '../errors.js'
import type { Fields } from './events.js'
import { isDict, show } from './fields.js'

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '))

/** What the worker says itself. */
const workersOwn = words('sent received started succeeded failed retried revoked rejected cancelled multi')

const written = words('type hostname timestamp utcoffset pid clock uuid local_received')

const monitors = words(
  'alive id status_string heartbeat_expires heartbeats event update state children parent root ready origin info ' +
    'cluster_state as_dict worker',
)

/** Throws InvalidUsage. */
export const checkOwnEvent = (type: string, fields: Fields): void => {
  if (typeof type !== 'string' || !/^[a-z][a-z0-9_]*(-[a-z0-9_]+)+$/.test(type))
    throw new InvalidUsage(
      `this.sendEvent: expected a type such as "task-progress" (lower case, a group and a subject), got ${show(type)}.`,
    )
  const [group, subject = ''] = type.split('-', 2)
  if (group === 'worker')
    throw new InvalidUsage(
      `this.sendEvent: "${type}": events of the group worker are the worker's own, and steer Python workers. Use "task-${subject}".`,
    )
  if (group === 'task' && workersOwn.has(subject) && type === `task-${subject}`)
    throw new InvalidUsage(`this.sendEvent: "${type}" is sent by the worker. Use another type.`)
  if (!isDict(fields))
    throw new InvalidUsage(
      `this.sendEvent: expected the fields of ${type} as an object, got ${show(fields)}.`,
    )
  for (const name of Object.keys(fields))
    if (written.has(name) || monitors.has(name))
      throw new InvalidUsage(
        `this.sendEvent: the field "${name}" of ${type} has a meaning of its own in ${written.has(name) ? 'every event' : 'the records of monitors'}. Use another name.`,
      )
}
