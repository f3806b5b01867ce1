// What is told to whoever watches: events of workers and of tasks, as Celery has them. Names are those of the wire,
// since anybody adds fields of their own. One table says what each type of event has: the types are read from it, and
// so is the check of what comes from outside, so that `event.runtime` is a number where the compiler says so.

export type Fields = Readonly<Record<string, unknown>>

interface Kinds {
  readonly text: string
  readonly number: number
  readonly flag: boolean
  /** A signal, by number; by name where this machine does not know it. */
  readonly signal: number | string
  readonly numbers: readonly number[]
}
type Kind = keyof Kinds

/** With a question mark: may be null, or missing. */
type Shape = Readonly<Record<string, Kind | `${Kind}?`>>

/** `freq`: seconds from one heartbeat to the next. Tasks: that run now, that were started so far. Loads of 1, 5, 15 minutes. */
const worker = {
  freq: 'number?',
  active: 'number?',
  processed: 'number?',
  loadavg: 'numbers?',
  sw_ident: 'text?',
  sw_ver: 'text?',
  sw_sys: 'text?',
} as const satisfies Shape

/** Every event of a task has its id. */
const task = { uuid: 'text' } as const satisfies Shape

/** Arguments are text, as Python would print them, or as the sender wants them shown; moments are ISO 8601. */
const message = {
  ...task,
  name: 'text',
  args: 'text',
  kwargs: 'text',
  root_id: 'text?',
  parent_id: 'text?',
  retries: 'number?',
  eta: 'text?',
  expires: 'text?',
} as const satisfies Shape

const error = { ...task, exception: 'text', traceback: 'text?' } as const satisfies Shape

const shapes = {
  'worker-online': worker,
  'worker-heartbeat': worker,
  'worker-offline': worker,
  'task-sent': { ...message, queue: 'text?', exchange: 'text?', routing_key: 'text?' },
  'task-received': message,
  'task-started': task,
  /** The result as Python would print it, cut; seconds. */
  'task-succeeded': { ...task, result: 'text', runtime: 'number' },
  'task-failed': error,
  'task-retried': error,
  'task-rejected': { ...task, requeue: 'flag' },
  'task-revoked': { ...task, terminated: 'flag', expired: 'flag', signum: 'signal?' },
  /** It was aborted, and its message goes back: it runs again. */
  'task-cancelled': task,
} as const satisfies Readonly<Record<string, Shape>>

type Needed<S> = keyof { [K in keyof S as S[K] extends Kind ? K : never]: 0 }
type FieldsOf<S> = {
  readonly [K in keyof S as K extends Needed<S> ? K : never]: S[K] extends Kind ? Kinds[S[K]] : never
} & {
  readonly [K in keyof S as K extends Needed<S> ? never : K]?: S[K] extends `${infer N extends Kind}?`
    ? Kinds[N] | null
    : never
}

/** What every event has. */
interface Common<T extends string> {
  /** `worker-heartbeat`, `task-succeeded`. */
  readonly type: T
  /** The node that sent it: a worker's name, or `gen<pid>@<host>` of a client. */
  readonly hostname: string
  /** Unix seconds, by the sender's clock. */
  readonly timestamp: number
}

/** An event that may be any: of yours, such as `task-progress` (`this.sendEvent`), or of those to come. */
export interface OwnEvent<T extends string = string> extends Common<T> {
  readonly [field: string]: unknown
}

/** Types of events that Celery has. */
export type EventType = keyof typeof shapes

type Known<T extends EventType> = Flat<
  Common<T> & {
    readonly pid?: number | null
    /** A Lamport clock: among the events of one worker, the order in which they happened. */
    readonly clock?: number | null
  } & FieldsOf<(typeof shapes)[T]>
>

/** So that an editor shows the fields. */
type Flat<T> = { [K in keyof T]: T[K] }

/** The event of a type; `'*'` is any. Types of your own have what you gave them. */
export type EventOf<T extends string> = T extends '*'
  ? OwnEvent
  : T extends EventType
    ? Known<T>
    : OwnEvent<T>

/** Any of Celery's events; its `type` says which, and what else it has. */
export type Event = { [T in EventType]: EventOf<T> }[EventType]

export const eventTypes = Object.keys(shapes) as readonly EventType[]

const checks: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === 'string',
  number: Number.isFinite,
  flag: (value) => typeof value === 'boolean',
  signal: (value) => typeof value === 'string' || Number.isFinite(value),
  numbers: (value) => Array.isArray(value) && value.every(Number.isFinite),
}

const common: Shape = { pid: 'number?', clock: 'number?' }

/** The field that is not as it should be; undefined where all is well, or nobody knows. */
export const flawOf = (event: OwnEvent): string | undefined => {
  if (!Object.hasOwn(shapes, event.type)) return undefined
  const shape: Shape = { ...common, ...shapes[event.type as EventType] }
  return Object.keys(shape).find((name) => {
    const spelled = shape[name] as Kind | `${Kind}?`
    const kind = spelled.replace('?', '') as Kind
    const value = event[name] ?? undefined
    return value === undefined ? spelled === kind : !checks[kind](value)
  })
}

/** Sends an event of a task's own. Never rejects: a task does not fail because nobody could be told of it. */
export type SendEvent = (type: string, fields: Fields) => Promise<void>

/** `task` of `task-received`. */
export const groupOf = (type: string): string => type.split('-', 1)[0] as string

/** Where it is said: `task.received`. */
export const routingKeyOf = (type: string): string => type.replaceAll('-', '.')
