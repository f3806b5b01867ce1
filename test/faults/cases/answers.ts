// Nobody dies, and answers do not arrive: what was asked was done, and whoever asked has to ask again.
import { setTimeout as sleep } from 'node:timers/promises'
import { chain, chord } from 'lovage'
import { until } from '../../support/until.js'
import { distinct, messageOf, publishedTwice } from '../support/ledger.js'
import type { FaultCase } from '../support/scene.js'
import { Wire } from '../unruly/wire.js'

export const answers: FaultCase = {
  name: 'answers',
  title:
    'answers of Redis are lost, of workers and of a client, under chains and chords that go on being sent',
  play: async (scene, size) => {
    const { report, ledger, random, redis } = scene
    const cuts = size === 'full' ? 200 : 12
    const wires = [await Wire.open(redis.url), await Wire.open(redis.url)] as const
    for (const wire of wires) scene.atEnd(() => wire.close())
    const [near, far] = wires
    near.shortest = 4
    scene.broker = near.url
    scene.backend = near.url
    // Nobody gives up, and no lease ends, however slow the machine is.
    scene.patience = 60
    const { add, total } = scene.client()
    const options = { concurrency: 4, url: far.url, backend: far.url, lease: 60 }
    await Promise.all([scene.worker(options), scene.worker(options)])

    const sent: { readonly id: string; readonly result: number }[] = []
    let isOver = false
    const publishing = (async () => {
      for (let value = 0; !isOver; value++) {
        const { id } = await (value % 2 === 0
          ? chain(add.s(value, 1, 2), add.s(1, 2), add.s(2, 2))
          : chord([add.s(value, 1, 2), add.s(1, 2, 2)], total.s())
        ).delay()
        sent.push({ id, result: value + 4 })
        // Not more than what is being worked on.
        await scene.ended(3 * sent.length - 30)
      }
    })()
    publishing.catch(() => undefined)
    for (let cut = 0; cut < cuts; cut++) {
      const wire = random.pick(wires)
      wire.cuts = 1
      const sofar = sent.length
      const isCut = until(() => wire.cuts === 0 && sent.length > sofar, { timeout: 60_000, interval: 2 })
      await Promise.race([isCut, publishing])
      await sleep(random.whole(0, 20))
    }
    isOver = true
    await publishing

    const ids = sent.map(({ id }) => id)
    const missing = await scene.finished(ids)
    const metas = await scene.results(ids)
    const right = metas.filter(
      (meta, index) => meta?.status === 'SUCCESS' && meta.result === sent[index]?.result,
    ).length
    const starts = ledger.starts()
    const messages = distinct(starts.map(messageOf))
    report.inject(`${cuts} connections that end in the middle of an answer, of either wire`)
    report.count('canvases of three', sent.length)
    report.count('lost', missing.length)
    report.count('messages', messages)
    report.count('starts', starts.length)
    report.must('0 lost: every canvas has its right result', right === sent.length)
    report.must('each message was sent', messages === 3 * sent.length)
    report.must('and ran once, since nobody died', starts.length === messages)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
