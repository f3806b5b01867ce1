// The engine as a pure function: what no port shows, and what an explorer relies on.
import { describe, expect, test } from 'vitest'
import { transition } from '../../src/memory/engine.js'
import type { Kind, Operations } from '../../src/memory/operations.js'
import { snapshot } from './snapshot.js'
import { apply, copyState, emptyState } from '../../src/memory/state.js'
import type { Delivery } from '../../src/runtime/consumer.js'
import { chord, end, messages, part, push, result, success, theChord } from '../conformance/words.js'
import { operation, play, registration, stepOf } from './play.js'

const claimed = (reply: Operations['step']['reply']): readonly Delivery[] => {
  if (reply.kind !== 'done') throw new Error(`Expected a claim, got ${reply.kind}.`)
  return reply.deliveries
}

describe('a transition', () => {
  test('does not touch the state, and says the same each time', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', { ...messages('a', 'b'), chords: [chord(2)] })
    const [a] = claimed(send('step', stepOf('w', 0, 1)))
    const completion = end(a as Delivery, { results: [success('a')], parts: [part('a', 0)] })
    const before = JSON.stringify(snapshot(state))
    const step = operation('step', stepOf('w', 10, 5, [completion]), 7)
    const first = transition(state, step)
    expect(JSON.stringify(snapshot(state))).toBe(before)
    expect(transition(state, step)).toEqual(first)
    expect(first.changes.length).toBeGreaterThan(0)
  })

  test('applied to a copy leaves the original as it is', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', messages('a', 'b'))
    send('step', stepOf('w', 0, 1))
    const before = JSON.stringify(snapshot(state))
    const copy = copyState(state)
    for (const asked of [stepOf('w', 10, 5), stepOf('w', 20, 5)])
      apply(copy, transition(copy, operation('step', asked)).changes)
    apply(copy, transition(copy, operation('unregister', { consumer: 'w' })).changes)
    expect(JSON.stringify(snapshot(state))).toBe(before)
    expect(JSON.stringify(snapshot(copy))).not.toBe(before)
  })

  test('leaves nothing behind when a life is over', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', { pushes: [push('a'), push('later', { dueMs: 5 })], chords: [chord(1)] })
    send('promote', { queue: 'q', most: 9 }, 5)
    const [later, a] = claimed(send('step', stepOf('w', 0, 2)))
    const { tag } = a as Delivery
    send(
      'step',
      stepOf('w', 10, 0, [end({ tag }, { fence: 'a:0:0:', results: [success('a')], parts: [part('a')] })]),
    )
    send('step', stepOf('w', 20, 0, [end({ tag }, { joined: [theChord] }), end(later as Delivery)]))
    send('unregister', { consumer: 'w' })
    send('reap', {}, 100_000_000)
    const { bindings: _, ...rest } = state
    for (const [table, values] of Object.entries(rest)) expect([table, values.size]).toEqual([table, 0])
  })

  test.each([
    ['renew', { consumer: 'nobody', leaseMs: 1 }, false],
    ['unregister', { consumer: 'nobody' }, { moved: 0 }],
    ['reap', {}, { consumer: null, hostname: null, moved: 0 }],
    ['step', stepOf('nobody', 0, 1), { kind: 'lost' }],
    ['note', { consumer: 'nobody', tag: '0', fence: 'f', parts: [] }, { kind: 'lost' }],
    ['release', { consumer: 'nobody', tag: '0' }, false],
    ['store', { consumer: 'nobody', tag: '0', result: result('a', 'STARTED') }, false],
    ['promote', { queue: 'none', most: 1 }, { moved: 0, nextMs: null }],
    ['purge', { queue: 'none' }, 0],
    ['forget', { taskIds: ['none'], groupIds: ['none'] }, null],
    ['readGroup', { groupId: 'none' }, null],
    ['purgeDead', {}, 0],
  ] as const)('%s of what is not there changes nothing', (kind, asked, reply) => {
    const done = transition(emptyState(), operation(kind as Kind, asked as never))
    expect(done).toEqual({ changes: [], reply, announced: [], broadcast: [] })
  })
})

describe('what is sent again', () => {
  test('a step: the same reply, and no change', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', { ...messages('a', 'b', 'c'), chords: [chord(1)] })
    const [a, b] = claimed(send('step', stepOf('w', 0, 2)))
    const ends = [
      end(a as Delivery, { parts: [part('a')] }),
      end(b as Delivery, { results: [success('b')], pushes: [push('next')], fence: 'b:0:0:' }),
      { ...end(b as Delivery), tag: 'unknown' },
    ]
    const step = stepOf('w', 10, 9, ends)
    const reply = send('step', step)
    expect(reply).toMatchObject({ kind: 'done', refused: [2], joins: [{ completion: 0 }] })
    expect(claimed(reply)).toHaveLength(2)
    const again = transition(state, operation('step', step, 500))
    expect(again).toEqual({ changes: [], reply, announced: [], broadcast: [] })
  })

  test('a step of before the last one of its lane is stale, and does nothing', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', messages('a', 'b'))
    const [a] = claimed(send('step', stepOf('w', 0, 1)))
    send('step', stepOf('w', 10, 0))
    const late = operation('step', stepOf('w', 5, 1, [end(a as Delivery)]))
    expect(transition(state, late)).toEqual({
      changes: [],
      reply: { kind: 'stale' },
      announced: [],
      broadcast: [],
    })
  })

  test('each lane has its own memory', () => {
    const { send } = play()
    send('register', registration('w'))
    send('publish', messages('a', 'b', 'c'))
    send('step', stepOf('w', 100, 1, [], 1))
    expect(claimed(send('step', stepOf('w', 0, 1, [], 0)))).toHaveLength(1)
    const again = send('step', stepOf('w', 100, 1, [], 1))
    expect(claimed(again).map(({ tag }) => tag)).toEqual(['1:100:0'])
  })

  test('a publication counts once for each number of its sender', () => {
    const { send } = play()
    const one = { ...messages('a'), sender: 's', number: 1 }
    expect(send('publish', one)).toBe(true)
    expect(send('publish', one)).toBe(false)
    expect(send('publish', { ...one, number: 0 })).toBe(false)
    expect(send('publish', { ...one, number: 2 })).toBe(true)
    expect(send('publish', { ...one, sender: 't' })).toBe(true)
    expect(send('length', { queue: 'q' })).toBe(3)
  })

  test('a registration only renews', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', messages('a'))
    send('step', stepOf('w', 0, 1))
    send('register', { ...registration('w'), hostname: 'other' }, 500)
    expect(state.consumers.get('w')).toMatchObject({ hostname: 'w@host', leaseEndMs: 1500 })
    expect(state.held.get('w')?.size).toBe(1)
  })
})

describe('time', () => {
  test('comes with the operation: a lease that is renewed in time is not reaped', () => {
    const { send } = play()
    send('register', registration('w'), 0)
    expect(send('reap', {}, 999).consumer).toBeNull()
    send('renew', { consumer: 'w', leaseMs: 1000 }, 999)
    expect(send('reap', {}, 1998).consumer).toBeNull()
    expect(send('reap', {}, 1999)).toEqual({ consumer: 'w', hostname: 'w@host', moved: 0 })
    expect(send('renew', { consumer: 'w', leaseMs: 1000 }, 1999)).toBe(false)
  })

  test('each reap finds one consumer, the one that is gone for longest first', () => {
    const { send } = play()
    send('register', registration('young'), 10)
    send('register', registration('old'), 0)
    expect(send('reap', {}, 5000).consumer).toBe('old')
    expect(send('reap', {}, 5000).consumer).toBe('young')
    expect(send('reap', {}, 5000).consumer).toBeNull()
  })

  test('a promotion takes what is due, not more than asked, and tells when to look again', () => {
    const { send } = play()
    const pushes = [30, 10, 20, 99].map((dueMs) => push(String(dueMs), { dueMs }))
    send('publish', { pushes, chords: [] })
    expect(send('promote', { queue: 'q', most: 9 }, 5)).toEqual({ moved: 0, nextMs: 10 })
    expect(send('promote', { queue: 'q', most: 2 }, 50)).toEqual({ moved: 2, nextMs: 30 })
    expect(send('promote', { queue: 'q', most: 2 }, 50)).toEqual({ moved: 1, nextMs: 99 })
    expect(send('promote', { queue: 'other', most: 2 }, 50)).toEqual({ moved: 0, nextMs: null })
  })

  test('a marker is forgotten after an hour, a prolonged result is not', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', messages('a', 'b'))
    const [a, b] = claimed(send('step', stepOf('w', 0, 2)))
    send('store', {
      consumer: 'w',
      tag: (b as Delivery).tag,
      result: { ...result('b', 'STARTED'), expires: 1 },
    })
    const ended = {
      results: [
        { ...success('a'), expires: 1 },
        { ...success('b'), expires: 5000 },
      ],
    }
    send('step', stepOf('w', 10, 0, [end(a as Delivery, { fence: 'a:0:0:', ...ended })]))
    send('reap', {}, 2000)
    expect([...state.results.keys()]).toEqual(['b'])
    expect(state.markers.size).toBe(1)
    send('reap', {}, 3_600_000)
    expect(state.markers.size).toBe(0)
    expect(send('read', { taskIds: ['b'] }, 4_000_000)).toEqual([success('b').text])
    send('reap', {}, 5_000_000)
    expect(state.results.size).toBe(0)
    expect(state.expiry.size).toBe(0)
  })

  test('a part of a chord that nobody opens is forgotten after a day', () => {
    const { state, send } = play()
    send('register', registration('w'))
    send('publish', messages('a'))
    const [a] = claimed(send('step', stepOf('w', 0, 1)))
    send('step', stepOf('w', 10, 0, [end(a as Delivery, { parts: [part('a')] })]))
    expect([state.chords.size, state.parts.size]).toEqual([1, 1])
    send('reap', {}, 86_400_000)
    expect([state.chords.size, state.parts.size]).toEqual([0, 0])
  })
})

test('a chord whose body is not out yet is kept for ever, even when something is added to it', () => {
  const { send } = play()
  const theChord = { groupId: 'g', bodyId: 'b' }
  const part = { ...theChord, taskId: 'a', index: 0, member: '[1]' }
  const more = { results: [], pushes: [], chords: [], parts: [part] }
  send('register', registration('one'))
  const pushes = ['1', '2'].map((raw) => ({ queue: 'q', priority: 0, raw }))
  send('publish', { pushes, chords: [{ ...theChord, size: 1 }] })
  send('step', stepOf('one', 0, 2))
  send('step', stepOf('one', 2, 0, [{ tag: '0:0:0', ending: { kind: 'ack' }, ...more }]))
  const grows = { tag: '0:0:1', fence: 'a:0:0:', grown: [theChord], ...more }
  send('step', stepOf('one', 3, 0, [{ ...grows, ending: { kind: 'ack' } }]))
  const asked = { consumer: 'one', tag: '0:0:0', fence: '', parts: [part] }
  expect(send('note', asked, 90_000_000)).toEqual({
    kind: 'done',
    joins: [{ ...theChord, members: ['[1]'] }],
  })
})

test('a chord whose first parts come before its opening is joined all the same', () => {
  const { send } = play()
  send('register', registration('w'))
  send('publish', messages('a', 'b'))
  const [a, b] = claimed(send('step', stepOf('w', 0, 2)))
  send('step', stepOf('w', 10, 0, [end(a as Delivery, { parts: [part('a', 0)] })]))
  send('publish', { pushes: [], chords: [chord(2)] })
  send('publish', { pushes: [], chords: [chord(1)] }) // a nested group of the same id shrinks nothing
  const reply = send('step', stepOf('w', 20, 0, [end(b as Delivery, { parts: [part('b', 1)] })]))
  expect(reply).toMatchObject({ joins: [{ members: [part('a', 0).member, part('b', 1).member] }] })
})
