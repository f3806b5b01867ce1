// Celery's settings that this library does not have. Those without effect may stay in a configuration that
// is brought along (they have no effect on Redis in Celery either, or guard against what cannot happen
// here); the others are refused with a sentence that says what to do. And the older names of settings.

const amqp = 'it has no effect on Redis'
const oneConnection = 'one connection carries everything, and results are not cached in a client'
const joined = 'chords are joined by the last part, in one step: nobody polls'
const anyway =
  'done without asking: a store that is away is tried again, a message that was completed is not run again'
const waiting = 'waiting tasks lie in Redis and not in the worker'
const idle = 'a worker that runs nothing holds nothing that a wait could save: it ends at once'
const tick = 'a tick is written with its fire'
const logging = "it is about Python's logging"
const revoked = 'what is revoked lies in the broker, and outlives the worker there'

/** Any value is accepted; nothing would change, for this reason. */
export const withoutEffect: Readonly<Record<string, string>> = {
  brokerHeartbeat: amqp,
  brokerHeartbeatCheckrate: amqp,
  brokerLoginMethod: amqp,
  taskCreateMissingQueueType: amqp,
  taskCreateMissingQueueExchangeType: amqp,
  taskDefaultQueueType: amqp,
  taskDefaultDeliveryMode: amqp,
  taskQueueMaxPriority: amqp,
  workerDetectQuorumQueues: amqp,
  resultPersistent: amqp,
  resultExchange: amqp,
  resultExchangeType: amqp,
  eventQueuePrefix: 'whoever listens has a channel of Redis, and no queue',
  eventQueueTtl: amqp,
  eventQueueExpires: amqp,
  eventQueueExclusive: amqp,
  eventQueueDurable: amqp,
  controlQueueTtl: amqp,
  controlQueueExpires: amqp,
  controlQueueExclusive: amqp,
  controlQueueDurable: amqp,
  brokerPoolLimit: oneConnection,
  redisMaxConnections: oneConnection,
  resultCacheMax: oneConnection,
  resultCompression: oneConnection,
  resultChordJoinTimeout: joined,
  resultChordRetryInterval: joined,
  resultBackendAlwaysRetry: anyway,
  workerDeduplicateSuccessfulTasks: anyway,
  workerEtaTaskLimit: waiting,
  workerEnablePrefetchCountReduction: waiting,
  workerTimerPrecision: waiting,
  workerEnableSoftShutdownOnIdle: idle,
  beatSyncEvery: tick,
  workerHijackRootLogger: logging,
  workerStateDb: revoked,
}

const inUrl = (setting: string): string => `write it in ${setting}: redis://user:password@host:6379/0`
const connection = 'connections look after themselves here; leave it out'
const classes = 'it names a Python class; leave it out'
const printed =
  'what a task prints is a WARNING of the log in prefork and threads, and goes straight to the terminal in fiber and solo; log with `this.log`'

/** `but` are the values that are already true, and therefore accepted. */
export interface Refusal {
  readonly say: string
  readonly but: readonly unknown[]
}

const not = (say: string, ...but: readonly unknown[]): Refusal => ({ say, but: [null, ...but] })

export const refusals: Readonly<Record<string, Refusal>> = {
  brokerReadUrl: not('there is one broker, brokerUrl'),
  brokerWriteUrl: not('there is one broker, brokerUrl'),
  brokerTransport: not('the scheme of brokerUrl says it'),
  brokerFailoverStrategy: not('there is one broker, brokerUrl'),
  brokerChannelErrorRetry: not(connection, true, false),
  brokerUseSsl: not('write rediss:// or rediss+sentinel:// in brokerUrl', false),
  redisBackendUseSsl: not('write rediss:// or rediss+sentinel:// in resultBackend', false),
  redisHost: not(inUrl('resultBackend')),
  redisPort: not(inUrl('resultBackend')),
  redisDb: not(inUrl('resultBackend')),
  redisUsername: not(inUrl('resultBackend')),
  redisPassword: not(inUrl('resultBackend')),
  redisSocketTimeout: not(connection),
  redisSocketConnectTimeout: not('use brokerConnectionTimeout'),
  redisRetryOnTimeout: not(connection),
  redisSocketKeepalive: not(connection, true),

  taskAlwaysEager: not(
    "tasks are not run in place of sending them; in tests take broker: 'memory://'",
    false,
  ),
  taskEagerPropagates: not('there are no eager tasks', false),
  taskStoreEagerResult: not('there are no eager tasks', false),
  taskAnnotations: not('give the options where the task is made: app.task(name, fn, options)'),
  taskProtocol: not('protocol 2 is written (1 is read as well); leave it out', 2),
  taskRemoteTracebacks: not('an error carries the text of its traceback; leave it out', false),

  resultBackendMaxRetries: not('a worker tries until the store is back; leave it out'),
  resultBackendBaseSleepBetweenRetriesMs: not(connection),
  resultBackendMaxSleepBetweenRetriesMs: not(connection),

  workerPoolPutlocks: not('a child is given a task when it is idle, and never before; leave it out'),
  workerLostWait: not('that a child was lost is known at once, and what it said before counts; leave it out'),
  workerAutoscaler: not('it names a Python class; the bounds are `--autoscale=10,3`'),
  workerAgent: not(classes),
  workerConsumer: not(classes),
  workerTimer: not(classes),
  workerCancelLongRunningTasksOnConnectionLoss: not(
    'a worker that lost its lease always aborts what it ran, since another runs it by then; leave it out',
    true,
  ),
  workerTaskLogFormat: not('use workerLogFormat: "text" or "json"'),
  workerRedirectStdouts: not(printed, true),
  workerRedirectStdoutsLevel: not(printed, 'WARNING'),

  beatCronStartingDeadline: not(
    "a tick that was missed for too long is passed over with catchUp: 'skip' on its entry",
  ),
}

/** Older names that follow no rule, and the short ones of `createApp`. */
export const olderNames: Readonly<Record<string, string>> = {
  broker: 'brokerUrl',
  backend: 'resultBackend',
  CELERY_EAGER_PROPAGATES_EXCEPTIONS: 'taskEagerPropagates',
  CELERY_MAX_CACHED_RESULTS: 'resultCacheMax',
  CELERY_MESSAGE_COMPRESSION: 'taskCompression',
  CELERY_SEND_EVENTS: 'workerSendTaskEvents',
  CELERY_SEND_TASK_SENT_EVENT: 'taskSendSentEvent',
  CELERY_TASK_RESULT_EXPIRES: 'resultExpires',
}

/** The rule for the others: how names began before version 4, and how they may begin since. */
export const olderBeginnings: Readonly<Record<string, readonly string[]>> = {
  celeryd_: ['worker_', ''],
  celerybeat_: ['beat_'],
  celery_: ['', 'task_', 'worker_'],
}
