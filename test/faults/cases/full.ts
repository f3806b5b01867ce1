// P12: Redis reaches its maxmemory in the middle of the work, and gets more later.
import { BrokerFull } from 'lovage'
import { type FaultCase, range } from '../support/scene.js'

export const p12: FaultCase = {
  name: 'P12',
  title: 'maxmemory reached in mid-run, then raised',
  play: async (scene, size) => {
    const { report, outside, ledger } = scene
    const { nap } = scene.client()
    const [many, refusals] = size === 'full' ? [400, 10] : [60, 2]
    const workers = await Promise.all(range(2).map(() => scene.worker({ concurrency: 5 })))
    const before = await Promise.all(range(many).map((value) => nap.delay(value, 50)))
    await scene.ended(scene.random.whole(1, many / 4))
    // Far less than it holds.
    await outside.config('SET', 'maxmemory', '1mb')
    report.inject(`maxmemory set below what is used after ${ledger.ends().length} of ${many} ends`)

    const errors: unknown[] = []
    let slowestMs = 0
    for (const value of range(refusals)) {
      const startedAt = performance.now()
      await nap.delay(value, 1).catch((error: unknown) => errors.push(error))
      slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    }
    report.count('publications refused', errors.length)
    report.count('slowest answer to a publisher', `${(slowestMs / 1000).toFixed(1)} s`)
    report.must(
      'publishers get a BrokerFull',
      errors.length === refusals && errors.every((error) => error instanceof BrokerFull),
    )
    report.must('within 10 s', slowestMs <= 10_000)

    const missing = await scene.finished(before.map(({ id }) => id))
    report.must('what was accepted drains while Redis is full', missing.length === 0)
    report.must(
      'the workers live',
      workers.every(({ child }) => child.exitCode === null && child.signalCode === null),
    )
    await outside.config('SET', 'maxmemory', '0')
    const after = await Promise.all(range(10).map((value) => nap.delay(value, 1)))
    const late = await scene.finished(after.map(({ id }) => id))
    report.must('all goes on when there is room again', late.length === 0)
    const ids = [...before, ...after].map(({ id }) => id)
    const right = (await scene.results(ids)).filter((meta) => meta?.status === 'SUCCESS').length
    report.count('with their result', `${right} of ${ids.length}`)
    const ended = new Set(ledger.ends().map(({ id }) => id))
    report.must(
      '0 lost, by their results and by the ledger',
      right === ids.length && ids.every((id) => ended.has(id)),
    )
    await scene.quiet()
    await scene.settle()
  },
}
