import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { softClock } from '../../src/pools/soft-clock.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('tells when the limit passes, and not again when the run is over', () => {
  const tell = vi.fn()
  const stop = softClock(1, tell)
  vi.advanceTimersByTime(999)
  expect(tell).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  stop()
  expect(tell).toHaveBeenCalledTimes(1)
})

it('says nothing of a run that was quick enough', () => {
  const tell = vi.fn()
  softClock(1, tell)()
  vi.advanceTimersByTime(5000)
  expect(tell).not.toHaveBeenCalled()
})

it('tells at the end where a loop let no timer have its turn', () => {
  const tell = vi.fn()
  const stop = softClock(1, tell)
  const now = performance.now()
  const clock = vi.spyOn(performance, 'now').mockReturnValue(now + 1500)
  stop()
  clock.mockRestore()
  expect(tell).toHaveBeenCalledTimes(1)
})
