import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Vigil } from '../../src/runtime/worker/vigil.js'

describe('staying awake', () => {
  let turns: (() => void)[]
  let nowMs: number

  beforeEach(() => {
    turns = []
    nowMs = 0
    vi.spyOn(globalThis, 'setImmediate').mockImplementation(((turn: () => void) => turns.push(turn)) as never)
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
  })
  afterEach(() => vi.restoreAllMocks())

  /** Turns the loop until nobody keeps it awake; answers how often. */
  const turn = (msEach = 0.05): number => {
    let count = 0
    for (let next = turns.shift(); next !== undefined; next = turns.shift()) {
      nowMs += msEach
      count += 1
      next()
    }
    return count
  }

  it('lasts until it came, and not longer than a moment', () => {
    const vigil = new Vigil(true)
    vigil.begin()
    expect(turns).toHaveLength(1)
    vigil.end()
    expect(turn()).toBe(1)
    vigil.begin()
    expect(turn()).toBeGreaterThan(3)
    expect(nowMs).toBeLessThan(1)
  })

  it('is for machines with more than one core', () => {
    new Vigil(false).begin()
    expect(turns).toHaveLength(0)
  })

  it('is one loop, however often something is expected', () => {
    const vigil = new Vigil(true)
    for (let i = 0; i < 5; i += 1) vigil.begin()
    expect(turns).toHaveLength(1)
  })

  it('becomes rare while it is in vain, and is itself again after a success', () => {
    const vigil = new Vigil(true)
    const kept = (waits: number): number => {
      let count = 0
      for (let i = 0; i < waits; i += 1) {
        vigil.begin()
        if (turn() > 0) count += 1
      }
      return count
    }
    expect(kept(1000)).toBeLessThan(70)
    while (turns.length === 0) vigil.begin()
    vigil.end()
    turn()
    vigil.begin()
    expect(turns).toHaveLength(1)
  })
})
