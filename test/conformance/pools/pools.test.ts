// One suite, four pools: whatever runs a task, the task is the same, and so is what becomes of it.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chain } from '../../../src/canvas/chain.js'
import { chord } from '../../../src/canvas/chord.js'
import { signature } from '../../../src/canvas/signature.js'
import { type Running, temporaryDirectory } from '../../support/processes.js'
import { until } from '../../support/until.js'
import { type Bench, openBench, pools } from './bench.js'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench.close())

const answer = (waiting: Promise<unknown>): Promise<string> =>
  waiting.then(
    (value) => `returned ${JSON.stringify(value)}`,
    (error: Error) => `${error.name}: ${error.message}`,
  )

describe.each(pools)('a task in the pool %s', (pool) => {
  const isApart = pool === 'prefork' || pool === 'threads'
  const who = pool === 'prefork' ? 'ForkPoolWorker-\\d+' : 'MainProcess'
  let worker: Running
  const call: Bench['call'] = (...args) => bench.call(...args)
  const send = (task: string, args: readonly unknown[] = [], options = {}) =>
    bench.app.sendTask(task, args, options)

  beforeAll(async () => {
    worker = await bench.work({ pool, ...(pool !== 'solo' && { concurrency: 2 }) })
  })
  afterAll(async () => void (await worker.stop()))

  it('runs where the pool says', async () => {
    const { pid, thread, child } = await call('who')
    expect([pid === worker.pid, thread === 0, child]).toEqual(
      {
        prefork: [false, true, true],
        threads: [true, false, true],
        fiber: [true, true, false],
        solo: [true, true, false],
      }[pool],
    )
  })

  it('has its request, and rich values both ways', async () => {
    const args = [new Date(3), new Map([['a', new Set([1n])]]), 'ü\n"\\']
    const got = await call('request', args, { taskId: `request-${pool}` })
    expect(got).toEqual({
      id: `request-${pool}`,
      task: 'request',
      args,
      attempt: 1,
      redelivered: false,
      hostname: 'w@host',
      map: new Map([['date', new Date(7)]]),
    })
  })

  it('fails with its error, its cause and its own stack', async () => {
    const result = await send('fail')
    expect(await answer(result.get({ timeout: 25 }))).toBe('TypeError: boom')
    const traceback = await result.traceback()
    expect(traceback).toMatch(
      /^TypeError: boom\n( {4}at .*tasks\.js:\d+:\d+\)?\n)+Caused by: RangeError: deep\n/,
    )
    expect(traceback).not.toMatch(/src\/|dist\//)
    expect(await answer(call('throwText'))).toBe('Exception: just a text')
    expect(await answer(call('nobody.knows'))).toMatch(/^NotRegistered: /)
  })

  it('has errors that are expected, by their class', async () => {
    expect(await answer(call('expected', [], { taskId: `expected-${pool}` }))).toBe('Exception: as always')
    await worker.line(new RegExp(`INFO/${who}\\] Task expected\\[expected-${pool}\\] raised expected: `))
  })

  it('is tried again, by hand and by itself', async () => {
    expect(await call('again', [2])).toEqual({ retries: 2, mark: new Date(0) })
    expect(await call('automatic')).toBe(2)
  })

  it('may be ignored and rejected', async () => {
    const before = bench.noted('ignored').length
    const id = `reject-${pool}`
    await send('ignore')
    await send('reject', [], { taskId: id })
    await worker.line(new RegExp(`WARNING/${who}\\] Task reject\\[${id}\\] reject requeue=False: no`))
    await until(() => bench.noted('ignored').length > before)
    expect(await (await send('add', [1, 1])).get({ timeout: 25 })).toBe(2)
  })

  it('is replaced, and grows its chord', async () => {
    expect(
      await chain(signature('replace', { args: [1] }), signature('add', { args: [5] }))
        .delay()
        .get({ timeout: 25 }),
    ).toBe(106)
    const grown = chord(
      [signature('grow', { args: [1] }), signature('add', { args: [2, 3] })],
      signature('sum'),
    )
    expect(await grown.delay().get({ timeout: 25 })).toBe(1 + 5 + 1001)
  })

  it('sends others, as its children', async () => {
    const result = await send('send')
    const id = await result.get({ timeout: 25 })
    expect(await bench.app.result(id as string).get({ timeout: 25 })).toBe(23)
    const children = await result.children()
    expect(children.map((child: { id: string }) => child.id)).toEqual([id])
    expect((await bench.app.result(id as string).meta())?.parentId).toBe(result.id)
  })

  it('stores its states while it runs', async () => {
    const gate = join(temporaryDirectory('gate'), 'open')
    const result = await send('state', [gate])
    await until(async () => (await result.state()) === 'PROGRESS')
    expect((await result.meta())?.result).toEqual({ current: 1, total: 2 })
    writeFileSync(gate, '')
    expect(await result.get({ timeout: 25 })).toEqual([true, true])
  })

  it('has hooks, and one that throws is logged', async () => {
    expect(await call('hooks', [pool])).toBe(pool)
    expect(bench.noted(`hook:${pool}:hooks`)).toHaveLength(1)
    await worker.line(
      new RegExp(`ERROR/${who}\\] hooks\\[.*\\]: a hook of the task threw: Error: a hook that throws`),
    )
  })

  it('logs with its name and id', async () => {
    const id = `say-${pool}`
    await call('say', ['hello'], { taskId: id })
    await worker.line(new RegExp(`INFO/${who}\\] say\\[${id}\\]: logged hello`))
    if (!isApart) return
    // What it prints becomes lines of the log as well.
    await worker.line(new RegExp(`WARNING/${who}\\] say\\[${id}\\]: printed hello$`))
    await worker.line(new RegExp(`WARNING/${who}\\] say\\[${id}\\]: in two lines$`))
    await worker.line(new RegExp(`WARNING/${who}\\] say\\[${id}\\]: complained hello$`))
  })

  it('logs what no JSON can hold, and does not fail because of it', async () => {
    expect(await call('sayOddly')).toBe('said')
    await worker.line(new RegExp(`WARNING/${who}\\] sayOddly\\[.*\\]: oddly$`))
  })

  it('hears of its soft limit', async () => {
    expect(await call('soft', [], { softTimeLimit: 0.1, taskId: `soft-${pool}` })).toBe(
      'SoftTimeLimitExceeded',
    )
    await worker.line(
      new RegExp(`WARNING/MainProcess\\] Soft time limit \\(0\\.1s\\) exceeded for soft\\[soft-${pool}\\]$`),
    )
  })

  it('hears of it in the middle of a loop that waits for nothing, if it looks', async () => {
    expect(await call('softBusy', [], { softTimeLimit: 0.1 })).toBe('SoftTimeLimitExceeded')
    await worker.line(/Soft time limit \(0\.1s\) exceeded for softBusy\[/)
  })

  it('fails at its hard limit', async () => {
    expect(await answer(call('sleep', [60], { timeLimit: 0.2 }))).toBe(
      'TimeLimitExceeded: time limit (0.2s) exceeded',
    )
    expect(await call('add', [1, 2])).toBe(3)
  })

  it('that returns what cannot travel is a failure that says so, and a circle can', async () => {
    expect(await answer(call('returns', ['function']))).toMatch(
      /^EncodeError: the result of returns is a function/,
    )
    const circle = await call('returns', ['circle'])
    expect(circle.self).toBe(circle)
  })

  it.runIf(pool === 'prefork' || pool === 'fiber')(
    'that returns more than can be stored is a failure that says so',
    async () => {
      expect(await answer(call('returns', ['text']))).toBe(
        'EncodeError: the result of returns is too large: 209715202 characters of JSON, at most 67108864 are stored. ' +
          'Put it where large things are kept, and return its address.',
      )
      expect(await call('add', [1, 2])).toBe(3)
    },
  )
})
