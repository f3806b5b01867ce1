// P7: Redis itself is killed and started again; it has an append-only file.
import { setTimeout as sleep } from 'node:timers/promises'
import { publishedTwice } from '../support/ledger.js'
import { type FaultCase, range } from '../support/scene.js'

export const p7: FaultCase = {
  name: 'P7',
  title: 'Redis killed and started again (AOF), with a live publisher and a waiting get()',
  redis: ['--appendonly', 'yes', '--appendfsync', 'always'],
  play: async (scene, size) => {
    const { report, ledger, redis, random } = scene
    const { nap } = scene.client()
    const kills = size === 'full' ? 5 : 1
    await Promise.all(range(2).map(() => scene.worker({ concurrency: 5 })))
    const confirmed: string[] = []
    const waits: Promise<unknown>[] = []
    let refused = 0
    let stopped = false
    const publisher = (async () => {
      for (let value = 0; !stopped; value++) {
        await nap.delay(value, 20).then(
          (result) => {
            confirmed.push(result.id)
            if (value % 10 === 0) waits.push(result.get({ timeout: 60 }))
          },
          () => refused++,
        )
        await sleep(5)
      }
    })()
    let slowestMs = 0
    for (let kill = 0; kill < kills; kill++) {
      await scene.ended(ledger.ends().length + random.whole(20, 60))
      const waiting = nap.delay(-1, 500)
      await waiting
      waits.push(waiting.get({ timeout: 60 }))
      const many = ledger.ends().length
      await redis.restart({ hard: true })
      const backAt = performance.now()
      // More than ran when it was killed: new ones were claimed.
      await scene.ended(many + 15)
      slowestMs = Math.max(slowestMs, performance.now() - backAt)
    }
    stopped = true
    await publisher
    report.inject(`${kills} × SIGKILL of Redis, started again at once, with appendfsync always`)
    const missing = await scene.finished(confirmed)
    const returned = await Promise.allSettled(waits)
    report.count('publications confirmed', confirmed.length)
    report.count('not confirmed in time', refused)
    report.count('progress after', `${(slowestMs / 1000).toFixed(1)} s`)
    report.count(
      'get() returned',
      `${returned.filter(({ status }) => status === 'fulfilled').length} of ${waits.length}`,
    )
    const ended = new Set(ledger.ends().map(({ id }) => id))
    report.must(
      '0 confirmed messages lost, by their results and by the ledger',
      missing.length === 0 && confirmed.every((id) => ended.has(id)),
    )
    report.must('no message was published twice', publishedTwice(ledger.starts()) === 0)
    // The short form runs beside other tests: it tells progress from none.
    const most = size === 'full' ? 5 : 20
    report.must(`progress within ${most} s`, slowestMs <= most * 1000)
    report.must(
      'every get() returns',
      returned.every(({ status }) => status === 'fulfilled'),
    )
    await scene.quiet()
    await scene.settle()
  },
}
