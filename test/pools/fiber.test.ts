// The pool that runs here: limits, aborts, and the moment when nothing runs any more.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SoftTimeLimitExceeded, TimeLimitExceeded } from '../../src/errors.js'
import { createFiberPool } from '../../src/pools/fiber.js'
import type { Job, LazySignal, Outcome } from '../../src/pools/pool.js'
import { createSoloPool } from '../../src/pools/solo.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  expect(vi.getTimerCount(), 'timers that are left').toBe(0)
  vi.useRealTimers()
})

const job = (more: Partial<Job> = {}): Job => ({
  id: 'id',
  task: 't',
  softTimeLimit: undefined,
  timeLimit: undefined,
  ...more,
})
const success: Outcome = { kind: 'success', value: 1 }

/** Code that ends when the test says so. */
const bench = () => {
  const signals: LazySignal[] = []
  const ends: ((outcome: Outcome) => void)[] = []
  const pool = createFiberPool<Job>(10, (_job, signal) => {
    signals.push(signal)
    return new Promise((resolve) => ends.push(resolve))
  })
  return { pool, signals, ends }
}

describe('a job', () => {
  it('ends as its code ends', async () => {
    const { pool, ends, signals } = bench()
    const { outcome } = pool.run(job())
    expect(signals[0]?.over).toBe(false)
    ends[0]?.(success)
    expect(await outcome).toBe(success)
    expect(signals[0]?.over).toBe(true)
  })

  it('is a failure when what runs it fails itself', async () => {
    const error = new Error('boom')
    const { outcome } = createFiberPool<Job>(1, () => Promise.reject(error)).run(job())
    expect(await outcome).toEqual({ kind: 'failure', error })
  })

  it('hears of its soft limit, and goes on', async () => {
    const { pool, signals, ends } = bench()
    const { outcome } = pool.run(job({ softTimeLimit: 2 }))
    vi.advanceTimersByTime(2000)
    const reason = signals[0]?.signal.reason
    expect(reason).toBeInstanceOf(SoftTimeLimitExceeded)
    expect(reason).toMatchObject({ seconds: 2, message: 'soft time limit (2s) exceeded' })
    ends[0]?.(success)
    expect(await outcome).toBe(success)
  })

  it('ends at its hard limit, whatever its code does', async () => {
    const { pool, signals, ends } = bench()
    const { outcome } = pool.run(job({ softTimeLimit: 1, timeLimit: 2 }))
    vi.advanceTimersByTime(2000)
    expect(await outcome).toMatchObject({ kind: 'failure', error: expect.any(TimeLimitExceeded) })
    ends[0]?.(success)
    expect(signals[0]?.over).toBe(true)
  })

  it("may have a limit of many weeks: a timer of Node's that is too long would fire at once", async () => {
    const { pool, ends } = bench()
    const days = 60
    const { outcome } = pool.run(job({ timeLimit: days * 86_400 }))
    let ended = false
    void outcome.then(() => {
      ended = true
    })
    await vi.advanceTimersByTimeAsync((days - 1) * 86_400_000)
    expect(ended).toBe(false)
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(ended).toBe(true)
    ends[0]?.(success)
  })

  it('is aborted at once, with the reason, and only once', async () => {
    const { pool, signals } = bench()
    const running = pool.run(job({ softTimeLimit: 9, timeLimit: 9 }))
    const [first, second] = [new Error('first'), new Error('second')]
    running.abort(first)
    running.abort(second)
    expect(await running.outcome).toEqual({ kind: 'aborted', error: first })
    expect([signals[0]?.reason, signals[0]?.signal.aborted, signals[0]?.signal.reason]).toEqual([
      first,
      true,
      first,
    ])
  })

  it('hears of an abort also when it had asked for the signal before', async () => {
    const { pool, signals } = bench()
    const running = pool.run(job())
    const { signal } = signals[0] as LazySignal
    const heard = vi.fn()
    signal.addEventListener('abort', heard)
    running.abort(new Error('stop'))
    expect(heard).toHaveBeenCalledTimes(1)
  })
})

describe('a pool', () => {
  it('has stopped when nothing runs any more', async () => {
    const { pool, ends } = bench()
    await pool.stop()
    const runs = [pool.run(job()), pool.run(job())]
    let stopped = 0
    for (const stopping of [pool.stop(), pool.stop()]) void stopping.then(() => (stopped += 1))
    ends[0]?.(success)
    await runs[0]?.outcome
    await vi.advanceTimersByTimeAsync(0)
    expect(stopped).toBe(0)
    runs[1]?.abort(new Error('stop'))
    await vi.advanceTimersByTimeAsync(0)
    expect(stopped).toBe(2)
  })

  it('is solo when it runs one at a time', () => {
    const pool = createSoloPool<Job>(() => Promise.resolve(success))
    expect([pool.name, pool.concurrency]).toEqual(['solo', 1])
  })
})
