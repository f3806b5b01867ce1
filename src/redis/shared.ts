// Queues that Python workers consume as well: what Celery's recovery needs to find of a message that we hold,
// and what a redelivered message says of itself there. Pure.
//
// The entry in kombu's `unacked` is the token of a shared message: whoever takes it away (we at the end, our
// reaper, a Python sweep) has the message, and everybody else's end is refused. On own queues nobody writes it.
import { valueAt, withMember } from './json-text.js'

/** Which queues are shared, and when a Python worker's hold on a message of theirs is over. */
export interface Sharing {
  readonly queues: ReadonlySet<string>
  /** Seconds; never less than that of the Python workers. */
  readonly visibilityTimeout: number
}

export const nothingShared: Sharing = { queues: new Set(), visibilityTimeout: 3600 }

/** Before our tags in `unacked`; then the consumer and the number of its claim. */
const tagPrefix = 'lv:'

export const isOurTag = (tag: string): boolean => tag.startsWith(tagPrefix)

export const tagsOf = (consumer: string): string => `${tagPrefix}${consumer}:`

export const unackedTag = (consumer: string, field: string): string =>
  tagsOf(consumer) + Number.parseInt(field, 10)

/**
 * Does a field of a consumer's hash have its entry in `unacked`? `s` says that it was claimed so; an early
 * acknowledgement (`e`), the end of a run (`j`) and a gate (`g`) take the entry away. The scripts decide the same.
 */
export const isListed = (field: string): boolean => /s[a-z]*$/.test(field) && !/[ejg]/.test(field)

/** What is known of a shared message's earlier deliveries. */
export interface Past {
  readonly attempts: number
  /** `m`: a delivery before may have started; nobody knows. */
  readonly flag: '-' | 'm'
  readonly worker: string
}

const noteKey = 'lovage_past'

/** Marked as Celery does (header and delivery_info), with what our reaper knows beside it. */
export const markRedelivered = (raw: string, past?: Past): string => {
  const marked = withMember(raw, ['headers'], 'redelivered', 'true')
  const info = ['properties', 'delivery_info']
  const twice = withMember(marked, info, 'redelivered', 'true')
  if (past === undefined) return twice
  return withMember(twice, info, noteKey, JSON.stringify(`${past.attempts} ${past.flag} ${past.worker}`))
}

/** Null: never delivered before. Redelivered by Python, nobody knows how far it had come. */
export const pastOf = (raw: string): Past | null => {
  if (!raw.includes('redelivered')) return null
  const info = ['properties', 'delivery_info']
  const note = valueAt(raw, [...info, noteKey])
  const [, attempts, flag, worker] =
    /^(\d{1,9}) ([-m]) (.*)$/.exec(typeof note === 'string' ? note : '') ?? []
  if (attempts !== undefined)
    return { attempts: Number(attempts), flag: flag as Past['flag'], worker: worker as string }
  const marked =
    valueAt(raw, ['headers', 'redelivered']) === true || valueAt(raw, [...info, 'redelivered']) === true
  return marked ? { attempts: 0, flag: 'm', worker: '-' } : null
}
