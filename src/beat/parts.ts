// What beat is given: it knows neither a broker nor how a message looks (house rules). app-beat.ts makes these.
import type { Logger } from '../log.js'
import type { ScheduleEntry } from './entry.js'
import type { Codec } from './record.js'
import type { FireReply, Firing, ScheduleStore } from './store.js'

/** The messages of one run, in the broker's own words, and what will come of it. */
export interface Prepared {
  readonly messages: unknown
  /** Of the task or group whose result is the run's. */
  readonly id: string
  /** Celery's tuple of the result: names every task whose end is waited for. */
  readonly result: unknown
}

/** A run that was sent: `Prepared.result`, and when. */
export interface SentRun {
  readonly result: unknown
  readonly atMs: number
}

export interface BeatParts {
  /** The app's name: apps of one broker keep their entries apart. */
  readonly scope: string
  /** The zone of calendar schedules without one. */
  readonly timezone: string
  readonly log: Logger
  readonly codec: Codec
  readonly store: ScheduleStore
  /** Rejects when the work cannot be sent as it stands (an unknown task, a missing argument). */
  prepare(entry: ScheduleEntry, taskId: string, nowMs: number): Promise<Prepared>
  /** A publication without messages. */
  readonly nothing: unknown
  fire(firings: readonly Firing<unknown>[]): Promise<readonly FireReply[]>
  /** Whether we fire; `leaseMs` 0 gives it back. Refreshes `now`. Rejects when the broker is away. */
  lead(by: string, leaseMs: number): Promise<boolean>
  /** The broker's clock, Unix ms. */
  now(): number
  /** Whether all ends of these runs have come. */
  ended(runs: readonly SentRun[]): Promise<readonly boolean[]>
  /** The states of these tasks. */
  states(ids: readonly string[]): Promise<readonly string[]>
}
