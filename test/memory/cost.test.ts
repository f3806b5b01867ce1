// The work of a transition does not grow with what lies in the state: steps of the engine are counted, not
// seconds.
import { expect, test } from 'vitest'
import { transition } from '../../src/memory/engine.js'
import type { Kind, Operations } from '../../src/memory/operations.js'
import { apply, emptyState, type State } from '../../src/memory/state.js'
import type { Delivery } from '../../src/runtime/consumer.js'
import { end, messages, part, success } from '../conformance/words.js'
import { operation, registration, stepOf } from './play.js'

let work = 0

/** A table that counts each look, and each entry that somebody walks over. */
class Counting<V> extends Map<string, V> {
  override get(key: string) {
    work += 1
    return super.get(key)
  }
  override *[Symbol.iterator](): MapIterator<[string, V]> {
    for (const entry of super.entries()) {
      work += 1
      yield entry
    }
  }
}

const countingState = (): State =>
  Object.fromEntries(Object.keys(emptyState()).map((table) => [table, new Counting()])) as unknown as State

/** Work for each of `many` messages that are published, claimed, stored, reported to one chord and ended. */
const workEach = (many: number): number => {
  const state = countingState()
  work = 0
  const send = <K extends Kind>(kind: K, asked: Operations[K]['asked']) => {
    const { changes, reply } = transition(state, operation(kind, asked))
    apply(state, changes)
    work += changes.length
    return reply
  }
  send('register', registration('w'))
  const ids = Array.from({ length: many }, (_, i) => `t${i}`)
  send('publish', { ...messages(...ids), chords: [{ groupId: 'group', bodyId: 'body', size: many }] })
  let held: readonly Delivery[] = []
  for (let request = 0; ; request += 1) {
    const ends = held.map((delivery) => {
      const id = delivery.raw.toString()
      return end(delivery, { results: [success(id)], parts: [part(id)] })
    })
    const reply = send('step', stepOf('w', request, 10, ends))
    if (reply === null || typeof reply !== 'object' || !('deliveries' in reply)) throw new Error('lost')
    held = reply.deliveries
    if (held.length === 0) return work / many
  }
}

test('10 000 messages cost as much each as 100', () => {
  expect(workEach(10_000)).toBeLessThan(1.1 * workEach(100))
})

test('a held thousand does not make a step dearer', () => {
  const state = countingState()
  const step = (request: number, slots: number, ends: Parameters<typeof stepOf>[3] = []) => {
    const { changes, reply } = transition(state, operation('step', stepOf('w', request, slots, ends)))
    apply(state, changes)
    return { changes, reply }
  }
  apply(state, transition(state, operation('register', registration('w'))).changes)
  apply(
    state,
    transition(state, operation('publish', messages(...Array.from({ length: 1002 }, String)))).changes,
  )
  step(0, 1000)
  work = 0
  const { changes } = step(1, 1, [end({ tag: '0:0:0' }, { results: [success('a')] })])
  expect(changes.length).toBeLessThan(10)
  expect(work).toBeLessThan(50)
})
