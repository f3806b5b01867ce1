// A task that takes its worker along, each time: it becomes a dead letter, and its neighbours do not.
import { chord } from 'lovage'
import { type FaultCase, range } from '../support/scene.js'

export const poison: FaultCase = {
  name: 'poison',
  title: 'a task that kills its worker each time, among slow neighbours',
  play: async (scene, size) => {
    const { report, ledger } = scene
    const [maxDeliveries, ms] = size === 'full' ? [5, 200] : [3, 100]
    const concurrency = 10
    const client = scene.client()
    // It strikes while its neighbours are in the middle of their work, and it is a chord's part, so that somebody waits.
    const header = [client.poison.s(50), client.add.s(1, 2)]
    const chorded = await chord(header, client.total.s()).delay()
    const neighbours = await Promise.all(range(30).map((value) => client.nap.delay(value, ms)))
    const ids = [chorded.id, ...neighbours.map(({ id }) => id)]
    let deaths = 0
    let done = false
    const all = scene.finished(ids, 60_000).finally(() => {
      done = true
    })
    const supervise = async (): Promise<void> => {
      while (!done) {
        const worker = scene.launch({ concurrency, maxDeliveries, lease: 1 })
        await Promise.race([worker.exited, all])
        if (!done) deaths++
      }
    }
    await supervise()
    const missing = await all
    const [body, ...rest] = await scene.results(ids)
    const right = rest.filter((meta, index) => meta?.status === 'SUCCESS' && meta.result === index).length
    const starts = ledger.starts('poison').length
    report.inject(
      `a task that kills its worker (concurrency ${concurrency}) under 31 neighbours, started again each time`,
    )
    report.count('workers that died', deaths)
    report.count('starts of the poison', starts)
    report.count('neighbours with their result', right)
    report.must('everything ends', missing.length === 0)
    report.must('no neighbour is lost', right === neighbours.length)
    report.must(
      `the poison starts ${maxDeliveries} or ${maxDeliveries + 1} times`,
      [0, 1].includes(starts - maxDeliveries),
    )
    report.must('who waits for it is told', body?.status === 'FAILURE')
    report.must('it is the only dead letter', (await scene.outside.zcard('lovage:dead')) === 1)
    await scene.outside.del('lovage:dead')
    await scene.settle()
  },
}
