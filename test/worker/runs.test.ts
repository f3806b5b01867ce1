// One delivery, from intake to the text of its completion: what is not ours is not run, what cannot be run
// ends all the same, and nothing rejects.
import { Telling } from '../../src/runtime/worker/telling.js'
import { describe, expect, it, vi } from 'vitest'
import { readSettings } from '../../src/config.js'
import { LeaseLost, TimeLimitExceeded } from '../../src/errors.js'
import { silentLogger } from '../../src/log.js'
import type { Outcome } from '../../src/pools/pool.js'
import { usualLimits } from '../../src/runtime/check-canvas.js'
import type { Consumer, Delivery } from '../../src/runtime/consumer.js'
import { decompose } from '../../src/runtime/decompose.js'
import type { SignatureOptions } from '../../src/canvas/node.js'
import { Pages } from '../../src/runtime/worker/pages.js'
import { Registry } from '../../src/runtime/registry.js'
import { Router } from '../../src/runtime/router.js'
import type { TaskOptions } from '../../src/runtime/task.js'
import { Completions } from '../../src/runtime/worker/completions.js'
import { Ends } from '../../src/runtime/worker/ends.js'
import { Reports } from '../../src/runtime/worker/reports.js'
import type { TaskJob } from '../../src/runtime/worker/active-runs.js'
import type { Ended } from '../../src/runtime/worker/ended.js'
import { Runs } from '../../src/runtime/worker/runs.js'
import { chord } from '../../src/canvas/chord.js'
import { signature } from '../../src/canvas/signature.js'
import { counter, nowMs, originOf, rawsOf } from '../runtime/plans.js'

interface Started {
  readonly job: TaskJob
  readonly end: (outcome: Outcome) => void
}

const quiet = { isQuiet: true, has: () => false, send: async () => undefined }
const bench = (
  options: TaskOptions = {},
  settings: {
    acksLate?: boolean
    trackStarted?: boolean
    waits?: boolean
    admitted?: boolean | Promise<boolean>
  } = {},
) => {
  const registry = new Registry()
  registry.add({ name: 'add', run: (x: number, y: number) => x + y, options })
  const means = {
    router: new Router(readSettings({}), registry),
    broker: { route: () => Promise.resolve([]), now: () => nowMs },
    compression: undefined,
  }
  const said: string[] = []
  const reports = new Reports({
    say: (type, fields) => void said.push(`${type} ${JSON.stringify(fields)}`),
    tellSent: undefined,
  })
  const endSettings = {
    ignoreResult: false,
    storeErrorsEvenIfIgnored: false,
    acksOnFailureOrTimeout: true,
    resultExpires: 60,
    resultExtended: false,
    inheritPriority: false,
    headerErrbacks: false,
    limits: usualLimits,
  }
  const completions = new Completions(endSettings, means, 'w@host', counter())
  const ends = new Ends(
    endSettings,
    completions,
    new Pages(
      { recall: () => Promise.reject(new Error('nothing is carried by reference here')) },
      () => true,
    ),
    silentLogger,
    reports,
    { keep: () => Promise.resolve() },
  )
  const started: Started[] = []
  const consumer = {
    admit: vi.fn<Consumer['admit']>(() => Promise.resolve('run')),
    note: vi.fn<Consumer['note']>(() => Promise.resolve({ kind: 'run' })),
    release: vi.fn<Consumer['release']>(() => Promise.resolve(true)),
    store: vi.fn<Consumer['store']>(() => Promise.resolve(true)),
  }
  const pool = {
    run: (job: TaskJob) => {
      let end: (outcome: Outcome) => void = () => undefined
      const outcome = new Promise<Outcome>((resolve) => {
        end = resolve
      })
      started.push({ job, end })
      const { waits = false } = settings
      return { outcome, abort: (error: Error) => end({ kind: 'aborted', error }), waits: () => waits }
    },
  }
  const critical = vi.fn()
  const runs = new Runs({
    consumer,
    pool,
    completions,
    ends,
    rules: { registry, maxDeliveries: 5, rejectOnWorkerLost: true, resultExpires: 60 },
    limits: { begins: () => false, admit: () => settings.admitted ?? true },
    now: () => nowMs,
    log: { ...silentLogger, critical },
    softTimeLimit: undefined,
    timeLimit: undefined,
    acksLate: settings.acksLate ?? true,
    trackStarted: settings.trackStarted ?? false,
    hostname: 'w@host',
    telling: new Telling(quiet),
    reports,
  })
  return { runs, started, consumer, ends, critical, reports, said }
}

const raw = (options: SignatureOptions = {}, name = 'add'): Buffer => {
  const node = signature(name, { args: [1, 2] }) as never
  return Buffer.from(rawsOf(decompose(node, [], { taskId: 'id', ...options }, originOf()))[0] as string)
}

const delivery = (more: Partial<Delivery> = {}): Delivery => ({
  tag: '1',
  queue: 'celery',
  raw: raw(),
  attempts: 0,
  redelivered: false,
  uncertain: false,
  lost: false,
  lastWorker: null,
  ...more,
})

const again = { redelivered: true, uncertain: true }
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const success: Outcome = { kind: 'success', value: 3 }

describe('a delivery', () => {
  it('is run, and its end is one completion', async () => {
    const { runs, started, consumer } = bench()
    const handled = runs.handle(delivery())
    await soon()
    expect([runs.active.size, started[0]?.job.task]).toEqual([1, 'add'])
    started[0]?.end(success)
    const ended = await handled
    expect(ended?.completion).toMatchObject({
      tag: '1',
      ending: { kind: 'ack' },
      results: [{ taskId: 'id', state: 'SUCCESS' }],
    })
    // A first delivery in the normal case costs no call of its own.
    for (const call of Object.values(consumer)) expect(call).not.toHaveBeenCalled()
    expect(runs.active.size).toBe(0)
  })

  it('that lies in the future goes back until then, and frees its slot', async () => {
    const { runs, started } = bench()
    const ended = await runs.handle(delivery({ raw: raw({ countdown: 9 }) }))
    expect(ended?.completion.ending).toEqual({ kind: 'defer', dueMs: nowMs + 9000 })
    expect(started).toEqual([])
  })

  it.each([
    ['at once', false],
    ['after a look at the rate of all workers', Promise.resolve(false)],
  ])('whose task may not start yet is set aside, %s, before anything else', async (_, admitted) => {
    const { runs, started, consumer } = bench({}, { admitted, acksLate: false, trackStarted: true })
    const ended = await runs.handle(delivery())
    expect(ended?.completion).toMatchObject({ ending: { kind: 'park', task: 'add' }, results: [], parts: [] })
    expect(started).toEqual([])
    expect([consumer.release.mock.calls, consumer.store.mock.calls]).toEqual([[], []])
  })

  it('that is too late is revoked', async () => {
    const ended = await bench().runs.handle(delivery({ raw: raw({ expires: -1 }) }))
    expect(ended?.completion.results).toMatchObject([{ state: 'REVOKED' }])
  })

  it('of a task that nobody knows is a failure that says so', async () => {
    const ended = await bench().runs.handle(delivery({ raw: raw({}, 'unknown') }))
    expect(ended?.completion.ending).toEqual({ kind: 'ack' })
    expect(ended?.completion.results[0]?.text).toContain(
      '"exc_type": "NotRegistered", "exc_message": ["unknown"]',
    )
  })

  it('that cannot be read is a dead letter, and a failure where its id can be told', async () => {
    const { runs } = bench()
    const nothing = await runs.handle(delivery({ raw: Buffer.from('{') }))
    expect(nothing?.completion).toMatchObject({ ending: { kind: 'dead' }, results: [] })
    const envelope = JSON.parse(raw().toString())
    const broken = Buffer.from(JSON.stringify({ ...envelope, body: Buffer.from('[1]').toString('base64') }))
    const told = await runs.handle(delivery({ raw: broken }))
    expect(told?.completion).toMatchObject({
      ending: { kind: 'dead', taskId: 'id', task: 'add' },
      results: [{ taskId: 'id', state: 'FAILURE' }],
    })
  })

  it('that may have started elsewhere is noted before it runs', async () => {
    const { runs, started, consumer } = bench()
    void runs.handle(delivery(again))
    await soon()
    expect(consumer.note).toHaveBeenCalledWith('1', 'id:0:0:', [])
    expect(started).toHaveLength(1)
  })

  it('that ended elsewhere is only acknowledged', async () => {
    const { runs, started, consumer } = bench()
    consumer.note.mockResolvedValue({ kind: 'done', joins: [] })
    const ended = await runs.handle(delivery(again))
    expect(ended?.completion).toMatchObject({ ending: { kind: 'ack' }, results: [], pushes: [] })
    expect(started).toEqual([])
  })

  it('whose worker died between a chord and its body sends the body', async () => {
    const { runs, consumer } = bench()
    const sent = decompose(
      chord([signature('add', { args: [1, 1] })], signature('sum')) as never,
      [],
      {},
      originOf(),
    )
    const [header] = rawsOf(sent) as [string]
    const [opened] = sent.steps.flatMap((step) => (step.do === 'open-chord' ? [step.chord] : []))
    const { groupId = '', bodyId = '' } = opened ?? {}
    const members = ['[1, "x", "SUCCESS", 2]']
    consumer.note.mockResolvedValue({ kind: 'done', joins: [{ groupId, bodyId, members }] })
    const ended = await runs.handle(delivery({ ...again, raw: Buffer.from(header) }))
    expect(ended?.completion).toMatchObject({ joined: [{ groupId, bodyId }], pushes: [{ queue: 'celery' }] })
  })

  it('whose workers died too often is a failure and a dead letter', async () => {
    const past = { redelivered: true, attempts: 5, lastWorker: 'w1@host' }
    const ended = await bench().runs.handle(delivery(past))
    expect(ended?.completion).toMatchObject({
      ending: {
        kind: 'dead',
        reason: expect.stringContaining('5 times and never ended; the last time on w1@host'),
      },
      results: [{ state: 'FAILURE' }],
    })
  })

  it('of a task that must not run twice is a failure', async () => {
    const { runs, started } = bench({ rejectOnWorkerLost: false })
    const ended = await runs.handle(delivery({ redelivered: true, attempts: 1 }))
    expect(ended?.completion.results[0]?.text).toContain('WorkerLostError')
    expect(started).toEqual([])
  })
})

describe('what is not ours', () => {
  it.each([
    ['the note tells so', again, {}, (consumer: any) => consumer.note.mockResolvedValue({ kind: 'lost' })],
    [
      'the release tells so',
      {},
      { acksLate: false },
      (consumer: any) => consumer.release.mockResolvedValue(false),
    ],
    [
      'STARTED is refused',
      {},
      { trackStarted: true },
      (consumer: any) => consumer.store.mockResolvedValue(false),
    ],
    [
      'the lease is lost',
      again,
      {},
      (consumer: any) => consumer.note.mockRejectedValue(new LeaseLost('lost')),
    ],
  ])('is not run: %s', async (_why, past, settings, prepare) => {
    const { runs, started, consumer, critical } = bench({}, settings)
    prepare(consumer)
    expect(await runs.handle(delivery(past))).toBeUndefined()
    expect([started, critical.mock.calls]).toEqual([[], []])
  })

  it('is aborted when the lease is lost, and its end is not sent', async () => {
    const { runs, started } = bench()
    const handled = runs.handle(delivery())
    await soon()
    runs.lose()
    expect(await handled).toBeUndefined()
    expect(started).toHaveLength(1)
  })

  it('is dropped also when the lease is lost between its end and its completion', async () => {
    const { runs, started, ends } = bench()
    let finish: (value: never) => void = () => undefined
    vi.spyOn(ends, 'ofOutcome').mockReturnValue(new Promise((resolve) => (finish = resolve)))
    const handled = runs.handle(delivery())
    await soon()
    started[0]?.end(success)
    await soon()
    runs.lose()
    finish({ tag: '1' } as never)
    expect(await handled).toBeUndefined()
  })

  it('is not begun when the lease was lost while its start was stored', async () => {
    const { runs, started, consumer } = bench({}, { trackStarted: true })
    let finish: (value: boolean) => void = () => undefined
    consumer.store.mockReturnValue(new Promise((resolve) => (finish = resolve)))
    const handled = runs.handle(delivery())
    await soon()
    runs.lose()
    finish(true)
    expect(await handled).toBeUndefined()
    expect(started).toEqual([])
  })
})

describe('a warm stop', () => {
  const lost: Outcome = { kind: 'lost', how: 'signal 9 (SIGKILL)' }

  it('gives back what was lost with what ran it, its start counted', async () => {
    const { runs, started } = bench()
    const handled = runs.handle(delivery({ ...again, attempts: 1 }))
    await soon()
    runs.leave()
    started[0]?.end(lost)
    expect((await handled)?.completion).toMatchObject({ ending: { kind: 'back', starts: 2 }, results: [] })
    expect(started).toHaveLength(1)
  })

  it('gives back what waits for a child, uncounted, and nothing that runs or was acknowledged early', async () => {
    const ends = []
    for (const [waits, acksLate] of [
      [true, true],
      [false, true],
      [true, false],
    ] as const)
      for (const isLeft of ['before', 'after']) {
        const { runs, started } = bench({}, { acksLate, waits })
        if (isLeft === 'before') runs.leave()
        const handled = runs.handle(delivery({ ...again, attempts: 1 }))
        await soon()
        runs.leave()
        started[0]?.end(success)
        ends.push((await handled)?.completion.ending)
      }
    const back = { kind: 'back', starts: 1 }
    const ack = { kind: 'ack' }
    expect(ends).toEqual([back, back, ack, ack, ack, ack])
  })

  it('gives back what waits for a child also while children cannot be had, and lets it wait again when they can', async () => {
    const { runs, started } = bench({}, { acksLate: true, waits: true })
    const before = runs.handle(delivery())
    await soon()
    runs.setShort(true)
    const after = runs.handle(delivery())
    const ends = await Promise.all([before, after])
    expect(ends.map((ended) => ended?.completion.ending)).toEqual(Array(2).fill({ kind: 'back', starts: 0 }))
    runs.setShort(false)
    const waiting = runs.handle(delivery())
    await soon()
    started[2]?.end(success)
    expect((await waiting)?.completion.ending).toEqual({ kind: 'ack' })
  })

  it('ends what was lost and may not start again as ever', async () => {
    for (const [options, attempts, reason] of [
      [{}, 4, /^add was started 5 times and never ended; the last time on w@host \(signal 9/],
      [{ rejectOnWorkerLost: false }, 0, /which must not run twice/],
      [{ acksLate: false }, 0, /which was acknowledged early/],
    ] as const) {
      const { runs, started } = bench(options)
      const handled = runs.handle(delivery({ ...again, attempts }))
      await soon()
      runs.leave()
      started[0]?.end(lost)
      const { completion } = (await handled) as Ended
      expect(JSON.parse(completion.results[0]?.text as string).result.exc_message[0]).toMatch(reason)
      expect(completion.ending).toMatchObject(attempts === 4 ? { kind: 'dead', starts: 5 } : { kind: 'ack' })
    }
  })
})

describe('a cold stop', () => {
  it('gives back what runs, uncounted', async () => {
    const { runs } = bench()
    const handled = runs.handle(delivery())
    await soon()
    runs.abort()
    expect((await handled)?.completion).toMatchObject({ ending: { kind: 'back' }, results: [] })
  })

  it('gives back what has not begun, before it is acknowledged early', async () => {
    const { runs, started, consumer } = bench({}, { acksLate: false })
    runs.abort()
    expect((await runs.handle(delivery()))?.completion.ending).toEqual({ kind: 'back', starts: 0 })
    expect(consumer.release).not.toHaveBeenCalled()
    expect(started).toEqual([])
  })
})

describe('a fault of ours', () => {
  it('while a message is handled ends it as a dead letter with its reason, and tells who waits', async () => {
    const { runs, started, ends, critical } = bench()
    vi.spyOn(ends, 'ofOutcome').mockRejectedValue(new TypeError('a fault'))
    const handled = runs.handle(delivery())
    await soon()
    started[0]?.end(success)
    expect((await handled)?.completion).toMatchObject({
      ending: { kind: 'dead', reason: 'TypeError: a fault', taskId: 'id' },
      results: [{ taskId: 'id', state: 'FAILURE' }],
    })
    expect(critical).toHaveBeenCalledTimes(1)
  })

  it('while a chord is joined is said, and nothing rejects', async () => {
    const { runs, ends, critical } = bench()
    vi.spyOn(ends, 'ofJoins').mockRejectedValue(new TypeError('a fault'))
    const ended = { completion: { ending: { kind: 'ack' } }, held: { message: { id: 'id', task: 'add' } } }
    expect(await runs.join(ended as never, [])).toBeUndefined()
    expect(critical).toHaveBeenCalledTimes(1)
  })
})

describe('a hard limit', () => {
  const limited = async (options: TaskOptions) => {
    const { runs, started } = bench(options)
    const handled = runs.handle(delivery())
    await soon()
    started[0]?.end({ kind: 'failure', error: new TimeLimitExceeded(1) })
    return (await handled)?.completion
  }

  it('is a failure', async () => {
    expect(await limited({})).toMatchObject({ ending: { kind: 'ack' }, results: [{ state: 'FAILURE' }] })
  })

  it('puts the message back where it is not to be acknowledged then', async () => {
    const completion = await limited({ acksOnFailureOrTimeout: false })
    expect(completion).toMatchObject({ ending: { kind: 'requeue' }, results: [] })
  })

  it("is the message's, else the task's", async () => {
    const { runs, started } = bench({ timeLimit: 7, softTimeLimit: 5 })
    void runs.handle(delivery())
    void runs.handle(delivery({ tag: '2', raw: raw({ timeLimit: 2, softTimeLimit: 1 }) }))
    await soon()
    expect(started.map(({ job }) => [job.softTimeLimit, job.timeLimit])).toEqual([
      [5, 7],
      [1, 2],
    ])
  })
})
