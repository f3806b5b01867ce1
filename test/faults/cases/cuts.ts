// P10: every connection is cut, again and again.
import { setTimeout as sleep } from 'node:timers/promises'
import { cutAll } from '../../support/cut.js'
import { publishedTwice } from '../support/ledger.js'
import { type FaultCase, range } from '../support/scene.js'

const everyMs = 1500

export const p10: FaultCase = {
  name: 'P10',
  title: 'CLIENT KILL of every connection each 1.5 s, ×15, under 1 000 tasks of 30 ms',
  play: async (scene, size) => {
    const { report, ledger, outside } = scene
    const [many, cuts] = size === 'full' ? [1000, 15] : [160, 2]
    const { nap } = scene.client()
    await scene.worker({ concurrency: 4 })

    // Half lies there before; half is published while connections break, the publisher's own among them.
    // Each is waited for, too, by one that loses its connection as often.
    const ids: string[] = []
    const waits: Promise<number>[] = []
    const send = async (value: number) => {
      const result = await nap.delay(value, 30)
      ids[value] = result.id
      waits[value] = result.get({ timeout: 90 }).catch(() => Number.NaN)
    }
    await Promise.all(range(many / 2).map(send))
    let killed = 0
    const publishing = (async () => {
      for (let value = many / 2; value < many; value++) {
        await send(value)
        await sleep((0.9 * cuts * everyMs) / (many / 2))
      }
    })()
    for (let cut = 0; cut < cuts; cut++) {
      await sleep(everyMs)
      killed += await cutAll(outside)
    }
    await publishing
    const missing = await scene.finished(ids)
    const got = (await Promise.all(waits)).filter((value, index) => value === index).length
    const metas = await scene.results(ids)
    const right = metas.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
    const starts = ledger.starts()
    report.inject(
      `${cuts} × CLIENT KILL of every connection, each ${everyMs / 1000} s; half of the tasks sent meanwhile`,
    )
    report.count('connections killed', killed)
    report.count('tasks', many)
    report.count('with their result', right)
    report.count('given to who waited', got)
    report.count('lost', missing.length)
    report.count('starts', starts.length)
    report.must('0 lost', right === many)
    report.must('every get() returned its result', got === many)
    report.must('every task ran exactly once', starts.length === many)
    report.must('no message was published twice', publishedTwice(starts) === 0)
    await scene.settle()
  },
}
