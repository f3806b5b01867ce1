// Every setting that works: one row each, with its default, what it does and its decoder. Names and
// meanings are Celery's (in camelCase) unless the text begins with "Ours". Times are seconds.
// What Celery has and this library has not stands in config-celery.ts, each with its sentence.
import { right } from './either.js'
import {
  always,
  flag,
  hiddenText,
  isRecord,
  listOfTexts,
  oneOf,
  orNull,
  refuse,
  seconds,
  text,
  wholeNumber,
} from './config-decode.js'
import {
  type BackendTransportOptions,
  type BrokerTransportOptions,
  decodeBackendOptions,
  decodeBrokerOptions,
} from './config-options.js'
import { decodeRate, type Rate } from './config-rate.js'
import { decodeRetryPolicy, type PublishRetryPolicy } from './config-publish.js'
import {
  decodeQueues,
  decodeRoutes,
  type QueueSettings,
  type Router,
  type TaskQueues,
  type TaskRoutes,
} from './config-routes.js'
import { fixed, open, row } from './config-row.js'
import {
  accepted,
  hmacKeys,
  json,
  onlyJson,
  type PoolSetting,
  pool,
  scheduler,
  serializer,
  zlib,
  zone,
} from './config-words.js'

const noQueues: ReadonlyMap<string, QueueSettings> = new Map()
const limit = orNull(seconds('more'))

export const table = {
  // -- General
  imports: row(listOfTexts, [], 'Modules that `lovage worker` loads beside the one of -A.'),
  include: row(listOfTexts, [], 'More of the same, loaded after `imports`.'),
  acceptContent: row<readonly ('json' | 'auth')[], readonly string[]>(
    accepted,
    ['json'],
    'Forms of messages that are read: `json`, and `auth` (signed JSON). `["auth"]` refuses what is not signed.',
  ),
  timezone: row(zone, 'UTC', 'Zone in which calendar schedules are reckoned.'),
  enableUtc: fixed(
    always(true, 'times on the wire carry their offset, so every peer agrees'),
    true,
    'Times on the wire are UTC.',
  ),

  // -- Broker
  brokerUrl: open(
    hiddenText,
    'Where messages go: redis://, rediss://, redis+socket://, sentinel://, rediss+sentinel://, memory://. Not given: LOVAGE_BROKER_URL, then CELERY_BROKER_URL.',
  ),
  brokerTransportOptions: row<BrokerTransportOptions>(
    decodeBrokerOptions,
    {},
    'globalKeyPrefix and queueOrderStrategy; masterName and sentinelKwargs for sentinels. (visibilityTimeout is for shared queues: see there.)',
  ),
  brokerConnectionTimeout: row(
    seconds('more'),
    4,
    'Seconds that a publish or a read may take before it is an OperationalError.',
  ),
  brokerConnectionRetry: fixed(
    always(true, 'a worker waits until its broker is back'),
    true,
    'Reconnect after a loss.',
  ),
  brokerConnectionRetryOnStartup: row(
    flag,
    true,
    '`lovage worker` waits until its broker is there, and says so; false ends it with exit code 1.',
  ),
  brokerConnectionMaxRetries: fixed(
    always(null, 'a worker never gives its broker up', [0]),
    null,
    'Attempts before a worker gives up: null is never. (Celery: 100)',
  ),

  // -- Tasks
  taskAcksLate: row(
    flag,
    true,
    'Acknowledge after execution, so that a crash loses nothing. (Celery: false)',
  ),
  taskAcksOnFailureOrTimeout: row(
    flag,
    true,
    'A task that ran into its hard limit has ended; false puts its message back. (One that failed has ended anyway.)',
  ),
  taskRejectOnWorkerLost: row(flag, true, 'A task whose process died runs again. (Celery: false)'),
  taskCompression: row<'zlib' | null, 'zlib' | 'gzip' | null>(orNull(zlib), null, 'Compression of messages.'),
  taskCreateMissingQueues: row(
    flag,
    true,
    'A queue that is not in taskQueues may be used; false makes it QueueNotFound.',
  ),
  taskDefaultQueue: row(text, 'celery', 'Queue of tasks without a route.'),
  taskDefaultExchange: row(orNull(text), null, 'Exchange of the default queue; null is its name.'),
  taskDefaultExchangeType: fixed(oneOf('direct'), 'direct', 'Type of that exchange.'),
  taskDefaultRoutingKey: row(orNull(text), null, 'Routing key of the default queue; null is its name.'),
  taskDefaultPriority: row(
    orNull(wholeNumber(0, 9)),
    null,
    'Priority of messages without one: 0 (most urgent) to 9; null is 0.',
  ),
  taskAllowErrorCbOnChordHeader: row(
    flag,
    false,
    "A chord's errbacks are called for each header task that fails, too, and not only for the body.",
  ),
  canvasMaxDepth: row(
    wholeNumber(1),
    1000,
    'Ours. How deep signatures may stand in each other; what is deeper is refused before it is sent.',
  ),
  canvasMaxLevels: row(
    wholeNumber(30, 1000),
    290,
    'Ours. How many levels of JSON (lists and objects in each other) a canvas may make of one message. What our workers read goes by reference before it is that deep; Python has to read it all, so that what is deeper is refused before it is sent. Raise it for all workers that read such messages.',
  ),
  canvasMaxSize: row(
    wholeNumber(1),
    1_000_000,
    'Ours. How many signatures one canvas may have; more are refused before anything is sent.',
  ),
  taskInheritParentPriority: row(
    flag,
    false,
    'The next step of a chain and a callback have the priority of the task before, whatever they say; what a task sends, what replaces it, bodies and errbacks have it unless they say one.',
  ),
  taskIgnoreResult: row(flag, false, 'Do not store results.'),
  taskStoreErrorsEvenIfIgnored: row(flag, false, 'But store failures.'),
  taskPublishRetry: row(
    flag,
    true,
    'Try a publish again when the broker cannot be reached; false makes it one attempt.',
  ),
  taskPublishRetryPolicy: row<PublishRetryPolicy | null>(
    orNull(decodeRetryPolicy),
    null,
    'How often, and with which pauses; null is for brokerConnectionTimeout. (Celery: 3 times, 0.6 s in all)',
  ),
  taskQueues: row<ReadonlyMap<string, QueueSettings>, TaskQueues | null>(
    (value, at) => (value === null ? right(noQueues) : decodeQueues(value, at)),
    noQueues,
    'Queues by name; a worker without -Q consumes them all. None: only the default queue.',
  ),
  taskRoutes: row<readonly Router[], TaskRoutes | null>(
    (value, at) => (value === null ? right([]) : decodeRoutes(value, at)),
    [],
    'Which queue a task goes to: names, names with `*`, RegExps, functions.',
  ),
  taskSerializer: row<'json' | 'auth', string>(
    serializer,
    'json',
    'Form of messages that are written: `json`, or `auth` (signed JSON).',
  ),
  taskSoftTimeLimit: row(limit, null, 'Seconds after which `this.signal` of a task aborts.'),
  taskTimeLimit: row(limit, null, 'Seconds after which a task is a failure.'),
  taskTrackStarted: row(flag, false, 'Store the state STARTED.'),

  // -- Results
  resultBackend: open(
    hiddenText,
    'Where results go; not given: LOVAGE_RESULT_BACKEND, then CELERY_RESULT_BACKEND, then the Redis of the broker.',
  ),
  resultBackendTransportOptions: row<BackendTransportOptions>(
    decodeBackendOptions,
    {},
    'globalKeyPrefix; masterName and sentinelKwargs for sentinels.',
  ),
  resultExpires: row<number, number | null>(
    (value, at) => (value === null ? right(0) : seconds()(value, at)),
    86_400,
    'Seconds until a result vanishes; 0 or null keeps it for ever.',
  ),
  resultExtended: row(
    flag,
    false,
    'Store name, arguments, worker, retries and queue with the result, and for graph() which tasks a header had, and where stood what never ran.',
  ),
  resultSerializer: fixed<'json', string>(json, 'json', 'Form of results that are written.'),
  resultAcceptContent: fixed<readonly 'json'[] | null, readonly string[] | null>(
    orNull(onlyJson),
    null,
    'Forms of results that are read; null is acceptContent.',
  ),

  // -- Security
  securityKey: row(
    orNull(hiddenText),
    null,
    'Private RSA key to sign with (`auth`): a PEM file or its text.',
  ),
  securityKeyPassword: row(orNull(hiddenText), null, 'Password of that key.'),
  securityCertificate: row(orNull(text), null, 'Certificate of that key: a PEM file or its text.'),
  securityCertStore: row(
    orNull(text),
    null,
    'Trusted certificates (`auth`): a directory, or files such as `/etc/certs/*.pem`.',
  ),
  securityDigest: row(
    oneOf('sha224', 'sha256', 'sha384', 'sha512'),
    'sha256',
    'Digest of signatures by certificate.',
  ),
  securityHmacKey: row<readonly string[], string | readonly string[]>(
    hmacKeys,
    [],
    'Ours: secret of queues that are `signed: "hmac"`; of several the first signs, and all are accepted.',
  ),
  securityHmacMaxAge: row(
    orNull(seconds('more')),
    604_800,
    'Ours: seconds that an HMAC signature counts, from sending or eta; null is for ever. Redeliveries are exempt.',
  ),

  // -- Worker
  workerConcurrency: row(
    orNull(wholeNumber(1)),
    null,
    'Tasks at the same time; null is the number of cores for prefork and threads, 100 for fiber, 1 for solo.',
  ),
  workerPool: row<PoolSetting | null, PoolSetting | 'processes' | 'gevent' | 'eventlet' | null>(
    orNull(pool),
    null,
    'What runs tasks: prefork (child processes), threads, fiber (many on the event loop) or solo (one at a time). null is prefork for `lovage worker` (fiber on memory://) and fiber for app.worker(). (Celery: prefork)',
  ),
  workerMaxTasksPerChild: row(
    orNull(wholeNumber(1)),
    null,
    'Tasks after which a child of prefork or threads is replaced; null is never.',
  ),
  workerMaxMemoryPerChild: row(
    orNull(wholeNumber(1)),
    null,
    'KiB of memory above which a child is replaced when its task has ended; null is without limit.',
  ),
  workerProcAliveTimeout: row(
    seconds('more'),
    30,
    'Seconds that a new child may take to load its modules (Celery forks one that has them, and waits 4); then it is killed and another one started.',
  ),
  workerLoopBlockedWarning: row<number | null>(
    orNull(seconds('more')),
    1,
    'Ours: seconds that a task may block the event loop of the pool fiber until it is named in the log; null is for ever.',
  ),
  workerPrefetchMultiplier: row(
    wholeNumber(1),
    1,
    'Messages held for each slot, the running one included. (Celery: 4) With prefork and threads a few more for some milliseconds, while tasks are quick: docs/pools.md.',
  ),
  workerDisablePrefetch: row(
    flag,
    false,
    'Claim for free slots only, whatever the multiplier says and however quick tasks are.',
  ),
  workerDirect: row(
    flag,
    false,
    'Consume a queue of its own as well, `<node name>.dq2` at the exchange `C.dq2`: what is sent there only this worker runs.',
  ),
  workerPoolRestarts: row(
    flag,
    false,
    '`control pool_restart` replaces the children of prefork and threads, each when its task has ended: new ones load their modules again.',
  ),
  workerSoftShutdownTimeout: row(
    seconds(),
    0,
    'Seconds that a cold shutdown lets running tasks end by themselves.',
  ),
  workerLogColor: row(orNull(flag), null, 'Colours in the log; null is on a terminal only.'),
  workerLogFormat: row(oneOf('text', 'json'), 'text', "Ours: text is Celery's line, json one object a line."),

  // -- Beat
  beatSchedule: row<Readonly<Record<string, unknown>>, Readonly<Record<string, object>>>(
    (value, at) =>
      isRecord(value)
        ? right(value)
        : refuse(at, '{ name: { task, schedule, args, kwargs, options } }', value),
    {},
    'Periodic work in the form of Python’s beat_schedule; app.beat.add knows more.',
  ),
  beatScheduler: row<'redis' | 'memory' | 'file' | null, string | null>(
    scheduler,
    null,
    'Where entries lie: null is the broker, "file" is beatScheduleFilename.',
  ),
  beatScheduleFilename: row(
    orNull(text),
    null,
    'A file for entries and what became of them; given, they lie there and not in the broker.',
  ),
  beatMaxLoopInterval: row(seconds(), 0, 'The longest sleep of a beat, in seconds; 0 is 300.'),

  // -- Remote control
  workerEnableRemoteControl: row(
    flag,
    true,
    'Answer `inspect` and `control`; false leaves out one connection. Revoking works all the same.',
  ),
  controlExchange: row(text, 'celery', 'Name before `.pidbox` of the exchange of remote control.'),

  // -- Events
  workerSendTaskEvents: row(
    flag,
    false,
    'Tell whoever watches what becomes of tasks, from the start: `worker -E`.',
  ),
  taskSendSentEvent: row(flag, false, 'Who sends a task tells of it: `task-sent`.'),
  eventExchange: row(text, 'celeryev', 'Name of the exchange of events.'),
  eventSerializer: fixed<'json', string>(json, 'json', 'Form of events.'),

  // -- Leases, rates, deliveries
  workerLease: row(
    // Its thread renews it each quarter of it, and no more often than each 0.2 s.
    seconds(1),
    20,
    'Ours: seconds after which a worker that fell silent loses its messages to the others; at least 1.',
  ),
  taskDefaultRateLimit: row<Rate>(
    decodeRate,
    null,
    'Starts in each worker of tasks without a rateLimit: `"10/m"`, `"5/s"`, or a number of starts in a second.',
  ),
  workerDisableRateLimits: row(flag, false, 'Ignore all rate limits of tasks.'),
  visibilityTimeout: row(
    orNull(seconds('more')),
    null,
    'Ours: seconds after which a message of a shared queue that a Python worker holds is given to others; not less ' +
      'than theirs. null is that of brokerTransportOptions, else 3600. Own queues need none.',
  ),
  maxDeliveries: row(
    wholeNumber(1),
    5,
    'Ours: starts without an end after which a message is a dead letter.',
  ),
  workerRevokesMax: row(wholeNumber(1), 50_000, 'Ours: revoked tasks that are remembered, the newest.'),
  workerRevokeExpires: row(
    seconds('more'),
    604_800,
    'Ours: seconds that a revoked task is remembered (7 days; Celery: 3 hours, in memory).',
  ),
  deadLetterMax: row(wholeNumber(0), 10_000, 'Ours: dead letters that are kept.'),
  deadLetterExpires: row(seconds('more'), 2_592_000, 'Ours: seconds that a dead letter is kept (30 days).'),
}
