// app.on(name, listener): everything that an app tells, its tasks' and workers' signals and those of its beat.
import type { Beat } from './beat/beat.js'
import { type TaskSignals, taskSignalNames } from './runtime/task-signals.js'

/** Name → what a listener is given. */
export interface Signals extends TaskSignals {
  /** A beat has started here, as a process of its own or inside a worker. */
  readonly beatInit: { readonly beat: Beat }
  /** Also, when it is inside a worker. */
  readonly beatEmbeddedInit: { readonly beat: Beat }
}

export type SignalName = keyof Signals

export const signalNames: readonly SignalName[] = [...taskSignalNames, 'beatInit', 'beatEmbeddedInit']
