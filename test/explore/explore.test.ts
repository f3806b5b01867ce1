// The explorer in a short form, and engines with a fault in each: it must find them.
import { describe, expect, it } from 'vitest'
import { transition as shipped } from '../../src/memory/engine.js'
import type { OperationOf } from '../../src/memory/operations.js'
import type { Chord, ConsumerRecord, Held } from '../../src/memory/records.js'
import { explore } from './explore.js'
import { graphs } from './graphs.js'
import type { Transition } from './world.js'

describe('the engine that ships', () => {
  const small = ['one', 'pair', 'later', 'retry', 'chain', 'errback', 'links', 'chord', 'broken', 'between']
  it.each(small)('loses nothing and sends nothing twice, whatever happens: %s', (name) => {
    const found = explore(graphs[name]!, { workers: 2, faults: 2 })
    expect(found.violation).toBeNull()
    expect(found.ends).toBeGreaterThan(1)
  })

  it('nor with three of them, of which one is a copy of the last part of a chord', () => {
    const { violation } = explore(graphs['alone']!, { workers: 2, faults: 3 })
    expect(violation).toBeNull()
  })

  it('folds workers: three are little more than two', () => {
    const two = explore(graphs['pair']!, { workers: 2, faults: 1 })
    const three = explore(graphs['pair']!, { workers: 3, faults: 1 })
    expect(three.states).toBeLessThan(2 * two.states)
  })
})

/** Engines with a fault, each made of the one that ships. */
const mutants: Readonly<
  Record<string, { readonly graph: string; readonly says: RegExp; readonly transition: Transition }>
> = {
  'forgets that a message has ended': {
    graph: 'errback',
    says: /double edge/,
    transition: (state, operation) => shipped({ ...state, markers: new Map() }, operation),
  },
  'takes a resent claim for a new one': {
    graph: 'one',
    says: /stuck|lost/,
    transition: (state, operation) => {
      const blank = ([id, record]: [string, ConsumerRecord]) => [id, { ...record, lanes: [] }] as const
      const consumers = operation.kind === 'step' ? new Map([...state.consumers].map(blank)) : state.consumers
      return shipped({ ...state, consumers }, operation)
    },
  },
  'drops what a dead worker held': {
    graph: 'one',
    says: /lost/,
    transition: (state, operation) => {
      const result = shipped(state, operation)
      if (operation.kind !== 'reap') return result
      return { ...result, changes: result.changes.filter(({ table }) => table !== 'lists') }
    },
  },
  'acknowledges the last part of a chord before the body is sent': {
    graph: 'chord',
    says: /x is lost/,
    transition: (state, operation) => {
      const result = shipped(state, operation)
      const { reply } = result
      const joins = typeof reply === 'object' && reply !== null && 'joins' in reply && reply.joins.length > 0
      if (operation.kind !== 'step' || !joins) return result
      const changes = result.changes.map((change) =>
        change.table === 'held' && change.value?.joining ? { ...change, value: undefined } : change,
      )
      return { ...result, changes }
    },
  },
  'counts the part of a task each time that it comes': {
    graph: 'chord',
    says: /x ended with "b"/,
    transition: (state, operation) => shipped({ ...state, parts: new Map() }, operation),
  },
  'sends the body of a chord while a part is missing': {
    graph: 'wide',
    says: /x ended with "(ab|ac|bc)"/,
    transition: (state, operation) => {
      const opened = ([key, chord]: [string, Chord]) =>
        [key, { ...chord, added: chord.size === 3 ? -1 : 0 }] as const
      return shipped({ ...state, chords: new Map([...state.chords].map(opened)) }, operation)
    },
  },
  'takes a resent publication for a new one': {
    graph: 'one',
    says: /a:0 was sent 2 times/,
    transition: (state, operation) => shipped({ ...state, senders: new Map() }, operation),
  },
  'takes what waits for its moment up again at once, for ever': {
    graph: 'later',
    says: /stuck: .* no end/,
    transition: (state, operation) => {
      if (operation.kind !== 'step') return shipped(state, operation)
      const step = operation as OperationOf<'step'>
      const completions = step.completions.map((completion) =>
        completion.ending.kind === 'defer'
          ? { ...completion, ending: { kind: 'requeue' as const } }
          : completion,
      )
      return shipped(state, { ...operation, completions })
    },
  },
  'lets a worker leave that owes the body of a chord, and tells nobody': {
    graph: 'chord',
    says: /x is lost/,
    transition: (state, operation) => {
      if (operation.kind !== 'unregister') return shipped(state, operation)
      const owing = ([consumer, tags]: [string, Map<string, Held>]) =>
        [consumer, new Map([...tags].map(([tag, held]) => [tag, { ...held, joining: false }]))] as const
      return shipped({ ...state, held: new Map([...state.held].map(owing)) }, operation)
    },
  },
}

describe('an engine that', () => {
  it.each(Object.keys(mutants))('%s is found out, with the way to it', (name) => {
    const { graph, says, transition } = mutants[name]!
    const { violation } = explore(graphs[graph]!, { workers: 2, faults: 2, transition })
    expect(violation?.what).toMatch(says)
    expect(violation?.trace.length).toBeLessThan(10)
  })
})
