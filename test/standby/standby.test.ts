// Who has a message: the loop that may begin it, or the thread that gives it back. Never both.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, vi } from 'vitest'
import { Standby, StandbyWatch } from '../../src/redis/standby.js'

const bench = () => {
  const wake = vi.fn()
  const standby = new Standby(wake)
  const watch = new StandbyWatch(standby.buffer)
  return { standby, watch, wake }
}

describe('behind a loop that is blocked', () => {
  it('all that was asked for and has not begun goes back, and never begins', () => {
    const { standby, watch } = bench()
    standby.request(10)
    expect(standby.begins(7)).toBe(true)
    expect(watch.look(0)).toBeUndefined()
    expect(watch.look(29)).toBeUndefined()
    expect(watch.look(30)).toEqual({ from: 7, upTo: 10 })
    expect(watch.look(90)).toBeUndefined()
    standby.request(12)
    expect([8, 9, 10, 11].map((number) => standby.begins(number))).toEqual([false, false, false, true])
  })

  it('it is so again the next time', () => {
    const { standby, watch } = bench()
    standby.request(3)
    standby.begins(1)
    watch.look(0)
    watch.look(30)
    expect(standby.begins(2)).toBe(false)
    standby.request(6)
    expect(standby.begins(4)).toBe(true)
    expect([watch.look(40), watch.look(70)]).toEqual([undefined, { from: 4, upTo: 6 }])
    expect([3, 5, 6, 7].map((number) => standby.begins(number))).toEqual([false, false, false, true])
  })
})

it.each([
  ['begins one after the other', (standby: Standby) => void standby.begins(2)],
  ['turns, with nothing that waits', (standby: Standby) => standby.rests()],
])('nothing goes back from a loop that %s', (_, go) => {
  const { standby, watch } = bench()
  standby.request(10)
  standby.begins(1)
  watch.look(0)
  go(standby)
  expect(watch.look(40)).toBeUndefined()
  if (_ !== 'begins one after the other') expect(watch.look(1000)).toBeUndefined()
})

it('nothing goes back where nothing else was asked for', () => {
  const { standby, watch } = bench()
  standby.request(1)
  standby.begins(1)
  expect([watch.look(0), watch.look(1000)]).toEqual([undefined, undefined])
})

it('nobody looks any more after a second in which nothing begins, until something does', () => {
  const { standby, watch, wake } = bench()
  standby.request(9)
  standby.begins(1)
  watch.look(0)
  expect([watch.rests(999), watch.rests(1000)]).toEqual([false, true])
  expect(wake).not.toHaveBeenCalled()
  standby.begins(2)
  standby.begins(3)
  expect(wake).toHaveBeenCalledTimes(1)
})

it('of two threads that act at the same time each message has one', async () => {
  const standby = new Standby(() => undefined)
  /** Whether it is over, and how often the other one was first. */
  const end = new Int32Array(new SharedArrayBuffer(8))
  const rival = new Worker(new URL('./rival.js', import.meta.url), {
    workerData: { buffer: standby.buffer, end: end.buffer },
  })
  await once(rival, 'message')
  const began: number[] = []
  let next = 1
  for (let round = 0; round < 20_000 || Atomics.load(end, 1) < 10; round++) {
    const asked = next + 7
    standby.request(asked)
    for (; next <= asked; next++) if (standby.begins(next)) began.push(next)
    if (round % 3 === 0) standby.rests()
  }
  const told = once(rival, 'message')
  Atomics.store(end, 0, 1)
  const [ranges] = (await told) as [[number, number][]]
  await rival.terminate()
  const back = new Set<number>()
  for (const [from, upTo] of ranges) for (let number = from + 1; number <= upTo; number++) back.add(number)
  expect(began.filter((number) => back.has(number))).toEqual([])
  // The others went back, or go back by the loop itself: at most the one that was about to begin, each time.
  const others = next - 1 - began.length
  expect(others - back.size).toBeGreaterThanOrEqual(0)
  expect(others - back.size).toBeLessThanOrEqual(ranges.length)
  expect(began.length).toBeGreaterThan(0)
})
