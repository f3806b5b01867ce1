// An engine to play with: a state, and operations applied to it at moments that the test says.
import { transition } from '../../src/memory/engine.js'
import type { Kind, OperationOf, Operations, ReplyTo } from '../../src/memory/operations.js'
import { apply, emptyState, type State } from '../../src/memory/state.js'
import type { Completion } from '../../src/runtime/consumer.js'

export const operation = <K extends Kind>(
  kind: K,
  asked: Operations[K]['asked'],
  nowMs = 0,
): OperationOf<K> => ({ kind, nowMs, ...asked }) as unknown as OperationOf<K>

export const play = (state: State = emptyState()) => {
  const send = <K extends Kind>(kind: K, asked: Operations[K]['asked'], nowMs = 0): ReplyTo<K> => {
    const { changes, reply } = transition(state, operation(kind, asked, nowMs))
    apply(state, changes)
    return reply
  }
  return { state, send }
}

export const registration = (consumer: string) => ({
  consumer,
  hostname: `${consumer}@host`,
  queues: ['q'],
  leaseMs: 1000,
  deadLetterMax: 10,
  deadLetterExpires: 60,
})

export const stepOf = (
  consumer: string,
  request: number,
  slots: number,
  completions: readonly Completion[] = [],
  lane = 0,
) => ({ consumer, lane, request, completions, slots, queues: ['q'] })
