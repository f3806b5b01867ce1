// Who blocked the event loop: named for sure when it blocked as it was called, among others later.
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createFiberPool } from '../../src/pools/fiber.js'
import { LoopWatch } from '../../src/pools/loop-watch.js'
import type { Job, Outcome } from '../../src/pools/pool.js'

const job = (task: string): Job => ({ id: 'id', task, softTimeLimit: undefined, timeLimit: undefined })
const done: Outcome = { kind: 'success', value: 1 }

let told: string[]
let clock: number
let ends: (() => void)[]
let watch: LoopWatch

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  clock = 0
  vi.spyOn(performance, 'now').mockImplementation(() => clock)
  told = []
  ends = []
  watch = new LoopWatch({ seconds: 1, tell: (sentence) => void told.push(sentence) })
})
afterEach(() => {
  watch.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** The loop turns for so long, or stands still. */
const turn = (ms: number): void => {
  for (let passed = 0; passed < ms; passed += 100) {
    clock += 100
    vi.advanceTimersByTime(100)
  }
}
const block = (ms: number): void => {
  clock += ms
}

const pool = (before: () => void = () => undefined) =>
  createFiberPool<Job>(
    10,
    () => {
      before()
      return new Promise((resolve) => ends.push(() => resolve(done)))
    },
    { watch },
  )

it('nobody is named while the loop turns', () => {
  const fiber = pool()
  fiber.run(job('a'))
  turn(10_000)
  expect(told).toEqual([])
})

it('a task that blocks as it is called is named once, for sure', () => {
  pool(() => block(2500)).run(job('busy'))
  turn(2000)
  expect(told).toEqual([
    'Task busy[id] blocked the event loop for 2.50s (workerLoopBlockedWarning: 1). All other tasks of this worker ' +
      'stood still meanwhile: for work that computes there is the pool prefork.',
  ])
})

it('the only one that runs is named when it blocks later', () => {
  pool().run(job('later'))
  turn(1000)
  block(3000)
  turn(1000)
  expect(told).toEqual([expect.stringMatching(/^Task later\[id\] blocked the event loop for 3\.\d\ds/)])
})

it('of many, a few are named', () => {
  const fiber = pool()
  for (const task of ['a', 'b', 'c', 'd']) fiber.run(job(task))
  turn(1000)
  block(3000)
  turn(1000)
  expect(told).toEqual([expect.stringMatching(/^One of the tasks a\[id\], b\[id\], c\[id\] … blocked/)])
})

it('one that has ended by the time that it is noticed is named as well', async () => {
  pool().run(job('quick'))
  turn(1000)
  block(3000)
  ends[0]?.()
  await Promise.resolve()
  await Promise.resolve()
  turn(1000)
  expect(told).toEqual([expect.stringMatching(/^Task quick\[id\] blocked/)])
})

it('one that has begun and ended between two looks is named as well', async () => {
  const fiber = pool()
  fiber.run(job('early'))
  ends[0]?.()
  await Promise.resolve()
  await Promise.resolve()
  turn(1000)
  fiber.run(job('brief'))
  block(3000)
  ends[1]?.()
  await Promise.resolve()
  await Promise.resolve()
  turn(1000)
  expect(told).toEqual([expect.stringMatching(/^Task brief\[id\] blocked/)])
})
