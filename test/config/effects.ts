// Which test sees the effect of which setting: file and title. effects.test.ts compares it with the table of settings
// and with the files.

type Where = readonly [file: string, title: string]

const here = 'conformance/app/settings.test.ts'
const events = 'conformance/app/events.test.ts'
const cli = 'cli/settings.test.ts'
const beat = 'beat-app/settings.test.ts'
const signed: Where = [
  'conformance/app/security.test.ts',
  'run: single, later, in chains and chords, retried, sent from inside',
]
const sealed = 'runtime/security-settings.test.ts'
const publishing: Where = [
  'runtime/publishing.test.ts',
  'for what the settings say, where the call says nothing; a policy word by word',
]
const named: Where = ['config/declared-queues.test.ts', 'goes to the queue that is declared with them']
const large: Where = ['conformance/app/limits.test.ts', 'is refused before anything is sent']
const letters: Where = [here, 'maxDeliveries, deadLetterMax: so many starts, so many letters']
const prefixes: Where = [
  here,
  'brokerTransportOptions, resultBackendTransportOptions: a prefix is a place of its own',
]
const limits: Where = [here, 'taskSoftTimeLimit, taskTimeLimit: one is heard, the other is the end']
const marked: Where = [here, 'taskCompression, taskDefaultPriority stand in the message']
const ignored: Where = [
  here,
  'taskIgnoreResult with taskStoreErrorsEvenIfIgnored: failures are stored, and nothing else',
]
const rates: Where = [here, '${name}: how many of two start in an hour']
const slots: Where = [here, '%s: how many of five run, and how many wait in the queue']
const revokes: Where = [here, 'workerRevokesMax, workerRevokeExpires: the newest are remembered, for a while']
const starting: Where = [
  cli,
  'imports, include, workerLogFormat, workerLease: what it loads and says, how long its lease is',
]
const children: Where = [cli, '%s: a child ends with its task, and another one comes']
const hmac: Where = [
  sealed,
  'securityHmacMaxAge, securityHmacKey: what is older does not count, or is never too old',
]
const entries: Where = [beat, 'beatScheduleFilename, beatScheduler: entries lie in that file']

export const effects: Readonly<Record<string, Where>> = {
  imports: starting,
  include: starting,
  acceptContent: [
    'conformance/app/security.test.ts',
    'other queues of the same worker take both, and auth alone where acceptContent says so',
  ],
  timezone: [beat, 'timezone is where calendar schedules are reckoned'],
  brokerUrl: ['cli-unit/commands.test.ts', 'overrides the app’s broker; the environment only fills a gap'],
  brokerTransportOptions: prefixes,
  brokerConnectionTimeout: ['redis/retry.test.ts', 'a call says it in Celery’s words'],
  brokerConnectionRetryOnStartup: ['cli/worker.test.ts', 'a worker that must not wait does not, 1'],
  taskAcksLate: [here, 'taskAcksLate: false runs nothing twice'],
  taskAcksOnFailureOrTimeout: [
    here,
    'taskAcksOnFailureOrTimeout: false puts back what ran into its hard limit',
  ],
  taskRejectOnWorkerLost: [here, 'taskRejectOnWorkerLost: false makes what was lost a failure'],
  taskCompression: marked,
  taskCreateMissingQueues: [
    'runtime/router.test.ts',
    'nowhere that is not declared, if only declared queues may be used',
  ],
  taskDefaultQueue: [
    'conformance/app/routing.test.ts',
    'goes where the call says, else the task, else the routes, else to the default queue',
  ],
  taskDefaultExchange: named,
  taskDefaultRoutingKey: named,
  taskDefaultPriority: marked,
  taskAllowErrorCbOnChordHeader: [
    'conformance/app/holes.test.ts',
    'of a chord run for each header task that fails, too, where the setting says so',
  ],
  canvasMaxDepth: large,
  canvasMaxSize: large,
  canvasMaxLevels: ['conformance/app/limits.test.ts', 'may be as deep in a message as canvasMaxLevels says'],
  taskInheritParentPriority: [
    'conformance/app/routing.test.ts',
    'has the priority of the task that sends it, where that is asked for and nobody says another',
  ],
  taskIgnoreResult: ignored,
  taskStoreErrorsEvenIfIgnored: ignored,
  taskPublishRetry: publishing,
  taskPublishRetryPolicy: publishing,
  taskQueues: [
    'conformance/app/exchanges.test.ts',
    'gives a message to each queue whose pattern fits its key, as kombu does',
  ],
  taskRoutes: [
    'conformance/app/routing.test.ts',
    'is routed by names, patterns, expressions and functions, the first answer counts',
  ],
  taskSerializer: [
    'conformance/app/security.test.ts',
    'other queues of the same worker take both, and auth alone where acceptContent says so',
  ],
  taskSoftTimeLimit: limits,
  taskTimeLimit: limits,
  taskTrackStarted: [here, 'taskTrackStarted: STARTED is stored'],
  resultBackend: ['cli/settings.test.ts', 'resultBackend: results lie there, and nowhere else'],
  resultBackendTransportOptions: prefixes,
  resultExpires: [here, 'resultExpires: a result is gone after it'],
  resultExtended: [
    'conformance/app/result-trees.test.ts',
    'has the names of the tasks where results are extended',
  ],
  securityKey: signed,
  securityKeyPassword: [sealed, 'securityKeyPassword opens a key that is locked, and no other word does'],
  securityCertificate: signed,
  securityCertStore: signed,
  securityDigest: [sealed, 'securityDigest must be the same on both sides'],
  securityHmacKey: hmac,
  securityHmacMaxAge: hmac,
  workerConcurrency: slots,
  workerPool: slots,
  workerMaxTasksPerChild: children,
  workerMaxMemoryPerChild: children,
  workerProcAliveTimeout: [cli, 'workerProcAliveTimeout: a child that loads longer is not waited for'],
  workerLoopBlockedWarning: [cli, 'workerLoopBlockedWarning: the task that holds up the loop is named'],
  workerPrefetchMultiplier: slots,
  workerDisablePrefetch: slots,
  workerPoolRestarts: [
    'conformance/pools/control.test.ts',
    'restarts its children, where workerPoolRestarts allows it',
  ],
  workerSendTaskEvents: [events, 'workerSendTaskEvents: from the start, and for good'],
  taskSendSentEvent: [events, 'taskSendSentEvent: each message is told of, whoever sends it'],
  eventExchange: [events, 'eventExchange: another exchange is another conversation'],
  workerSoftShutdownTimeout: [here, 'workerSoftShutdownTimeout: a cold stop lets what runs end by itself'],
  workerLogColor: [cli, 'workerLogColor: colours though nobody has a terminal'],
  workerLogFormat: starting,
  beatSchedule: [
    'beat-app/api.test.ts',
    'one wrong entry of beatSchedule is a line in the log, the others run',
  ],
  beatScheduler: entries,
  beatScheduleFilename: entries,
  beatMaxLoopInterval: [
    beat,
    'beatMaxLoopInterval: a beat looks again at least so often, though nothing is due',
  ],
  workerEnableRemoteControl: [
    'conformance/app/control.test.ts',
    'a worker without remote control hears nothing, but knows what is revoked',
  ],
  workerDirect: [here, 'workerDirect: what is sent to a queue of its own, only this worker runs'],
  controlExchange: [here, 'controlExchange: who has another one does not hear'],
  workerLease: starting,
  taskDefaultRateLimit: rates,
  workerDisableRateLimits: rates,
  visibilityTimeout: [
    'redis/shared.test.ts',
    'loses what it holds after the visibility timeout, and not before',
  ],
  maxDeliveries: letters,
  workerRevokesMax: revokes,
  workerRevokeExpires: revokes,
  deadLetterMax: letters,
  deadLetterExpires: [here, 'deadLetterExpires: a letter is gone after it'],
}
