// What must be true of a Python worker after everything we sent it: it lives, and it complained of nothing
// but tasks that were meant to fail.
import { expect } from 'vitest'
import type { CeleryWorker } from '../support/celery.js'

export interface Expected {
  /** Names of proj's tasks whose failures and retries are part of the tests. */
  readonly mayFail: readonly string[]
  /** Children that Celery itself kills for a hard time limit. */
  readonly hardLimits?: number
}

export function expectUnharmed(worker: CeleryWorker, { mayFail, hardLimits = 0 }: Expected): void {
  expect(worker.child.exitCode).toBeNull()
  expect(worker.child.signalCode).toBeNull()
  // One log entry each, with its traceback.
  const entries = worker.output().split(/^(?=\[\d{4}-\d\d-\d\d )/m)
  const killed = entries.filter((entry) => /exited with 'signal 9 \(SIGKILL\)'/.test(entry))
  expect(killed).toHaveLength(hardLimits)
  const failing = new RegExp(`Task proj\\.(${mayFail.join('|')})\\[`)
  const complaints = entries.filter(
    (entry) =>
      /^\[[^\]]*: (CRITICAL|ERROR|WARNING)\/|Traceback|Unrecoverable/.test(entry) &&
      !failing.test(entry) &&
      !harmless.test(entry) &&
      !killed.includes(entry),
  )
  expect(complaints).toEqual([])
}

/** A chord's header failed; one task is unknown on purpose; one expired; time limits that were set. */
const harmless = new RegExp(
  [
    'superuser privileges',
    `Chord '\\S+' raised: ChordError\\("Dependency`,
    "Received unregistered task of type 'proj\\.nobody'",
    'Discarding revoked task',
    '(Soft|Hard) time limit \\([\\d.]+s\\) exceeded for proj\\.sleep',
    'Task handler raised error: TimeLimitExceeded\\(',
    // 5.2 logs what a task throws to be replaced or ignored.
    'Task proj\\.(replace_\\w+|progress)\\[\\S+ raised unexpected: ExceptionWithTraceback\\(\\)',
  ].join('|'),
)
