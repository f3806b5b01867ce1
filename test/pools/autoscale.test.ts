import { describe, expect, it } from 'vitest'
import { scale } from '../../src/pools/autoscale.js'
import type { Load } from '../../src/pools/pool.js'

const bounds = { max: 10, min: 3, keepalive: 30 }
const load = (more: Partial<Load>): Load => ({
  concurrency: 3,
  held: 0,
  waiting: 0,
  quietSeconds: 0,
  ...more,
})

describe('a pool that scales', () => {
  it.each<[string, Partial<Load>, number]>([
    ['stays while there is a slot for everything', { held: 3 }, 3],
    ['grows by what waits', { held: 3, waiting: 2 }, 5],
    ['grows by what it holds and cannot run', { held: 6 }, 6],
    ['grows to its maximum', { held: 3, waiting: 1000 }, 10],
    ['grows at once, however long ago it grew', { held: 3, waiting: 2, quietSeconds: 99 }, 5],
    ['does not shrink soon after it grew', { concurrency: 8, held: 1, quietSeconds: 29 }, 8],
    ['shrinks to what runs', { concurrency: 8, held: 5, quietSeconds: 30 }, 5],
    ['shrinks to its minimum', { concurrency: 8, held: 1, quietSeconds: 30 }, 3],
    ['comes down to a maximum that was lowered', { concurrency: 12, held: 12, waiting: 5 }, 10],
  ])('%s', (_, state, size) => {
    expect(scale(bounds, load(state))).toBe(size)
  })

  it('keeps one that looks for work', () => {
    expect(scale({ ...bounds, min: 0 }, load({ quietSeconds: 99 }))).toBe(1)
  })
})
