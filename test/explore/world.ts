// The world that is explored: the engine's state, workers with what they have in hand, and copies of requests
// that are still on their way. Values; an action gives another world and leaves this one as it was.
import type { transition as engineTransition } from '../../src/memory/engine.js'
import type { OperationOf } from '../../src/memory/operations.js'
import type { Change, State } from '../../src/memory/state.js'
import type { Complete } from '../../src/runtime/follow-join.js'

export type Transition = typeof engineTransition

/** A delivery in a worker's hands. */
export interface Hand {
  readonly tag: string
  readonly raw: Buffer
  /** `new`: its start has to be noted first. `ready`: it has run. `sent`: its completion is on its way. */
  readonly phase: 'new' | 'ready' | 'sent'
  /** Chords that it must close. */
  readonly joins: readonly Complete[]
  /** It was told that its end was committed before: only the message is left to be acknowledged. */
  readonly isOver: boolean
}

export interface Worker {
  /** The consumer's id; another one after a lost lease, and after a crash. */
  readonly id: string
  readonly request: number
  readonly hands: readonly Hand[]
  /** By lane: a step whose answer did not come. */
  readonly unanswered: readonly (OperationOf<'step'> | null)[]
}

export interface World {
  readonly engine: State
  readonly workers: readonly Worker[]
  /** Copies of steps that arrive late. */
  readonly echoes: readonly OperationOf<'step'>[]
  /** Message → how often a worker or the client has sent it. */
  readonly sent: ReadonlyMap<string, number>
  /** The moment of the messages with an eta has come. */
  readonly isLater: boolean
  readonly faultsLeft: number
}

/** The state after these changes; tables that they do not touch are shared. */
export const changed = (state: State, changes: readonly Change[]): State => {
  const next = { ...state } as Record<string, Map<string, unknown>>
  const before = state as unknown as Record<string, Map<string, unknown>>
  for (const change of changes) {
    let table = next[change.table] as Map<string, unknown>
    if (table === before[change.table]) {
      table = new Map(table)
      next[change.table] = table
    }
    if (!('inner' in change)) {
      if (change.value === undefined) table.delete(change.key)
      else table.set(change.key, change.value)
      continue
    }
    const values = table.get(change.key) as Map<string, unknown> | undefined
    const shared = (before[change.table] as Map<string, unknown>).get(change.key)
    const inner = values === undefined || values === shared ? new Map(values) : values
    if (change.value === undefined) inner.delete(change.inner)
    else inner.set(change.inner, change.value)
    if (inner.size === 0) table.delete(change.key)
    else table.set(change.key, inner)
  }
  return next as unknown as State
}
