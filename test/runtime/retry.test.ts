// Whether a task is tried again, and after how long: by numbers that are given, without a clock or a worker.
import { describe, expect, it } from 'vitest'
import { InvalidUsage, MaxRetriesExceededError, Retry, type RetryOptions } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import { TaskContext } from '../../src/runtime/context.js'
import { decompose } from '../../src/runtime/decompose.js'
import { backoffDelay, hasRetriesLeft, type RetryPolicy, retryPolicyOf } from '../../src/runtime/retry.js'
import { signature } from '../../src/canvas/signature.js'
import { counter, originOf, rawsOf, read } from './plans.js'

const policy = (more: Partial<RetryPolicy>): RetryPolicy => retryPolicyOf(more)
const never = (): any => {
  throw new Error('nobody throws dice here')
}

describe('a backoff', () => {
  it('doubles with each try, up to its limit', () => {
    const plain = policy({ retryBackoff: true, retryJitter: false })
    expect([0, 1, 2, 3, 9, 10, 60, 1000].map((retries) => backoffDelay(plain, retries, never))).toEqual([
      1, 2, 4, 8, 512, 600, 600, 600,
    ])
    const own = policy({ retryBackoff: 5, retryBackoffMax: 30, retryJitter: false })
    expect([0, 1, 2, 3].map((retries) => backoffDelay(own, retries, never))).toEqual([5, 10, 20, 30])
  })

  it('with jitter is anything from 0 to that, in whole seconds, as Celery throws its dice', () => {
    const jittered = policy({ retryBackoff: true })
    const at = (random: number) =>
      [0, 1, 2, 3].map((retries) => backoffDelay(jittered, retries, () => random))
    expect(at(0)).toEqual([0, 0, 0, 0])
    expect(at(0.5)).toEqual([1, 1, 2, 4])
    expect(at(0.999_999)).toEqual([1, 2, 4, 8])
  })
})

describe('the number of retries', () => {
  it('is three where nothing is said, and without limit for null', () => {
    expect(policy({}).maxRetries).toBe(3)
    expect([0, 2, 3].map((retries) => hasRetriesLeft(3, retries))).toEqual([true, true, false])
    expect([hasRetriesLeft(0, 0), hasRetriesLeft(null, 1e9)]).toEqual([false, true])
  })
})

describe('this.retry', () => {
  const retry = (
    options: RetryOptions,
    { retries = 0, random = never, own = {} as Partial<RetryPolicy> } = {},
  ) => {
    const node = signature('flaky', { args: [7], kwargs: { k: 'v' } }) as never
    const message = read(rawsOf(decompose(node, [], { taskId: 'id', retries }, originOf()))[0] as string)
    const context = new TaskContext({
      message,
      delivery: { attempts: 0, redelivered: false },
      definition: { options: own },
      hostname: 'w@host',
      ignoreResult: false,
      abort: { signal: new AbortController().signal, reason: undefined, over: false },
      app: null,
      log: silentLogger,
      store: () => Promise.resolve(true),
      event: never,
      random,
      tools: { mint: counter(), check: never, handle: never },
    })
    return context.retry(options)
  }

  it('waits as it is told, else as the task says, else three minutes', () => {
    expect(retry({ countdown: 5 })).toMatchObject({ options: { countdown: 5 }, message: 'Retry in 5s' })
    expect(retry({}, { own: { defaultRetryDelay: 9 } })).toMatchObject({ options: { countdown: 9 } })
    expect(retry({})).toMatchObject({ options: { countdown: 180 } })
    const eta = new Date('2027-01-01T00:00:00Z')
    expect(retry({ eta })).toMatchObject({ options: { eta }, message: 'Retry at 2027-01-01T00:00:00.000Z' })
    expect((retry({ eta }) as Retry).options).not.toHaveProperty('countdown')
  })

  it('waits by the backoff of its task, with the dice that it is given', () => {
    const own = { retryBackoff: 2 }
    expect(retry({}, { own, retries: 2, random: () => 0.5 })).toMatchObject({ options: { countdown: 4 } })
  })

  it('says what caused it', () => {
    expect(retry({ countdown: 1, error: new RangeError('boom') }).message).toBe(
      'Retry in 1s: RangeError: boom',
    )
  })

  it('gives the error back when there are no retries left', () => {
    const error = new RangeError('boom')
    expect(retry({ error }, { retries: 3 })).toBe(error)
    expect(retry({ error, maxRetries: 9 }, { retries: 3 })).toBeInstanceOf(Retry)
    expect(retry({ error, maxRetries: null }, { retries: 999 })).toBeInstanceOf(Retry)
  })

  it("or says in Celery's words that it was too often", () => {
    const tooOften = retry({}, { retries: 3 })
    expect(tooOften).toBeInstanceOf(MaxRetriesExceededError)
    expect(tooOften.message).toBe("Can't retry flaky[id] args:(7,) kwargs:{'k': 'v'}")
  })

  it.each([
    [{ countdown: -1 }, 'countdown to be seconds'],
    [{ countdown: '5' }, 'countdown to be seconds'],
    [{ eta: new Date('never') }, 'eta to be a valid Date'],
    [{ maxRetries: 1.5 }, 'maxRetries to be a whole number'],
    [{ args: 'x' }, 'args to be a list'],
    [{ kwargs: [] }, 'kwargs to be an object'],
  ])('refuses %o', (options, sentence) => {
    expect(() => retry(options as RetryOptions)).toThrow(InvalidUsage)
    expect(() => retry(options as RetryOptions)).toThrow(sentence)
  })
})
