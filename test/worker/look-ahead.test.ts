// How many messages a worker holds beyond its slots: a matter of how long its tasks took of late.
import { describe, expect, it } from 'vitest'
import { LookAhead, reachOf } from '../../src/runtime/worker/look-ahead.js'

const after = (times: readonly number[], mostSlots = 2, isParallel = true): number => {
  const ahead = new LookAhead({ mostSlots, isParallel }, () => undefined)
  for (const ms of times) ahead.ended(ms)
  return ahead.room(2)
}
const many = (ms: number): number[] => Array.from({ length: 200 }, () => ms)

describe('what may be held ahead', () => {
  it('is nothing before the tasks are known, and beside more slots than it is wanted for', () => {
    expect([after([]), after([0, 0, 0]), after(many(0), 1)]).toEqual([0, 0, 0])
  })

  it('is what is run in a few milliseconds, up to eight for each slot', () => {
    expect([0.1, 0.6, 1.2, 2.4, 4.9, 5.1, 1000].map((ms) => after(many(ms)))).toEqual([16, 16, 8, 4, 2, 0, 0])
  })

  it('is less where slots run one after the other', () => {
    const rooms = [0.1, 0.6, 1.2, 2.4, 4.9, 5.1].map((ms) => after(many(ms), 2, false))
    expect(rooms).toEqual([16, 8, 4, 2, 1, 0])
  })

  it('grows less with one slow task, and is nothing after some of them', () => {
    const quick = many(0.1)
    expect([after([...quick, 1000]), after([...quick, ...many(1000).slice(0, 12)])]).toEqual([12, 0])
  })
})

describe('who looks ahead', () => {
  const usual = {
    isApart: true,
    isWatched: false,
    mayRepeat: true,
    disablePrefetch: false,
    prefetchMultiplier: 1,
  }
  const here = { ...usual, isApart: false, isWatched: true }

  it.each([
    ['children', usual, Number.POSITIVE_INFINITY],
    ['a loop that runs its tasks, with few slots', here, 32],
    ['no such loop, where nobody could give back what waits', { ...here, isWatched: false }, 0],
    ['no such loop, where messages are to be held anyway', { ...here, prefetchMultiplier: 4 }, 0],
    ['nobody, where some task must not run twice', { ...usual, mayRepeat: false }, 0],
    ['nobody, where that is switched off', { ...usual, disablePrefetch: true }, 0],
  ])('%s', (_, circumstances, slots) => {
    expect(reachOf(circumstances).mostSlots).toBe(slots)
  })
})
