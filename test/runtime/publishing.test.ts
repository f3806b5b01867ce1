// What a call, a signature and the settings say about a publish, and what of it reaches the broker.
import { afterEach, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.js'
import type { SettingsInput } from '../../src/config.js'
import { patienceOf } from '../../src/config-publish.js'
import { InvalidSignature, OperationalError } from '../../src/errors.js'
import type { PublishOptions } from '../../src/runtime/broker.js'

let opened: App[] = []
afterEach(async () => {
  for (const app of opened) await app.close()
  opened = []
})

/** A task, and what its app's broker was asked for. */
const recorded = async (settings: SettingsInput = {}) => {
  const app = createApp('proj', { broker: `memory://publishing-${opened.length}`, ...settings })
  opened.push(app)
  const asked: (PublishOptions | undefined)[] = []
  Object.assign(await app.broker(), {
    publish: async (_: unknown, options?: PublishOptions) => void asked.push(options),
  })
  return { app, asked, task: app.task('proj.task', () => 1) }
}

describe('a policy', () => {
  it.each([
    [{}, 0.6],
    [{ maxRetries: 0 }, 0],
    [{ maxRetries: 1, intervalStart: 0.5 }, 0.5],
    [{ maxRetries: 10 }, 0 + 0.2 + 0.4 + 0.6 + 0.8 + 5],
    [{ maxRetries: 4, intervalStart: 2, intervalMax: 1 }, 4],
    [{ maxRetries: 5, intervalStart: 0.5, intervalStep: 0 }, 2.5],
    [{ maxRetries: 1_000_000_000, intervalMax: 0 }, 0],
    [{ maxRetries: null }, Number.POSITIVE_INFINITY],
  ])('%j is tried for %d s', (policy, expected) => {
    expect(patienceOf(policy)).toBeCloseTo(expected, 6)
  })
})

describe('the broker is asked', () => {
  it('for nothing where nobody says anything', async () => {
    const { asked, task } = await recorded()
    await task.delay()
    expect(asked).toEqual([{}])
  })

  it('for what the call says, over what the signature says', async () => {
    const { asked, task } = await recorded()
    const sig = task.si().set({ retry: false, durability: { replicas: 1 } })
    await sig.delay()
    await sig.applyAsync([], { retry: true, durability: { replicas: 2, timeout: 3 } })
    await task.applyAsync([], { retryPolicy: { maxRetries: 2, intervalStart: 1 } })
    await task.applyAsync([], { retry: false, retryPolicy: { maxRetries: 2 } })
    expect(asked).toEqual([
      { patience: 0, durability: { replicas: 1 } },
      { durability: { replicas: 2, timeout: 3 } },
      { patience: 2 },
      { patience: 0 },
    ])
  })

  it('for what the settings say, where the call says nothing; a policy word by word', async () => {
    const once = await recorded({ taskPublishRetry: false })
    await once.task.delay()
    await once.task.applyAsync([], { retry: true })
    expect(once.asked).toEqual([{ patience: 0 }, {}])

    const policy = await recorded({
      task_publish_retry_policy: { max_retries: 1, interval_start: 0.5 } as never,
    })
    await policy.task.delay()
    await policy.task.applyAsync([], { retryPolicy: { maxRetries: 3, intervalStep: 0 } })
    await policy.task.applyAsync([], { retryPolicy: { maxRetries: null } })
    expect(policy.asked).toEqual([
      { patience: 0.5 },
      { patience: 1.5 },
      { patience: Number.POSITIVE_INFINITY },
    ])
  })

  it('alike for Celery’s spelling of a policy, and a signature is written in it', async () => {
    const { app, asked, task } = await recorded()
    const sig = task.si().set({ retryPolicy: { maxRetries: 2, intervalStart: 1 } })
    const json = sig.toJSON()
    expect(json.options).toEqual({ retry_policy: { max_retries: 2, interval_start: 1 } })
    const { signature } = await import('../../src/canvas/signature.js')
    const back = signature.from(json)
    expect((back as unknown as typeof sig).options).toEqual(sig.options)
    await app.send(back)
    expect(asked).toEqual([{ patience: 2 }])
  })

  it('once for a whole canvas', async () => {
    const { asked, app, task } = await recorded()
    const { group } = await import('../../src/canvas/group.js')
    await app.send(group(task.si(), task.si()), [], { durability: { replicas: 1 } })
    expect(asked).toEqual([{ durability: { replicas: 1 } }])
  })
})

describe('what cannot be read is refused in a sentence', () => {
  it.each([
    [{ retry: 'no' }, 'The option retry expects true or false, but got "no".'],
    [{ retryPolicy: 3 }, 'The option retryPolicy expects an object, but got 3.'],
    [
      { retryPolicy: { maxRetries: -1 } },
      'retryPolicy.maxRetries: expected a whole number from 0, or null (without limit), got -1.',
    ],
    [
      { retryPolicy: { intervalStart: '1' } },
      'retryPolicy.intervalStart: expected a number of seconds, 0 or more, got "1".',
    ],
    [{ retryPolicy: { maxRetrys: 1 } }, 'retryPolicy: unknown option "maxRetrys". Did you mean maxRetries?'],
    [
      { durability: { replicas: 1.5 } },
      'durability.replicas: expected a whole number of at least 0, got 1.5.',
    ],
    [{ durability: { aof: 2 } }, 'durability.aof: expected a whole number from 0 to 1, got 2.'],
    [
      { durability: { replicas: 1, timeout: 0 } },
      'durability.timeout: expected a number of seconds, more than 0, got 0.',
    ],
  ])('%j', async (options, sentence) => {
    const { asked, task } = await recorded()
    const error: unknown = await task.applyAsync([], options as never).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidSignature)
    expect((error as Error).message).toBe(sentence)
    expect(asked).toEqual([])
  })
})

it('memory:// has neither replicas nor a disk, and says so', async () => {
  const app = createApp('proj', { broker: 'memory://not-durable' })
  opened.push(app)
  const task = app.task('proj.task', () => 1)
  await expect(task.applyAsync([], { durability: { replicas: 1 } })).rejects.toThrow(
    'Not published. memory://not-durable lies in this process and has neither replicas nor a disk: leave durability.replicas out, or use redis://.',
  )
  await expect(task.applyAsync([], { durability: { aof: 1 } })).rejects.toBeInstanceOf(OperationalError)
  expect(await (await app.broker()).length('celery')).toBe(0)
  await task.applyAsync([], { durability: { replicas: 0 }, retry: false })
  expect(await (await app.broker()).length('celery')).toBe(1)
})
