// Lovage: Celery for TypeScript. The public names, in reading order; nothing else.

// An app and its tasks
export { type App, createApp } from './app.js'
export type { Task } from './app-task.js'
export type { SignalName, Signals } from './app-signals.js'
export type { Middleware } from './runtime/middleware.js'
export type { TaskOptions } from './runtime/task.js'
export { currentTask, type TaskContext } from './runtime/context.js'
export type { Request } from './runtime/request.js'
export type { WorkerOptions } from './runtime/worker/options.js'
export type { Worker } from './runtime/worker/worker.js'
export type { Event, EventOf, EventType, OwnEvent } from './runtime/events.js'
export type { EventStream } from './runtime/event-stream.js'

// Canvas: work as frozen data
export { clone, immutable, pipe, set, signature } from './canvas/signature.js'
export { chain } from './canvas/chain.js'
export { group } from './canvas/group.js'
export { chord } from './canvas/chord.js'
export { chunks, xmap, xstarmap } from './canvas/map.js'
export { link, linkError } from './canvas/link.js'
export { stamp } from './canvas/stamp.js'
export type { Stamping, StampingVisitor, StampOptions, Stamps } from './canvas/visitor.js'
export type { Signature } from './canvas/flow.js'
export type { FailedRequest } from './canvas/fit.js'
export type { SignatureOptions } from './canvas/node.js'
export { toDot, toMermaid } from './canvas/draw.js'
export { print } from './canvas/print.js'

// Results
export type {
  AsyncResult,
  CallOptions,
  ForgetOptions,
  GetOptions,
  GroupResult,
  PendingResult,
  ResultGraph,
} from './canvas/sender.js'
export type { DeadLetter } from './runtime/dead-letter.js'
export type { DeadLetters, Retried } from './runtime/dead.js'
export type { SavedGroups } from './runtime/saved-groups.js'

// Periodic tasks
export { every } from './beat/every.js'
export { crontab, type CrontabOptions } from './beat/crontab.js'
export { cron } from './beat/cron.js'
export { solar, type SolarEvent } from './beat/solar.js'
export { clocked } from './beat/clocked.js'
export type { Schedule, ScheduleContext } from './beat/schedule.js'
export type { EntryOptions } from './beat/entry.js'
export type { EntryView, RunView, TroubleView } from './beat/view.js'

// Values that keep their type on the way to Python and back
export { Decimal, NaiveDateTime, PlainDate, PlainTime, Uuid } from './runtime/json.js'

// Settings, logs, errors
export type { Settings, SettingsInput } from './config.js'
export { createLogger, jsonFormat, type Logger, type LogLevel, silentLogger, textFormat } from './log.js'
export * from './errors.js'
