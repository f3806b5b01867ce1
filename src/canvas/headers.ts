// Custom headers stand among those of the protocol, and a Python worker lays them all over its request object:
// some names are taken.
import { InvalidSignature } from '../errors.js'

const words = (text: string): readonly string[] => text.split(' ')

/** Headers that every message has. */
const protocol = words(
  'lang task id shadow eta expires group group_index retries timelimit root_id parent_id argsrepr kwargsrepr ' +
    'origin ignore_result replaced_task_nesting stamped_headers stamps compression redelivered lovage_signature',
)

/** What else a request of Python's is made of. */
const pythonRequest = words(
  'args kwargs headers properties delivery_info hostname reply_to correlation_id callbacks errbacks chain chord ' +
    'children taskset is_eager called_directly utc loglevel logfile meth update get clear as_execution_options',
)

const taken: ReadonlySet<string> = new Set([...protocol, ...pythonRequest])

/** The words of the protocol; all others are custom headers and travel on. */
export const protocolHeaders: ReadonlySet<string> = new Set(protocol)

/** Refuses a header that would say something else than its sender means. */
export function checkHeaders(headers: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(headers))
    if (taken.has(name))
      throw new InvalidSignature(
        `The header "${name}" has a meaning of its own in a message. Use another name, such as "x-${name}".`,
      )
}
